"""A token's life on each protocol that is told of things: login, subscription, expiry, the end of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from harness import Server
from people import CHEAP_PASSWORDS, PASSWORD, add_user, until_refused
from talkers import LINES, Talker, talker

REALTIME = ("websocket", "socketio", "mqtt", "lines")
FEW_SECONDS = "4s"


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS}, "protocols": {"lines": LINES}})


async def log_in(client: Talker, username: str, **members: Any) -> str:
    body = {"username": username, "password": PASSWORD}
    answer = await client.ask("auth", "login", strategy="local", body=body, **members)
    assert answer["status"] == 200, answer
    return str(answer["result"]["jwt"])


async def next_of(client: Talker, kind: str) -> dict[str, Any]:
    """The next notification of a type; others are dropped."""
    async with asyncio.timeout(30):
        while True:
            while client.notifications:
                if (found := client.notifications.pop(0))["type"] == kind:
                    return found
            await client.ask("server", "now")
            await asyncio.sleep(0.05)


async def hears(client: Talker, server: Server, name: str) -> bool:
    """Whether a client is told of a new document, by the time it has its next answers."""
    await server.http("POST", f"/library/books/{name}/_create", {"title": "Emma"})
    client.notifications.clear()
    for _ in range(5):
        await client.ask("server", "now")
        await asyncio.sleep(0.02)
    return any(notice.get("result", {}).get("_id") == name for notice in client.notifications)


@pytest.mark.parametrize("protocol", REALTIME)
async def test_the_end_of_a_token_is_told_and_ends_its_subscriptions(server: Server, protocol: str) -> None:
    await server.prepare()
    await add_user(server, "u1")
    async with talker(server, protocol) as client:
        token = await log_in(client, "u1", expiresIn=FEW_SECONDS)
        subscribed = await client.subscribe({}, jwt=token)
        assert subscribed["status"] == 200
        await server.http("POST", "/library/books/b1/_create", {"title": "Emma"})
        assert (await next_of(client, "document"))["result"]["_id"] == "b1"
        notice = await next_of(client, "TokenExpired")
        assert notice["message"] == "Authentication Token Expired"
        if protocol == "websocket":
            assert notice["room"] == subscribed["result"]["channel"]
        assert not await hears(client, server, "b2")
        answer = await client.ask("server", "now", jwt=token)
        assert (answer["status"], answer["error"]["message"]) == (401, "Token expired")
        assert (await client.ask("server", "now"))["status"] == 200, "the connection stays"


@pytest.mark.parametrize("protocol", REALTIME)
async def test_a_logout_ends_subscriptions_without_a_word(server: Server, protocol: str) -> None:
    await server.prepare()
    await add_user(server, "u1")
    async with talker(server, protocol) as client:
        token = await log_in(client, "u1")
        await client.subscribe({}, jwt=token)
        await server.http("POST", "/library/books/b1/_create", {"title": "Emma"})
        await next_of(client, "document")
        assert (await client.ask("auth", "logout", jwt=token))["status"] == 200
        assert not await hears(client, server, "b2")
        assert not [notice for notice in client.notifications if notice["type"] == "TokenExpired"]


@pytest.mark.parametrize("protocol", REALTIME)
async def test_an_exchanged_token_carries_the_subscriptions_on(server: Server, protocol: str) -> None:
    await server.prepare()
    await add_user(server, "u1")
    async with talker(server, protocol) as client:
        old = await log_in(client, "u1", expiresIn=FEW_SECONDS)
        await client.subscribe({}, jwt=old)
        answer = await client.ask("auth", "refreshToken", jwt=old, expiresIn="1h")
        assert answer["status"] == 200
        await until_refused(lambda: client.ask("server", "now", jwt=old), lambda answer: int(answer["status"]))
        await server.http("POST", "/library/books/b1/_create", {"title": "Emma"})
        assert (await next_of(client, "document"))["result"]["_id"] == "b1"
