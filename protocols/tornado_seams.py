"""What we ask of Tornado beyond its documented interfaces, in one place.

Tornado is pinned to 6.6.*, because a release may move what stands here:
`tornado.util._websocket_mask` (private) and the methods of `HTTP1Connection` (public, but not of the
interface `HTTPConnection`). A server of another make is put under our handlers by rewriting this file.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPConnection
from tornado.iostream import StreamClosedError
from tornado.util import _websocket_mask

# A client that sends more than this before its upgrade was answered is up to no good.
_MAX_EARLY_BYTES = 262_144

apply_mask: Callable[[bytes, bytes], bytes] = _websocket_mask
"""Masks or unmasks the payload of a frame (RFC 6455 section 5.3): mask, then payload; C where Tornado's extension is
there."""


def on_close(connection: HTTPConnection, callback: Callable[[], None]) -> None:
    """Call back if the client leaves before its answer is finished, the request having been read."""
    cast(HTTP1Connection, connection).set_close_callback(callback)


def close(connection: HTTPConnection) -> None:
    """Cut a connection."""
    cast(HTTP1Connection, connection).close()


def take_socket(connection: HTTPConnection) -> tuple[socket.socket, bytes] | None:
    """Take the socket of a connection whose request head has just been read, and end Tornado's part in it.

    Returns:
        The socket and what arrived behind the head; None when the client has left.
    """
    stream = cast(HTTP1Connection, connection).detach()
    early = b""
    try:
        while (arrived := stream.read_bytes(65_536, partial=True)).done():  # type: ignore[attr-defined]
            early += arrived.result()  # type: ignore[attr-defined]
            if len(early) > _MAX_EARLY_BYTES:
                stream.close()
                return None
    except StreamClosedError:
        return None
    if stream.closed():
        return None
    stream.io_loop.remove_handler(stream.socket)
    return stream.socket, early
