"""The way down: running requests end, clients are told, nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Server
from running import RunningServer
from talkers import talker
from web_stage import RawClient, request_bytes, until

from kuzzle.request import Request


class Gate:
    """Holds back every `document:create` until it is opened."""

    def __init__(self, server: Server) -> None:
        self._opened = asyncio.Event()
        self.waiting = 0
        server.app.events.add_pipe("document:beforeCreate", self._hold)

    async def _hold(self, request: Request) -> Request:
        self.waiting += 1
        await self._opened.wait()
        return request

    def open(self) -> None:
        """Let all go on."""
        self._opened.set()


@pytest.mark.parametrize("protocol", ["http", "websocket", "mqtt"])
async def test_a_running_request_is_answered_before_the_server_stops(server: Server, protocol: str) -> None:
    await server.prepare()
    gate = Gate(server)
    async with talker(server, protocol) as client:
        answer = asyncio.ensure_future(client.create("emma", {"title": "Emma"}))
        await until(lambda: gate.waiting)
        stopping = asyncio.ensure_future(server.app.stop())
        await until(lambda: server.app.entrypoint.is_shutting_down)
        assert (await server.http("GET", "/_ready")).status == 503
        assert (await server.http("GET", "/_healthcheck")).status == 200
        assert not stopping.done()
        gate.open()
        assert (await asyncio.wait_for(answer, 30))["status"] == 200
        await stopping


def test_a_request_that_outlasts_the_patience_of_the_server_does_not_keep_it(
    start_server: Callable[..., Server], io_loop: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    server = start_server({"server": {"shutdownTimeout": 50}})

    async def stop() -> None:
        await server.prepare()
        gate = Gate(server)
        websocket = await server.websocket()
        answer = asyncio.ensure_future(
            websocket.request("document", "create", index="library", collection="books", body={"title": "Emma"})
        )
        await until(lambda: gate.waiting)
        with caplog.at_level(logging.WARNING):
            await server.app.stop()
        assert "Stopping with 1 requests still at work" in caplog.text
        assert await websocket.other() is None  # the client is not left in doubt: its connection is closed
        answer.cancel()
        gate.open()  # the late request meets a closed store, and harms nobody

    io_loop.run_sync(stop, timeout=30)
    with_store = start_server(folder=tmp_path)  # the store was let go

    async def count() -> int:
        counted: int = (await with_store.http("POST", "/library/books/_count", {})).result["count"]
        return counted

    assert io_loop.run_sync(count, timeout=30) == 0


async def test_who_asks_while_the_last_door_closes_gets_no_answer_rather_than_a_wrong_one(server: Server) -> None:
    client = await RawClient.connect(server.port("http"))
    (web_port,) = server.app.ports._web.values()
    doors, web_port.doors = web_port.doors, []
    await client.send(request_bytes("POST", "/library/books/_create", b"{}"))
    assert await client.reader.read() == b""
    web_port.doors = doors
    await client.close()


class Writing(threading.Thread):
    """Writes over one connection until the server closes it.

    Attributes:
        acknowledged: The ids of the documents that the server has acknowledged.
        has_begun: Set once there are some.
    """

    def __init__(self, name: str, port: int) -> None:
        super().__init__()
        self.acknowledged: list[str] = []
        self.has_begun = threading.Event()
        self._prefix = name
        self._connection = http.client.HTTPConnection("localhost", port, timeout=30)

    def run(self) -> None:
        try:
            while True:
                name = f"{self._prefix}-{len(self.acknowledged)}"
                headers = {"Content-Type": "application/json"}
                self._connection.request("POST", f"/library/books/{name}/_create", "{}", headers)
                answer = json.loads(self._connection.getresponse().read())
                assert answer["status"] == 200, answer
                self.acknowledged.append(name)
                if len(self.acknowledged) == 20:
                    self.has_begun.set()
        except (OSError, http.client.HTTPException):
            return
        finally:
            self._connection.close()


def ask(port: int, verb: str, path: str, body: Any = None) -> Any:
    """Send a request over HTTP; its result."""
    connection = http.client.HTTPConnection("localhost", port, timeout=30)
    try:
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request(verb, path, None if body is None else json.dumps(body), headers)
        return json.loads(connection.getresponse().read())["result"]
    finally:
        connection.close()


def test_a_server_told_to_stop_under_writes_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        port = server.ports["http"]
        ask(port, "POST", "/library/_create")
        ask(port, "PUT", "/library/books")
        writers = [Writing(f"writer{number}", port) for number in range(4)]
        for writer in writers:
            writer.start()
        assert all(writer.has_begun.wait(60) for writer in writers)
        code, _, errors = server.stop(signal.SIGTERM)
        for writer in writers:
            writer.join(60)
    assert code == 0
    assert "Traceback" not in errors
    with RunningServer(tmp_path) as server:
        for writer in writers:
            found = ask(server.ports["http"], "POST", "/library/books/_mGet", {"ids": writer.acknowledged[-200:]})
            assert {hit["_id"] for hit in found["hits"]} == set(writer.acknowledged[-200:])
        assert server.stop()[0] == 0
