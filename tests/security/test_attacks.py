"""What an attacker tries, one test an attack. Others stand where their subject is: guessing of passwords in
`kuzzle/controllers/test_auth.py`, forged tokens in `kuzzle/security/test_signatures.py`, floods of frames and
packets in `protocols/` and `conformance/`, paths of dumps in `kuzzle/controllers/test_admin_dump.py`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import tornado.httpclient
import tornado.websocket
from harness import Server, WebSocket
from people import CHEAP_PASSWORDS, PASSWORD, add_user, bearer, login
from talkers import talker

SECRET = "a secret of the operator, 32 bytes or more"


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server with a secret, whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS, "jwt": {"secret": SECRET}}})


async def known(server: Server, name: str, rights: dict[str, Any], *places: dict[str, Any]) -> str:
    """Make a user with a role of its own, restricted to places; return a token."""
    policy = {"roleId": name, "restrictedTo": list(places)} if places else {"roleId": name}
    for path, body in (
        (f"/roles/{name}", {"controllers": rights}),
        (f"/profiles/{name}", {"policies": [policy]}),
    ):
        assert (await server.http("PUT", path, body)).status == 200
    await add_user(server, name, name)
    return str((await login(server, name))["jwt"])


async def asked(server: Server, token: str, controller: str, action: str, **members: Any) -> dict[str, Any]:
    """Ask over a new WebSocket."""
    client: WebSocket = await server.websocket()
    return await client.request(controller, action, jwt=token, **members)


def refusal(answer: dict[str, Any]) -> tuple[int, str | None]:
    return answer["status"], (answer["error"] or {}).get("id")


ALL = {"actions": {"*": True}}
FORBIDDEN = (403, "security.rights.forbidden")


@pytest.mark.parametrize("protocol", ["websocket", "socketio", "mqtt"])
async def test_json_without_bottom_hurts_nobody(server: Server, protocol: str) -> None:
    deep: Any = "x"
    for _ in range(900):  # what the clients' own writers can still write
        deep = [deep]
    await server.prepare()
    async with talker(server, protocol) as client:
        answer = await client.create("deep", {"deep": deep})
        assert answer["status"] in (200, 400)
        assert (await client.ask("server", "now"))["status"] == 200


async def test_json_of_a_hundred_thousand_brackets_is_refused(server: Server) -> None:
    body = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    reply = await server.http("POST", "/library/books/_create", body, {"Content-Type": "application/json"})
    assert reply.status == 400
    assert (await server.http("GET", "/_now")).status == 200


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)+b", "(a*)*b", "a{0,500}a{0,500}a{0,500}b"])
async def test_a_pattern_without_end_ends(server: Server, pattern: str) -> None:
    """Each of these takes a backtracking engine longer than any test may last."""
    await server.prepare()
    client = await server.websocket()
    target = {"index": "library", "collection": "books"}
    listened = await client.request("realtime", "subscribe", **target, body={"regexp": {"title": pattern}})
    assert listened["status"] in (200, 400)
    body = {"title": "a" * 5000}
    created = await client.request("document", "create", **target, _id="a", body=body, refresh="wait_for")
    assert created["status"] == 200
    query = {"query": {"regexp": {"title.keyword": pattern}}}
    await client.request("collection", "updateMapping", **target, body={"properties": {"word": {"type": "keyword"}}})
    await client.request("document", "update", **target, _id="a", body={"word": "a" * 5000}, refresh="wait_for")
    query = {"query": {"regexp": {"word": pattern}}}
    found = await client.request("document", "search", **target, body=query)
    assert found["status"] in (200, 400)
    assert found["status"] == 400 or found["result"]["total"] == 0


async def test_nobody_signs_a_document_in_the_name_of_another(server: Server) -> None:
    await server.prepare()
    token = await known(server, "bob", {"document": ALL})
    body = {"title": "Emma", "_kuzzle_info": {"author": "admin", "createdAt": 1, "active": False}}
    for action in ("create", "createOrReplace", "replace", "update"):
        answer = await asked(
            server, token, "document", action, index="library", collection="books", _id=action, body=body
        )
        if action in ("replace", "update"):
            await asked(server, token, "document", "create", index="library", collection="books", _id=action, body={})
            answer = await asked(
                server, token, "document", action, index="library", collection="books", _id=action, body=body
            )
        assert answer["status"] == 200, answer
        read = await asked(server, token, "document", "get", index="library", collection="books", _id=action)
        assert read["result"]["_meta"].get("author") != "admin"
        assert read["result"]["_meta"].get("active") is not False


async def test_nobody_gives_themselves_profiles(server: Server) -> None:
    token = await known(
        server, "bob", {"auth": ALL, "security": {"actions": {"createRestrictedUser": True}}, "server": ALL}
    )
    answer = await asked(server, token, "auth", "updateSelf", body={"profileIds": ["admin"]})
    assert answer["status"] == 400
    body = {
        "content": {"profileIds": ["admin"]},
        "credentials": {"local": {"username": "eve", "password": PASSWORD}},
    }
    answer = await asked(server, token, "security", "createRestrictedUser", body=body)
    assert answer["status"] == 400
    me = await asked(server, token, "auth", "getCurrentUser")
    assert me["result"]["_source"]["profileIds"] == ["bob"]


@pytest.fixture
def closed_server(start_server: Callable[..., Server]) -> Server:
    """A server for the pages of one host."""
    return start_server({"protocols": {"websocket": {"origins": "shop.example:443"}}})


async def test_pages_of_other_origins_open_no_websocket(closed_server: Server) -> None:
    async def status(origin: str | None) -> int:
        headers = {} if origin is None else {"Origin": origin}
        url = f"ws://localhost:{closed_server.port('websocket')}/"
        try:
            websocket = await tornado.websocket.websocket_connect(tornado.httpclient.HTTPRequest(url, headers=headers))
        except tornado.httpclient.HTTPClientError as refused:
            return refused.code
        websocket.close()
        return 101

    assert await status("https://shop.example") == 101
    assert await status(None) == 101
    for stranger in ("https://evil.example", "http://shop.example", "https://shop.example.evil.example", "null"):
        assert await status(stranger) == 403


@pytest.mark.parametrize("name", ["a\r\nX-Evil: 1", "a\x00b", "#", "+", "a/b", "a/#", "../a", "%a", "a,b", "*", "_all"])
async def test_names_lead_nowhere_else(server: Server, name: str) -> None:
    """Neither headers nor topics nor paths nor other indexes are reached through the name of an index."""
    client = await server.websocket()
    assert (await client.request("index", "create", index=name))["status"] == 400
    published = await client.request("realtime", "publish", index=name, collection="books", body={})
    assert published["status"] in (200, 400)
    listed = await client.request("index", "list")
    assert listed["result"]["indexes"] == []


async def test_secrets_are_read_nowhere(server: Server) -> None:
    client = await server.websocket()
    for controller, action, members in (
        ("server", "getConfig", {}),
        ("server", "info", {}),
        ("server", "publicApi", {}),
        ("server", "getStats", {"startTime": 0}),
        ("auth", "login", {"strategy": "local", "body": {"username": "x", "password": "y"}}),
        ("document", "get", {"index": "%kuzzle", "collection": "config", "_id": "security.jwt.secret"}),
    ):
        answer = await client.request(controller, action, **members)
        assert SECRET not in json.dumps(answer)
    await server.http("POST", "/admin/_dump?refresh=wait_for&suffix=x", None)
    dumped = [path for path in server.folder.rglob("*") if path.is_file() and "dump" in str(path)]
    assert dumped
    assert all(SECRET.encode() not in path.read_bytes() for path in dumped)


@pytest.mark.parametrize("index", ["%kuzzle", "%25kuzzle"])
async def test_internal_collections_are_reached_by_no_door(server: Server, index: str) -> None:
    await add_user(server, "ann", "admin")
    for path in (f"/{index}/users/_search", f"/{index}/users/ann", f"/{index}/users/_count"):
        verb = "GET" if path.endswith("ann") else "POST"
        reply = await server.http(verb, path, None if verb == "GET" else {})
        assert reply.status >= 400
        assert b"profileIds" not in reply.body


async def test_nobody_reads_on_in_the_search_of_another(server: Server) -> None:
    await server.prepare()
    for name in "abc":
        await server.http("PUT", f"/library/books/{name}?refresh=wait_for", {"title": name})
    ann, bob = await known(server, "ann", {"*": ALL}), await known(server, "bob", {"*": ALL})
    search = {"index": "library", "collection": "books", "scroll": "1m", "size": 1, "body": {}}
    page = await asked(server, ann, "document", "search", **search)
    scroll_id = page["result"]["scrollId"] if "scrollId" in page["result"] else page["result"]["_scroll_id"]
    stolen = await asked(server, bob, "document", "scroll", scrollId=scroll_id)
    assert stolen["status"] == 404
    assert (await asked(server, ann, "document", "scroll", scrollId=scroll_id))["status"] == 200


async def test_nobody_joins_a_room_on_what_they_may_not_hear(server: Server) -> None:
    await server.prepare()
    await server.prepare("open", "board")
    ann = await known(server, "ann", {"*": ALL})
    bob = await known(server, "bob", {"realtime": ALL, "server": ALL}, {"index": "open"})
    client = await server.websocket()
    room = await client.request("realtime", "subscribe", jwt=ann, index="library", collection="books", body={})
    spy = await server.websocket()
    for members in ({}, {"index": "open", "collection": "board"}):
        body = {"roomId": room["result"]["roomId"]}
        assert refusal(await spy.request("realtime", "join", jwt=bob, body=body, **members)) == FORBIDDEN
    await server.http("POST", "/library/books/emma/_create", {"title": "Emma"})
    await client.notification()
    await spy.settle()
    assert spy.notifications.empty()


@pytest.mark.parametrize("index", ["open,library", "*", "_all", "op*", "open/books,library"])
async def test_a_restriction_to_places_is_not_talked_around(server: Server, index: str) -> None:
    await server.prepare()
    await server.prepare("open", "books")
    await server.http("PUT", "/library/books/emma?refresh=wait_for", {"title": "Emma"})
    bob = await known(server, "bob", {"document": ALL}, {"index": "open", "collections": ["books"]})
    answer = await asked(server, bob, "document", "search", index=index, collection="books", body={})
    assert answer["status"] in (400, 403)
    assert "Emma" not in json.dumps(answer)


async def test_nobody_ends_the_session_of_another(server: Server) -> None:
    ann = await known(server, "ann", {"auth": ALL})
    bob = await known(server, "bob", {"auth": ALL})
    assert (await asked(server, bob, "auth", "logout", body={"jwt": ann}, **{"global": True}))["status"] == 200
    me = await asked(server, ann, "auth", "getCurrentUser")
    assert me["result"]["_id"] == "ann"
    assert (await asked(server, bob, "auth", "getCurrentUser"))["status"] == 401
    assert refusal(await asked(server, ann, "security", "revokeTokens", _id="bob")) == FORBIDDEN


async def test_answers_reach_who_asked_though_requests_have_one_id(server: Server) -> None:
    ann, bob = await known(server, "ann", {"auth": ALL}), await known(server, "bob", {"auth": ALL})
    one, other = await server.websocket(), await server.websocket()
    for _ in range(20):
        first = one.request("auth", "getCurrentUser", jwt=ann, requestId="same")
        second = other.request("auth", "getCurrentUser", jwt=bob, requestId="same")
        assert (await first)["result"]["_id"] == "ann"
        assert (await second)["result"]["_id"] == "bob"
    await one.settle()
    assert one.others.empty()


OPERATORS = [{"$gt": ""}, {"query": {"match_all": {}}}, ["ann"], 1, True, {"_id": "ann"}]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("place", ["_id", "jwt", "index", "username", "password"])
async def test_operators_stand_for_no_id_and_no_token(server: Server, operator: Any, place: str) -> None:
    await add_user(server, "ann", "admin")
    messages: dict[str, dict[str, Any]] = {
        "_id": {"controller": "security", "action": "getUser", "_id": operator},
        "jwt": {"controller": "auth", "action": "getCurrentUser", "jwt": operator},
        "index": {"controller": "document", "action": "search", "index": operator, "collection": "books", "body": {}},
        **{
            name: {
                "controller": "auth",
                "action": "login",
                "strategy": "local",
                "body": {"username": "ann", "password": PASSWORD, name: operator},
            }
            for name in ("username", "password")
        },
    }
    connection = await tornado.websocket.websocket_connect(f"ws://localhost:{server.port('websocket')}/")
    await connection.write_message(json.dumps({**messages[place], "requestId": "attack"}))
    answer = json.loads(await connection.read_message() or "")
    connection.close()
    assert answer["status"] in (400, 401), answer
    assert (await server.http("GET", "/_now", headers=bearer("ann"))).status == 401
