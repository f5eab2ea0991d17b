"""realtime: subscribe, unsubscribe, count, list, publish."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Server, WebSocket


async def subscribe(websocket: WebSocket, body: dict[str, Any] | None = None, **members: Any) -> dict[str, str]:
    filters = {} if body is None else body
    where = {"index": "library", "collection": "books", **members}
    reply = await websocket.request("realtime", "subscribe", body=filters, **where)
    assert reply["error"] is None
    result: dict[str, str] = reply["result"]
    return result


async def test_a_subscriber_is_told_what_matches(server: Server) -> None:
    websocket = await server.websocket()
    channel = await subscribe(websocket, {"equals": {"kind": "novel"}})
    assert channel["channel"].startswith(f"{channel['roomId']}-")
    await server.http("POST", "/library/books/_publish", {"kind": "essay"})
    reply = await server.http(
        "POST", "/library/books/_publish?_id=b1", {"kind": "novel", "_kuzzle_info": {"author": "x"}}
    )
    assert reply.result == {"published": True}
    told = await websocket.notification()
    assert told["room"] == channel["channel"]
    assert (told["action"], told["controller"], told["scope"], told["state"]) == ("publish", "realtime", "in", "done")
    assert told["protocol"] == "http"
    assert told["result"]["_id"] == "b1"
    assert told["result"]["_source"]["kind"] == "novel"
    metadata = told["result"]["_source"]["_kuzzle_info"]
    assert metadata["author"] == "-1"
    assert set(metadata) == {"author", "createdAt"}
    await websocket.settle()
    assert websocket.notifications.empty()


async def test_a_message_without_id_tells_none(server: Server) -> None:
    websocket = await server.websocket()
    await subscribe(websocket)
    await websocket.request("realtime", "publish", index="library", collection="books", body={}, volatile={"a": 1})
    told = await websocket.notification()
    assert told["result"]["_id"] is None
    assert told["volatile"] == {"a": 1}


async def test_the_same_filter_is_the_same_room(server: Server) -> None:
    one, other = await server.websocket(), await server.websocket()
    first = await subscribe(one, {"equals": {"a": 1}})
    assert await subscribe(other, {"equals": {"a": 1}}) == first
    counted = await other.request("realtime", "count", body={"roomId": first["roomId"]})
    assert counted["result"] == {"count": 2}
    left = await one.request("realtime", "unsubscribe", body={"roomId": first["roomId"]})
    assert left["result"] == first["roomId"]
    counted = await other.request("realtime", "count", body={"roomId": first["roomId"]})
    assert counted["result"] == {"count": 1}


async def test_other_options_are_another_channel_of_the_room(server: Server) -> None:
    websocket = await server.websocket()
    first = await subscribe(websocket)
    second = await subscribe(websocket, scope="in", users="all", state="all")
    assert first["roomId"] == second["roomId"]
    assert first["channel"] != second["channel"]


async def test_rooms_are_listed_by_index_and_collection(server: Server) -> None:
    websocket = await server.websocket()
    books = await subscribe(websocket)
    authors = await subscribe(websocket, collection="authors")
    other = await subscribe(websocket, index="archive")
    expected = {
        "library": {"books": {books["roomId"]: 1}, "authors": {authors["roomId"]: 1}},
        "archive": {"books": {other["roomId"]: 1}},
    }
    assert (await server.http("GET", "/_listSubscriptions")).result == expected
    in_order = (await server.http("GET", "/_listSubscriptions?sorted")).result
    assert in_order == expected
    assert list(in_order) == ["archive", "library"]
    assert list(in_order["library"]) == ["authors", "books"]
    not_a_flag = await websocket.request("realtime", "list", sorted="yes")
    assert not_a_flag["error"]["id"] == "api.assert.invalid_type"


async def test_a_closed_connection_leaves_its_rooms(server: Server) -> None:
    one, other = await server.websocket(), await server.websocket()
    room = await subscribe(one)
    await subscribe(other, users="all")
    one.close()
    told = await other.notification()
    assert (told["type"], told["user"], told["result"]) == ("user", "out", {"count": 1})
    counted = await other.request("realtime", "count", body={"roomId": room["roomId"]})
    assert counted["result"] == {"count": 1}


@pytest.mark.parametrize(
    ("action", "members", "status", "error_id"),
    [
        ("subscribe", {"index": "library", "collection": "books"}, 400, "api.assert.body_required"),
        ("subscribe", {"index": "library", "body": {}}, 400, "api.assert.missing_argument"),
        ("subscribe", {"collection": "books", "body": {}}, 400, "api.assert.missing_argument"),
        (
            "subscribe",
            {"index": "i", "collection": "c", "body": {}, "scope": "some"},
            400,
            "core.realtime.invalid_scope",
        ),
        (
            "subscribe",
            {"index": "i", "collection": "c", "body": {}, "users": True},
            400,
            "core.realtime.invalid_users",
        ),
        (
            "subscribe",
            {"index": "i", "collection": "c", "body": {}, "state": "open"},
            400,
            "core.realtime.invalid_state",
        ),
        ("subscribe", {"index": "i", "collection": "c", "body": {"equals": {}}}, 400, None),
        ("subscribe", {"index": "i", "collection": "c", "body": {"no such operator": {"a": 1}}}, 400, None),
        ("unsubscribe", {}, 400, "api.assert.body_required"),
        ("unsubscribe", {"body": {}}, 400, "api.assert.missing_argument"),
        ("unsubscribe", {"body": {"roomId": "unknown"}}, 412, "core.realtime.not_subscribed"),
        ("count", {"body": {"roomId": None}}, 400, "api.assert.missing_argument"),
        ("count", {"body": {"roomId": 5}}, 400, "api.assert.invalid_type"),
        ("count", {"body": {"roomId": "unknown"}}, 404, "core.realtime.room_not_found"),
        ("publish", {"index": "i", "collection": "c"}, 400, "api.assert.body_required"),
        ("publish", {"index": "", "collection": "c", "body": {}}, 400, "api.assert.missing_argument"),
    ],
)
async def test_faults_get_their_errors(
    server: Server, action: str, members: dict[str, Any], status: int, error_id: str | None
) -> None:
    websocket = await server.websocket()
    reply = await websocket.request("realtime", action, **members)
    assert (reply["status"], reply["error"].get("id")) == (status, error_id)
