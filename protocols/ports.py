"""The listening sockets of the server.

Web protocols (HTTP, WebSocket, Socket.IO) that name the same port share one Tornado HTTP server: each
adds a door to it, and the first door that wants a request gets it. Any other protocol has its port for
itself. Every port is bound on all addresses of `server.host`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.netutil import bind_sockets
from tornado.routing import Router

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


class PortError(Exception):
    """A port cannot be had; the text is one line that tells the operator why."""


class _WebPort(Router):
    """One HTTP server and the doors of its protocols, in the order of their rank."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        self.doors: list[tuple[int, str, WebDoor]] = []
        self.number: int = sockets[0].getsockname()[1]
        self.server = HTTPServer(
            self,
            max_body_size=_TORNADO_MAX_BODY_BYTES,
            max_header_size=_MAX_HEAD_BYTES,
            idle_connection_timeout=_IDLE_TIMEOUT_S,
            body_timeout=_BODY_TIMEOUT_S,
        )
        self.server.add_sockets(sockets)

    def find_handler(self, request: HTTPServerRequest, **kwargs: object) -> HTTPMessageDelegate | None:
        for _, _, door in self.doors:
            delegate = door(request)
            if delegate is not None:
                return delegate
        return None


class Ports:
    """The ports of one server, by configured number (0: any free one).

    Attributes:
        host: Name or address to bind; `localhost` means both address families.
        numbers: The port each protocol answers on, by protocol name.
    """

    def __init__(self, host: str) -> None:
        self.host = host
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
            web_port.server.stop()
            await web_port.server.close_all_connections()

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
                raise PortError(f"protocols.{protocol}.port: cannot listen on {self.host}:{port}: {reason}") from error


def _bind_every_family(host: str, port: int) -> list[socket.socket]:
    """Bind all addresses of a host to one port (0: the same free one for all); nothing stays open after a failure."""
    sockets: list[socket.socket] = []
    unknown: socket.gaierror | None = None
    try:
        for family in (socket.AF_INET, socket.AF_INET6):
            number = sockets[0].getsockname()[1] if sockets else port
            try:
                sockets += bind_sockets(number, host, family, backlog=_BACKLOG)
            except socket.gaierror as error:  # no address of this family
                unknown = error
        if not sockets:
            raise unknown or OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    except OSError:
        for each in sockets:
            each.close()
        raise
    return sockets
