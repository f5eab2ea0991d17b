"""Clients of every protocol behind one face: real ones, that ask, and keep what they are notified of."""

from __future__ import annotations

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

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


@asynccontextmanager
async def talker(server: Server, protocol: str) -> AsyncIterator[Talker]:
    """Connect a client."""
    if protocol == "http":
        yield HttpTalker(server)
    elif protocol == "websocket":
        websocket = await server.websocket()
        yield WebSocketTalker(websocket)
        websocket.close()
    else:
        port = str(server.port(protocol))
        arguments = ["socket.io-client-2.0", port] if protocol == "socketio" else [port]
        async with node_running(f"talk_{protocol}.js", *arguments) as script:
            assert await script.value() == "ready"
            yield NodeTalker(protocol, script)
