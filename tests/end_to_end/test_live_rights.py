"""A change of rights is in force at once for connections that are open, on each protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from harness import Server
from people import CHEAP_PASSWORDS, PASSWORD
from plain_rights import role_of
from talkers import LINES, Talker, talker

REALTIME = ("websocket", "socketio", "mqtt", "lines")
LISTENER = role_of({"realtime": {"subscribe": True}, "server": {"now": True}, "document": {"count": True}})


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS}, "protocols": {"lines": LINES}})


async def prepare(server: Server) -> None:
    """Make two collections, and a user who may listen to both."""
    await server.prepare()
    await server.http("PUT", "/library/people")
    await server.http("PUT", "/roles/listener", LISTENER)
    await server.http("PUT", "/profiles/listeners", {"policies": [{"roleId": "listener"}]})
    body = {
        "content": {"profileIds": ["listeners"]},
        "credentials": {"local": {"username": "ada", "password": PASSWORD}},
    }
    assert (await server.http("POST", "/users/ada/_create", body)).status == 200


async def log_in(client: Talker) -> str:
    body = {"username": "ada", "password": PASSWORD}
    return str((await client.ask("auth", "login", strategy="local", body=body))["result"]["jwt"])


async def heard(client: Talker, server: Server, *collections: str) -> set[str]:
    """Which of these collections a client is told of, when each has a new document, by its next answers."""
    client.notifications.clear()
    for collection in collections:
        await server.http("POST", f"/library/{collection}/_create", {"n": 1})
    for _ in range(5):
        await client.ask("server", "now")
        await asyncio.sleep(0.02)
    return {notice["collection"] for notice in client.notifications if notice["type"] == "document"}


async def subscribe(client: Talker, collection: str, **members: Any) -> None:
    answer = await client.ask("realtime", "subscribe", index="library", collection=collection, body={}, **members)
    assert answer["status"] == 200, answer


@pytest.mark.parametrize("protocol", REALTIME)
async def test_a_user_whose_profile_is_restricted_hears_of_what_is_left(server: Server, protocol: str) -> None:
    await prepare(server)
    async with talker(server, protocol) as client:
        token = await log_in(client)
        for collection in ("books", "people"):
            await subscribe(client, collection, jwt=token)
        assert await heard(client, server, "books", "people") == {"books", "people"}
        restricted = {"roleId": "listener", "restrictedTo": [{"index": "library", "collections": ["people"]}]}
        await server.http("PUT", "/profiles/listeners", {"policies": [restricted]})
        answer = await client.ask("document", "count", index="library", collection="books", jwt=token)
        assert (answer["status"], answer["error"]["id"]) == (403, "security.rights.forbidden")
        assert await heard(client, server, "books", "people") == {"people"}
        answer = await client.ask("realtime", "subscribe", index="library", collection="books", body={}, jwt=token)
        assert (answer["status"], answer["error"]["id"]) == (403, "security.rights.forbidden")


@pytest.mark.parametrize("protocol", REALTIME)
async def test_a_user_who_is_given_another_profile_hears_nothing_more(server: Server, protocol: str) -> None:
    await prepare(server)
    await server.http("PUT", "/roles/mute", role_of({"server": {"now": True}}))
    await server.http("PUT", "/profiles/mutes", {"policies": [{"roleId": "mute"}]})
    async with talker(server, protocol) as client:
        token = await log_in(client)
        await subscribe(client, "books", jwt=token)
        await subscribe(client, "people")  # as anybody
        assert await heard(client, server, "books", "people") == {"books", "people"}
        await server.http("PUT", "/users/ada/_update", {"profileIds": ["mutes"]})
        assert await heard(client, server, "books", "people") == {"people"}
        assert (await client.ask("server", "now", jwt=token))["status"] == 200
        answer = await client.ask("document", "count", index="library", collection="books", jwt=token)
        assert answer["status"] == 403


@pytest.mark.parametrize("protocol", REALTIME)
async def test_when_everything_is_closed_the_anonymous_hear_nothing_more(server: Server, protocol: str) -> None:
    await prepare(server)
    async with talker(server, protocol) as client:
        token = await log_in(client)
        await subscribe(client, "books")
        await subscribe(client, "people", jwt=token)
        assert await heard(client, server, "books", "people") == {"books", "people"}
        assert (await server.http("POST", "/_createFirstAdmin?reset", {"content": {}})).status == 200
        answer = await client.ask("server", "now")
        assert (answer["status"], answer["error"]["id"]) == (401, "security.rights.unauthorized")
        assert (await client.ask("server", "now", jwt=token))["status"] == 200
        rooms = server.app.realtime.list_rooms()
        assert list(rooms["library"]) == ["people"]


async def test_a_deleted_user_hears_nothing_more(server: Server) -> None:
    await prepare(server)
    async with talker(server, "websocket") as client:
        token = await log_in(client)
        await subscribe(client, "books", jwt=token)
        await server.http("DELETE", "/users/ada")
        assert await heard(client, server, "books") == set()
        answer = await client.ask("server", "now", jwt=token)
        assert (answer["status"], answer["error"]["id"]) == (401, "security.token.invalid")
