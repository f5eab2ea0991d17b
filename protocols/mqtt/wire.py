"""The sockets of MQTT clients: bytes between asyncio's transport and the link.

Rules: what is sent during one event of the loop leaves in one write a socket; a socket that takes no more
is not read either, and one that takes nothing for `writeTimeout` is let go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from protocols.mqtt.link import Link
from protocols.mqtt.reasons import Reason

logger = logging.getLogger(__name__)

# Written at once beyond this, so that one event cannot pile up memory unseen by the transport.
_FLUSH_BYTES: Final = 65_536
# How long a closed connection may take to send what is left.
_CLOSE_TIMEOUT_S: Final = 5.0


class Outbox:
    """The sockets with something to write, written when the event that made them so is over."""

    __slots__ = ("_is_held", "_is_scheduled", "_sockets")

    def __init__(self) -> None:
        self._sockets: list[MqttSocket] = []
        self._is_held = False
        self._is_scheduled = False

    def add(self, socket: MqttSocket) -> None:
        """Take note that a socket has something to write."""
        self._sockets.append(socket)
        if not self._is_held and not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush_later)

    def hold(self) -> None:
        """Wait for `flush`, which comes in the same event."""
        self._is_held = True

    def flush(self) -> None:
        """Write everything."""
        self._is_held = False
        sockets, self._sockets = self._sockets, []
        for socket in sockets:
            socket.flush()

    def _flush_later(self) -> None:
        self._is_scheduled = False
        self.flush()


@dataclass(frozen=True, slots=True)
class Patience:
    """How much a client may keep the server waiting.

    Attributes:
        connect_s: From the opening of the socket to CONNECT.
        write_s: While something waits for a socket that takes nothing.
        unsent_bytes: Beyond it, answers that wait for the socket get no further one behind them.
    """

    connect_s: float
    write_s: float
    unsent_bytes: int


class MqttSocket(asyncio.Protocol):
    """The socket of one client.

    Attributes:
        link: What the client says and hears.
        is_writable: False while the socket does not take more.
    """

    __slots__ = (
        "_deadline",
        "_forget",
        "_heard_at",
        "_is_closing",
        "_is_read",
        "_loop",
        "_make_link",
        "_out",
        "_out_bytes",
        "_outbox",
        "_patience",
        "_transport",
        "_write_deadline",
        "is_writable",
        "link",
    )

    link: Link
    _transport: asyncio.Transport

    def __init__(
        self,
        outbox: Outbox,
        patience: Patience,
        make_link: Callable[[MqttSocket, tuple[str, ...]], Link],
        forget: Callable[[MqttSocket], None],
    ) -> None:
        """Take what builds the link from the socket and its peer's addresses, and what to tell its end."""
        self.is_writable = True
        self._outbox = outbox
        self._patience = patience
        self._make_link = make_link
        self._forget = forget
        self._loop = asyncio.get_running_loop()
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._is_read = True
        self._heard_at = 0.0
        self._deadline: asyncio.TimerHandle | None = None  # CONNECT, then keep-alive
        self._write_deadline: asyncio.TimerHandle | None = None
        self._is_closing = False

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Build the link and wait for CONNECT."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.link = self._make_link(self, (peer[0],) if peer else ())
        self._deadline = self._loop.call_later(self._patience.connect_s, self._connect_missed)

    def data_received(self, data: bytes) -> None:
        """Hand bytes to the link."""
        self._heard_at = self._loop.time()
        outbox = self._outbox
        outbox.hold()
        try:
            self.link.receive(data)
            self.update_reading()
        except Exception:  # as in _guard, which is spelt out here because this is the busiest way
            self._failed()
        finally:
            outbox.flush()

    def pause_writing(self) -> None:
        """Stop reading as well, and begin to lose patience."""
        self.is_writable = False
        if self._write_deadline is None:
            self._write_deadline = self._loop.call_later(self._patience.write_s, self._write_missed)
        self.update_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self.is_writable = True
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None
        # Later: asyncio would report the end twice if the socket were closed in here.
        self._loop.call_soon(self._resumed)

    def _resumed(self) -> None:
        if not self._is_closing:
            self.update_reading()
            self._guard(self.link.writable)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the link, which may publish a will."""
        self._is_closing = True
        self._out.clear()
        for deadline in (self._deadline, self._write_deadline):
            if deadline is not None:
                deadline.cancel()
        self._forget(self)
        self._guard(self.link.lost)

    # --- Wire

    def send(self, data: bytes) -> None:
        """Send when the current event is over."""
        if self._is_closing:
            return
        if not self._out:
            self._outbox.add(self)
        self._out.append(data)
        self._out_bytes += len(data)
        if self._out_bytes > _FLUSH_BYTES:
            self.flush()

    def close(self) -> None:
        """Send what is left, then close."""
        if self._is_closing:
            return
        self.flush()
        self._is_closing = True
        self._transport.close()
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.call_later(_CLOSE_TIMEOUT_S, self._transport.abort)

    def abort(self) -> None:
        """Close at once."""
        self._is_closing = True
        self._out.clear()
        self._transport.abort()

    # --- what the protocol calls

    def flush(self) -> None:
        """Hand what was sent to the transport."""
        out = self._out
        if out:
            data = out[0] if len(out) == 1 else b"".join(out)
            out.clear()
            self._out_bytes = 0
            if not self.is_writable and self._transport.get_write_buffer_size() > self._patience.unsent_bytes:
                self.link.let_go("it does not read its answers", is_told=False)
                return
            self._transport.write(data)

    def read_on(self) -> None:
        """Read again if the link wants to; packets that came before are handled first.

        The flag is set before they are handled: a request that ends at once comes here again.
        """
        if not self._is_read and not self._is_closing and self.link.is_reading:
            self.update_reading()
            self._guard(self.link.read_on)

    def watch_keep_alive(self) -> None:
        """Close the connection after one and a half times the client's keep-alive of silence [MQTT-3.1.2-24]."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self.link.keep_alive_s:
            self._deadline = self._loop.call_later(self.link.keep_alive_s * 1.5, self._check_silence)

    def update_reading(self) -> None:
        """Stop reading or begin again, as the link wants."""
        if self._is_closing or self.link.is_reading == self._is_read:
            return
        self._is_read = not self._is_read
        if self._is_read:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    # --- inside

    def _guard(self, step: Callable[[], None]) -> None:
        """Run a step; what it sends leaves with its end, and a defect ends this connection alone."""
        self._outbox.hold()
        try:
            step()
            self.update_reading()
        except Exception:  # the loop of this protocol: a defect must not stop the server
            self._failed()
        finally:
            self._outbox.flush()

    def _failed(self) -> None:
        logger.exception("MQTT connection %s failed unexpectedly", self.link.connection.id)
        self.abort()

    def _connect_missed(self) -> None:
        logger.debug("MQTT connection %s sent no CONNECT in time", self.link.connection.id)
        self.abort()

    def _check_silence(self) -> None:
        silence_s = self._loop.time() - self._heard_at
        allowed_s = self.link.keep_alive_s * 1.5
        if silence_s < allowed_s:
            self._deadline = self._loop.call_later(allowed_s - silence_s, self._check_silence)
            return
        self._deadline = None
        if self._is_read:
            self._guard(lambda: self.link.end(Reason.KEEP_ALIVE_TIMEOUT))
        else:  # silent because it is not read: its requests are at work
            self._deadline = self._loop.call_later(allowed_s, self._check_silence)

    def _write_missed(self) -> None:
        self._write_deadline = None
        self.link.let_go("it takes nothing", is_told=False)
