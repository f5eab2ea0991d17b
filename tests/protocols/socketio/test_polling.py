"""Engine.IO over HTTP, byte by byte: handshakes, faults, origins, and what a hostile client sends."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from engineio_raw import service_of
from harness import Reply, Server
from web_stage import until

NOW = {"controller": "server", "action": "now", "requestId": "mine"}


def v3(*packets: str) -> bytes:
    return "".join(f"{len(packet)}:{packet}" for packet in packets).encode()


def v4(*packets: str) -> bytes:
    return "\x1e".join(packets).encode()


def event(envelope: Any) -> str:
    return f"42{json.dumps(['kuzzle', envelope])}"


class Polling:
    """A session by polling requests alone."""

    def __init__(self, server: Server, generation: int) -> None:
        self.server = server
        self.generation = generation
        self.path = f"/socket.io/?EIO={generation}&transport=polling"

    async def open(self) -> list[str]:
        """Open the session and, with generation 4, enter the default namespace; return the first packets."""
        packets = self.packets(await self.get())
        self.path += f"&sid={json.loads(packets[0][1:])['sid']}"
        if self.generation == 4:
            assert (await self.post("40")).body == b"ok"
            packets += self.packets(await self.get())
        return packets

    async def get(self) -> Reply:
        return await self.server.http("GET", self.path)

    async def post(self, *packets: str) -> Reply:
        body = v3(*packets) if self.generation == 3 else v4(*packets)
        return await self.server.http("POST", self.path, body)

    def packets(self, reply: Reply) -> list[str]:
        """Return the packets of an answer."""
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "text/plain; charset=UTF-8"
        text = reply.body.decode()
        if self.generation == 4:
            return text.split("\x1e")
        packets = []
        while text:
            length, _, rest = text.partition(":")
            packets.append(rest[: int(length)])
            text = rest[int(length) :]
        return packets

    @property
    def is_open(self) -> bool:
        """True while the server keeps the session."""
        return any(f"sid={sid}" in self.path for sid in sessions(self.server))


def sessions(server: Server) -> dict[str, Any]:
    table: dict[str, Any] = service_of(server).engine.sockets
    return table


async def test_generation_3_is_in_the_default_namespace_without_asking(server: Server) -> None:
    polling = Polling(server, 3)
    reply = await polling.get()
    opened, connected = polling.packets(reply)
    content = json.loads(opened[1:])
    assert opened[0] == "0"
    assert list(content) == ["sid", "upgrades", "pingInterval", "pingTimeout"]
    assert (content["upgrades"], content["pingInterval"], content["pingTimeout"]) == (["websocket"], 25000, 5000)
    assert connected == "40"
    assert reply.headers["Set-Cookie"] == f"io={content['sid']}; Path=/; HttpOnly"


async def test_generation_4_enters_the_namespace_with_a_packet(server: Server) -> None:
    opened, connected = await Polling(server, 4).open()
    assert json.loads(opened[1:])["maxPayload"] == 1_048_576
    assert connected.startswith('40{"sid":')


@pytest.fixture
def hasty_server(start_server: Callable[..., Server]) -> Server:
    """A server that pings often and waits briefly."""
    return start_server({"protocols": {"socketio": {"pingInterval": 150, "pingTimeout": 250}}})


@pytest.mark.parametrize("generation", [3, 4])
async def test_intervals_are_told_in_whole_milliseconds(hasty_server: Server, generation: int) -> None:
    polling = Polling(hasty_server, generation)
    content = json.loads(polling.packets(await polling.get())[0][1:])
    assert (content["pingInterval"], content["pingTimeout"]) == (150, 250)


@pytest.mark.parametrize("generation", [3, 4])
async def test_a_client_that_never_polls_again_is_forgotten(hasty_server: Server, generation: int) -> None:
    await Polling(hasty_server, generation).open()
    assert len(sessions(hasty_server)) == 1
    assert hasty_server.app.entrypoint.connection_counts == {"socketio": 1}
    await until(lambda: not sessions(hasty_server))
    assert hasty_server.app.entrypoint.connection_counts == {}


async def test_a_client_of_generation_3_is_kept_by_its_own_pings(hasty_server: Server) -> None:
    polling = Polling(hasty_server, 3)
    await polling.open()
    for _ in range(8):
        await asyncio.sleep(0.1)
        await polling.post("2")
        assert polling.packets(await polling.get()) == ["3"]


async def test_a_client_of_generation_4_is_pinged_and_kept_by_its_answers(hasty_server: Server) -> None:
    polling = Polling(hasty_server, 4)
    await polling.open()
    for _ in range(4):
        assert polling.packets(await polling.get()) == ["2"]
        await polling.post("3")


@pytest.mark.parametrize("generation", [3, 4])
async def test_a_request_is_answered_by_an_event_of_its_id(server: Server, generation: int) -> None:
    polling = Polling(server, generation)
    await polling.open()
    assert (await polling.post(event(NOW))).body == b"ok"
    (packet,) = polling.packets(await polling.get())
    name, envelope = json.loads(packet[2:])
    assert (name, envelope["status"], "room" in envelope) == ("mine", 200, False)


@pytest.mark.parametrize("generation", [3, 4])
async def test_a_poll_waits_for_what_comes(server: Server, generation: int) -> None:
    polling = Polling(server, generation)
    await polling.open()
    waiting = asyncio.ensure_future(polling.get())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await polling.post(event(NOW))
    assert polling.packets(await waiting)[0].startswith('42["mine",')


async def test_a_hundred_packets_in_one_body_are_taken(server: Server) -> None:
    polling = Polling(server, 4)
    await polling.open()
    await polling.post(*(event({**NOW, "requestId": str(number)}) for number in range(100)))
    names = [json.loads(packet[2:])[0] for packet in polling.packets(await polling.get())]
    assert names == [str(number) for number in range(100)]


async def test_jsonp_requests_are_answered_as_a_script(server: Server) -> None:
    reply = await server.http("GET", "/socket.io/?EIO=3&transport=polling&j=0")
    assert reply.headers["Content-Type"] == "text/javascript; charset=UTF-8"
    assert reply.body.startswith(b'___eio[0]("')
    assert reply.body.endswith(b'");')


@pytest.mark.parametrize(
    ("verb", "query", "code", "message"),
    [
        ("GET", "EIO=3&transport=carrier-pigeon", 0, "Transport unknown"),
        ("GET", "EIO=3&transport=polling&sid=unknown", 1, "Session ID unknown"),
        ("POST", "EIO=3&transport=polling&sid=unknown", 1, "Session ID unknown"),
        ("POST", "EIO=3&transport=polling", 2, "Bad handshake method"),
        ("PUT", "EIO=3&transport=polling", 2, "Bad handshake method"),
        ("GET", "EIO=3&transport=websocket", 3, "Bad request"),
        ("GET", "EIO=2&transport=polling", 5, "Unsupported protocol version"),
        ("GET", "transport=polling", 5, "Unsupported protocol version"),
        ("GET", "", 0, "Transport unknown"),
    ],
)
async def test_a_faulty_handshake_is_told_why(server: Server, verb: str, query: str, code: int, message: str) -> None:
    reply = await server.http(verb, f"/socket.io/?{query}", b"" if verb != "GET" else None)
    assert (reply.status, reply.json) == (400, {"code": code, "message": message})
    assert sessions(server) == {}


async def test_any_page_may_connect_by_default(server: Server) -> None:
    path = "/socket.io/?EIO=3&transport=polling"
    reply = await server.http("GET", path, headers={"Origin": "http://shop.example"})
    assert reply.headers["Access-Control-Allow-Origin"] == "http://shop.example"
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"
    assert (await server.http("GET", path)).headers["Access-Control-Allow-Origin"] == "*"
    preflight = await server.http("OPTIONS", path, headers={"Origin": "http://shop.example"})
    assert preflight.status == 200
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]


async def test_the_browser_client_is_served_whole_and_once(server: Server) -> None:
    reply = await server.http("GET", "/socket.io/socket.io.js")
    file = Path(__file__).parents[3] / "protocols" / "socketio" / "client" / "socket.io.js"
    assert reply.body == file.read_bytes()
    assert reply.headers["Content-Type"].startswith("application/javascript")
    assert reply.headers["ETag"] == f'"{hashlib.sha256(reply.body).hexdigest()[:32]}"'
    again = await server.http("GET", "/socket.io/socket.io.js", headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert (await server.http("HEAD", "/socket.io/socket.io.js")).body == b""
    assert (await server.http("POST", "/socket.io/socket.io.js", b"")).status == 405


@pytest.mark.parametrize("generation", [3, 4])
@pytest.mark.parametrize(
    "packet",
    [
        "4",
        "49",
        "42{",
        "42[",
        "42" + "[" * 3000,
        '451-["kuzzle",{"_placeholder":true,"num":0}]',
        '4599999999-["kuzzle"]',
        "44",
        "47",
        "0",
        "b4AAAA",
        "bAAAA",
        "x",
    ],
)
async def test_a_malformed_packet_ends_its_session_and_no_other(
    server: Server, generation: int, packet: str, caplog: pytest.LogCaptureFixture
) -> None:
    hostile, other = Polling(server, generation), Polling(server, generation)
    await hostile.open()
    await other.open()
    with caplog.at_level(logging.INFO):
        assert (await hostile.post(packet)).status == 400
    assert not hostile.is_open
    assert [record for record in caplog.records if record.name.startswith("protocols")] == []
    await other.post(event(NOW))
    assert other.packets(await other.get())[0].startswith('42["mine",')


@pytest.mark.parametrize("generation", [3, 4])
@pytest.mark.parametrize(
    "packet",
    ["42[]", "42{}", '42["kuzzle"]', '42["kuzzle",null]', '42["kuzzle",false]', '42["kuzzle",0]', '42["kuzzle",""]',
     '42["other",{"requestId":"x"}]', "42[7,{}]", '42/other,["kuzzle",{}]', '431["ack"]', "6"],
)  # fmt: skip
async def test_what_means_nothing_is_ignored(server: Server, generation: int, packet: str) -> None:
    polling = Polling(server, generation)
    await polling.open()
    assert (await polling.post(packet)).body == b"ok"
    await polling.post(event(NOW))
    (answer,) = polling.packets(await polling.get())
    assert answer.startswith('42["mine",')


@pytest.mark.parametrize("generation", [3, 4])
@pytest.mark.parametrize("payload", ["text", 7, True, [], [{}]])
async def test_an_envelope_that_is_no_object_gets_an_event_nobody_waits_for(
    server: Server, generation: int, payload: Any
) -> None:
    polling = Polling(server, generation)
    await polling.open()
    await polling.post(event(payload))
    (packet,) = polling.packets(await polling.get())
    error = {"message": "Input request data must be a non-null object"}
    assert json.loads(packet[2:])[1] == {"status": 400, "error": error}


@pytest.mark.parametrize("generation", [3, 4])
async def test_a_namespace_of_another_name_is_refused_and_the_session_goes_on(server: Server, generation: int) -> None:
    polling = Polling(server, generation)
    await polling.open()
    await polling.post("40/other,")
    (refused,) = polling.packets(await polling.get())
    assert refused.startswith("44/other,")
    await polling.post(event(NOW))
    assert polling.packets(await polling.get())[0].startswith('42["mine",')


@pytest.mark.parametrize("generation", [3, 4])
async def test_leaving_the_namespace_ends_the_subscriptions(server: Server, generation: int) -> None:
    polling = Polling(server, generation)
    await polling.open()
    subscribe = {"controller": "realtime", "action": "subscribe", "index": "i", "collection": "c", "body": {}}
    await polling.post(event({**subscribe, "requestId": "s"}))
    await polling.get()
    assert (await server.http("GET", "/_listSubscriptions")).result != {}
    await polling.post("41")
    assert (await server.http("GET", "/_listSubscriptions")).result == {}


async def test_a_close_packet_ends_the_session(server: Server) -> None:
    polling = Polling(server, 4)
    await polling.open()
    await polling.post("1")
    assert sessions(server) == {}
    assert server.app.entrypoint.connection_counts == {}


async def test_a_second_poll_beside_the_first_ends_the_session(server: Server) -> None:
    polling = Polling(server, 4)
    await polling.open()
    first = asyncio.ensure_future(polling.get())
    await asyncio.sleep(0.05)
    assert (await polling.get()).status == 400
    assert (await first).status in (200, 400)
    assert not polling.is_open


async def test_a_client_that_leaves_its_poll_is_gone(server: Server) -> None:
    polling = Polling(server, 4)
    await polling.open()
    _, writer = await asyncio.open_connection("localhost", server.port("socketio"))
    writer.write(f"GET {polling.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await asyncio.sleep(0.05)
    assert polling.is_open
    writer.close()
    await writer.wait_closed()
    await until(lambda: not polling.is_open)
    assert server.app.entrypoint.connection_counts == {}


@pytest.mark.parametrize("announces", [True, False])
async def test_a_body_beyond_the_bound_is_refused(server: Server, announces: bool) -> None:
    polling = Polling(server, 4)
    await polling.open()
    body = b"4" * 1_048_577
    if announces:
        reply = await server.http("POST", polling.path, body)
        assert reply.status == 413
    else:
        reader, writer = await asyncio.open_connection("localhost", server.port("socketio"))
        head = f"POST {polling.path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
        writer.close()
        await writer.wait_closed()
    assert (await server.http("GET", "/_now")).status == 200
