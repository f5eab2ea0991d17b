"""Notifications on their way through pipes, by real clients."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

import pytest
from harness import Server, WebSocket
from listeners import Listeners, raising

import kuzzle.realtime.piped_outlet
from kuzzle.errors import KuzzleError
from kuzzle.notification import Notification

TARGET = {"index": "library", "collection": "books"}


async def subscriber(server: Server, **options: Any) -> WebSocket:
    websocket = await server.websocket()
    assert (await websocket.request("realtime", "subscribe", body={}, **TARGET, **options))["status"] == 200
    return websocket


async def test_a_pipe_changes_what_subscribers_hear_and_nothing_else(server: Server) -> None:
    await server.prepare()
    listeners = Listeners(server.app.events)

    def censor(notification: dict[str, Any]) -> None:
        notification["result"]["_source"]["title"] = "***"

    listeners.pipe("notify:document", censor)
    listeners.pipe("notify:dispatch")
    listeners.hook("notify:document")
    reader = await subscriber(server)
    await server.http("POST", "/library/books/emma/_create", {"title": "Emma"})
    assert (await reader.notification())["result"]["_source"]["title"] == "***"
    assert (await server.http("GET", "/library/books/emma")).result["_source"]["title"] == "Emma"
    assert listeners.of("notify:dispatch")[0]["result"]["_source"]["title"] == "***"
    await listeners.settle("notify:document", 2)


async def test_an_error_of_a_pipe_drops_the_notification_and_is_logged(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    await server.prepare()
    listeners = Listeners(server.app.events)
    reader = await subscriber(server)
    listeners.pipe("notify:document", raising(KuzzleError.without_id(403, "not for you")))
    with caplog.at_level(logging.WARNING):
        await server.http("POST", "/library/books/emma/_create", {"title": "Emma"})
        await listeners.settle("notify:document")
        server.app.events.remove_owner("tests")
        await server.http("POST", "/library/books/next/_create", {"title": "Next"})
    assert (await reader.notification())["result"]["_id"] == "next"
    assert "not for you" in caplog.text


async def test_pipes_that_take_different_times_keep_the_order(server: Server) -> None:
    await server.prepare()
    chance = random.Random(7)

    async def dawdle(notification: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(chance.random() / 100)
        return notification

    server.app.events.add_pipe("notify:document", dawdle)
    reader, writer = await subscriber(server), await server.websocket()
    for number in range(60):
        await writer.request("realtime", "publish", body={"number": number}, **TARGET)
    heard = [(await reader.notification())["result"]["_source"]["number"] for _ in range(60)]
    assert heard == list(range(60))


async def test_users_and_the_server_have_their_events_and_hooks_hear_without_pipes(server: Server) -> None:
    await server.prepare()
    listeners = Listeners(server.app.events)
    for event in ("notify:user", "notify:server", "notify:dispatch"):
        listeners.hook(event)
    reader = await subscriber(server, users="all")
    await subscriber(server, users="none")
    assert (await reader.notification())["type"] == "user"
    assert (await listeners.settle("notify:user"))[0]["user"] == "in"
    expiry = Notification(server.app.entrypoint.api.token_expired_notification())
    server.app.realtime.news.outlet.notify("nobody", ("channel",), expiry)
    assert (await listeners.settle("notify:server"))[0]["type"] == "TokenExpired"
    await listeners.settle("notify:dispatch", 2)


async def test_what_waits_for_a_pipe_that_hangs_is_bounded(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kuzzle.realtime.piped_outlet, "MAX_WAITING", 5)
    await server.prepare()
    gate = asyncio.Event()

    async def hang(notification: dict[str, Any]) -> dict[str, Any]:
        await gate.wait()
        return notification

    server.app.events.add_pipe("notify:document", hang, timeout_ms=0, warn_time_ms=0)
    reader, writer = await subscriber(server), await server.websocket()
    with caplog.at_level(logging.WARNING):
        for number in range(9):
            await writer.request("realtime", "publish", body={"number": number}, **TARGET)
        outlet: Any = server.app.realtime.news.outlet
        assert outlet.dropped == 4
        gate.set()
        heard = [(await reader.notification())["result"]["_source"]["number"] for _ in range(5)]
    assert heard == [0, 1, 2, 3, 4]
    assert caplog.text.count("Notifications are dropped") == 1
