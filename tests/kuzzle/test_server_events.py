"""The events of HTTP, connections, rooms, securities, overload and the start, by real clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from harness import Server
from listeners import Listeners, raising

from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.schemas import load_schema
from kuzzle.security.strategies.registry import Strategies

pytestmark = pytest.mark.usefixtures("check_envelopes_only")
TEAPOT = KuzzleError.without_id(418, "I am a teapot")
TARGET = {"index": "library", "collection": "books"}
SCHEMAS = {event["name"]: event["payload"][0].get("schema", {}) for event in load_schema("events.json")}


async def told(listeners: Listeners, event: str, count: int = 1) -> list[Any]:
    """Wait for an event and hold what it carries to its description."""
    payloads = await listeners.settle(event, count)
    for payload in payloads:
        jsonschema.validate(payload, SCHEMAS[event])
    return payloads


@pytest.mark.parametrize("verb", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_each_verb_of_http_has_its_event_whose_error_is_answered_at_once(
    server: Server, listeners: Listeners, verb: str
) -> None:
    paths = {
        "GET": "/_now",
        "HEAD": "/library/books/a",
        "POST": "/library/_create",
        "PUT": "/library/books",
        "DELETE": "/library",
        "PATCH": "/library",
    }
    listeners.pipe(f"http:{verb.lower()}", raising(TEAPOT))
    listeners.pipe("request:*")
    reply = await server.http(verb, paths.get(verb, "/"), headers={"Content-Length": "0"})
    routed = [route.verb for action in server.app.entrypoint.api.catalogue for route in action.routes]
    assert (reply.status == 418) == (verb in routed or verb == "OPTIONS")
    assert "request:*" not in listeners.names


async def test_a_pipe_of_http_changes_the_request(server: Server, listeners: Listeners) -> None:
    def other(request: Request) -> Request:
        assert (request.controller, request.action) == ("server", "now")
        return Request({"controller": "index", "action": "exists", "index": "library"}, request.connection)

    listeners.pipe("http:get", other)
    listeners.pipe("http:options", lambda request: request.set_header("X-Seen", "yes"))
    assert (await server.http("GET", "/_now")).result is False
    assert (await server.http("OPTIONS", "/")).headers["X-Seen"] == "yes"


async def test_connections_come_and_go(server: Server, listeners: Listeners) -> None:
    listeners.hook("connection:new")
    listeners.hook("connection:remove")
    websocket = await server.websocket()
    await websocket.settle()
    (came,) = await told(listeners, "connection:new")
    assert came["protocol"] == "websocket"
    assert came["headers"]["upgrade"] == "websocket"
    websocket.close()
    assert await told(listeners, "connection:remove") == [came]
    await server.http("GET", "/_now")
    assert (await told(listeners, "connection:remove", 2))[1]["protocol"] == "http"


async def test_rooms_and_subscriptions_tell_of_themselves(server: Server, listeners: Listeners) -> None:
    await server.prepare()
    for event in ("room:new", "room:remove"):
        listeners.hook(event)
    for event in ("addSubscription", "join", "removeRoomForCustomer"):
        listeners.pipe(f"core:hotelClerk:{event}")
    websocket = await server.websocket()
    filters = {"equals": {"a": 1}}
    room_id = (await websocket.request("realtime", "subscribe", body=filters, **TARGET))["result"]["roomId"]
    await websocket.request("realtime", "subscribe", body=filters, scope="in", **TARGET)
    assert await told(listeners, "room:new") == [{**TARGET, "roomId": room_id}]
    first, second = await told(listeners, "core:hotelClerk:addSubscription", 2)
    assert (first["filters"], first["changed"], second["changed"]) == (filters, True, False)
    await websocket.request("realtime", "join", body={"roomId": room_id})
    (joined,) = await told(listeners, "core:hotelClerk:join")
    assert (joined["roomId"], joined["changed"]) == (room_id, False)
    await websocket.request("realtime", "unsubscribe", body={"roomId": room_id})
    (left,) = await told(listeners, "core:hotelClerk:removeRoomForCustomer")
    assert left["room"] == {**TARGET, "roomId": room_id}
    assert left["requestContext"]["connectionId"] == first["connectionId"]
    assert await told(listeners, "room:remove") == [room_id]


async def test_a_pipe_that_refuses_a_subscription_ends_it(server: Server, listeners: Listeners) -> None:
    await server.prepare()
    listeners.pipe("core:hotelClerk:addSubscription", raising(TEAPOT))
    websocket = await server.websocket()
    assert (await websocket.request("realtime", "subscribe", body={}, **TARGET))["status"] == 418
    assert server.app.realtime.room_count == 0
    assert server.app.realtime.subscriptions == 0


async def test_roles_and_profiles_tell_of_their_changes(server: Server, listeners: Listeners) -> None:
    for kind in ("role", "profile"):
        listeners.hook(f"core:{kind}Repository:save")
        listeners.hook(f"core:{kind}Repository:delete")
    controllers = {"*": {"actions": {"*": True}}}
    await server.http("POST", "/roles/reader/_create", {"controllers": controllers})
    await server.http("POST", "/profiles/reader/_create", {"policies": [{"roleId": "reader"}]})
    await server.http("DELETE", "/profiles/reader")
    await server.http("DELETE", "/roles/reader")
    assert await told(listeners, "core:roleRepository:save") == [{"_id": "reader", "controllers": controllers}]
    (saved,) = await told(listeners, "core:profileRepository:save")
    assert (saved["_id"], saved["policies"][0]["roleId"]) == ("reader", "reader")
    assert await told(listeners, "core:roleRepository:delete") == [{"_id": "reader"}]
    assert await told(listeners, "core:profileRepository:delete") == [{"_id": "reader"}]


async def test_indexes_and_collections_that_come_and_go_are_told_once(server: Server, listeners: Listeners) -> None:
    for change in ("add", "remove", "reset"):
        listeners.hook(f"core:indexCache:{change}")
    for _ in range(2):  # the second time there is nothing to make
        await server.http("POST", "/library/_create")
        await server.http("PUT", "/library/books", {"properties": {"title": {"type": "text"}}})
    mappings = {"library": {"books": {}, "films": {}}, "archive": {"books": {}}}
    assert (await server.http("POST", "/admin/_loadMappings?refresh=wait_for", mappings)).status == 200
    await server.http("POST", "/nowhere/_create/books")
    await server.http("DELETE", "/nowhere")
    await server.http("DELETE", "/archive")
    await server.http("DELETE", "/archive")
    assert (await server.http("POST", "/admin/_resetDatabase")).status == 200
    assert await told(listeners, "core:indexCache:remove", 2) == [{"index": "archive"}, {"index": "library"}]
    assert [names for names in await told(listeners, "core:indexCache:add", 5) if names["index"][0] != "%"] == [
        {"index": "library"},
        {"index": "library", "collection": "books"},
        {"index": "library", "collection": "films"},
        {"index": "archive"},
        {"index": "archive", "collection": "books"},
    ]


async def test_the_servers_own_index_is_told_of_when_it_is_made_anew(server: Server, listeners: Listeners) -> None:
    await server.http("POST", "/roles/reader/_create", {"controllers": {"*": {"actions": {"*": True}}}})
    for change in ("add", "remove", "reset"):
        listeners.hook(f"core:indexCache:{change}")
    assert (await server.http("POST", "/admin/_resetKuzzleData")).status == 200
    await server.http("POST", "/roles/reader/_create", {"controllers": {"*": {"actions": {"*": True}}}})
    assert await told(listeners, "core:indexCache:reset") == [{"index": "%kuzzle"}]
    added = await told(listeners, "core:indexCache:add", 2)
    assert added.count({"index": "%kuzzle"}) == 1
    assert added.count({"index": "%kuzzle", "collection": "roles"}) == 1
    assert listeners.of("core:indexCache:remove") == []


@pytest.fixture
def narrow_server(start_server: Callable[..., Server]) -> Server:
    """A server that works on one request at a time and lets eight wait."""
    limits = {"concurrentRequests": 1, "requestsBufferSize": 8, "requestsBufferWarningThreshold": 2}
    return start_server({"limits": limits})


async def test_overload_is_told_in_percent(narrow_server: Server) -> None:
    server = narrow_server
    listeners = Listeners(server.app.events)
    gate = asyncio.Event()

    async def wait(request: Request) -> Request:
        await gate.wait()
        return request

    server.app.events.add_pipe("server:beforeNow", wait)
    listeners.hook("core:overload")
    websocket = await server.websocket()
    calls = [asyncio.ensure_future(websocket.request("server", "now")) for _ in range(7)]
    assert (await told(listeners, "core:overload"))[0] == 37.5
    gate.set()
    assert {answer["status"] for answer in await asyncio.gather(*calls)} == {200}


async def test_the_start_is_told_once_the_doors_are_open(tmp_path: Path) -> None:
    server = Server(tmp_path, {})
    listeners = Listeners(server.app.events)
    listeners.hook("core:kuzzleStart")
    listeners.pipe("core:auth:strategyAdded")
    async with server:
        assert len(await told(listeners, "core:kuzzleStart")) == 1
        names = [event["name"] for event in await told(listeners, "core:auth:strategyAdded")]
        assert names == ["local"]
        listeners.pipe("core:auth:strategyRemoved")
        strategies: Strategies = server.app.credentials.strategies
        await strategies.unregister("local", "kuzzle-plugin-auth-passport-local")
        assert (await told(listeners, "core:auth:strategyRemoved"))[0]["name"] == "local"
