"""Engine.IO clients that can break every rule: polling by single requests, WebSockets by single frames."""

from __future__ import annotations

import json
from typing import Any

import tornado.httpclient
from web_stage import RawClient
from ws_raw import RawWebSocket, frame, handshake

TEXT = 1
BINARY = 2
CLOSE = 8


class Answer:
    """An HTTP answer."""

    def __init__(self, response: tornado.httpclient.HTTPResponse) -> None:
        self.status = response.code
        self.headers = response.headers
        self.body: bytes = response.body or b""

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


async def fetch(port: int, query: str, body: bytes | None = None, verb: str = "", **headers: str) -> Answer:
    """Send one request to `/socket.io/?<query>`: a GET, or a POST when it has a body."""
    client = tornado.httpclient.AsyncHTTPClient(force_instance=True)
    try:
        return Answer(
            await client.fetch(
                f"http://localhost:{port}/socket.io/?{query}",
                method=verb or ("GET" if body is None else "POST"),
                body=body,
                headers={name.replace("_", "-"): value for name, value in headers.items()},
                allow_nonstandard_methods=True,
                raise_error=False,
                request_timeout=20,
            )
        )
    finally:
        client.close()


def cut(generation: int, body: bytes) -> list[str]:
    """Cut the body of a poll into packets; ASCII is enough of generation 3 here."""
    text = body.decode()
    if generation == 4:
        return text.split("\x1e")
    packets = []
    while text:
        size, _, text = text.partition(":")
        packets.append(text[: int(size)])
        text = text[int(size) :]
    return packets


def join(generation: int, *packets: str) -> bytes:
    """Return the body of a POST."""
    if generation == 4:
        return "\x1e".join(packets).encode()
    return "".join(f"{len(packet.encode('utf-16-le')) // 2}:{packet}" for packet in packets).encode()


class PollingClient:
    """A session by polling.

    Attributes:
        opened: Content of the packet that opened it.
        early: Packets that came behind that one.
    """

    def __init__(self, port: int, generation: int, answer: Answer) -> None:
        self.port = port
        self.generation = generation
        self.handshake = answer
        first, *self.early = cut(generation, answer.body)
        assert first[0] == "0"
        self.opened: dict[str, Any] = json.loads(first[1:])
        self.sid: str = self.opened["sid"]
        self._received: list[str] = []

    @classmethod
    async def open(cls, port: int, generation: int, **headers: str) -> PollingClient:
        """Open a session, and join the namespace."""
        answer = await fetch(port, f"EIO={generation}&transport=polling", **headers)
        assert answer.status == 200, answer.body
        self = cls(port, generation, answer)
        if generation == 4:
            await self.post("40")
            joined = await self.packet()
            assert joined.startswith("40{")
        else:
            assert self.early == ["40"]
        return self

    @property
    def query(self) -> str:
        """The query of its requests."""
        return f"EIO={self.generation}&transport=polling&sid={self.sid}"

    async def post(self, *packets: str) -> Answer:
        """Send packets."""
        return await fetch(self.port, self.query, join(self.generation, *packets))

    async def post_raw(self, body: bytes, **headers: str) -> Answer:
        """Send a body as it is."""
        return await fetch(self.port, self.query, body, **headers)

    async def poll(self) -> Answer:
        """Ask for packets."""
        return await fetch(self.port, self.query)

    async def packet(self) -> str:
        """Return the next packet."""
        while not self._received:
            answer = await self.poll()
            assert answer.status == 200, answer.body
            self._received = cut(self.generation, answer.body)
        return self._received.pop(0)

    async def event(self) -> list[Any]:
        """Return the next event: its name and its arguments; pings of the server are passed over."""
        return event_of(await self.packet())

    async def ask(self, **envelope: Any) -> dict[str, Any]:
        """Send a request and return what came back under its requestId."""
        assert (await self.post(request(**envelope))).status == 200
        name, content = await self.event()
        assert name == envelope.get("requestId", "one")
        return dict(content)


class SocketClient(RawWebSocket):
    """A session by WebSocket alone, or the WebSocket of an upgrade."""

    @classmethod
    async def connect_to(cls, port: int, query: str, **headers: str) -> SocketClient:
        """Upgrade a connection to `/socket.io/?<query>`."""
        raw = await RawClient.connect(port)
        self = cls(raw.reader, raw.writer)
        head = handshake(**headers).replace(b"/any/path?x=1", f"/socket.io/?{query}".encode())
        await self.send(head)
        status, _, _ = await self.answer()
        assert status == 101
        return self

    @classmethod
    async def open_session(cls, port: int, generation: int, **headers: str) -> SocketClient:
        """Open a session and join the namespace."""
        self = await cls.connect_to(port, f"EIO={generation}&transport=websocket", **headers)
        assert (await self.packet()).startswith('0{"sid"')
        if generation == 4:
            await self.say("40")
            assert (await self.packet()).startswith("40{")
        else:
            assert await self.packet() == "40"
        return self

    async def say(self, packet: str) -> None:
        """Send a packet."""
        await self.send(frame(TEXT, packet.encode()))

    async def packet(self) -> str:
        """Return the next packet."""
        opcode, payload = await self.frame()
        assert opcode == TEXT, (opcode, payload)
        return payload.decode()

    async def event(self) -> list[Any]:
        """Return the next event: its name and its arguments."""
        return event_of(await self.packet())

    async def ask(self, **envelope: Any) -> dict[str, Any]:
        """Send a request and return what came back under its requestId."""
        await self.say(request(**envelope))
        name, content = await self.event()
        assert name == envelope.get("requestId", "one")
        return dict(content)


def request(**envelope: Any) -> str:
    """Return the packet of a request; `server:now` and the requestId `one` unless told otherwise."""
    content = {"controller": "server", "action": "now", "requestId": "one", **envelope}
    return "42" + json.dumps(["kuzzle", content], ensure_ascii=False)


def event_of(packet: str) -> list[Any]:
    """Return the name and the arguments of an event."""
    assert packet.startswith("42["), packet
    return list(json.loads(packet[2:]))


def service_of(server: Any) -> Any:
    """Return what serves the Socket.IO clients of a server, once one has come."""
    (protocol,) = (each for each in server.app.protocols if each.name == "socketio")
    return protocol.service
