"""The Engine.IO server: the table of sessions, and how requests reach them.

Subclasses python-engineio's server (pinned exactly): its `_async` driver is replaced by ours, which takes
requests from `handlers.py`, and the methods that begin with an underscore here are its own, overridden.
What stock lacks: Engine.IO 3, `pingInterval` in whole milliseconds, faults worded as clients expect them,
a bound on the number of sessions, and silence in the log about what clients do wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import engineio
import orjson
from engineio.exceptions import QueueEmpty
from engineio.packet import OPEN, Packet

from protocols.socketio.packets import encode_payload
from protocols.socketio.session import Packets, Session, SessionV3

logger = logging.getLogger(__name__)

# Codes and texts of handshake faults, by how python-engineio words them.
_FAULTS: Final = (
    ("Invalid transport", 0, "Transport unknown"),
    ("Invalid session None", 2, "Bad handshake method"),  # a POST that names no session
    ("Invalid session", 1, "Session ID unknown"),
    ("Method", 2, "Bad handshake method"),
    ("The client is using an unsupported version", 5, "Unsupported protocol version"),
)
_OTHER_FAULT: Final = (3, "Bad request")
_COOKIE: Final = "io"

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one client may use up.

    Attributes:
        max_sessions: Sessions at a time; polling ones cost no socket, so nothing else bounds them.
        max_queued_messages, max_queued_bytes: What may wait for a client that does not read.
        max_decode_packets: Packets in one polling body.
    """

    max_sessions: int
    max_queued_messages: int
    max_queued_bytes: int
    max_decode_packets: int


class EngineServer(engineio.AsyncServer):  # type: ignore[misc]
    """Engine.IO 3 and 4.

    Attributes:
        sockets: The sessions by id.
        take_message: Takes what clients send; set by the Socket.IO server.
    """

    sockets: dict[str, Session]
    start_service_task: bool
    take_message: Callable[[Session, str | bytes], Awaitable[None]]

    def __init__(self, *, bounds: Bounds, **options: Any) -> None:
        super().__init__(async_mode="tornado", http_compression=False, **options)
        self.bounds = bounds
        self._async = {
            "asyncio": True,
            "translate_request": lambda exchange: exchange.environ(),
            "make_response": _respond,
            "websocket": Session,  # there is one: `_upgrades` asks for no more
        }

    async def _handle_connect(self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None) -> Any:
        """Open a session, by polling or by WebSocket."""
        if len(self.sockets) >= self.bounds.max_sessions:
            return _answer("503 Service Unavailable", {"code": _OTHER_FAULT[0], "message": "Too many sessions"})
        if self.start_service_task:
            self.start_service_task = False
            self.service_task_handle = self.start_background_task(self._service_task)
        sid = self.generate_id()
        is_v3 = environ["kuzzle.is_v3"]
        session = self.sockets[sid] = (SessionV3 if is_v3 else Session)(self, sid)
        opened = {
            "sid": sid,
            "upgrades": self._upgrades(sid, transport),
            "pingInterval": round(self.ping_interval * 1000),
            "pingTimeout": round(self.ping_timeout * 1000),
        }
        if not is_v3:
            opened["maxPayload"] = self.max_http_buffer_size
        session.push(Packet(OPEN, opened))
        await self._trigger_event("connect", sid, environ, run_async=False)
        session.schedule_ping()
        if transport == "websocket":
            return await session.handle_get_request(environ)
        session.connected = True
        headers = [("Set-Cookie", f"{_COOKIE}={sid}; Path=/; HttpOnly")]
        try:
            return self._ok(Packets(await session.poll(), is_v3), headers=headers, jsonp_index=jsonp_index)
        except QueueEmpty:
            return self._bad_request()

    def _ok(
        self,
        packets: Packets | None = None,
        headers: list[tuple[str, str]] | None = None,
        jsonp_index: int | None = None,
    ) -> Answer:
        body = "ok" if packets is None else encode_payload(packets, is_v3=packets.is_v3).decode()
        kind = "text/plain; charset=UTF-8"
        if jsonp_index is not None:
            # Safe as a script: no line separator of JavaScript stands unescaped in it.
            body = f"___eio[{jsonp_index}]({orjson.dumps(body).decode()});"
            body = body.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
            kind = "text/javascript; charset=UTF-8"
        return {"status": "200 OK", "headers": [*(headers or []), ("Content-Type", kind)], "response": body.encode()}

    def _bad_request(self, message: str | None = None) -> Answer:
        if message is not None and message.endswith("is not an accepted origin."):
            return _answer("400 Bad Request", {"code": 4, "message": "Forbidden"})
        for beginning, code, text in _FAULTS:
            if message is not None and message.startswith(beginning):
                return _answer("400 Bad Request", {"code": code, "message": text})
        return _answer("400 Bad Request", {"code": _OTHER_FAULT[0], "message": _OTHER_FAULT[1]})

    def _method_not_found(self) -> Answer:
        return _answer("400 Bad Request", {"code": 2, "message": "Bad handshake method"})

    def _cors_headers(self, environ: dict[str, Any]) -> list[tuple[str, str]]:
        if "HTTP_ORIGIN" not in environ:
            return [("Access-Control-Allow-Origin", "*")]
        headers: list[tuple[str, str]] = super()._cors_headers(environ)
        return headers

    def _log_error_once(self, message: str, message_key: str) -> None:
        logger.debug("Socket.IO request refused: %s", message)


def _answer(status: str, content: dict[str, Any]) -> Answer:
    return {"status": status, "headers": [("Content-Type", "application/json")], "response": orjson.dumps(content)}


def _respond(status: str, headers: list[tuple[str, str]], body: bytes, environ: dict[str, Any]) -> None:
    environ["kuzzle.respond"](status, headers, body)
