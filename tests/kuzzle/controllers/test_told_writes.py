"""What writes of many documents tell: what was written, and of nothing else; and what tells nobody."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Server, WebSocket
from people import add_user, login

BOOKS = {"index": "library", "collection": "books"}
PATH = "/library/books"


async def listener(server: Server) -> WebSocket:
    """Make books with the ids `a` and `b`, and somebody who hears everything about them."""
    await server.prepare()
    await server.http("PUT", f"{PATH}/_mapping", {"properties": {"year": {"type": "integer"}}})
    for name in ("a", "b"):
        assert (await server.http("POST", f"{PATH}/{name}/_create?refresh=wait_for", {"year": 1})).status == 200
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", **BOOKS, body={}, state="all", users="all")
    return websocket


async def heard(websocket: WebSocket, controller: str = "document") -> list[tuple[str, str, str]]:
    """Action, scope and id of each document that was told; all by requests of one controller."""
    await websocket.settle()
    told = [websocket.notifications.get_nowait() for _ in range(websocket.notifications.qsize())]
    assert {one["state"] for one in told} <= {"done"}
    assert {one["volatile"]["by"] for one in told} <= {"me"}
    assert {one["controller"] for one in told} <= {controller}
    return [(one["action"], one["scope"], one["result"]["_id"]) for one in told]


def entry(name: str, **body: Any) -> dict[str, Any]:
    return {"_id": name, "body": body}


WRONG = entry("wrong", year="long ago")


@pytest.mark.parametrize(
    ("controller", "action", "body", "failed", "told"),
    [
        ("document", "mCreate", {"documents": [entry("a"), entry("c"), WRONG]}, 2, [("create", "in", "c")]),
        (
            "document",
            "mCreateOrReplace",
            {"documents": [WRONG, entry("a"), entry("c")]},
            1,
            [("mCreateOrReplace", "in", "a"), ("create", "in", "c")],
        ),
        (
            "document",
            "mReplace",
            {"documents": [entry("gone"), entry("b"), entry("a", year="long ago")]},
            2,
            [("mReplace", "in", "b")],
        ),
        (
            "document",
            "mUpdate",
            {"documents": [entry("a", year=2), entry("gone"), entry("b", year="long ago")]},
            2,
            [("mUpdate", "in", "a")],
        ),
        ("document", "mDelete", {"ids": ["gone", "b"]}, 1, [("delete", "out", "b")]),
        (
            "bulk",
            "mWrite",
            {"documents": [entry("b"), WRONG, entry("c")]},
            1,
            [("mWrite", "in", "b"), ("create", "in", "c")],
        ),
    ],
)
async def test_of_a_batch_that_fails_in_part_only_what_was_written_is_told(
    server: Server, controller: str, action: str, body: dict[str, Any], failed: int, told: list[tuple[str, str, str]]
) -> None:
    websocket = await listener(server)
    writer = await server.websocket()
    members = {"notify": True} if controller == "bulk" else {}
    answer = await writer.request(controller, action, **BOOKS, **members, body=body, volatile={"by": "me"})
    assert answer["status"] == 206
    assert len(answer["error"]["errors"]) == failed
    assert await heard(websocket, controller) == told


@pytest.mark.parametrize(
    ("controller", "action", "members"),
    [
        ("document", "mCreate", {"body": {"documents": [entry("a"), entry("b")]}}),
        ("document", "mReplace", {"body": {"documents": [entry("gone")]}}),
        ("document", "mDelete", {"body": {"ids": ["gone"]}}),
        ("document", "deleteByQuery", {"body": {"query": {"term": {"year": 7}}}}),
        ("bulk", "write", {"_id": "a", "body": {"year": 2}}),
        ("bulk", "write", {"_id": "a", "body": {"year": 2}, "notify": False}),
        ("bulk", "mWrite", {"body": {"documents": [entry("a", year=2)]}}),
        ("bulk", "import", {"body": {"bulkData": [{"index": {"_id": "a"}}, {"year": 2}, {"delete": {"_id": "b"}}]}}),
        ("collection", "truncate", {}),
        ("index", "delete", {}),
        ("document", "validate", {"body": {"year": 2}}),
        ("realtime", "validate", {"body": {"year": 2}}),
    ],
)
async def test_what_writes_nothing_or_is_not_to_be_told_tells_nobody(
    server: Server, controller: str, action: str, members: dict[str, Any]
) -> None:
    websocket = await listener(server)
    writer = await server.websocket()
    answer = await writer.request(controller, action, **BOOKS, **members, volatile={"by": "me"})
    assert answer["status"] in (200, 206), answer
    assert await heard(websocket) == []


async def test_a_deletion_by_query_tells_each_document_that_a_room_matches(server: Server) -> None:
    websocket = await listener(server)
    writer = await server.websocket()
    await writer.request("realtime", "subscribe", **BOOKS, body={"ids": {"values": ["b"]}}, scope="out")
    query = {"query": {"term": {"year": 1}}}
    answer = await writer.request("document", "deleteByQuery", **BOOKS, body=query, volatile={"by": "me"})
    assert sorted(answer["result"]["ids"]) == ["a", "b"]
    assert sorted(await heard(websocket)) == [("delete", "out", "a"), ("delete", "out", "b")]
    assert await heard(writer) == [("delete", "out", "b")]


async def test_an_index_and_a_collection_need_not_exist_to_publish_and_nothing_is_stored(server: Server) -> None:
    websocket = await server.websocket()
    nowhere = {"index": "nowhere", "collection": "nothing"}
    await websocket.request("realtime", "subscribe", **nowhere, body={"ids": {"values": ["m"]}})
    for name in ("m", "other"):
        answer = await websocket.request("realtime", "publish", **nowhere, _id=name, body={}, volatile={"by": "me"})
        assert answer["result"] == {"published": True}
    assert await heard(websocket, "realtime") == [("publish", "in", "m")]
    assert (await server.http("GET", "/nowhere/_exists")).result is False
    refused = await websocket.request("document", "get", **nowhere, _id="m")
    assert refused["status"] == 412


async def test_a_message_has_metadata_of_its_own_that_filters_see(server: Server) -> None:
    websocket = await server.websocket()
    mine = {"and": [{"equals": {"_kuzzle_info.author": "-1"}}, {"range": {"_kuzzle_info.createdAt": {"gt": 0}}}]}
    await websocket.request("realtime", "subscribe", **BOOKS, body=mine)
    await websocket.request("realtime", "subscribe", **BOOKS, body={"exists": "_kuzzle_info.updater"})
    await websocket.request("realtime", "subscribe", **BOOKS, body={"equals": {"_kuzzle_info.author": "somebody"}})
    sent = {"_kuzzle_info": {"author": "somebody", "updater": "somebody"}, "n": 1}
    await websocket.request("realtime", "publish", **BOOKS, body=sent, volatile={"by": "me"})
    await websocket.settle()
    (notification,) = [websocket.notifications.get_nowait() for _ in range(websocket.notifications.qsize())]
    assert set(notification["result"]["_source"]["_kuzzle_info"]) == {"author", "createdAt"}
    assert notification["result"]["_source"]["n"] == 1


async def test_a_message_tells_who_has_sent_it(server: Server) -> None:
    await add_user(server, "ada", "admin")
    token = (await login(server, "ada"))["jwt"]
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", **BOOKS, body={"equals": {"_kuzzle_info.author": "ada"}})
    for members in ({}, {"jwt": token}):
        await websocket.request("realtime", "publish", **BOOKS, body={}, **members)
    await websocket.settle()
    (told,) = [websocket.notifications.get_nowait() for _ in range(websocket.notifications.qsize())]
    assert told["result"]["_source"]["_kuzzle_info"]["author"] == "ada"


async def test_a_write_that_fails_was_pending_all_the_same(server: Server) -> None:
    websocket = await listener(server)
    writer = await server.websocket()
    answer = await writer.request("document", "create", **BOOKS, _id="a", body={"year": 5})
    assert answer["status"] == 400
    await websocket.settle()
    told = [websocket.notifications.get_nowait() for _ in range(websocket.notifications.qsize())]
    assert [(one["action"], one["state"], one["scope"], one["result"]) for one in told] == [
        ("create", "pending", "unknown", {"_source": {"year": 5}, "_id": "a"})
    ]
