"""Socket.IO is loaded when its first client comes."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from engineio_raw import CLOSE, PollingClient, SocketClient, fetch, service_of
from harness import Server
from web_stage import HttpClient, RawClient, request_bytes

from protocols.socketio import protocol as front

ROOT = Path(__file__).parents[3]


def test_a_server_that_nobody_asks_for_socket_io_does_not_import_it() -> None:
    script = "import sys, protocols.socketio; print(sorted({'socketio', 'engineio', 'aiohttp'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_many_first_clients_are_served_together(server: Server) -> None:
    assert service_of(server) is None
    port = server.port("socketio")
    socket, *answers = await asyncio.gather(
        SocketClient.open_session(port, 3), *(fetch(port, "EIO=3&transport=polling") for _ in range(20))
    )
    assert [answer.status for answer in answers] == [200] * 20
    assert len(service_of(server).engine.sockets) == 21
    assert (await socket.ask())["status"] == 200
    await socket.close()


async def test_the_body_of_a_first_request_arrives(server: Server) -> None:
    status, _, fault = await HttpClient(server.port("socketio")).send(
        "POST", "/socket.io/?EIO=3&transport=polling", b"x" * 300_000
    )
    assert (status, fault) == (400, {"code": 2, "message": "Bad handshake method"})


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Loading ends when this is set."""
    opened = threading.Event()
    load = importlib.import_module

    def wait_and_load(name: str) -> ModuleType:
        assert opened.wait(30)
        return load(name)

    monkeypatch.setattr(front, "import_module", wait_and_load)
    yield opened
    opened.set()


async def early_request(server: Server) -> RawClient:
    raw = await RawClient.connect(server.port("socketio"))
    await raw.send(request_bytes("GET", "/socket.io/?EIO=3&transport=polling"))
    return raw


async def test_too_many_first_clients_are_put_off(
    server: Server, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    monkeypatch.setattr(front, "_MAX_WAITING", 2)
    waiting = [await early_request(server) for _ in range(2)]
    (protocol,) = (each for each in server.app.protocols if each.name == "socketio")
    for _ in range(500):
        if protocol._waiting == 2:
            break
        await asyncio.sleep(0.02)
    third = await early_request(server)
    status, headers, _ = await third.answer()
    assert (status, headers["retry-after"]) == (503, "1")
    gate.set()
    for raw in waiting:
        assert (await raw.answer())[0] == 200
        await raw.close()
    await third.close()


async def test_a_server_that_stops_while_loading_stops_cleanly(server: Server, gate: threading.Event) -> None:
    raw = await early_request(server)
    stopping = asyncio.ensure_future(server.stop())
    await asyncio.sleep(0.1)
    gate.set()
    await stopping
    await raw.rest()
    assert server.app.entrypoint.connection_counts == {}


async def test_a_broken_installation_costs_socket_io_alone(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(front, "import_module", fail)
    answer = await fetch(server.port("socketio"), "EIO=3&transport=polling")
    assert answer.status == 503
    assert (await server.http("GET", "/_now")).status == 200
    monkeypatch.undo()
    assert (await PollingClient.open(server.port("socketio"), 3)).sid


async def test_early_websockets_are_closed_with_the_server(server: Server) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), 4)
    stopping = asyncio.ensure_future(server.stop())
    while (await socket.frame()).opcode != CLOSE:
        pass
    await socket.close()
    await stopping
