"""Sessions of Engine.IO 3 and 4 on python-engineio.

A session outlives the transports it goes by: it opens by polling or by WebSocket, and may move from the
first to the second. python-engineio keeps the table of sessions, watches over them and answers polling
requests; what a session does with packets is ours, because stock it queues every packet behind a task and
a timer, never lets go of a client that does not read, and logs a traceback per malformed packet.

Relied on beyond python-engineio's documentation (hence its exact pin): the attributes and methods of
`AsyncSocket` that are overridden or named here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from engineio.async_socket import AsyncSocket
from engineio.exceptions import ContentTooLongError, EngineIOError, SocketIsClosedError
from engineio.packet import CLOSE, MESSAGE, NOOP, PING, PONG, UPGRADE, Packet

from protocols.socketio.link import WebSocketLink
from protocols.socketio.packets import PacketError, decode_message_frame, decode_payload, encode_message_frame

if TYPE_CHECKING:
    from protocols.socketio.engine import EngineServer

_PROBE: Final = "probe"
# Requests of one client at work or waiting; beyond it the client is not read for a while.
_MAX_REQUESTS_AT_WORK: Final = 256
# Packets of one body worked off before other connections get their turn.
_TURN: Final = 32

logger = logging.getLogger(__name__)


class Packets(list[Packet]):
    """The packets of a polling answer, and the generation they are encoded for."""

    def __init__(self, packets: list[Packet], is_v3: bool) -> None:
        super().__init__(packets)
        self.is_v3 = is_v3


class Session(AsyncSocket):  # type: ignore[misc]
    """A client of Engine.IO 4: the server pings.

    Attributes:
        is_v3: True for Engine.IO 3.
        client: What the protocol keeps of a client in the default namespace; None outside it.
        join_timer: Ends the session of a client that does not enter it.
    """

    is_v3 = False
    server: EngineServer
    # Of python-engineio:
    sid: str
    queue: asyncio.Queue[Packet | None]
    connected: bool
    upgrading: bool
    upgraded: bool
    closing: bool
    closed: bool
    last_ping: float | None

    def __init__(self, server: EngineServer, sid: str) -> None:
        super().__init__(server, sid)
        self.client: Any = None
        self.join_timer: asyncio.TimerHandle | None = None
        self._requests_at_work = 0
        self._room: asyncio.Future[None] | None = None
        self._link: WebSocketLink | None = None
        self._queued_bytes = 0
        self._is_polled = False

    # --- to the client

    async def send(self, pkt: Packet) -> None:
        """Send a packet; `push` for python-engineio's own code."""
        if self.closed:
            raise SocketIsClosedError
        self.push(pkt)

    def push(self, packet: Packet) -> None:
        """Send a packet: straight to the socket, or to the queue that the next polling request empties."""
        if self.closed:
            return
        if self._link is not None:
            self._link.write(encode_message_frame(packet, is_v3=self.is_v3))
            return
        self._queued_bytes += len(packet.data) if isinstance(packet.data, str | bytes) else 0
        bounds = self.server.bounds
        if self.queue.qsize() >= bounds.max_queued_messages or self._queued_bytes > bounds.max_queued_bytes:
            if not self.closing:
                logger.info("Let go of Socket.IO client %s: it leaves %d messages unread", self.sid, self.queue.qsize())
                self.let_go()
        else:
            self.queue.put_nowait(packet)

    def let_go(self) -> None:
        """End the session without waiting for anything."""
        self.server.start_background_task(self.close, False, True, self.server.reason.TRANSPORT_ERROR)

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """End the session: tell its client unless `abort`, and close its socket. Never waits (`wait` is not heeded)."""
        if self.join_timer is not None:
            self.join_timer.cancel()
        await super().close(wait=False, abort=abort, reason=reason)
        self.server.sockets.pop(self.sid, None)
        link, self._link = self._link, None
        if link is not None:
            link.close()
        else:
            if abort:
                self.queue.put_nowait(Packet(NOOP))  # no answer to a polling request is empty
            self.queue.put_nowait(None)  # ends a polling request that waits

    async def poll(self) -> list[Packet]:
        """Wait for packets; all that are there leave together."""
        packets: list[Packet] = await super().poll()
        self._queued_bytes = 0
        return packets

    async def handle_get_request(self, environ: dict[str, Any]) -> Packets | None:
        """Answer a polling request, or serve a WebSocket until it ends."""
        link = environ.get("kuzzle.link")
        if link is not None:
            await self._serve(link)
            return None
        if self._is_polled:  # a second one beside the first: no client does that; python-engineio closes the session
            raise EngineIOError("overlapping polling requests")
        self._is_polled = True
        try:
            return Packets(await super().handle_get_request(environ), self.is_v3)
        finally:
            self._is_polled = False

    # --- from the client

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Take the packets of a polling request."""
        body: bytes = environ["kuzzle.body"]
        if len(body) > self.server.max_http_buffer_size:
            raise ContentTooLongError
        try:
            packets = decode_payload(body, self.server.bounds.max_decode_packets, is_v3=self.is_v3)
            for number, packet in enumerate(packets, 1):
                await self.receive(packet)
                if number % _TURN == 0:
                    await asyncio.sleep(0)
        except PacketError as error:
            logger.debug("Socket.IO client %s: %s", self.sid, error)
            if not self.closed:  # python-engineio closes it, and answers 400, if it finds it in its table
                raise EngineIOError(str(error)) from error

    async def receive(self, pkt: Packet) -> None:
        """Take one packet.

        Raises:
            PacketError: It has no place here.
        """
        if self.closed or self.closing:
            return
        if pkt.packet_type == MESSAGE:
            await self.server.take_message(self, pkt.data)
        elif pkt.packet_type == CLOSE:
            await self.close(abort=True, reason=self.server.reason.CLIENT_DISCONNECT)
        elif pkt.packet_type != NOOP:
            self._take_sign_of_life(pkt)

    def request_started(self, task: asyncio.Task[None]) -> None:
        """Take note of a request that goes on."""
        self._requests_at_work += 1
        task.add_done_callback(self._request_ended)

    def _request_ended(self, _task: asyncio.Task[None]) -> None:
        self._requests_at_work -= 1
        if self._room is not None and self._requests_at_work < _MAX_REQUESTS_AT_WORK:
            self._room.set_result(None)
            self._room = None

    async def room_for_requests(self) -> None:
        """Wait until the client may start another request."""
        if self._requests_at_work >= _MAX_REQUESTS_AT_WORK:
            if self._room is None:
                self._room = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._room)  # others may wait for it too

    def _take_sign_of_life(self, packet: Packet) -> None:
        if packet.packet_type == PONG:
            self.schedule_ping()
        elif packet.packet_type != UPGRADE:
            raise PacketError("no such packet from a client")

    # --- the WebSocket transport

    async def _serve(self, link: WebSocketLink) -> None:
        if self._link is not None or self.upgrading:
            link.close()
            return
        if self.connected:
            self.upgrading = True
            link.set_receiver(lambda opcode, data: self._probe(link, opcode, data))
            timer = asyncio.get_running_loop().call_later(self.server.ping_timeout, self._end_probe, link)
            link.closed.add_done_callback(lambda _closed: timer.cancel())
        else:
            self.connected = True
            self._attach(link)
        await link.closed
        if self._link is link:
            await self.close(abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
        elif not self.upgraded:
            self.upgrading = False

    def _end_probe(self, link: WebSocketLink) -> None:
        if not self.upgraded:
            link.close()

    async def _probe(self, link: WebSocketLink, opcode: int, data: bytes) -> None:
        """Move from polling to a WebSocket: ping, pong, then `upgrade`."""
        packet = decode_message_frame(opcode, data, is_v3=self.is_v3)
        if packet.packet_type == PING and packet.data == _PROBE:
            link.write(encode_message_frame(Packet(PONG, _PROBE), is_v3=self.is_v3))
            self.queue.put_nowait(Packet(NOOP))  # ends the polling request that waits
        elif packet.packet_type == UPGRADE and not self.closed:
            self._attach(link)
        else:
            raise PacketError("no probe")

    def _attach(self, link: WebSocketLink) -> None:
        """Go by a WebSocket from now on; what is queued leaves first."""
        self._link = link
        self.upgrading = False
        self.upgraded = True
        while not self.queue.empty():
            packet = self.queue.get_nowait()
            if packet is not None and packet.packet_type != NOOP:
                link.write(encode_message_frame(packet, is_v3=self.is_v3))
        self._queued_bytes = 0
        link.set_receiver(self._take_frame)

    async def _take_frame(self, opcode: int, data: bytes) -> None:
        await self.receive(decode_message_frame(opcode, data, is_v3=self.is_v3))


class SessionV3(Session):
    """A client of Engine.IO 3: the client pings, and is gone when it has been silent for too long."""

    is_v3 = True

    def schedule_ping(self) -> None:
        """Take note that the client was heard."""
        self.last_ping = time.time()

    async def check_ping_timeout(self) -> bool:
        """End the session of a silent client; return False then."""
        if self.closed:
            raise SocketIsClosedError
        if time.time() - (self.last_ping or 0) <= self.server.ping_interval + self.server.ping_timeout:
            return True
        await self.close(abort=True, reason=self.server.reason.PING_TIMEOUT)
        return False

    async def receive(self, pkt: Packet) -> None:
        """Take one packet, which is a sign of life."""
        self.last_ping = time.time()
        await super().receive(pkt)

    def _take_sign_of_life(self, packet: Packet) -> None:
        if packet.packet_type == PING:
            self.push(Packet(PONG, packet.data))
        elif packet.packet_type != UPGRADE:
            raise PacketError("no such packet from a client")
