"""The Socket.IO protocol as the server sees it: a light front whose service is loaded when the first client comes.

Importing python-engineio imports whatever HTTP clients are installed beside it (aiohttp, requests): up to
0.4 s and 14 MB, for its client half, which nobody needs here. So it is done in a thread, once somebody
asks for Socket.IO; requests that come meanwhile wait, a bounded number of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

from kuzzle.notification import Notification
from protocols.base import Protocol, ProtocolContext

if TYPE_CHECKING:
    from protocols.socketio.server import SocketIoService

PATH: Final = "/socket.io/"
_RANK: Final = 0
_MAX_WAITING: Final = 1_000

logger = logging.getLogger(__name__)

# An installation without it is found out when the server starts, not when the first client comes.
for _needed in ("socketio", "engineio"):
    if find_spec(_needed) is None:
        raise ImportError(f"python-{_needed} is not installed")


class SocketIoProtocol(Protocol):
    """Socket.IO on the shared web port, below `/socket.io/`, for clients of the generations 1.7 to 4.

    Options: `port`; `pingInterval` and `pingTimeout` (ms); `origins`, `host:port` patterns of the pages that
    may connect; `maxSessions`; `maxQueuedBytes` and `maxQueuedMessages` bound what waits for a client that
    does not read, beyond it the client is let go; `maxDecodePackets` bounds one polling body.

    Attributes:
        service: What serves clients; None until the first one comes.
    """

    def __init__(self, context: ProtocolContext) -> None:
        super().__init__(context)
        self.service: SocketIoService | None = None
        self._loading: asyncio.Task[None] | None = None
        self._waiting = 0
        self._is_stopping = False

    async def start(self) -> None:
        """Open the door on the shared web port."""
        self.context.ports.open_web_door(self.options["port"], self.name, self._door, rank=_RANK)

    async def stop(self) -> None:
        """Tell all clients, which may come back, close their sessions, then the door."""
        self._is_stopping = True
        if self._loading is not None:
            await asyncio.wait([self._loading])
        if self.service is not None:
            await self.service.end_sessions()
        await self.context.ports.close_web_door(self.options["port"], self.name)
        if self.service is not None:
            await self.service.close_links()

    def _door(self, request: HTTPServerRequest) -> HTTPMessageDelegate | None:
        if self._is_stopping or not request.path.startswith(PATH):
            return None
        return EarlyRequest(self, request) if self.service is None else self.service.door(request)

    async def load(self) -> SocketIoService | None:
        """Return the service, loaded by the first who asks; None when too many wait for it, or at the end."""
        if self.service is None and not self._is_stopping and self._waiting < _MAX_WAITING:
            if self._loading is None:
                self._loading = asyncio.get_running_loop().create_task(self._load())
            self._waiting += 1
            try:
                await asyncio.wait([self._loading])
            finally:
                self._waiting -= 1
        return None if self._is_stopping else self.service

    async def _load(self) -> None:
        try:
            module = await asyncio.to_thread(import_module, "protocols.socketio.server")
            self.service = module.SocketIoService(self.context)
        except Exception:  # a broken installation costs Socket.IO, not the server
            logger.exception("Socket.IO cannot be loaded")
            self._loading = None

    # --- notifications: without a service there is nobody to tell

    def broadcast(self, channels: Sequence[str], notification: Notification) -> None:
        """Send a notification to every connection that follows one of the channels."""
        if self.service is not None:
            self.service.broadcast(channels, notification)

    def notify(self, connection_id: str, channels: Sequence[str], notification: Notification) -> None:
        """Send a notification to one connection."""
        if self.service is not None:
            self.service.notify(connection_id, channels, notification)

    def join_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection follow a channel."""
        if self.service is not None:
            self.service.join_channel(channel, connection_id)

    def leave_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection leave a channel."""
        if self.service is not None:
            self.service.leave_channel(channel, connection_id)

    def disconnect(self, connection_id: str, message: str) -> None:
        """Close a connection; Socket.IO has no way to tell the client more than that the server did it."""
        if self.service is not None:
            self.service.disconnect(connection_id)


class EarlyRequest(HTTPMessageDelegate):
    """A request that came before the service: it is held at its head until somebody can serve it."""

    def __init__(self, protocol: SocketIoProtocol, request: HTTPServerRequest) -> None:
        self._protocol = protocol
        self._request = request
        self._served: HTTPMessageDelegate | None = None

    async def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        """Wait for the service and hand the request over."""
        service = await self._protocol.load()
        if service is None:
            connection = self._request.connection
            assert connection is not None
            unavailable = ResponseStartLine("HTTP/1.1", 503, "Service Unavailable")
            connection.write_headers(unavailable, HTTPHeaders({"Content-Length": "0", "Retry-After": "1"}))
            connection.finish()
            return
        self._served = service.door(self._request)
        begun = self._served.headers_received(start_line, headers)
        if begun is not None:
            await begun

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Hand a piece of the body over."""
        return None if self._served is None else self._served.data_received(chunk)

    def finish(self) -> None:
        """Hand the end over."""
        if self._served is not None:
            self._served.finish()

    def on_connection_close(self) -> None:
        """Hand over that the client left."""
        if self._served is not None:
            self._served.on_connection_close()
