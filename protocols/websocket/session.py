"""One WebSocket client: the frames it sends, the answers and notifications it gets.

Requests run as they arrive, each up to its first wait, and their answers leave together once what
arrived has been worked off. A client costs the others little: it gets a bounded turn, it is not read
while it does not read its answers or has too many requests at work, and it is let go when too much
waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from time import monotonic
from typing import Any, Final, Protocol

import orjson

from kuzzle.connection import Connection
from kuzzle.encoding import JsonError, decode_json
from kuzzle.entrypoint import Entrypoint, EnvelopeError
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.response import Response
from kuzzle.tasks import start_now
from protocols.backlog import Backlog
from protocols.websocket.frames import (
    BINARY,
    CLOSE,
    PING,
    POLICY_VIOLATION,
    PONG,
    TEXT,
    TOO_BIG,
    Fault,
    FrameReader,
    encode_close,
    encode_frame,
)

# Messages worked off before other connections get their turn.
_TURN: Final = 32
# Requests of one connection at work or waiting; beyond it the client is not read for a while.
_MAX_REQUESTS_AT_WORK: Final = 256
# How long a client may take to answer a close frame.
_CLOSING_TIMEOUT_S: Final = 3.0
_LEFT_UNREAD: Final = "Too much is left unread"

logger = logging.getLogger(__name__)


class SessionOwner(Protocol):
    """What a session asks of the protocol it belongs to.

    Attributes:
        max_message_bytes: Largest message taken; a larger one ends the connection.
        max_queued_bytes: How much may wait for a client that does not read.
        max_queued_messages: How many frames may.
    """

    entrypoint: Entrypoint
    max_message_bytes: int
    max_queued_bytes: int
    max_queued_messages: int

    def add(self, session: WebSocketSession) -> None:
        """Take note of an open session."""

    def remove(self, session: WebSocketSession) -> None:
        """Forget a session whose socket is closed."""

    def leave(self, session: WebSocketSession) -> None:
        """Send no more notifications to a session."""


class WebSocketSession(asyncio.Protocol):
    """The frames of one connection, from the answer to its handshake on.

    Attributes:
        connection: The client as the rest of the server knows it.
        last_heard_s: When the client last sent anything, on the monotonic clock.
        is_pinged: True while a ping of ours waits for a sign of life.
    """

    __slots__ = (
        "_backlog",
        "_closing_timer",
        "_early",
        "_handshake",
        "_is_goodbye_heard",
        "_is_held",
        "_is_open",
        "_is_slow",
        "_out",
        "_owner",
        "_reader",
        "_requests_at_work",
        "_transport",
        "_waiting",
        "connection",
        "is_pinged",
        "last_heard_s",
    )

    _transport: asyncio.Transport

    def __init__(self, owner: SessionOwner, connection: Connection, handshake: bytes, early: bytes) -> None:
        """Build the session of a connection that asked for an upgrade.

        Args:
            handshake: The answer to the upgrade, sent first.
            early: What the client sent behind its request.
        """
        self.connection = connection
        self.last_heard_s = monotonic()
        self.is_pinged = False
        self._owner = owner
        self._handshake = handshake
        self._early = early
        self._reader = FrameReader(owner.max_message_bytes)
        self._out: list[bytes] | None = None  # frames that leave together; None: each at once
        self._backlog: list[tuple[int, bytes]] = []  # received, not worked off yet
        self._requests_at_work = 0
        self._is_open = False
        self._is_goodbye_heard = False  # the client sent a close frame
        self._is_held = False  # not reading
        self._is_slow = False  # the client does not read as fast as it is sent to
        self._waiting: Backlog | None = None  # for a slow client
        self._closing_timer: asyncio.TimerHandle | None = None

    # --- the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer the handshake and declare the client."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._handshake)
        self._is_open = True
        self._owner.entrypoint.new_connection(self.connection)
        self._owner.add(self)
        early, self._early, self._handshake = self._early, b"", b""
        if early:
            self.data_received(early)

    def data_received(self, data: bytes) -> None:
        """Work off what became whole."""
        self.last_heard_s = monotonic()
        self.is_pinged = False
        if self._is_open:
            self._work(self._reader.receive(data))
        elif any(opcode == CLOSE for opcode, _ in self._reader.receive(data)):
            self._is_goodbye_heard = True
            self._transport.close()

    def pause_writing(self) -> None:
        """Read no more from a client that does not read."""
        self._is_slow = True
        self._hold()

    def resume_writing(self) -> None:
        """Send what waits; when nothing does any more, go on where `pause_writing` stopped."""
        self._is_slow = False
        while self._waiting and not self._is_slow:
            self._transport.write(self._waiting.take())
        if self._is_slow:
            return
        self._waiting = None
        # Later: asyncio would report the end twice if the socket were closed in here.
        asyncio.get_running_loop().call_soon(self._transport.close if self._is_goodbye_heard else self._go_on)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the client."""
        self._is_open = False
        self._backlog = []
        if self._closing_timer is not None:
            self._closing_timer.cancel()
        self._owner.leave(self)
        self._owner.remove(self)
        self._owner.entrypoint.remove_connection(self.connection.id)

    # --- what the client sends

    def _work(self, messages: list[tuple[int, bytes]]) -> None:
        """Work off messages, as many as one turn allows, and send the answers together."""
        out: list[bytes] = []
        self._out = out
        try:
            for opcode, payload in messages[:_TURN] if len(messages) > _TURN else messages:
                if opcode <= BINARY:
                    self._start_request(payload)
                else:
                    self._take_control(opcode, payload)
                if not self._is_open:
                    break
        finally:
            self._out = None
        if out:
            self._write(out[0] if len(out) == 1 else b"".join(out))
        self._backlog = messages[_TURN:]
        if not self._is_open:
            self._backlog = []
            if self._is_goodbye_heard and not self._is_slow:
                self._transport.close()
            else:
                self._await_goodbye()
        elif self._backlog:
            self._hold()
            if not self._is_slow:
                asyncio.get_running_loop().call_soon(self._go_on)
        elif self._reader.fault is not None:
            self._fail(self._reader.fault)

    def _hold(self) -> None:
        if not self._is_held:
            self._is_held = True
            self._transport.pause_reading()

    def _go_on(self) -> None:
        if not self._is_held or self._is_slow or self._requests_at_work >= _MAX_REQUESTS_AT_WORK:
            return
        if self._backlog and self._is_open:
            self._work(self._backlog)
        if self._is_held and not self._is_slow and not self._backlog:
            self._is_held = False
            self._transport.resume_reading()

    def _take_control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._send(encode_frame(PONG, payload))
        elif opcode == CLOSE:
            self._send(encode_frame(CLOSE, payload[:2]))
            self._is_goodbye_heard = True
            self._stop_serving()

    def _start_request(self, message: bytes) -> None:
        if not message:
            return
        try:
            envelope = decode_json(message)
        except JsonError as error:
            self._answer_malformed(str(error))
            return
        task = start_now(self._run(envelope))
        if task is not None:
            self._requests_at_work += 1
            task.add_done_callback(self._request_ended)
            if self._requests_at_work >= _MAX_REQUESTS_AT_WORK:
                self._hold()

    def _request_ended(self, task: asyncio.Task[None]) -> None:
        self._requests_at_work -= 1
        if self._is_held:
            self._go_on()

    async def _run(self, envelope: Any) -> None:
        try:
            response = await self._owner.entrypoint.execute(self.connection, envelope)
            answer = _answer_frame(response)
        except EnvelopeError as error:
            answer = encode_frame(TEXT, orjson.dumps(_envelope_fault(envelope, error)))
        except Exception:  # a defect costs this answer, not the connection
            logger.exception("A request over WebSocket could not be answered")
            return
        self.push(answer)

    def _answer_malformed(self, reason: str) -> None:
        error = KuzzleError("network.websocket.unexpected_error", reason)
        response = self._owner.entrypoint.api.failure(Request({}, self.connection), error)
        self._send(encode_frame(TEXT, response.encode()))

    # --- what the client gets

    def push(self, frame: bytes) -> None:
        """Send a frame: with the answers that are being collected, else at once."""
        if self._is_open:
            self._send(frame)

    def ping(self) -> None:
        """Ask for a sign of life."""
        self.is_pinged = True
        self.push(encode_frame(PING, b""))

    def close(self, code: int, reason: str) -> None:
        """Say goodbye and wait a moment for the client's own."""
        if not self._is_open:
            return
        self._send(encode_close(code, reason))
        self._stop_serving()
        if self._out is None:
            self._await_goodbye()

    def abort(self) -> None:
        """Cut the connection."""
        self._stop_serving()
        self._waiting = None
        self._transport.abort()

    def _send(self, frame: bytes) -> None:
        if self._out is not None:
            self._out.append(frame)
        else:
            self._write(frame)

    def _write(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        if not self._is_slow:
            self._transport.write(data)
            return
        if self._waiting is None:
            self._waiting = Backlog()
        waiting, owner = self._waiting, self._owner
        if waiting.size_bytes > owner.max_queued_bytes or len(waiting) >= owner.max_queued_messages:
            self._let_go(waiting)
        else:
            waiting.add(data)

    def _let_go(self, waiting: Backlog) -> None:
        """Give up on a client that does not read: what waits is dropped, so that a close frame still has a way."""
        logger.info(
            "Let go of WebSocket client %s: it leaves %d messages of %d bytes unread",
            self.connection.id,
            len(waiting),
            waiting.size_bytes,
        )
        self._waiting = None
        self._transport.write(encode_close(POLICY_VIOLATION, _LEFT_UNREAD))
        self._stop_serving()
        self._await_goodbye()

    def _fail(self, fault: Fault) -> None:
        """Give up on a client that broke the protocol; one that sends too much gets no goodbye (clients see 1006)."""
        logger.debug("WebSocket client %s: %s", self.connection.id, fault.reason)
        if fault.code == TOO_BIG:
            self.abort()
            return
        self._send(encode_close(*fault))
        self._stop_serving()
        self._await_goodbye()
        if not self._is_slow and not self._transport.get_write_buffer_size():
            with contextlib.suppress(OSError):  # the client may have left already
                self._transport.write_eof()

    def _stop_serving(self) -> None:
        """End the client's subscriptions and drop its waiting requests; nothing is sent from now on."""
        self._is_open = False
        self._owner.leave(self)
        self._owner.entrypoint.remove_connection(self.connection.id)

    def _await_goodbye(self) -> None:
        """Read on for the client's close frame or the end of its socket; cut it if neither comes."""
        if self._transport.is_closing() or self._closing_timer is not None:
            return
        self._backlog = []
        self._transport.resume_reading()
        self._closing_timer = asyncio.get_running_loop().call_later(_CLOSING_TIMEOUT_S, self._transport.abort)


def _answer_frame(response: Response) -> bytes:
    """Return the frame of an answer: the envelope with its `room`; a raw result alone."""
    content = response.content
    if not response.raw:
        content["room"] = response.request_id
        return encode_frame(TEXT, response.encode())
    if isinstance(content, bytes):
        return encode_frame(BINARY, content)
    return encode_frame(TEXT, content.encode() if isinstance(content, str) else response.encode())


def _envelope_fault(envelope: Any, error: EnvelopeError) -> dict[str, Any]:
    """Word a wrong envelope: no envelope back, `room` is the requestId as it was sent."""
    room = {"room": envelope["requestId"]} if isinstance(envelope, dict) and "requestId" in envelope else {}
    return {**room, "status": error.status, "error": {"message": error.message}}
