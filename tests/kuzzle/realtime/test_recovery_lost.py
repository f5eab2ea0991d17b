"""Real clients that lose, while their recovery waits for its answer, what it takes: token, right, room, connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from harness import Server
from people import CHEAP_PASSWORDS, PASSWORD
from plain_rights import role_of
from talkers import Talker, talker
from web_stage import until

PROTOCOLS = ("websocket", "socketio", "mqtt")
BOOKS = {"index": "library", "collection": "books"}
LISTENER = {"realtime": {"subscribe": True, "unsubscribe": True}, "server": {"now": True}, "auth": {"logout": True}}


@pytest.fixture
def keeping(start_server: Callable[..., Server]) -> Server:
    """A server whose library has history, and whose passwords cost little."""
    history = {"collections": {"library": {"*": {"size": 5000, "time": 600_000}}}}
    return start_server({"realtime": {"history": history}, "security": {"passwords": CHEAP_PASSWORDS}})


class HeldAnswer:
    """A pipe that holds the answers to subscriptions until it is told to go on."""

    def __init__(self, server: Server) -> None:
        self.has_begun = asyncio.Event()
        self.go_on = asyncio.Event()
        server.app.events.add_pipe("realtime:afterSubscribe", self._wait)

    async def _wait(self, result: Any) -> Any:
        self.has_begun.set()
        await self.go_on.wait()
        return result


async def create(server: Server, *numbers: int) -> None:
    for number in numbers:
        reply = await server.http("POST", f"/library/books/{number}/_create", {"number": number})
        assert reply.status == 200


async def log_in(server: Server, client: Talker) -> str:
    """Make a user who may listen, and log it in; the token."""
    await server.http("PUT", "/roles/listener", role_of(LISTENER))
    await server.http("PUT", "/profiles/listeners", {"policies": [{"roleId": "listener"}]})
    credentials = {"local": {"username": "ada", "password": PASSWORD}}
    user = {"content": {"profileIds": ["listeners"]}, "credentials": credentials}
    assert (await server.http("POST", "/users/ada/_create", user)).status == 200
    answer = await client.ask("auth", "login", strategy="local", body=credentials["local"])
    return str(answer["result"]["jwt"])


@asynccontextmanager
async def recovering(
    server: Server, client: Talker, *, jwt: str | None = None
) -> AsyncIterator[tuple[HeldAnswer, asyncio.Future[dict[str, Any]], str]]:
    """Subscribe, let two books be said, and recover them: the answer is held, the request and the room come with it."""
    by = {} if jwt is None else {"jwt": jwt}
    made = (await client.subscribe({}, **by))["result"]
    await create(server, 1, 2)
    await client.ask("server", "now")
    assert [one["offset"] for one in client.notifications] == [1, 2]
    client.notifications.clear()
    held = HeldAnswer(server)
    last = {"epoch": made["epoch"], "offset": 0}
    asking = asyncio.ensure_future(client.subscribe({}, recover=last, **by))
    await held.has_begun.wait()
    await create(server, 3)
    assert server.app.realtime.news.replays
    yield held, asking, made["roomId"]
    assert_nothing_waits(server)


def assert_nothing_waits(server: Server) -> None:
    assert not server.app.realtime.news.replays
    (mqtt,) = (protocol for protocol in server.app.protocols if protocol.name == "mqtt")
    assert mqtt._held == {}  # type: ignore[attr-defined]


async def hears_nothing(server: Server, client: Talker, *numbers: int) -> None:
    """Let books be said that the client must not hear, nor anything before them."""
    await create(server, *numbers)
    for _ in range(3):
        await client.ask("server", "now")
    assert [one for one in client.notifications if one["type"] == "document"] == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_who_logs_out_meanwhile_gets_nothing(keeping: Server, protocol: str) -> None:
    await keeping.prepare()
    async with talker(keeping, protocol) as client, talker(keeping, "websocket") as other:
        token = await log_in(keeping, client)
        async with recovering(keeping, client, jwt=token) as (held, asking, _):
            assert (await other.ask("auth", "logout", jwt=token))["status"] == 200
            held.go_on.set()
            await asking
            await hears_nothing(keeping, client, 4)
        assert [one["type"] for one in client.notifications] == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_whose_token_ends_meanwhile_is_told_so_and_gets_nothing(keeping: Server, protocol: str) -> None:
    await keeping.prepare()
    async with talker(keeping, protocol) as client:
        text = await log_in(keeping, client)
        async with recovering(keeping, client, jwt=text) as (held, asking, _):
            token = keeping.app.tokens.find(text)
            assert token is not None
            keeping.app.realtime.end_token(token.id, is_expired=True)  # what the clock of the tokens calls
            held.go_on.set()
            await asking
            await hears_nothing(keeping, client, 4)
        assert [one["type"] for one in client.notifications] == ["TokenExpired"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_who_loses_the_right_meanwhile_gets_nothing(keeping: Server, protocol: str) -> None:
    await keeping.prepare()
    async with talker(keeping, protocol) as client:
        token = await log_in(keeping, client)
        async with recovering(keeping, client, jwt=token) as (held, asking, _):
            await keeping.http("PUT", "/roles/listener", role_of({"server": {"now": True}}))
            await until(lambda: keeping.app.realtime.subscriptions == 0)
            held.go_on.set()
            await asking
            await hears_nothing(keeping, client, 4)


async def test_who_leaves_the_room_meanwhile_gets_nothing(keeping: Server) -> None:
    await keeping.prepare()
    async with talker(keeping, "websocket") as client, recovering(keeping, client) as (held, asking, room_id):
        left = await client.ask("realtime", "unsubscribe", body={"roomId": room_id})
        assert left["status"] == 200
        held.go_on.set()
        await asking
        await hears_nothing(keeping, client, 4)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_nothing_is_left_of_who_is_gone_meanwhile(keeping: Server, protocol: str) -> None:
    await keeping.prepare()
    async with talker(keeping, "websocket") as other, AsyncExitStack() as stack:
        made = (await other.subscribe({}))["result"]
        client = await stack.enter_async_context(talker(keeping, protocol))
        async with recovering(keeping, client) as (held, asking, _):
            asking.cancel()
            await stack.aclose()
            await until(lambda: keeping.app.realtime.subscriptions == 1)
        held.go_on.set()
        await create(keeping, 4)
        await other.ask("server", "now")
        assert [one["offset"] for one in other.notifications] == [1, 2, 3, 4]
        async with talker(keeping, protocol) as back:
            answer = await back.subscribe({}, recover={"epoch": made["epoch"], "offset": 2})
            assert answer["result"]["recovered"]
            await back.ask("server", "now")
            assert [one["offset"] for one in back.notifications] == [3, 4]
        assert keeping.app.realtime.news.replays._held == {}
