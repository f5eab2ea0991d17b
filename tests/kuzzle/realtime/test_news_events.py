"""The events of what rooms are told, by real clients."""

from __future__ import annotations

import asyncio
from typing import Any

import jsonschema
from harness import Server
from listeners import Listeners

from kuzzle.schemas import load_schema

DOCUMENT, USER = "core:notify:document", "core:notify:user"
SCHEMAS = {event["name"]: event["payload"][0].get("schema", {}) for event in load_schema("events.json")}
TARGET = {"index": "library", "collection": "books"}
OLD = {"range": {"year": {"lt": 1900}}}


async def told(listeners: Listeners, event: str, count: int) -> list[Any]:
    payloads = await listeners.settle(event, count)
    for payload in payloads:
        jsonschema.validate(payload, SCHEMAS[event])
    return payloads


async def test_documents_are_told_of_with_the_rooms_that_they_come_to_and_leave(
    server: Server, listeners: Listeners
) -> None:
    await server.prepare()
    websocket = await server.websocket()
    old = (await websocket.request("realtime", "subscribe", body=OLD, **TARGET))["result"]["roomId"]
    every = (await websocket.request("realtime", "subscribe", body={}, **TARGET))["result"]["roomId"]
    listeners.hook(DOCUMENT)
    asked = {**TARGET, "_id": "emma", "volatile": {"from": "tests"}}
    await websocket.request("document", "create", body={"year": 1815}, requestId="first", **asked)
    await websocket.request("document", "update", body={"year": 1990}, **asked)
    await websocket.request("document", "delete", **asked)
    await websocket.request("realtime", "publish", body={"year": 2000}, **TARGET)
    while not any(payload["request"]["action"] == "publish" for payload in listeners.of(DOCUMENT)):  # noqa: ASYNC110 - hooks run whenever they like
        await asyncio.sleep(0.001)
    news = await told(listeners, DOCUMENT, 5)
    announced = [each for each in news if each["scope"] == "unknown"]  # before the write was tried
    assert announced[0]["content"] == {"_id": "emma", "_source": {"year": 1815}}
    made, updated, gone, deleted, said = (each for each in news if each["scope"] != "unknown")
    assert sorted(made["rooms"]) == sorted([old, every])
    assert (made["scope"], made["content"]["_id"], made["content"]["_source"]["year"]) == ("in", "emma", 1815)
    assert (made["request"]["requestId"], made["request"]["volatile"]) == ("first", {"from": "tests"})
    assert (updated["rooms"], updated["scope"], updated["request"]["action"]) == ([every], "in", "update")
    assert (gone["rooms"], gone["scope"], gone["content"]) == ([old], "out", {"_id": "emma"})
    assert (deleted["rooms"], deleted["scope"], deleted["request"]["action"]) == ([every], "out", "delete")
    assert (said["rooms"], said["content"]["_source"]["year"]) == ([every], 2000)


async def test_nothing_is_told_of_documents_that_match_no_room(server: Server, listeners: Listeners) -> None:
    await server.prepare()
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", body=OLD, **TARGET)
    listeners.hook(DOCUMENT)
    for number in (2000, 1800):
        await websocket.request("document", "create", body={"year": number}, **TARGET)
    assert {each["content"]["_source"]["year"] for each in await told(listeners, DOCUMENT, 2)} == {1800}


async def test_people_who_come_and_go_are_told_of(server: Server, listeners: Listeners) -> None:
    await server.prepare()
    listeners.hook(USER)
    first, second = await server.websocket(), await server.websocket()
    room = (await first.request("realtime", "subscribe", body={}, users="all", **TARGET))["result"]["roomId"]
    await second.request("realtime", "subscribe", body={}, volatile={"name": "eve"}, **TARGET)
    await second.request("realtime", "unsubscribe", body={"roomId": room})
    came, left = await told(listeners, USER, 2)
    assert (came["room"], came["scope"], came["content"]) == (room, "in", {"count": 2})
    assert (came["request"]["action"], came["request"]["volatile"]) == ("subscribe", {"name": "eve"})
    assert (left["room"], left["scope"], left["content"]) == (room, "out", {"count": 1})


async def test_what_hooks_do_to_it_reaches_nobody(server: Server, listeners: Listeners) -> None:
    await server.prepare()
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", body={}, **TARGET)

    async def spoil(news: dict[str, Any]) -> None:
        news["content"]["_source"].clear()

    server.app.events.add_hook(DOCUMENT, spoil)
    listeners.hook(DOCUMENT)
    reply = await websocket.request("document", "create", body={"year": 1815}, **TARGET)
    await listeners.settle(DOCUMENT)
    assert reply["result"]["_source"]["year"] == 1815
    kept = await server.http("GET", f"/library/books/{reply['result']['_id']}")
    assert kept.result["_source"]["year"] == 1815
