"""The listening sockets of the server.

Web protocols (HTTP, WebSocket, Socket.IO) that name the same port share one Tornado HTTP server: each
adds a door to it, and the first door that wants a request gets it. Any other protocol has its port for
itself. Every port is bound on all addresses of `server.host`.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream
from tornado.routing import Router

from protocols import tornado_seams

WebDoor = Callable[[HTTPServerRequest], HTTPMessageDelegate | None]
"""Takes a request whose head has arrived: returns who reads the rest and answers, None to decline."""

# Our handlers bound bodies themselves (413 with the documented error); Tornado's own bound closes the
# connection without an answer, so it stands far beyond.
_TORNADO_MAX_BODY_BYTES = 1 << 40
_MAX_HEAD_BYTES = 65_536
# A client that says nothing between two requests, or dawdles over one, is let go.
_IDLE_TIMEOUT_S = 75.0
_BODY_TIMEOUT_S = 120.0
# A port that is free for one address family may be taken for the other: with 0 another is tried.
_FREE_PORT_ATTEMPTS = 10
_BACKLOG = 1024
# What accept() says while the process or the machine has nothing left for another connection.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_ACCEPT_PAUSE_S = 1.0

logger = logging.getLogger(__name__)


class PortError(Exception):
    """A port cannot be had; the text is one line that tells the operator why."""


class _WebPort(Router):
    """One HTTP server and the doors of its protocols, in the order of their rank.

    It accepts connections itself: Tornado's server spins, and logs at each turn, while the process has no
    file descriptor left. Here the client waits in the backlog, and one line says so.
    """

    def __init__(self, sockets: list[socket.socket]) -> None:
        self.doors: list[tuple[int, str, WebDoor]] = []
        self.number: int = sockets[0].getsockname()[1]
        self._listeners = sockets
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        self._server = HTTPServer(
            self,
            max_body_size=_TORNADO_MAX_BODY_BYTES,
            max_header_size=_MAX_HEAD_BYTES,
            idle_connection_timeout=_IDLE_TIMEOUT_S,
            body_timeout=_BODY_TIMEOUT_S,
        )
        for listener in sockets:
            self._listen(listener)

    def _listen(self, listener: socket.socket) -> None:
        self._pauses.pop(listener, None)
        IOLoop.current().add_handler(listener, self._accept, IOLoop.READ)

    def _accept(self, listener: socket.socket, events: int) -> None:
        for _ in range(_BACKLOG):
            try:
                connection, address = listener.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:  # the client left while it waited
                continue
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                logger.warning("Cannot accept a connection on port %d: %s", self.number, os.strerror(error.errno))
                IOLoop.current().remove_handler(listener)
                loop = asyncio.get_running_loop()
                self._pauses[listener] = loop.call_later(_ACCEPT_PAUSE_S, self._listen, listener)
                return
            self._server.handle_stream(IOStream(connection), address)

    async def close(self) -> None:
        """Accept nothing more, and close the HTTP connections."""
        for listener in self._listeners:
            if listener in self._pauses:
                self._pauses.pop(listener).cancel()
            else:
                IOLoop.current().remove_handler(listener)
            listener.close()
        await self._server.close_all_connections()

    def find_handler(self, request: HTTPServerRequest, **kwargs: object) -> HTTPMessageDelegate | None:
        if not self.doors and request.connection is not None:
            # The last door is closing: an empty 404, which is Tornado's answer to what nobody wants, would be a lie.
            tornado_seams.close(request.connection)
            return HTTPMessageDelegate()
        for _, _, door in self.doors:
            delegate = door(request)
            if delegate is not None:
                return delegate
        return None


class Ports:
    """The ports of one server, by configured number (0: any free one).

    Attributes:
        host: Name or address to bind; `localhost` means both address families.
        section: The section of the configuration that those who listen are named in; None when each is a
            section itself. Faults name their options by it.
        numbers: The port each protocol answers on, by protocol name.
    """

    def __init__(self, host: str, *, section: str | None = "protocols") -> None:
        self.host = host
        self.section = section
        self.numbers: dict[str, int] = {}
        self._web: dict[int, _WebPort] = {}
        self._owners: dict[int, str] = {}
        self._servers: dict[str, list[asyncio.Server]] = {}

    def open_web_door(self, port: int, protocol: str, door: WebDoor, *, rank: int) -> int:
        """Let a web protocol answer on a port; doors of a lower rank are asked first.

        Returns:
            The port's number.

        Raises:
            PortError
        """
        web_port = self._web.get(port)
        if web_port is None:
            self._claim(port, protocol)
            self._web[port] = web_port = _WebPort(self._bind(port, protocol))
        web_port.doors.append((rank, protocol, door))
        web_port.doors.sort(key=lambda entry: entry[0])
        self.numbers[protocol] = web_port.number
        return web_port.number

    async def close_web_door(self, port: int, protocol: str) -> None:
        """Take a web protocol off a port; the last one closes the port and its connections."""
        web_port = self._web.get(port)
        self.numbers.pop(protocol, None)
        if web_port is None:
            return
        web_port.doors = [entry for entry in web_port.doors if entry[1] != protocol]
        if not web_port.doors:
            del self._web[port]
            self._owners.pop(port, None)
            await web_port.close()

    async def listen(self, port: int, protocol: str, factory: Callable[[], asyncio.Protocol]) -> int:
        """Open a port of a protocol's own.

        Returns:
            The port's number.

        Raises:
            PortError
        """
        self._claim(port, protocol)
        sockets = self._bind(port, protocol)
        number: int = sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        self._servers[protocol] = [await loop.create_server(factory, sock=each, backlog=_BACKLOG) for each in sockets]
        self.numbers[protocol] = number
        return number

    async def close(self, protocol: str) -> None:
        """Close the port that a protocol opened with `listen`; its connections are the protocol's."""
        self.numbers.pop(protocol, None)
        for server in self._servers.pop(protocol, ()):
            server.close()
        self._owners = {port: owner for port, owner in self._owners.items() if owner != protocol}

    def _claim(self, port: int, protocol: str) -> None:
        owner = self._owners.get(port)
        if owner is not None:
            raise PortError(
                f"protocols.{protocol}.port: {port} is already the port of protocols.{owner}; "
                "only http, websocket and socketio can share one"
            )
        if port:
            self._owners[port] = protocol

    def _bind(self, port: int, protocol: str) -> list[socket.socket]:
        attempts_left = 1 if port else _FREE_PORT_ATTEMPTS
        while True:
            attempts_left -= 1
            try:
                return _bind_every_family(self.host, port)
            except OSError as error:
                if attempts_left and error.errno == errno.EADDRINUSE:
                    continue
                self._owners.pop(port, None)
                reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
                option = f"{protocol}.port" if self.section is None else f"{self.section}.{protocol}.port"
                raise PortError(f"{option}: cannot listen on {self.host}:{port}: {reason}") from error


def _bind_every_family(host: str, port: int) -> list[socket.socket]:
    """Listen on all addresses of a host at one port (0: the same free one for all); a failure leaves none open."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners: list[socket.socket] = []
    missing = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    try:
        for family, (address, _, *scope) in sorted({(entry[0], entry[4]) for entry in found}):
            number = listeners[0].getsockname()[1] if listeners else port
            try:
                listener = socket.create_server((address, number, *scope), family=family, backlog=_BACKLOG)
            except OSError as error:
                # A name may have an address of a family that this machine has switched off.
                if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    raise
                missing = error
            else:
                listener.setblocking(False)
                # Inherited by its connections. asyncio would set it only on sockets that know their protocol
                # number; without it a small answer may wait 40 ms for the acknowledgement of the one before.
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                listeners.append(listener)
        if not listeners:
            raise missing
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    return listeners
