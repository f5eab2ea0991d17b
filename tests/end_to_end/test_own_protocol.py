"""A protocol of one's own, named by its class in kuzzle.yml, is as good as the shipped ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from harness import Server

from kuzzle.config import ConfigError

LINES = {"class": "line_protocol:LineProtocol", "port": 0, "greeting": "hello"}
BOOKS = {"index": "library", "collection": "books"}


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, value: Any) -> None:
        self._writer.write(json.dumps(value).encode() + b"\n")

    async def hear(self) -> Any:
        line = await asyncio.wait_for(self._reader.readline(), 30)
        return json.loads(line) if line else None

    async def ask(self, controller: str, action: str, **members: Any) -> Any:
        self.say({"controller": controller, "action": action, **members})
        return await self.hear()


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("localhost", server.port("lines"))
    client = Client(reader, writer)
    assert await client.hear() == {"greeting": "hello"}
    yield client
    writer.close()
    await writer.wait_closed()


async def test_its_clients_ask_and_are_answered(tmp_path: Path) -> None:
    async with Server(tmp_path, {"protocols": {"lines": LINES}}) as server, connected(server) as client:
        await server.prepare()
        answer = await client.ask("document", "create", **BOOKS, _id="one", body={"title": "Notes"})
        assert answer["status"] == 200
        assert (await server.http("GET", "/library/books/one")).result["_source"]["title"] == "Notes"
        assert (await client.ask("nobody", "now"))["error"]["id"] == "api.process.controller_not_found"
        client.say("no envelope")
        assert await client.hear() == {"refused": "Input request data must be a non-null object"}


async def test_its_clients_and_those_of_others_hear_each_other(tmp_path: Path) -> None:
    async with Server(tmp_path, {"protocols": {"lines": LINES}}) as server, connected(server) as client:
        await server.prepare()
        channel = (await client.ask("realtime", "subscribe", **BOOKS, body={}))["result"]["channel"]
        websocket = await server.websocket()
        await websocket.request("realtime", "subscribe", **BOOKS, body={})
        await server.http("POST", "/library/books/by-http/_create", {})
        notification = await client.hear()
        assert (notification["channel"], notification["result"]["_id"]) == (channel, "by-http")
        await client.ask("document", "create", **BOOKS, _id="by-line", body={})
        heard = [await websocket.notification() for _ in range(2)]
        assert [(one["protocol"], one["result"]["_id"]) for one in heard] == [("http", "by-http"), ("lines", "by-line")]


async def test_a_client_that_goes_leaves_its_rooms(tmp_path: Path) -> None:
    async with Server(tmp_path, {"protocols": {"lines": LINES}}) as server:
        await server.prepare()
        websocket = await server.websocket()
        room = await websocket.request("realtime", "subscribe", **BOOKS, body={}, users="out")
        async with connected(server) as client:
            await client.ask("realtime", "subscribe", **BOOKS, body={})
            counted = await websocket.request("realtime", "count", body={"roomId": room["result"]["roomId"]})
            assert counted["result"]["count"] == 2
        gone = await websocket.notification()
        assert (gone["user"], gone["protocol"], gone["result"]["count"]) == ("out", "lines", 1)


async def test_its_clients_lose_their_connection_when_the_server_stops(tmp_path: Path) -> None:
    async with Server(tmp_path, {"protocols": {"lines": LINES}}) as server, connected(server) as client:
        await server.stop()
        assert await client.hear() is None


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({**LINES, "port": "here"}, "protocols.lines.port"),
        ({**LINES, "colour": "red"}, "colour"),
        ({**LINES, "class": "line_protocol:Line"}, "protocols.lines.class"),
        ({**LINES, "class": "nowhere:Nothing"}, "nowhere"),
        ({"class": "line_protocol:LineProtocol", "port": 0}, "greeting"),
    ],
)
def test_a_wrong_section_stops_the_start_and_is_named(tmp_path: Path, section: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        Server(tmp_path, {"protocols": {"lines": section}})
    assert told in str(refusal.value)
