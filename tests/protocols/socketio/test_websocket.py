"""The WebSocket transport of Engine.IO: handshakes, the move from polling, what ends it, who is let go."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest
from engineio_raw import service_of
from harness import Server
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect
from web_stage import until

from kuzzle.notification import Notification

NOW = {"controller": "server", "action": "now", "requestId": "mine"}


def protocol(server: Server) -> Any:
    """What serves the clients of Socket.IO, once one has come."""
    return service_of(server)


async def connect(server: Server, query: str, **headers: str) -> WebSocketClientConnection:
    url = f"ws://localhost:{server.port('socketio')}/socket.io/?transport=websocket&{query}"
    return server.keep(await websocket_connect(HTTPRequest(url, headers=headers)))


async def enter(server: Server, generation: int, **headers: str) -> WebSocketClientConnection:
    """Open a session in the default namespace."""
    websocket = await connect(server, f"EIO={generation}", **headers)
    assert str(await websocket.read_message()).startswith("0{")
    if generation == 4:
        await websocket.write_message("40")
    assert str(await websocket.read_message()).startswith("40")
    return websocket


async def ask(websocket: WebSocketClientConnection, envelope: dict[str, Any]) -> list[Any]:
    await websocket.write_message(f"42{json.dumps(['kuzzle', envelope])}")
    answer: list[Any] = json.loads(str(await websocket.read_message())[2:])
    return answer


@pytest.fixture
def tight_server(start_server: Callable[..., Server]) -> Server:
    """A server that waits briefly and queues little."""
    bounds = {"pingInterval": 300, "pingTimeout": 200, "maxQueuedBytes": 200_000, "maxQueuedMessages": 50}
    return start_server({"protocols": {"socketio": {**bounds, "maxSessions": 2, "maxDecodePackets": 5}}})


@pytest.mark.parametrize("generation", [3, 4])
async def test_a_session_may_go_by_websocket_alone(server: Server, generation: int) -> None:
    websocket = await enter(server, generation)
    name, envelope = await ask(websocket, NOW)
    assert (name, envelope["status"]) == ("mine", 200)


async def test_no_compression_is_agreed_on(server: Server) -> None:
    reader, writer = await asyncio.open_connection("localhost", server.port("socketio"))
    writer.write(
        b"GET /socket.io/?EIO=3&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    assert b"extensions" not in head.lower()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("query", ["EIO=2", "EIO=3&sid=unknown", "EIO=4&sid=unknown", "x=1"])
async def test_a_refused_websocket_is_closed(server: Server, query: str) -> None:
    websocket = await connect(server, query)
    assert await websocket.read_message() is None
    await until(lambda: not protocol(server).links)
    assert protocol(server).engine.sockets == {}


@pytest.fixture
def closed_server(start_server: Callable[..., Server]) -> Server:
    """A server for the pages of one host."""
    return start_server({"protocols": {"socketio": {"origins": "shop.example:443 *:8080"}}})


@pytest.mark.parametrize(
    ("origin", "is_accepted"),
    [
        ("https://shop.example", True),
        ("http://shop.example", False),
        ("https://shop.example:444", False),
        ("http://other.example:8080", True),
        ("https://shop.example.evil", False),
        ("null", False),
        ("http://[", False),
        (None, True),
    ],
)
async def test_only_pages_of_accepted_origins_connect(
    closed_server: Server, origin: str | None, is_accepted: bool
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    reply = await closed_server.http("GET", "/socket.io/?EIO=3&transport=polling", headers=headers)
    assert reply.status == (200 if is_accepted else 400)
    if not is_accepted:
        assert reply.json == {"code": 4, "message": "Forbidden"}
    websocket = await connect(closed_server, "EIO=3", **headers)
    assert (await websocket.read_message() is not None) is is_accepted


async def poll(server: Server, path: str) -> str:
    return (await server.http("GET", path)).body.decode()


@pytest.mark.parametrize("generation", [3, 4])
async def test_a_session_moves_from_polling_with_what_waits_for_it(server: Server, generation: int) -> None:
    path = f"/socket.io/?EIO={generation}&transport=polling"
    opened = await poll(server, path)
    sid = json.loads(opened[opened.index("{") : opened.index("}") + 1])["sid"]
    path += f"&sid={sid}"
    websocket = await connect(server, f"EIO={generation}&sid={sid}")
    await websocket.write_message("2probe")
    assert await websocket.read_message() == "3probe"
    assert await poll(server, path) == ("1:6" if generation == 3 else "6")
    session = protocol(server).engine.sockets[sid]
    assert await poll(server, path) == ("1:6" if generation == 3 else "6")  # held back while it moves
    if generation == 4:
        await server.http("POST", path, b"40")
        await websocket.write_message("5")
        assert str(await websocket.read_message()).startswith("40{")
    else:
        await websocket.write_message("5")
    assert (await ask(websocket, NOW))[0] == "mine"
    assert session.upgraded
    assert (await server.http("GET", path)).status == 400
    websocket.close()
    await until(lambda: sid not in protocol(server).engine.sockets)


async def test_a_move_that_is_not_finished_ends_and_polling_goes_on(tight_server: Server) -> None:
    path = "/socket.io/?EIO=3&transport=polling"
    opened = await poll(tight_server, path)
    sid = json.loads(opened[opened.index("{") : opened.index("}") + 1])["sid"]
    websocket = await connect(tight_server, f"EIO=3&sid={sid}")
    assert await websocket.read_message() is None  # the server's patience is over
    await tight_server.http("POST", f"{path}&sid={sid}", b"1:2")
    assert await poll(tight_server, f"{path}&sid={sid}") == "1:3"


@pytest.mark.parametrize("message", ["4", "x", "42{", "0", "", b"", b"\x04x", '451-["kuzzle",{}]'])
@pytest.mark.parametrize("generation", [3, 4])
async def test_a_malformed_message_ends_its_session_alone(
    server: Server, generation: int, message: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    other, hostile = await enter(server, generation), await enter(server, generation)
    with caplog.at_level(logging.INFO):
        await hostile.write_message(message, binary=isinstance(message, bytes))
        assert await hostile.read_message() is None
    assert [record for record in caplog.records if record.name.startswith("protocols")] == []
    assert (await ask(other, NOW))[0] == "mine"


async def test_a_message_beyond_the_bound_ends_the_session(server: Server) -> None:
    websocket = await enter(server, 4)
    await websocket.write_message("42" + "x" * 1_048_576)
    assert await websocket.read_message() is None
    await until(lambda: protocol(server).engine.sockets == {})


@pytest.mark.parametrize("generation", [3, 4])
async def test_a_silent_client_is_let_go(tight_server: Server, generation: int) -> None:
    websocket = await enter(tight_server, generation)
    while await websocket.read_message() is not None:
        pass
    await until(lambda: protocol(tight_server).engine.sockets == {})
    assert tight_server.app.entrypoint.connection_counts == {}


async def test_a_client_that_does_not_read_is_let_go_and_others_are_not_slowed(
    tight_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    slow, quick = await enter(tight_server, 3), await enter(tight_server, 3)
    slow.protocol.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # type: ignore[union-attr]
    slow.protocol.stream.io_loop.remove_handler(slow.protocol.stream.socket)  # type: ignore[union-attr]
    server_closes = slow.protocol.stream.socket  # type: ignore[union-attr]
    carrier = protocol(tight_server)
    for connection_id in list(carrier._sessions):
        carrier.join_channel("room-1", connection_id)
    with caplog.at_level(logging.INFO):
        for number in range(400):
            carrier.broadcast(["room-1"], Notification({"number": number, "filling": "x" * 20_000}))
            await asyncio.sleep(0)
            received = json.loads(str(await quick.read_message())[2:])
            assert (received[0], received[1]["number"]) == ("room-1", number)
            if number % 20 == 0:
                await quick.write_message("2")
                assert await quick.read_message() == "3"
    assert "Let go of a Socket.IO client" in caplog.text
    assert len(carrier._sessions) == 1
    server_closes.close()


async def test_a_polling_client_that_does_not_fetch_is_let_go(tight_server: Server) -> None:
    await poll(tight_server, "/socket.io/?EIO=3&transport=polling")
    carrier = protocol(tight_server)
    (connection_id,) = carrier._sessions
    carrier.join_channel("room-1", connection_id)
    for number in range(60):
        carrier.broadcast(["room-1"], Notification({"number": number}))
    await until(lambda: carrier.engine.sockets == {})
    assert len(carrier._followers) == 0


async def test_sessions_beyond_the_bound_are_refused(tight_server: Server) -> None:
    path = "/socket.io/?EIO=3&transport=polling"
    statuses = [(await tight_server.http("GET", path)).status for _ in range(3)]
    assert statuses == [200, 200, 503]


async def test_a_body_of_too_many_packets_ends_the_session(tight_server: Server) -> None:
    path = "/socket.io/?EIO=3&transport=polling"
    opened = await poll(tight_server, path)
    sid = json.loads(opened[opened.index("{") : opened.index("}") + 1])["sid"]
    assert (await tight_server.http("POST", f"{path}&sid={sid}", b"1:2" * 6)).status == 400
    assert protocol(tight_server).engine.sockets == {}


async def test_all_clients_learn_of_the_end_of_the_server(server: Server) -> None:
    websockets = [await enter(server, generation) for generation in (3, 4)]
    path = "/socket.io/?EIO=4&transport=polling"
    opened = await poll(server, path)
    sid = json.loads(opened[opened.index("{") : opened.index("}") + 1])["sid"]
    polling = asyncio.ensure_future(poll(server, f"{path}&sid={sid}"))
    await asyncio.sleep(0.05)
    await server.app.stop()
    assert [await websocket.read_message() for websocket in websockets] == ["1", "1"]
    assert [await websocket.read_message() for websocket in websockets] == [None, None]
    assert await polling == "1"
    assert protocol(server).engine.sockets == {}
    assert protocol(server).links == set()


async def test_a_connection_has_the_peer_behind_what_proxies_say(server: Server) -> None:
    await enter(server, 3, **{"X-Forwarded-For": "203.0.113.7, 198.51.100.2", "User-Agent": "browser"})
    (session,) = protocol(server)._sessions.values()
    assert session.client.ips[:2] == ("203.0.113.7", "198.51.100.2")
    assert session.client.ips[2] in ("127.0.0.1", "::1")
    assert session.client.headers["user-agent"] == "browser"


async def test_a_forced_disconnection_ends_the_session(server: Server) -> None:
    websocket = await enter(server, 4)
    (connection_id,) = protocol(server)._sessions
    server.app.entrypoint.disconnect(connection_id, "enough")
    assert await websocket.read_message() == "41"  # so that clients do not connect again by themselves
    assert await websocket.read_message() == "1"
    assert await websocket.read_message() is None
