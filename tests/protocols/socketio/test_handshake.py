"""How sessions open: the first packets, the cookie, who may connect, and the faults clients know."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from engineio_raw import CLOSE, PollingClient, SocketClient, cut, fetch
from harness import Server
from tornado.ioloop import IOLoop
from web_stage import HttpClient, RawClient
from ws_raw import handshake

GENERATIONS = (3, 4)


async def test_a_session_of_engine_io_3_opens_as_kuzzle_opens_it(server: Server) -> None:
    answer = await fetch(server.port("socketio"), "EIO=3&transport=polling")
    assert answer.status == 200
    assert answer.headers["Content-Type"].lower() == "text/plain; charset=utf-8"
    first, second = cut(3, answer.body)
    opened = json.loads(first[1:])
    sid = opened.pop("sid")
    assert first[0] == "0"
    assert opened == {"upgrades": ["websocket"], "pingInterval": 25_000, "pingTimeout": 5_000}
    assert second == "40"
    assert answer.headers["Set-Cookie"] == f"io={sid}; Path=/; HttpOnly"


async def test_a_session_of_engine_io_4_says_how_large_a_payload_may_be(server: Server) -> None:
    answer = await fetch(server.port("socketio"), "EIO=4&transport=polling")
    (first,) = cut(4, answer.body)
    opened = json.loads(first[1:])
    assert set(opened) == {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
    assert opened["maxPayload"] == 1_048_576


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_session_over_websocket_offers_no_upgrade(server: Server, generation: int) -> None:
    raw = await SocketClient.connect_to(server.port("socketio"), f"EIO={generation}&transport=websocket")
    opened = json.loads((await raw.packet())[1:])
    assert opened["upgrades"] == []
    await raw.close()


def with_options(start_server: Callable[..., Server], **options: Any) -> Server:
    """A server with options of Socket.IO."""
    return start_server({"protocols": {"socketio": options}})


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_ping_options_are_told_in_milliseconds(
    start_server: Callable[..., Server], io_loop: IOLoop, generation: int
) -> None:
    server = with_options(start_server, pingInterval=1_234, pingTimeout=567)
    answer = io_loop.run_sync(lambda: fetch(server.port("socketio"), f"EIO={generation}&transport=polling"))
    opened = json.loads(cut(generation, answer.body)[0][1:])
    assert (opened["pingInterval"], opened["pingTimeout"]) == (1_234, 567)


ORIGINS = {
    "http://shop.example": True,  # 80 by default
    "http://shop.example:8080": False,
    "https://any.example": True,  # 443
    "http://any.example": False,
    "http://[": False,
    "null": False,
}


@pytest.mark.parametrize("origin", ORIGINS)
def test_origins_say_which_pages_may_connect(start_server: Callable[..., Server], io_loop: IOLoop, origin: str) -> None:
    server = with_options(start_server, origins="shop.example:80 *:443")

    async def connect() -> None:
        port = server.port("socketio")
        answer = await fetch(port, "EIO=3&transport=polling", Origin=origin)
        socket = await SocketClient.connect_to(port, "EIO=3&transport=websocket", Origin=origin)
        if ORIGINS[origin]:
            assert answer.status == 200
            assert (await socket.packet())[0] == "0"
        else:
            assert answer.status == 400
            assert answer.json == {"code": 4, "message": "Forbidden"}
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert (await socket.frame()).opcode == CLOSE
        await socket.close()

    io_loop.run_sync(connect)


FAULTS = {
    "an unknown transport": ("EIO=3&transport=smoke", "GET", 0, "Transport unknown"),
    "no transport": ("EIO=3", "GET", 0, "Transport unknown"),
    "an unknown session": ("EIO=3&transport=polling&sid=nobody", "GET", 1, "Session ID unknown"),
    "a post to an unknown session": ("EIO=3&transport=polling&sid=nobody", "POST", 1, "Session ID unknown"),
    "a handshake by POST": ("EIO=3&transport=polling", "POST", 2, "Bad handshake method"),
    "a handshake by PUT": ("EIO=4&transport=polling", "PUT", 2, "Bad handshake method"),
    "a websocket without upgrade": ("EIO=3&transport=websocket", "GET", 3, "Bad request"),
    "no version": ("transport=polling", "GET", 5, "Unsupported protocol version"),
    "a version of old": ("EIO=2&transport=polling", "GET", 5, "Unsupported protocol version"),
    "a version of tomorrow": ("EIO=5&transport=polling", "GET", 5, "Unsupported protocol version"),
}


@pytest.mark.parametrize("case", FAULTS)
async def test_handshake_faults_are_worded_as_clients_know_them(server: Server, case: str) -> None:
    query, verb, code, message = FAULTS[case]
    answer = await fetch(server.port("socketio"), query, b"4hello" if verb != "GET" else None, verb)
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == {"code": code, "message": message}


async def test_cors_echoes_the_origin_and_allows_credentials(server: Server) -> None:
    answer = await fetch(server.port("socketio"), "EIO=3&transport=polling", Origin="http://page.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "http://page.example"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


async def test_cors_is_open_without_an_origin(server: Server) -> None:
    answer = await fetch(server.port("socketio"), "EIO=3&transport=polling")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_a_preflight_is_answered(server: Server) -> None:
    answer = await fetch(
        server.port("socketio"),
        "EIO=3&transport=polling",
        verb="OPTIONS",
        Origin="http://page.example",
        Access_Control_Request_Headers="X-Mine",
    )
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "http://page.example"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "X-Mine"


async def test_the_browser_client_is_served_with_an_etag(server: Server) -> None:
    client = HttpClient(server.port("socketio"))
    status, headers, body = await client.send("GET", "/socket.io/socket.io.js")
    assert status == 200
    assert headers["content-type"].startswith("application/javascript")
    assert b"Socket.IO v2.5.0" in body[:100]
    status, again, body = await client.send("GET", "/socket.io/socket.io.js", If_None_Match=headers["etag"])
    assert (status, body, again["etag"]) == (304, b"", headers["etag"])
    status, _, _ = await client.send("HEAD", "/socket.io/socket.io.js")
    assert status == 200


async def test_nothing_else_is_served_below_the_path(server: Server) -> None:
    status, _, _ = await HttpClient(server.port("socketio")).send("GET", "/socket.io/../kuzzle.yml")
    assert status == 400


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_the_peer_comes_last_behind_what_proxies_forwarded(server: Server, generation: int) -> None:
    socket = await SocketClient.open_session(server.port("socketio"), generation, X_Forwarded_For="1.2.3.4, 5.6.7.8")
    (connection,) = server.app.entrypoint._connections.values()
    assert connection.protocol == "socketio"
    assert connection.ips[:2] == ("1.2.3.4", "5.6.7.8")
    assert connection.ips[2] in ("127.0.0.1", "::1")
    assert connection.headers["x-forwarded-for"] == "1.2.3.4, 5.6.7.8"
    await socket.close()


async def test_polling_clients_show_their_peer_too(server: Server) -> None:
    await PollingClient.open(server.port("socketio"), 3, X_Forwarded_For="1.2.3.4")
    (connection,) = server.app.entrypoint._connections.values()
    assert connection.ips[0] == "1.2.3.4"
    assert connection.ips[1] in ("127.0.0.1", "::1")


async def test_no_compression_is_agreed_on(server: Server) -> None:
    raw = await RawClient.connect(server.port("socketio"))
    head = handshake(Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits")
    await raw.send(head.replace(b"/any/path?x=1", b"/socket.io/?EIO=3&transport=websocket"))
    status, headers, _ = await raw.answer()
    assert status == 101
    assert "sec-websocket-extensions" not in headers
    await raw.close()
