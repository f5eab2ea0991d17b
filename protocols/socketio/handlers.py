"""HTTP requests below `/socket.io/`: polling, upgrades, and the browser client."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Protocol

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

from protocols.socketio.engine import EngineServer
from protocols.socketio.protocol import PATH
from protocols.tornado_seams import close, on_close

_CLIENT_PATH: Final = f"{PATH}socket.io.js"
_CLIENT_FILE: Final = Path(__file__).parent / "client" / "socket.io.js"
# A client that does not take its answer in this time, and a second for each so many bytes, is cut.
_WRITE_TIMEOUT_S: Final = 60.0
_WRITE_BYTES_PER_S: Final = 16_384

logger = logging.getLogger(__name__)


class RequestOwner(Protocol):
    """What a request asks of the protocol it belongs to."""

    engine: EngineServer
    max_message_bytes: int


def environ_of(request: HTTPServerRequest) -> dict[str, Any]:
    """Return what python-engineio wants to know of a request, in WSGI's names.

    Engine.IO 3 is told apart here: python-engineio itself knows nothing but `EIO=4`.
    """
    query = request.query or ""
    members = query.split("&")
    if not any(member.startswith("transport=") for member in members):
        members.append("transport=none")  # python-engineio would take it for polling
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": "&".join("EIO=4" if member == "EIO=3" else member for member in members),
        "kuzzle.is_v3": "EIO=3" in members,
        "kuzzle.request": request,
    }
    if "Origin" in request.headers:
        environ["HTTP_ORIGIN"] = request.headers["Origin"]
    if "Access-Control-Request-Headers" in request.headers:
        environ["HTTP_ACCESS_CONTROL_REQUEST_HEADERS"] = request.headers["Access-Control-Request-Headers"]
    return environ


class Exchange(HTTPMessageDelegate):
    """One request and its answer."""

    def __init__(self, owner: RequestOwner, request: HTTPServerRequest) -> None:
        assert request.connection is not None
        self._owner = owner
        self._request = request
        self._connection: HTTPConnection = request.connection
        self._chunks: list[bytes] = []
        self._size = 0
        self._task: asyncio.Task[None] | None = None
        self._is_answered = False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Refuse a body that announces itself as too large."""
        length = headers.get("Content-Length", "0")
        if length.isdigit() and int(length) > self._owner.max_message_bytes:
            self._refuse_size()
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Collect the body."""
        self._size += len(chunk)
        if self._size > self._owner.max_message_bytes:
            self._chunks.clear()
            self._refuse_size()
        elif not self._is_answered:
            self._chunks.append(chunk)
        return None

    def finish(self) -> None:
        """Answer."""
        if self._is_answered:
            return
        if self._request.path == _CLIENT_PATH:
            self._serve_client()
            return
        self._task = asyncio.get_running_loop().create_task(self._run())
        on_close(self._connection, self._stop)

    def on_connection_close(self) -> None:
        """The client left in the middle of its request."""
        self._is_answered = True

    async def _run(self) -> None:
        try:
            await self._owner.engine.handle_request(self)
        except asyncio.CancelledError:
            self._is_answered = True  # the client has left
            raise
        except Exception:  # a defect costs this answer, not the server
            logger.exception("A Socket.IO request could not be answered")
            self.respond("500 Internal Server Error", [], b"")

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def environ(self) -> dict[str, Any]:
        """Return the request as python-engineio wants it."""
        environ = environ_of(self._request)
        environ["kuzzle.body"] = b"".join(self._chunks)
        environ["kuzzle.respond"] = self.respond
        return environ

    def respond(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send the answer; `status` is `<code> <reason>`."""
        if self._is_answered:
            return
        self._is_answered = True
        code = int(status.partition(" ")[0])
        sent = HTTPHeaders({"Content-Length": str(len(body))})
        for name, value in headers:
            sent.add(name, value)
        line = ResponseStartLine("HTTP/1.1", code, HTTPStatus(code).phrase)
        written = self._connection.write_headers(line, sent, body)
        if not written.done():
            timeout_s = _WRITE_TIMEOUT_S + len(body) / _WRITE_BYTES_PER_S
            patience = asyncio.get_running_loop().call_later(timeout_s, close, self._connection)
            written.add_done_callback(lambda _written: patience.cancel())
            on_close(self._connection, patience.cancel)
        self._connection.finish()

    def _refuse_size(self) -> None:
        self.respond("413 Payload Too Large", [], b"")

    def _serve_client(self) -> None:
        """Serve the browser client of generation 2.x."""
        if self._request.method not in ("GET", "HEAD"):
            self.respond("405 Method Not Allowed", [("Allow", "GET, HEAD")], b"")
            return
        content = _CLIENT_FILE.read_bytes()
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = [("ETag", tag), ("Cache-Control", "public, max-age=0"), ("Access-Control-Allow-Origin", "*")]
        if self._request.headers.get("If-None-Match") == tag:
            self.respond("304 Not Modified", headers, b"")
        else:
            headers.append(("Content-Type", "application/javascript; charset=utf-8"))
            self.respond("200 OK", headers, content if self._request.method == "GET" else b"")
