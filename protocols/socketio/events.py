"""Socket.IO on Engine.IO: the default namespace and its one event.

Subclasses python-socketio's server (pinned exactly) for the namespace handshake of both generations;
clients of Engine.IO 3 are in the default namespace without asking. Events do not pass its handlers: the
only one clients send is read here, and answers are written by `server.py` as ready packets.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable
from typing import Any, Final

import socketio
from socketio.packet import ACK, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT, Packet

from kuzzle.encoding import JsonError, decode_json
from protocols.socketio.engine import EngineServer
from protocols.socketio.packets import PacketError
from protocols.socketio.session import Session

REQUEST_EVENT: Final = "kuzzle"
_NAMESPACE: Final = "/"
# How long a client of Engine.IO 4 may stay outside the namespace (`connectTimeout` of socket.io).
JOIN_TIMEOUT_S: Final = 45.0
# The head of an event in the default namespace; no acknowledgement is given, so its number is not looked at.
_EVENT: Final = re.compile(r"2[0-9]{0,20}(?=\[)")

logger = logging.getLogger(__name__)


class SocketIoServer(socketio.AsyncServer):  # type: ignore[misc]
    """The Socket.IO server.

    Attributes:
        eio: The Engine.IO server below it.
        on_request: Called with a session and the argument of its event.
        on_refusal: Called with a session, the requestId it sent and the fault of an envelope whose JSON is
            beyond what the server keeps exactly.
    """

    eio: EngineServer

    def __init__(
        self,
        on_request: Callable[[Session, Any], None],
        on_refusal: Callable[[Session, Any, str], None],
        **options: Any,
    ) -> None:
        quiet = logging.getLogger(f"{__name__}.library")
        quiet.setLevel(logging.ERROR)
        super().__init__(logger=quiet, engineio_logger=quiet, **options)
        self.on_request = on_request
        self.on_refusal = on_refusal
        self.eio.take_message = self.take_message

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer

    async def take_message(self, session: Session, data: str | bytes) -> None:
        """Take one Socket.IO packet.

        Raises:
            PacketError: It is none, or a binary one: an envelope is JSON.
        """
        if isinstance(data, bytes):
            raise PacketError("binary data")
        event = _EVENT.match(data)
        if event is not None:
            self._take_event(session, data[event.end() :])
            await session.room_for_requests()
            return
        packet = _read(data)
        namespace = packet.namespace or _NAMESPACE
        if packet.packet_type == CONNECT:
            await self._handle_connect(session.sid, namespace, packet.data)
        elif packet.packet_type == DISCONNECT:
            await self._handle_disconnect(session.sid, namespace, self.reason.CLIENT_DISCONNECT)
        elif packet.packet_type == EVENT:
            if namespace == _NAMESPACE and isinstance(packet.data, list):
                raise PacketError("an endless acknowledgement number")
        elif packet.packet_type != ACK:
            raise PacketError("no such packet from a client")

    def _take_event(self, session: Session, text: str) -> None:
        try:
            payload = _payload(decode_json(text))
        except JsonError as error:
            self._refuse_event(session, text, str(error))
            return
        if session.client is None:
            return
        if payload is None or payload is False or payload == "" or payload == 0:  # falsy in JavaScript: ignored
            return
        self.on_request(session, payload)

    def _refuse_event(self, session: Session, text: str, fault: str) -> None:
        """Answer an event that is JSON for other parsers, as numbers of more than 64 bits are; others are malformed."""
        try:
            payload = _payload(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise PacketError(fault) from error
        if session.client is not None and isinstance(payload, dict):
            self.on_refusal(session, payload.get("requestId"), fault)

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        if environ["kuzzle.is_v3"]:
            await self._handle_connect(eio_sid, _NAMESPACE, None)
        else:
            session = self.eio.sockets[eio_sid]
            session.join_timer = asyncio.get_running_loop().call_later(JOIN_TIMEOUT_S, _let_stranger_go, session)

    async def _handle_connect(self, eio_sid: str, namespace: str, data: Any) -> None:
        session = self.eio.sockets.get(eio_sid)
        if session is None or (session.is_v3 and namespace == _NAMESPACE and session.client is not None):
            return  # a client of Engine.IO 3 that asks again for what it has
        if namespace != _NAMESPACE:
            fault = CONNECT_ERROR, {"message": "Invalid namespace"}
            await self._send_packet(eio_sid, Packet(*fault, namespace=namespace))
            return
        await super()._handle_connect(eio_sid, namespace, data)

    async def _send_packet(self, eio_sid: str, pkt: Packet) -> None:
        session = self.eio.sockets.get(eio_sid)
        if session is not None and session.is_v3:
            if pkt.packet_type == CONNECT:
                pkt.data = None
            elif pkt.packet_type == CONNECT_ERROR and isinstance(pkt.data, dict):
                pkt.data = pkt.data.get("message")
        await super()._send_packet(eio_sid, pkt)


def _let_stranger_go(session: Session) -> None:
    if session.client is None:
        session.let_go()


def _payload(event: Any) -> Any:
    """Return the argument of a request; None for another event."""
    return event[1] if len(event) > 1 and event[0] == REQUEST_EVENT else None


def _read(data: str) -> Packet:
    if not data:
        raise PacketError("an empty message")
    try:
        return Packet(encoded_packet=data)
    except (ValueError, IndexError, KeyError, RecursionError) as error:
        raise PacketError("no Socket.IO packet") from error
