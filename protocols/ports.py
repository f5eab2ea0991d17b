"""The listening sockets of the server.

Web protocols (HTTP, WebSocket, Socket.IO) that name the same port share one Tornado HTTP server: each
adds a door to it, and the first door that wants a request gets it. Any other protocol has its port for
itself. Every port is bound on all addresses of `server.host`.
"""

from __future__ import annotations

import asyncio
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


class PortError(Exception):
    """A port cannot be had; the text is one line that tells the operator why."""


class _WebPort(Router):
    """One HTTP server and the doors of its protocols, in the order of their rank."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        self.doors: list[tuple[int, str, WebDoor]] = []
        self.number: int = sockets[0].getsockname()[1]
        self.server = HTTPServer(self, max_body_size=_TORNADO_MAX_BODY_BYTES, max_header_size=_MAX_HEAD_BYTES)
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
        self._servers: dict[str, asyncio.Server] = {}

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
        loop = asyncio.get_running_loop()
        sockets = self._bind(port, protocol)
        # asyncio serves several sockets with one server object.
        self._servers[protocol] = server = await loop.create_server(factory, sock=sockets[0], backlog=1024)
        for extra in sockets[1:]:
            other = await loop.create_server(factory, sock=extra, backlog=1024)
            self._servers[f"{protocol}/{extra.family.name}"] = other
        self.numbers[protocol] = number = server.sockets[0].getsockname()[1]
        return int(number)

    async def close(self, protocol: str) -> None:
        """Close the port that a protocol opened with `listen`; its connections are the protocol's."""
        self.numbers.pop(protocol, None)
        for name in [name for name in self._servers if name.partition("/")[0] == protocol]:
            self._servers.pop(name).close()
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
        try:
            return bind_sockets(port, self.host, backlog=1024)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise PortError(f"protocols.{protocol}.port: cannot listen on {self.host}:{port}: {reason}") from error
