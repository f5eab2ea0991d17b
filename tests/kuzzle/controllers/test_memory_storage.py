"""What the table of tests/actions/ms.py does not say of the controller `ms`."""

from __future__ import annotations

import pytest
from harness import Server

from kuzzle.catalogue import Catalogue


async def test_the_controller_has_two_names(server: Server) -> None:
    websocket = await server.websocket()
    assert (await websocket.request("memoryStorage", "set", _id="a", body={"value": "1"}))["result"] == "OK"
    answer = await websocket.request("ms", "get", _id="a")
    assert (answer["controller"], answer["result"]) == ("ms", "1")
    shown = (await server.http("GET", "/_publicApi")).result
    assert len(shown["ms"]) == 117
    assert {name: action["http"] for name, action in shown["ms"].items()} == {
        name: action["http"] for name, action in shown["memoryStorage"].items()
    }
    assert shown["memoryStorage"]["get"]["controller"] == "memoryStorage"


async def test_pipes_of_both_names_are_those_of_ms(server: Server) -> None:
    assert Catalogue.load(1).find("memoryStorage", "get") is not None
    fired = []

    async def watch(request: object) -> object:
        fired.append(request)
        return request

    server.app.events.add_pipe("ms:beforeGet", watch)
    websocket = await server.websocket()
    for controller in ("ms", "memoryStorage"):
        assert (await websocket.request(controller, "get", _id="a"))["status"] == 200
    assert len(fired) == 2


@pytest.mark.parametrize("action", ["bgsave", "bgrewriteaof"])
async def test_some_routes_lead_to_no_action(server: Server, action: str) -> None:
    reply = await server.http("POST", f"/ms/_{action}")
    assert (reply.status, reply.error_id) == (404, "api.process.action_not_found")


@pytest.mark.parametrize("action", ["eval", "config", "shutdown", "flushall", "debug", "GET", "mexecute", "set range"])
async def test_commands_that_the_api_does_not_name_cannot_be_reached(server: Server, action: str) -> None:
    websocket = await server.websocket()
    answer = await websocket.request("ms", action, _id="a", body={})
    assert (answer["status"], answer["error"]["id"]) == (404, "api.process.action_not_found")


async def test_a_name_with_an_underscore_is_an_action_and_any_other_a_key(server: Server) -> None:
    await server.http("POST", "/ms/_set/ping", {"value": "a key"})
    assert (await server.http("GET", "/ms/ping")).result == "a key"
    assert (await server.http("GET", "/ms/_ping")).result == "PONG"


async def test_resetting_the_cache_of_clients_leaves_that_of_the_server(server: Server) -> None:
    await server.http("POST", "/ms/_set/a", {"value": "1"})
    reply = await server.http("POST", "/admin/_resetCache?database=internalCache")
    assert reply.status == 200
    assert (await server.http("GET", "/ms/a")).result == "1"
    reply = await server.http("POST", "/admin/_resetCache?database=memoryStorage")
    assert reply.result == {"acknowledge": True}
    assert (await server.http("GET", "/ms/a")).result is None


async def test_keys_and_values_may_be_any_text(server: Server) -> None:
    websocket = await server.websocket()
    for text in ("", "\0", "é\U0001f600", "a\r\nb", "*3\r\n", "x" * 100_000):
        assert (await websocket.request("ms", "set", _id=text, body={"value": text}))["result"] == "OK"
        assert (await websocket.request("ms", "get", _id=text))["result"] == text
        assert (await websocket.request("ms", "exists", keys=[text]))["result"] == 1


@pytest.mark.parametrize(
    ("action", "members", "text"),
    [
        ("get", {}, 'Missing argument "key".'),
        ("set", {"body": {"value": "a"}}, 'Missing argument "_id".'),
        ("set", {"_id": "a"}, "The request must specify a body."),
        ("set", {"_id": "a", "body": {}}, 'Wrong type for argument "value" (expected: string, number)'),
        ("set", {"_id": "a", "body": {"value": True}}, 'Wrong type for argument "value" (expected: string, number)'),
        ("append", {"_id": "a"}, 'Missing argument "value".'),
        ("append", {"_id": "a", "body": {"value": None}}, 'Missing argument "value".'),
        ("bitop", {"body": {"operation": "NOT", "keys": ["a"]}}, 'Missing argument "destkey".'),
        ("lindex", {"_id": "a"}, 'Missing argument "index".'),
        ("zremrangebyrank", {"_id": "a", "body": {"stop": 1}}, 'Missing argument "min".'),
        ("zadd", {"_id": "a", "body": {}}, 'Missing argument "body.elements".'),
        ("zadd", {"_id": "a", "body": {"elements": [{"score": 1}]}}, 'Missing argument "elements[0].member".'),
        ("zunionstore", {"_id": "a", "body": {}}, 'Missing argument "body.keys".'),
        ("zunionstore", {"_id": "a", "body": {"keys": []}}, 'The argument "keys" is empty.'),
        (
            "zunionstore",
            {"_id": "a", "body": {"keys": ["a"], "aggregate": "mean"}},
            'Invalid argument "aggregate". Expected: "SUM", "MIN" or "MAX"',
        ),
        ("sort", {"_id": "a", "body": {"direction": "up"}}, 'Invalid argument "direction". Expected: "ASC", "DESC"'),
        ("sort", {"_id": "a", "body": {"limit": [1]}}, 'Invalid argument "limit". Expected: <offset, count>'),
        ("sort", {"_id": "a", "body": {"get": "a"}}, 'Wrong type for argument "body.get" (expected: array)'),
        ("mset", {"body": {"entries": "a"}}, 'Wrong type for argument "body.entries" (expected: array)'),
        ("mset", {"body": {"entries": [{"key": "a"}]}}, 'Invalid argument "entries". Expected: object[]'),
        ("geoadd", {"_id": "a", "body": {"points": []}}, 'The argument "points" is empty.'),
        (
            "geoadd",
            {"_id": "a", "body": {"points": [{"lon": 1}]}},
            'Invalid argument "points". Expected: {lat, lon, name}[]',
        ),
        ("scan", {"cursor": 0, "match": ["a"]}, 'Wrong type for argument "match" (expected: <string>)'),
        ("scan", {"cursor": 0, "count": "a"}, 'Wrong type for argument "count" (expected: integer)'),
        (
            "set",
            {"_id": "a", "body": {"value": 1, "nx": True, "xx": True}},
            'Arguments "nx" and "xx" are mutually exclusive',
        ),
        ("incr", {"_id": "text"}, "ERR value is not an integer or out of range"),
        ("llen", {"_id": "text"}, "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("sadd", {"_id": "a"}, "ERR wrong number of arguments for 'sadd' command"),
    ],
)
async def test_refusals_say_what_kuzzle_says(
    server: Server, action: str, members: dict[str, object], text: str
) -> None:
    websocket = await server.websocket()
    await websocket.request("ms", "set", _id="text", body={"value": "hello"})
    error = (await websocket.request("ms", action, **members))["error"]
    assert (error["status"], error["message"]) == (400, text)
