"""Clients that are generated: what an added action brings, and the bounds of the Python client, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from harness import Server
from people import CHEAP_PASSWORDS, PASSWORD, add_user

from kuzzle.catalogue import ActionDefinition, Catalogue
from kuzzle.generation.bundle import bundled_schema
from kuzzle.generation.client.api import Api
from kuzzle.generation.client.python.connection import Connection
from kuzzle.generation.client.python.failures import (
    ConnectionLostError,
    RequestTimeoutError,
    SubscriberTooSlowError,
    TokenExpiredError,
    TooManyWaitingError,
)
from kuzzle.generation.client.python.subscription import Subscription
from kuzzle.generation.client.python_client import python_client
from kuzzle.generation.client.typescript_client import typescript_client
from kuzzle.generation.openapi import openapi_document


def test_an_added_action_appears_in_both_clients() -> None:
    specification: dict[str, Any] = {
        "since": "1.0.0",
        "http": [{"verb": "GET", "path": "/_shelf/:shelfName"}],
        "arguments": {"shelfName": {"in": "path", "required": True, "type": "string", "description": "Which one."}},
        "result": {"type": "object", "properties": {"books": {"type": "integer"}}, "required": ["books"]},
        "errors": [],
    }
    added = ActionDefinition("library", "countShelf", "Counts the books of a shelf.", specification)
    definitions = {(each.controller, each.name): each for each in Catalogue.load(1)}
    catalogue = Catalogue({**definitions, ("library", "countShelf"): added})
    api = Api(bundled_schema(catalogue), openapi_document(catalogue))
    python, typescript = python_client(api, {}), typescript_client(api, {})
    method = python["kuzzle_client/controllers/library.py"]
    assert "async def count_shelf(\n        self,\n        shelf_name: str,\n" in method
    assert "-> types.LibraryCountShelfResult:" in method
    assert '("library", "countShelf"): (("GET", "/_shelf/{shelfName}"),),' in python["kuzzle_client/routes.py"]
    assert "async countShelf(\n    shelfName: string,\n" in typescript["src/controllers/library.ts"]
    assert "readonly library = new LibraryController(this);" in typescript["src/client.ts"]


async def test_a_subscription_that_is_not_read_ends_after_what_it_may_hold(server: Server) -> None:
    await server.prepare()
    async with Connection(f"ws://localhost:{server.port('websocket')}", max_queue=2) as client:
        news = await client.stream("realtime", "subscribe", {"index": "library", "collection": "books"}, {}, None)
        for number in range(4):
            place = {"index": "library", "collection": "books", "_id": str(number)}
            await client.request("realtime", "publish", place, {})
        await client.request("server", "now")
        assert [(await anext(news))["result"]["_id"] for _ in range(2)] == ["0", "1"]
        with pytest.raises(SubscriberTooSlowError):
            await anext(news)


BOOKS = {"index": "library", "collection": "books"}


@pytest.fixture
def guarded(start_server: Callable[..., Server]) -> Server:
    """A server whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS}})


async def log_in(client: Connection, expires_in: str) -> None:
    credentials = {"username": "ann", "password": PASSWORD}
    await client.request("auth", "login", {"strategy": "local", "expiresIn": expires_in}, credentials)


async def subscribe(client: Connection, filters: dict[str, Any] | None = None) -> Subscription[Any]:
    return await client.stream("realtime", "subscribe", BOOKS, filters or {}, None)


async def test_the_end_of_a_token_ends_its_subscriptions_with_an_error_and_leaves_the_client(guarded: Server) -> None:
    await guarded.prepare()
    await add_user(guarded, "ann", "admin")
    async with Connection(f"ws://localhost:{guarded.port('websocket')}") as client:
        open_to_all = await subscribe(client, {"exists": "title"})
        told: list[str] = []
        client.on("token_expired", lambda: told.append("expired"))
        await log_in(client, "4s")
        ending = [await subscribe(client) for _ in range(2)]
        for news in ending:
            notification: dict[str, Any] = {}
            while notification.get("type") != "TokenExpired":
                notification = await asyncio.wait_for(anext(news), 30)
            with pytest.raises(TokenExpiredError, match="Expired"):
                await anext(news)
        assert (client.jwt, told, open_to_all.is_ended) == (None, ["expired"], False)
        await log_in(client, "1h")
        again = await subscribe(client)
        await client.request("realtime", "publish", {**BOOKS, "_id": "emma"}, {})
        assert (await asyncio.wait_for(anext(again), 30))["result"]["_id"] == "emma"


async def test_a_logout_ends_the_subscriptions_of_a_token_that_was_exchanged(guarded: Server) -> None:
    await guarded.prepare()
    await add_user(guarded, "ann", "admin")
    async with Connection(f"ws://localhost:{guarded.port('websocket')}") as client:
        await log_in(client, "1h")
        news = await subscribe(client)
        await client.request("auth", "refreshToken")
        await client.request("auth", "logout")
        assert news.is_ended
        assert [each async for each in news] == []


async def test_answers_that_are_waited_for_are_bounded(server: Server) -> None:
    async with Connection(f"ws://localhost:{server.port('websocket')}", max_pending=2) as client:
        calls = (client.request("server", "now") for _ in range(3))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(each) for each in answers] == [dict, dict, TooManyWaitingError]
        assert await client.request("server", "now")


async def test_requests_wait_for_a_lost_server_in_bounded_number_and_time(server: Server) -> None:
    client = Connection(f"ws://localhost:{server.port('websocket')}", timeout_s=2, max_waiting=2)
    with pytest.raises(ConnectionLostError):
        await client.request("server", "now")
    await client.open()
    lost = asyncio.Event()
    client.on("lost", lost.set)
    await server.stop()
    await lost.wait()
    answers = await asyncio.gather(*(client.request("server", "now") for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in answers] == [RequestTimeoutError, RequestTimeoutError, TooManyWaitingError]
    await client.close()
    with pytest.raises(ConnectionLostError):
        await client.request("server", "now")
