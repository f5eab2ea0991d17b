"""Subscriptions of real clients on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from harness import Server
from talkers import talker
from web_stage import until

BOOKS = {"index": "library", "collection": "books"}


async def test_a_subscriber_hears_of_its_own_write_before_the_answer(server: Server) -> None:
    await server.prepare()
    client = await server.websocket()
    made = (await client.request("realtime", "subscribe", **BOOKS, body={"equals": {"title": "Emma"}}))["result"]
    await client.send({"controller": "document", "action": "create", **BOOKS, "_id": "1", "body": {"title": "Emma"}})
    answer = await client.other()  # no request of the harness waits for it, so it lies among the others
    notification = client.notifications.get_nowait()
    assert answer["result"]["_id"] == "1"
    assert notification["room"] == made["channel"]
    assert notification["requestId"] == answer["requestId"]
    assert notification["result"]["_source"]["title"] == "Emma"
    assert notification["result"]["_meta"] == notification["result"]["_source"]["_kuzzle_info"]


async def test_notifications_come_in_the_order_of_the_writes_and_once(server: Server) -> None:
    await server.prepare()
    reader = await server.websocket()
    await reader.request("realtime", "subscribe", **BOOKS, body={})
    writers = [await server.websocket() for _ in range(3)]
    replies = await asyncio.gather(
        *(
            writer.request("document", "createOrReplace", **BOOKS, _id="1", body={"number": number})
            for number in range(20)
            for writer in writers
        )
    )
    versions = [reply["result"]["_version"] for reply in replies]
    await reader.settle()
    heard = [reader.notifications.get_nowait() for _ in range(reader.notifications.qsize())]
    assert len(heard) == 60
    assert heard[0]["action"] == "create"
    assert {notification["action"] for notification in heard[1:]} == {"replace"}
    last = (await reader.request("document", "get", **BOOKS, _id="1"))["result"]
    assert heard[-1]["result"]["_source"] == last["_source"]
    assert sorted(versions) == list(range(1, 61))
    assert last["_version"] == 60


async def test_the_life_of_a_document_as_a_filter_sees_it(server: Server) -> None:
    await server.prepare()
    reader = await server.websocket()
    await reader.request("realtime", "subscribe", **BOOKS, body={"range": {"year": {"gte": 1800, "lt": 1900}}})
    await server.http("POST", "/library/books/1/_create", {"year": 1815, "title": "Emma"})
    await server.http("PUT", "/library/books/1/_update", {"title": "Emma, revised"})
    await server.http("PUT", "/library/books/1/_update", {"year": 1999})
    await server.http("PUT", "/library/books/1", {"year": 1850})
    await server.http("DELETE", "/library/books/1")
    await server.http("POST", "/library/books/_publish", {"year": 1851})
    heard = [await reader.notification() for _ in range(6)]
    assert [(notification["action"], notification["scope"]) for notification in heard] == [
        ("create", "in"),
        ("update", "in"),
        ("update", "out"),
        ("replace", "in"),
        ("delete", "out"),
        ("publish", "in"),
    ]
    assert heard[1]["result"]["_updatedFields"] == ["title"]
    assert heard[2]["result"] == {"_id": "1"}
    assert heard[5]["result"]["_source"]["_kuzzle_info"]["author"] == "-1"
    await reader.settle()
    assert reader.notifications.empty()


async def test_deletions_by_query_and_by_list_are_told(server: Server) -> None:
    await server.prepare()
    for number in range(4):
        await server.http("POST", f"/library/books/{number}/_create?refresh=wait_for", {"number": number})
    reader = await server.websocket()
    await reader.request("realtime", "subscribe", **BOOKS, body={"exists": "number"}, scope="out")
    await server.http("DELETE", "/library/books/_mDelete", {"ids": ["0", "1"]})
    await server.http("DELETE", "/library/books/_query", {"query": {"terms": {"number": [2, 3]}}})
    heard = [await reader.notification() for _ in range(4)]
    assert {notification["action"] for notification in heard} == {"delete"}
    assert sorted(notification["result"]["_id"] for notification in heard) == ["0", "1", "2", "3"]


async def test_a_user_who_vanishes_is_told_and_its_rooms_close(server: Server) -> None:
    watcher, guest = await server.websocket(), await server.websocket()
    room_id = (await watcher.request("realtime", "subscribe", **BOOKS, body={}, users="all"))["result"]["roomId"]
    await guest.request("realtime", "subscribe", **BOOKS, body={}, volatile={"name": "guest"})
    await guest.request("realtime", "subscribe", **BOOKS, body={"exists": "a"})
    entered = await watcher.notification()
    assert (entered["user"], entered["result"], entered["volatile"]) == ("in", {"count": 2}, {"name": "guest"})
    guest.close()
    left = await watcher.notification()
    assert (left["user"], left["result"], left["volatile"]) == ("out", {"count": 1}, {"name": "guest"})
    rooms = (await server.http("GET", "/_listSubscriptions")).result
    assert rooms == {"library": {"books": {room_id: 1}}}
    assert (await watcher.request("realtime", "count", body={"roomId": room_id}))["result"] == {"count": 1}


@pytest.mark.parametrize(
    ("members", "status", "error_id"),
    [
        ({"body": {"match": {"a": "x"}}}, 400, None),
        ({"body": {"equals": {"a": [1]}}}, 400, None),
        ({"body": {"equals": {"a": 1}, "exists": "b"}}, 400, None),
        ({"body": {}, "scope": "some"}, 400, "core.realtime.invalid_scope"),
        ({"body": {}, "users": "some"}, 400, "core.realtime.invalid_users"),
        ({"body": {}, "state": "some"}, 400, "core.realtime.invalid_state"),
        ({"body": {"in": {"a": [str(number) for number in range(300)]}}}, 413, "core.realtime.too_many_terms"),
    ],
)
async def test_a_wrong_subscription_is_refused(
    server: Server, members: dict[str, Any], status: int, error_id: str | None
) -> None:
    client = await server.websocket()
    reply = await client.request("realtime", "subscribe", **BOOKS, **members)
    assert (reply["status"], reply["error"].get("id")) == (status, error_id)
    assert (await client.request("realtime", "list"))["result"] == {}


async def test_a_filter_nested_as_deep_as_json_allows_is_refused(server: Server) -> None:
    client = await server.websocket()
    filters = '{"not":' * 900 + '{"exists":"a"}' + "}" * 900
    text = '{"controller":"realtime","action":"subscribe","index":"i","collection":"c","requestId":"deep","body":%s}'
    await client.send(text % filters)
    assert (await client.other())["status"] == 400
    await client.settle()


def test_the_number_of_rooms_is_an_option(start_server: Callable[..., Server], io_loop: Any) -> None:
    server = start_server({"limits": {"subscriptionRooms": 1}})

    async def fill() -> str:
        client = await server.websocket()
        await client.request("realtime", "subscribe", **BOOKS, body={})
        reply = await client.request("realtime", "subscribe", **BOOKS, body={"exists": "a"})
        error_id: str = reply["error"]["id"]
        return error_id

    assert io_loop.run_sync(fill) == "core.realtime.too_many_rooms"


@pytest.mark.parametrize("protocol", ["websocket", "socketio", "mqtt"])
@pytest.mark.parametrize("users", ["all", "in", "out", "none"])
async def test_users_of_every_protocol_are_told_as_they_come_and_vanish(
    server: Server, protocol: str, users: str
) -> None:
    watcher = await server.websocket()
    made = (await watcher.request("realtime", "subscribe", **BOOKS, body={}, users=users, scope="none"))["result"]
    async with talker(server, protocol) as guest:
        await guest.subscribe({}, volatile={"name": "guest"})
        assert server.app.realtime.count(made["roomId"]) == 2
    await until(lambda: server.app.realtime.count(made["roomId"]) == 1)
    await watcher.settle()
    told = [watcher.notifications.get_nowait() for _ in range(watcher.notifications.qsize())]
    assert [(one["user"], one["action"], one["result"]["count"]) for one in told] == [
        one for one in (("in", "subscribe", 2), ("out", "unsubscribe", 1)) if users in ("all", one[0])
    ]
    assert {one["protocol"] for one in told} <= {protocol}
    assert all(one["volatile"] == {"name": "guest"} for one in told)
