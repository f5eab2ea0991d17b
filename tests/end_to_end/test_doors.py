"""Each protocol's door: closed, moved, shared, refused."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
import tornado.httpclient
import tornado.websocket
from harness import Server
from mqtt_raw import Peers
from tornado.testing import bind_unused_port

from protocols.ports import PortError

WEB = ("http", "websocket", "socketio")
PROTOCOLS = (*WEB, "mqtt")


def free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on."""
    found = [bind_unused_port() for _ in range(count)]
    for listener, _ in found:
        listener.close()
    return [port for _, port in found]


def usual_ports(web: int, mqtt: int) -> dict[str, int]:
    return {**dict.fromkeys(WEB, web), "mqtt": mqtt}


async def fetch(port: int, path: str) -> tornado.httpclient.HTTPResponse:
    client = tornado.httpclient.AsyncHTTPClient(force_instance=True)
    return await client.fetch(f"http://localhost:{port}{path}", raise_error=False)


async def is_http_served(port: int) -> bool:
    return (await fetch(port, "/_now")).code == 200


async def is_websocket_served(port: int) -> bool:
    try:
        connection = await tornado.websocket.websocket_connect(f"ws://localhost:{port}")
    except (tornado.httpclient.HTTPClientError, tornado.websocket.WebSocketError):
        return False
    await connection.write_message('{"controller":"server","action":"now"}')
    answer = await connection.read_message()
    connection.close()
    return answer is not None and '"status":200' in str(answer)


async def is_socketio_served(port: int) -> bool:
    answer = await fetch(port, "/socket.io/?EIO=3&transport=polling")
    return answer.code == 200 and b'"sid"' in answer.body


async def is_mqtt_served(port: int) -> bool:
    async with Peers(port) as peers:
        await peers.join()
    return True


SERVED: Mapping[str, Callable[[int], Awaitable[bool]]] = {
    "http": is_http_served,
    "websocket": is_websocket_served,
    "socketio": is_socketio_served,
    "mqtt": is_mqtt_served,
}


async def served(ports: Mapping[str, int]) -> dict[str, bool]:
    """Which protocols answer on these ports; where nobody listens, none does."""
    found = {}
    for protocol, port in ports.items():
        try:
            found[protocol] = await SERVED[protocol](port)
        except OSError:
            found[protocol] = False
    return found


@pytest.mark.parametrize("closed", PROTOCOLS)
async def test_a_protocol_switched_off_is_closed_and_the_others_go_on(tmp_path: Path, closed: str) -> None:
    ports = usual_ports(*free_ports(2))
    options = {"protocols": {name: {"port": port, "enabled": name != closed} for name, port in ports.items()}}
    async with Server(tmp_path, options):
        assert await served(ports) == {name: name != closed for name in ports}


async def test_with_all_web_protocols_off_nobody_listens_on_their_port(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    options = {"protocols": {name: {"port": port, "enabled": False} for name in WEB}}
    async with Server(tmp_path, options) as server:
        assert await is_mqtt_served(server.port("mqtt"))
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("localhost", port)


@pytest.mark.parametrize("moved", PROTOCOLS)
async def test_a_protocol_moves_to_the_port_it_is_given(tmp_path: Path, moved: str) -> None:
    web, mqtt, other = free_ports(3)
    old = usual_ports(web, mqtt)
    new = {**old, moved: other}
    async with Server(tmp_path, {"protocols": {name: {"port": port} for name, port in new.items()}}):
        assert await served(new) == dict.fromkeys(new, True)
        assert (await served({moved: old[moved]})) == {moved: False}


async def test_every_protocol_may_have_a_port_of_its_own(tmp_path: Path) -> None:
    ports = dict(zip(PROTOCOLS, free_ports(len(PROTOCOLS)), strict=True))
    async with Server(tmp_path, {"protocols": {name: {"port": port} for name, port in ports.items()}}):
        assert await served(ports) == dict.fromkeys(ports, True)


async def test_the_web_protocols_share_a_port(server: Server) -> None:
    assert len({server.port(name) for name in WEB}) == 1
    assert await served({name: server.port(name) for name in PROTOCOLS}) == dict.fromkeys(PROTOCOLS, True)


@pytest.mark.parametrize("other", WEB)
async def test_mqtt_on_the_port_of_a_web_protocol_is_refused_in_one_line(tmp_path: Path, other: str) -> None:
    (port,) = free_ports(1)
    server = Server(tmp_path, {"protocols": {"mqtt": {"port": port}, other: {"port": port}}})
    with pytest.raises(PortError) as refusal:
        await server.start()
    text = str(refusal.value)
    assert str(port) in text
    assert "protocols.mqtt" in text
    assert f"protocols.{other}" in text
    assert "\n" not in text


async def test_every_address_of_localhost_is_served(server: Server) -> None:
    addresses = {found[4] for found in socket.getaddrinfo("localhost", server.port("http"), type=socket.SOCK_STREAM)}
    for address, port, *_ in addresses:
        host = f"[{address}]" if ":" in str(address) else address
        client = tornado.httpclient.AsyncHTTPClient(force_instance=True)
        assert (await client.fetch(f"http://{host}:{port}/_now")).code == 200
