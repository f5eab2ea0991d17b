"""The WebSocket transport of an Engine.IO session: frames in and out, in order, bounded."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from tornado.httputil import HTTPServerRequest

from kuzzle.tasks import start_now
from protocols.backlog import Backlog
from protocols.socketio.packets import PacketError
from protocols.websocket.frames import (
    BINARY,
    CLOSE,
    NORMAL,
    PING,
    POLICY_VIOLATION,
    PONG,
    FrameReader,
    encode_close,
    encode_frame,
)

# How long a client may take to close its side once it was asked to.
_CLOSING_TIMEOUT_S: Final = 3.0
_LEFT_UNREAD: Final = "Too much is left unread"
# Messages worked off before other connections get their turn.
_TURN: Final = 32

logger = logging.getLogger(__name__)

Receiver = Callable[[int, bytes], Coroutine[Any, Any, None]]
"""Takes one message, as opcode and payload. The next one is delivered when it has ended."""


class LinkOwner(Protocol):
    """What a link asks of the protocol it belongs to.

    Attributes:
        max_message_bytes: Largest message taken.
        max_queued_bytes: How much may wait for a client that does not read.
        max_queued_messages: How many frames may.
        links: The open links.
    """

    max_message_bytes: int
    max_queued_bytes: int
    max_queued_messages: int
    links: set[WebSocketLink]

    async def serve(self, link: WebSocketLink) -> None:
        """Find or make the session of a new link."""


class WebSocketLink(asyncio.Protocol):
    """One socket, from the answer to its handshake on.

    Attributes:
        request: The request that was upgraded.
        closed: Resolved when the socket is gone, or its client is given up.
        receive: Who takes the messages; those that arrive before it is set wait.
    """

    _transport: asyncio.Transport

    def __init__(self, owner: LinkOwner, request: HTTPServerRequest, handshake: bytes, early: bytes) -> None:
        self.request = request
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._receive: Receiver | None = None
        self._owner = owner
        self._handshake = handshake
        self._early = early
        self._reader = FrameReader(owner.max_message_bytes)
        self._inbox: deque[tuple[int, bytes]] = deque()
        self._out: list[bytes] | None = None  # frames that leave together; None: each at once
        self._is_busy = False
        self._is_ending = False
        self._is_goodbye_heard = False  # the client sent a close frame
        self._waiting: Backlog | None = None  # of a client that does not read as fast as it is sent to
        self._closing_timer: asyncio.TimerHandle | None = None

    # --- the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer the handshake and look for the session."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._handshake)
        self._owner.links.add(self)
        start_now(self._owner.serve(self))
        if self._early:
            self.data_received(self._early)

    def data_received(self, data: bytes) -> None:
        """Deliver what became whole."""
        self._inbox.extend(self._reader.receive(data))
        self._deliver()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the session."""
        self._is_ending = True
        self._inbox.clear()
        self._owner.links.discard(self)
        if self._closing_timer is not None:
            self._closing_timer.cancel()
        self._resolve_closed()

    def _resolve_closed(self) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        """Read no more from a client that does not read; what is for it waits here."""
        self._waiting = Backlog()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Send what waits; when nothing does any more, go on where `pause_writing` stopped."""
        waiting, self._waiting = self._waiting, None
        while waiting:
            self._transport.write(waiting.take())
            if self._waiting is not None:  # paused again
                self._waiting = waiting
                return
        if self._is_goodbye_heard:  # asyncio would report the end twice if the socket were closed in here
            asyncio.get_running_loop().call_soon(self._transport.close)
            return
        if not self._is_busy:
            self._transport.resume_reading()

    # --- what the client sends

    def set_receiver(self, receive: Receiver) -> None:
        """Hand all further messages to a session, those that wait first."""
        self._receive = receive
        if not self._is_busy:
            self._deliver()

    def _deliver(self) -> None:
        """Deliver what waits, one turn of it at most; the answers that are there at once leave together."""
        if self._out is not None:
            return  # called from within
        out: list[bytes] = []
        self._out = out
        try:
            self._deliver_turn()
        finally:
            self._out = None
            self._send_together(out)

    def _send_together(self, out: list[bytes]) -> None:
        if out and not self._transport.is_closing():
            self._send(b"".join(out))
        out.clear()

    def _deliver_turn(self) -> None:
        turn = _TURN
        while self._inbox and not self._is_busy:
            turn -= 1
            if turn < 0:
                self._is_busy = True
                self._transport.pause_reading()
                asyncio.get_running_loop().call_soon(self._go_on, None)
                return
            opcode, data = self._inbox[0]
            if opcode <= BINARY:
                if self._receive is None:
                    self._transport.pause_reading()  # a session is being found
                    return
                self._inbox.popleft()
                task = start_now(self._take(self._receive, opcode, data))
                if task is not None:
                    self._is_busy = True
                    self._transport.pause_reading()
                    task.add_done_callback(self._go_on)
            else:
                self._inbox.popleft()
                self._take_control(opcode, data)
        if self._reader.fault is not None and not self._inbox and not self._is_busy:
            self._end(*self._reader.fault)
        elif self._receive is not None and not self._is_busy and self._waiting is None:
            self._transport.resume_reading()

    async def _take(self, receive: Receiver, opcode: int, data: bytes) -> None:
        try:
            await receive(opcode, data)
        except PacketError as error:
            logger.debug("Socket.IO client sent a bad packet: %s", error)
            self.close()
        except Exception:  # a defect costs this connection, not the server
            logger.exception("A Socket.IO message could not be dealt with")
            self.close()

    def _go_on(self, _task: asyncio.Task[None] | None) -> None:
        self._is_busy = False
        self._deliver()

    def _take_control(self, opcode: int, data: bytes) -> None:
        if opcode == PING:
            self.write(encode_frame(PONG, data))
        elif opcode == CLOSE:
            if not self._is_ending:
                self.write(encode_frame(CLOSE, data[:2]))
            self._send_together(self._out or [])
            if self._waiting:
                self._is_goodbye_heard = True
                self._await_goodbye()
            else:
                self._transport.close()

    # --- what the client gets

    def write(self, frame: bytes) -> None:
        """Send a frame; a client that leaves too much unread is let go."""
        if self._is_ending or self._transport.is_closing():
            return
        if self._out is not None:
            self._out.append(frame)
        else:
            self._send(frame)

    def _send(self, data: bytes) -> None:
        waiting, owner = self._waiting, self._owner
        if waiting is None:
            self._transport.write(data)
        elif waiting.size_bytes > owner.max_queued_bytes or len(waiting) >= owner.max_queued_messages:
            logger.info(
                "Let go of a Socket.IO client: it leaves %d messages of %d bytes unread",
                len(waiting),
                waiting.size_bytes,
            )
            self._waiting = None  # dropped, so that a close frame still has a way
            self._transport.write(encode_close(POLICY_VIOLATION, _LEFT_UNREAD))
            self._await_goodbye()
            self._resolve_closed()
        else:
            waiting.add(data)

    def close(self) -> None:
        """Say goodbye, and cut the socket if the client does not answer."""
        self._end(NORMAL, "")

    def abort(self) -> None:
        """Cut the socket."""
        self._is_ending = True
        self._transport.abort()

    def _end(self, code: int, reason: str) -> None:
        if self._is_ending or self._transport.is_closing():
            return
        self.write(encode_close(code, reason))
        self._await_goodbye()

    def _await_goodbye(self) -> None:
        """Take nothing more but the client's own goodbye; cut it if that does not come."""
        if self._is_ending:
            return
        self._is_ending = True
        self._inbox.clear()
        self._transport.resume_reading()
        self._closing_timer = asyncio.get_running_loop().call_later(_CLOSING_TIMEOUT_S, self._transport.abort)
