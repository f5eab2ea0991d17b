"""Real clients that lose their connection and come back."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tornado.websocket
from harness import Server
from node import node
from people import add_user, login
from talkers import LINES, talker
from ws_raw import RawWebSocket

from kuzzle.errors import KuzzleError

BOOKS = {"index": "library", "collection": "books"}
HISTORY = {"realtime": {"history": {"collections": {"library": {"*": {"size": 5000, "time": 600_000}}}}}}
PAGE = Path(__file__).parents[3] / "docs" / "realtime.md"


@pytest.fixture
def keeping(start_server: Callable[..., Server]) -> Server:
    """A server whose library has history."""
    return start_server({**HISTORY, "protocols": {"lines": LINES}})


async def create(server: Server, first: int, count: int = 1) -> None:
    for number in range(first, first + count):
        await server.http("POST", f"/library/books/{number}/_create", {"number": number})


def place(told: dict[str, Any]) -> dict[str, Any]:
    return {"epoch": told["epoch"], "offset": told["offset"]}


def example(name: str) -> dict[str, Any]:
    match = re.search(rf'```json title="{name}"\n(.*?)```', PAGE.read_text(), re.DOTALL)
    assert match is not None
    content: dict[str, Any] = json.loads(match[1])
    return content


async def test_the_example_of_the_page_works(keeping: Server) -> None:
    await keeping.prepare()
    again = example("subscribe again")
    first = await keeping.websocket()
    asked = {name: value for name, value in again.items() if name not in ("requestId", "recover")}
    made = (await first.request(asked.pop("controller"), asked.pop("action"), **asked))["result"]
    await keeping.http("POST", "/library/books/emma/_create", {"genre": "novel"})
    seen = await first.notification()
    first.close()
    await keeping.http("POST", "/library/books/poems/_create", {"genre": "verse"})
    await keeping.http("POST", "/library/books/persuasion/_create", {"genre": "novel"})
    back = await keeping.websocket()
    again["recover"] = place(seen)
    answer = await back.request(again.pop("controller"), again.pop("action"), **again)
    expected = example("answer")
    assert answer["result"] == {
        **expected,
        "roomId": made["roomId"],
        "channel": made["channel"],
        "epoch": made["epoch"],
    }
    missed = await back.notification()
    assert (missed["result"]["_id"], missed["room"]) == ("persuasion", made["channel"])
    assert place(missed) == {"epoch": made["epoch"], "offset": 2}


async def test_the_answer_comes_first_then_what_was_missed_then_what_is_new(keeping: Server) -> None:
    await keeping.prepare()
    first = await keeping.websocket()
    made = (await first.request("realtime", "subscribe", **BOOKS, body={}))["result"]
    await create(keeping, 1, 3)
    connection = await tornado.websocket.websocket_connect(f"ws://localhost:{keeping.port('websocket')}")
    asked = {"controller": "realtime", "action": "subscribe", **BOOKS, "body": {}, "recover": place(made)}
    written = {"controller": "document", "action": "create", **BOOKS, "body": {"number": 4}}
    await connection.write_message(json.dumps(asked))
    await connection.write_message(json.dumps(written))
    came = [json.loads(str(await connection.read_message())) for _ in range(6)]
    connection.close()
    assert [message.get("offset", message["action"]) for message in came] == ["subscribe", 1, 2, 3, 4, "create"]


@pytest.mark.parametrize("protocol", ["websocket", "socketio", "mqtt", "lines"])
async def test_who_comes_back_by_any_protocol_has_missed_nothing(keeping: Server, protocol: str) -> None:
    await keeping.prepare()
    async with talker(keeping, protocol) as first:
        made = (await first.subscribe({}))["result"]
        await create(keeping, 1, 3)
        await first.ask("server", "now")
        heard = list(first.notifications)
    await create(keeping, 4, 3)
    async with talker(keeping, protocol) as back:
        answer = await back.subscribe({}, recover=place(heard[-1]))
        assert answer["result"] == {**made, "offset": 3, "recovered": True}
        await create(keeping, 7, 2)
        await back.ask("server", "now")
        heard += back.notifications
    assert [(one["offset"], one["result"]["_source"]["number"]) for one in heard] == [(n, n) for n in range(1, 9)]


@pytest.mark.parametrize("protocol", ["websocket", "socketio", "mqtt", "lines"])
async def test_nothing_newer_comes_before_what_was_missed_while_pipes_hold_the_answer(
    keeping: Server, protocol: str
) -> None:
    await keeping.prepare()
    go_on = asyncio.Event()
    is_waiting = asyncio.Event()

    async def wait(result: Any) -> Any:
        is_waiting.set()
        await go_on.wait()
        return result

    async with talker(keeping, protocol) as client, talker(keeping, protocol) as other:
        made = (await client.subscribe({}))["result"]
        await other.subscribe({})
        await create(keeping, 1, 2)
        await client.ask("server", "now")
        assert len(client.notifications) == 2
        client.notifications.clear()
        keeping.app.events.add_pipe("realtime:afterSubscribe", wait)
        asking = asyncio.ensure_future(client.subscribe({}, recover=place(made)))
        await is_waiting.wait()
        await create(keeping, 3, 2)
        await other.ask("server", "now")
        assert [one["offset"] for one in other.notifications] == [1, 2, 3, 4]  # others do not wait
        go_on.set()
        assert (await asking)["result"]["recovered"]
        await create(keeping, 5)
        await client.ask("server", "now")
        assert [one["offset"] for one in client.notifications] == [1, 2, 3, 4, 5]


async def test_a_replay_follows_an_answer_that_pipes_have_made_a_failure(keeping: Server) -> None:
    async def fail(_result: Any) -> Any:
        raise KuzzleError("core.realtime.too_many_rooms")

    await keeping.prepare()
    client = await keeping.websocket()
    made = (await client.request("realtime", "subscribe", **BOOKS, body={}))["result"]
    await create(keeping, 1)
    await client.notification()
    keeping.app.events.add_pipe("realtime:afterSubscribe", fail)
    answer = await client.request("realtime", "subscribe", **BOOKS, body={}, recover=place(made))
    assert answer["error"]["id"] == "core.realtime.too_many_rooms"
    await create(keeping, 2)
    assert [(await client.notification())["offset"] for _ in range(2)] == [1, 2]


async def test_who_has_lost_the_right_gets_nothing(keeping: Server) -> None:
    await keeping.prepare()
    client = await keeping.websocket()
    made = (await client.request("realtime", "subscribe", **BOOKS, body={}))["result"]
    await create(keeping, 1)
    assert (await client.notification())["offset"] == 1
    assert (await keeping.http("POST", "/_createFirstAdmin?reset", {"content": {}})).status == 200
    answer = await client.request("realtime", "subscribe", **BOOKS, body={}, recover=place(made))
    assert (answer["status"], answer["error"]["id"]) == (401, "security.rights.unauthorized")
    assert client.notifications.empty()


async def test_who_has_logged_out_gets_nothing_by_that_token_and_all_by_another(keeping: Server) -> None:
    await keeping.prepare()
    await add_user(keeping, "ada", "admin")
    client = await keeping.websocket()
    old, new = [(await login(keeping, "ada"))["jwt"] for _ in range(2)]
    made = (await client.request("realtime", "subscribe", **BOOKS, body={}, jwt=old))["result"]
    await client.request("auth", "logout", jwt=old)
    await create(keeping, 1, 2)
    refused = await client.request("realtime", "subscribe", **BOOKS, body={}, jwt=old, recover=place(made))
    assert (refused["status"], refused["error"]["id"]) == (401, "security.token.invalid")
    assert client.notifications.empty()
    answer = await client.request("realtime", "subscribe", **BOOKS, body={}, jwt=new, recover=place(made))
    assert answer["result"]["recovered"]
    assert [(await client.notification())["offset"] for _ in range(2)] == [1, 2]


async def test_an_sdk_that_knows_nothing_of_it_hears_the_same_with_history(tmp_path: Path) -> None:
    heard = []
    for name, options in (("plain", {}), ("keeping", HISTORY)):
        (tmp_path / name).mkdir()
        async with Server(tmp_path / name, options) as server:
            await server.prepare()
            (seen,) = await node("sdk_realtime.js", str(server.port("websocket")))
        documents = [(one["action"], one["scope"], one["id"]) for one in seen["modern"]]
        heard.append((documents, [(one["user"], one["count"]) for one in seen["users"]], seen["count"], seen["own"]))
    assert heard[0] == heard[1]
    assert len(heard[0][0]) == 6


@pytest.fixture
def impatient(start_server: Callable[..., Server]) -> Server:
    """A server that lets clients leave little unread, and replays much."""
    history = {**HISTORY["realtime"]["history"], "maxReplayBytes": 20_000_000}
    return start_server({"protocols": {"websocket": {"maxQueuedBytes": 100_000}}, "realtime": {"history": history}})


async def test_a_client_that_does_not_read_its_replay_is_let_go_and_may_come_back(
    impatient: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = impatient
    await server.prepare()
    first = await server.websocket()
    made = (await first.request("realtime", "subscribe", **BOOKS, body={}))["result"]
    for number in range(20):
        await server.http("POST", f"/library/books/{number}/_create", {"text": "x" * 500_000})
    await first.settle()
    asked = {"controller": "realtime", "action": "subscribe", **BOOKS, "body": {}, "recover": place(made)}
    slow = await RawWebSocket.open(server.port("websocket"))
    await slow.text(asked)
    async with asyncio.timeout(20):
        while "Let go of WebSocket client" not in caplog.text:
            await first.settle()
    await slow.close()
    await first.settle()
    assert first.notifications.qsize() == 20
    assert server.app.realtime.count(made["roomId"]) == 1
    back = await server.websocket()
    answer = await back.request("realtime", "subscribe", **BOOKS, body={}, recover={**place(made), "offset": 19})
    assert answer["result"]["recovered"]
    assert (await back.notification())["offset"] == 20
