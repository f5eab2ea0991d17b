"""The upgrade of an HTTP request to a WebSocket (RFC 6455 section 4.2).

No extension and no subprotocol is ever agreed on, and no upgrade is refused for lack of rights: the
token travels in each message.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable
from typing import Final

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

from protocols.tornado_seams import take_socket

SessionFactory = Callable[[bytes, bytes], asyncio.Protocol]
"""Builds what serves a socket from now on, given the answer to the handshake, which it sends first, and
what the client sent behind its request."""

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_VERSION: Final = "13"


def asks_for_websocket(request: HTTPServerRequest) -> bool:
    """Tell whether a request asks to become a WebSocket."""
    headers = request.headers
    return (
        "Upgrade" in headers
        and request.method == "GET"
        and "websocket" in _tokens(headers["Upgrade"])
        and "upgrade" in _tokens(headers.get("Connection", ""))
    )


class Upgrade(HTTPMessageDelegate):
    """Answers one request for an upgrade and hands its socket to a session."""

    def __init__(self, request: HTTPServerRequest, make_session: SessionFactory, *, is_accepted: bool = True) -> None:
        """`is_accepted` is false for a page that may not connect."""
        assert request.connection is not None
        self._connection: HTTPConnection = request.connection
        self._make_session = make_session
        self._is_accepted = is_accepted

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Take the socket over, or refuse."""
        if headers.get("Sec-WebSocket-Version") != _VERSION:
            self._refuse(426, "Upgrade Required", {"Sec-WebSocket-Version": _VERSION})
            return None
        key = headers.get("Sec-WebSocket-Key", "")
        if not _is_key(key) or headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers:
            self._refuse(400, "Bad Request", {})
            return None
        if not self._is_accepted:  # RFC 6455 section 10.2
            self._refuse(403, "Forbidden", {})
            return None
        return self._upgrade(key)

    async def _upgrade(self, key: str) -> None:
        taken = take_socket(self._connection)
        if taken is None:
            return
        socket, early = taken
        session = self._make_session(_answer(key), early)
        try:
            # An asyncio transport sends at once (no Nagle), straight to the socket while nothing waits.
            await asyncio.get_running_loop().connect_accepted_socket(lambda: session, socket)
        except OSError:
            socket.close()

    def _refuse(self, status: int, reason: str, headers: dict[str, str]) -> None:
        start_line = ResponseStartLine("HTTP/1.1", status, reason)
        self._connection.write_headers(start_line, HTTPHeaders({"Content-Length": "0", **headers}))
        self._connection.finish()


def _tokens(value: str) -> list[str]:
    return [token.strip().lower() for token in value.split(",")]


def _is_key(key: str) -> bool:
    """Tell whether a key is 16 bytes in base64 (RFC 6455 section 4.2.1, item 5)."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _answer(key: str) -> bytes:
    accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
    )
