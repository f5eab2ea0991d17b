"""The listening sockets: shared, taken, exhausted; and clients that waste them."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Callable
from typing import Any

import pytest
from harness import Server
from web_stage import HttpClient, RawClient, WebStage, request_bytes
from ws_raw import RawWebSocket

from protocols.ports import PortError, Ports


class Sink(asyncio.Protocol):
    """Takes connections."""


def free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("localhost", 0)) for _ in range(count)]
    numbers = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return numbers


async def test_a_door_of_lower_rank_is_asked_first() -> None:
    asked: list[str] = []
    ports = Ports("localhost")

    def door(name: str) -> Callable[[Any], None]:
        return lambda request: asked.append(name)

    for rank, name in ((20, "last"), (0, "first"), (10, "second")):
        number = ports.open_web_door(0, name, door(name), rank=rank)
    raw = await RawClient.connect(number)
    await raw.send(request_bytes("GET", "/"))
    assert (await raw.answer())[0] == 404
    await raw.close()
    assert asked == ["first", "second", "last"]
    for name in asked:
        await ports.close_web_door(0, name)
    assert ports.numbers == {}


async def test_the_port_closes_with_its_last_door() -> None:
    async with WebStage() as stage:
        port = stage.port
        raw = await RawClient.connect(port)
        await stage.websocket.stop()
        assert (await HttpClient(port).send("GET", "/_probe"))[0] == 200
    assert await raw.rest() == b""
    with pytest.raises(ConnectionRefusedError):
        await RawClient.connect(port)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_taken_port_is_refused_in_one_line(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = Ports(host)
        with pytest.raises(PortError, match=rf"^protocols.mqtt.port: cannot listen on {host}:{port}: .*in use$"):
            await ports.listen(port, "mqtt", Sink)
        with pytest.raises(PortError, match=r"^protocols.http.port: "):
            ports.open_web_door(port, "http", lambda request: None, rank=0)
    await ports.listen(port, "mqtt", Sink)  # a refusal leaves nothing behind
    await ports.close("mqtt")


async def test_an_unknown_host_is_refused_in_one_line() -> None:
    with pytest.raises(PortError, match=r"^protocols.http.port: cannot listen on nosuch.invalid:0: [^\n]+$"):
        Ports("nosuch.invalid").open_web_door(0, "http", lambda request: None, rank=0)


async def test_only_web_protocols_share_a_port() -> None:
    (port,) = free_ports(1)
    ports = Ports("localhost")
    ports.open_web_door(port, "http", lambda request: None, rank=20)
    with pytest.raises(PortError, match=f"^protocols.mqtt.port: {port} is already the port of protocols.http; "):
        await ports.listen(port, "mqtt", Sink)
    await ports.close_web_door(port, "http")
    await ports.listen(port, "mqtt", Sink)
    with pytest.raises(PortError, match=f"^protocols.http.port: {port} is already the port of protocols.mqtt; "):
        ports.open_web_door(port, "http", lambda request: None, rank=20)
    await ports.close("mqtt")


async def test_localhost_means_every_address_that_the_machine_has_for_it() -> None:
    addresses = {(entry[0], entry[4][0]) for entry in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
    async with WebStage() as stage:
        for family, address in addresses:
            with socket.socket(family) as client:
                client.setblocking(False)
                await asyncio.get_running_loop().sock_connect(client, (address, stage.port))


async def test_without_file_descriptors_clients_wait_and_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("protocols.ports._ACCEPT_PAUSE_S", 0.2)
    async with WebStage() as stage:
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setblocking(False)
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, hard))
            try:
                await loop.sock_connect(client, ("127.0.0.1", stage.port))
                await asyncio.sleep(0.1)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert len(caplog.records) == 1
            assert "Too many open files" in caplog.text
            await loop.sock_sendall(client, request_bytes("GET", "/_probe"))
            assert (await loop.sock_recv(client, 65_536)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("sent", [b"", b"GET /_probe HT", request_bytes("GET", "/_probe")])
async def test_a_client_that_dawdles_over_a_request_is_let_go(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocols.ports._IDLE_TIMEOUT_S", 0.1)
    async with WebStage() as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(sent)
        await raw.rest()
        assert len(stage.funnel.requests) == sent.endswith(b"\r\n\r\n")


async def test_a_client_that_dawdles_over_a_body_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocols.ports._BODY_TIMEOUT_S", 0.1)
    async with WebStage() as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(b"POST /_probe HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert await raw.rest() == b""
        assert stage.funnel.requests == []


async def test_an_open_websocket_is_no_http_connection_that_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocols.ports._IDLE_TIMEOUT_S", 0.1)
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port)
        await asyncio.sleep(0.3)
        await client.text({"controller": "probe", "action": "look"})
        assert (await client.json())["status"] == 200
        await client.close()


# --- whole servers


def test_every_web_protocol_may_have_a_port_of_its_own(start_server: Callable[..., Server]) -> None:
    http, websocket = free_ports(2)
    server = start_server({"protocols": {"http": {"port": http}, "websocket": {"port": websocket}}})
    assert server.port("http") == http
    assert server.port("websocket") == websocket
    assert len({server.port(name) for name in ("http", "websocket", "socketio", "mqtt")}) == 4


@pytest.mark.parametrize("closed", ["http", "websocket"])
def test_a_disabled_protocol_closes_its_door_and_the_others_go_on(
    closed: str, start_server: Callable[..., Server], io_loop: Any
) -> None:
    server = start_server({"protocols": {closed: {"enabled": False}}})

    async def ask() -> None:
        if closed == "http":
            client = await RawWebSocket.open(server.port("websocket"))
            await client.text({"controller": "server", "action": "now", "requestId": "a"})
            assert (await client.json())["status"] == 200
            await client.close()
            raw = await RawClient.connect(server.port("websocket"))
            await raw.send(request_bytes("GET", "/_now"))
            assert (await raw.answer())[0] == 404
            await raw.close()
        else:
            assert (await server.http("GET", "/_now")).status == 200
            raw = await RawClient.connect(server.port("http"))
            await raw.send(request_bytes("GET", "/_now", Upgrade="websocket", Connection="Upgrade"))
            assert (await raw.answer())[0] == 200
            await raw.close()

    io_loop.run_sync(ask, timeout=30)


async def test_small_answers_leave_at_once() -> None:
    made: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    class Taker(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted = transport.get_extra_info("socket")
            made.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    ports = Ports("localhost")
    raw = await RawClient.connect(await ports.listen(0, "taker", Taker))
    assert await made
    await raw.close()
    await ports.close("taker")
