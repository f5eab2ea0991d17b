"""Clients of every protocol behind one face: real ones, that ask, and keep what they are notified of."""

from __future__ import annotations

import asyncio
import itertools
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import wire
from harness import Server, WebSocket
from node import Running, node_running


class Talker(ABC):
    """A client.

    Attributes:
        protocol: What it talks.
        notifications: What it was notified of, up to its last answer.
    """

    protocol: str

    def __init__(self) -> None:
        self.notifications: list[dict[str, Any]] = []

    @abstractmethod
    async def ask(self, controller: str, action: str, **members: Any) -> dict[str, Any]:
        """Send a request and return its envelope."""

    async def ask_together(self, requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Send requests, each with its `requestId`, without waiting for answers in between; their envelopes."""
        raise NotImplementedError(f"not by {self.protocol}")

    async def subscribe(self, filters: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Subscribe to the books of the library; the envelope."""
        return await self.ask("realtime", "subscribe", index="library", collection="books", body=filters, **options)

    async def create(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create a book; the envelope."""
        return await self.ask("document", "create", index="library", collection="books", _id=name, body=body)


class HttpTalker(Talker):
    """HTTP; only for what has a route written down here."""

    protocol = "http"

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    async def ask(self, controller: str, action: str, **members: Any) -> dict[str, Any]:
        """Send a request."""
        if (controller, action) == ("document", "create"):
            path = f"/{members['index']}/{members['collection']}/{members['_id']}/_create"
            return dict((await self._server.http("POST", path, members["body"])).json)
        raise AssertionError(f"{controller}:{action} has no route here")


class WebSocketTalker(Talker):
    """WebSocket, by the harness's client."""

    protocol = "websocket"

    def __init__(self, websocket: WebSocket) -> None:
        super().__init__()
        self._websocket = websocket

    async def ask(self, controller: str, action: str, **members: Any) -> dict[str, Any]:
        """Send a request."""
        (answer,) = await self.ask_together([{"controller": controller, "action": action, **members}])
        return answer

    async def ask_together(self, requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Send requests."""
        answers = await asyncio.gather(*(self._websocket.request(**request) for request in requests))
        while not self._websocket.notifications.empty():
            self.notifications.append(self._websocket.notifications.get_nowait())
        return answers


class NodeTalker(Talker):
    """A script of tests/clients that reads requests and prints what it hears."""

    def __init__(self, protocol: str, script: Running) -> None:
        super().__init__()
        self.protocol = protocol
        self._script = script
        self._ids = itertools.count()

    async def ask(self, controller: str, action: str, **members: Any) -> dict[str, Any]:
        """Send a request."""
        request_id = f"{self.protocol}-{next(self._ids)}"
        (answer,) = await self.ask_together(
            [{"controller": controller, "action": action, "requestId": request_id, **members}]
        )
        return answer

    async def ask_together(self, requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Send requests."""
        for request in requests:
            self._script.tell(request)
        answers: list[dict[str, Any]] = []
        while len(answers) < len(requests):
            heard = await self._script.value()
            if "notification" in heard:
                self.notifications.append(heard["notification"])
            else:
                answers.append(heard["answer"])
        return answers


LINES = {"class": "line_protocol:LineProtocol", "port": 0}
"""The section of the example of a protocol of one's own, which `lines` talks."""


class LineTalker(Talker):
    """A JSON text a line, over TCP."""

    protocol = "lines"

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__()
        self.reader = reader
        self.writer = writer
        self._ids = itertools.count()

    async def ask(self, controller: str, action: str, **members: Any) -> dict[str, Any]:
        """Send a request."""
        request_id = members.pop("requestId", None) or f"lines-{next(self._ids)}"
        self.say({"controller": controller, "action": action, "requestId": request_id, **members})
        answer = await self.hear()
        assert answer is not None, "the connection was closed"
        assert answer["room"] == answer["requestId"] == request_id
        wire.check_response(answer)
        return answer

    def say(self, line: Any) -> None:
        """Send a line: bytes as they are, anything else as JSON."""
        self.writer.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")

    def stop_reading(self) -> None:
        """Take nothing from the socket any more."""
        transport: Any = self.writer.transport
        transport.pause_reading()

    async def hear(self) -> dict[str, Any] | None:
        """Return the next line that is no notification; None at the end."""
        while (line := await self._read()) is not None:
            if "type" not in line:
                return line
            self._keep(line)
        return None

    async def notification(self) -> dict[str, Any]:
        """Return the next notification."""
        if not self.notifications:
            line = await self._read()
            assert line is not None, "the connection was closed"
            self._keep(line)
        return self.notifications.pop(0)

    def _keep(self, line: dict[str, Any]) -> None:
        wire.check_notification(line)
        self.notifications.append(line)

    async def _read(self) -> dict[str, Any] | None:
        line = await asyncio.wait_for(self.reader.readline(), 30)
        return dict(json.loads(line)) if line else None


@asynccontextmanager
async def line_talker(server: Server) -> AsyncIterator[LineTalker]:
    """Connect a client to the protocol `lines`."""
    reader, writer = await asyncio.open_connection("localhost", server.port("lines"), limit=1 << 24)
    yield LineTalker(reader, writer)
    writer.close()


@asynccontextmanager
async def talker(server: Server, protocol: str) -> AsyncIterator[Talker]:
    """Connect a client."""
    if protocol == "http":
        yield HttpTalker(server)
    elif protocol == "websocket":
        websocket = await server.websocket()
        yield WebSocketTalker(websocket)
        websocket.close()
    elif protocol == "lines":
        async with line_talker(server) as client:
            yield client
    else:
        port = str(server.port(protocol))
        arguments = ["socket.io-client-2.0", port] if protocol == "socketio" else [port]
        async with node_running(f"talk_{protocol}.js", *arguments) as script:
            assert await script.value() == "ready"
            yield NodeTalker(protocol, script)
