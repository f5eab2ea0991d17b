"""What tests run with a generated client: generated_python.py WEBSOCKET_URL HTTP_URL. Prints a JSON value a line."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from kuzzle_client import (
    Kuzzle,
    NoRouteError,
    PartialError,
    Subscription,
    errors,
    types,
)


def say(value: Any) -> None:
    print(json.dumps(value), flush=True)  # noqa: T201


async def heard(news: Subscription[types.Notification]) -> str | None:
    """Return the id of the next document that is told of."""
    async for notification in news:
        assert notification["type"] == "document"
        return notification["result"]["_id"]
    raise AssertionError("the subscription ended")


async def over_http(url: str) -> None:
    async with Kuzzle(url) as client:
        await client.index.create("library")
        await client.collection.create("library", "books", {"properties": {"year": {"type": "integer"}}})
        await client.auth.login("local", {"username": "ann", "password": "Highbury"})
        created = await client.document.create(
            "library", "books", {"title": "Ünïcödé/&?", "year": 1815}, id="a b/ü?", refresh="wait_for"
        )
        found = await client.document.search("library", "books", {"query": {"term": {"year": 1815}}}, size=5)
        read = await client.document.get("library", "books", created["_id"], volatile={"who": "Änn"})
        try:
            await client.realtime.subscribe("library", "books", {})
        except NoRouteError as error:
            refusal = type(error).__name__
        say([created["_version"], [hit["_id"] for hit in found["hits"]], read["_source"]["title"], refusal])
        author = read.get("_meta", {}).get("author")
        say([author, (await client.auth.get_current_user())["_id"], await client.ms.set("key", {"value": 1})])


async def refusals(client: Kuzzle) -> None:
    seen: list[Any] = []
    try:
        await client.document.create("library", "books", {}, id="a b/ü?")
    except errors.StorageDocumentAlreadyExistsError as error:
        seen.append([error.id, error.status, isinstance(error, errors.BadRequestError), bool(error.message)])
    try:
        await client.document.get("library", "books", "nowhere")
    except errors.NotFoundError as error:
        seen.append(error.id)
    try:
        documents: list[Any] = [{"_id": name, "body": {}} for name in ("fine", "a b/ü?")]
        await client.document.m_create("library", "books", {"documents": documents})
    except PartialError as error:
        seen.append([error.status, len(error.errors), [hit["_id"] for hit in error.result["hits"]]])
    say(seen)


async def over_websocket(url: str) -> None:
    events: asyncio.Queue[str] = asyncio.Queue()
    async with Kuzzle(url, first_pause_s=0.05, longest_pause_s=0.2) as client:
        client.on("lost", lambda: events.put_nowait("lost"))
        client.on("restored", lambda: events.put_nowait("restored"))
        login = await client.auth.login("local", {"username": "ann", "password": "Highbury"})
        assert client.jwt == login["jwt"]
        await refusals(client)
        recent = {"range": {"year": {"gte": 1900}}}
        async with (
            await client.realtime.subscribe("library", "books", recent) as news,
            await client.realtime.subscribe("library", "books", recent, scope="out") as departures,
        ):
            await client.document.create("library", "books", {"year": 1816}, id="old")
            await client.document.create("library", "books", {"year": 1922}, id="new")
            say(await heard(news))
            await client.document.delete("library", "books", "new")
            say([await heard(departures), await heard(news)])
            await departures.close()
            await client.document.create("library", "books", {"year": 1925}, id="newer")
            say(await heard(news))
            say([await events.get(), client.is_connected])
            say(
                [await client.document.exists("library", "books", "newer"), await events.get()]
            )  # waits until it is back
            say(await heard(news))
        await client.auth.logout()
        assert client.jwt is None
    say("ended")


async def main(websocket_url: str, http_url: str) -> None:
    await over_http(http_url)
    await over_websocket(websocket_url)


asyncio.run(main(*sys.argv[1:]))
