"""The Socket.IO service: requests as events, answers and notifications as packets that are encoded once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

import orjson
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest

from kuzzle.connection import Connection, new_id
from kuzzle.entrypoint import EnvelopeError
from kuzzle.notification import Notification
from kuzzle.tasks import start_now
from protocols.base import ProtocolContext
from protocols.followers import Followers
from protocols.socketio.engine import Bounds
from protocols.socketio.events import SocketIoServer
from protocols.socketio.handlers import Exchange, environ_of
from protocols.socketio.link import WebSocketLink
from protocols.socketio.packets import LEAVE, Message, event_text
from protocols.socketio.session import Session
from protocols.web_clients import LowerCaseHeaders, addresses, is_accepted_origin
from protocols.websocket.handshake import Upgrade, asks_for_websocket

# How long clients may take to say goodbye when the server stops.
_GOODBYE_TIMEOUT_S: Final = 1.0

logger = logging.getLogger(__name__)


class SocketIoService:
    """Serves the clients of one `SocketIoProtocol`, whose options it obeys.

    Attributes:
        engine: The Engine.IO server; its `sockets` are the sessions.
        links: The open WebSockets.
    """

    def __init__(self, context: ProtocolContext) -> None:
        self.name = context.name
        self.entrypoint = context.entrypoint
        options = context.options
        self.max_message_bytes: int = context.limits["maxRequestSize"]
        self.max_queued_bytes: int = options["maxQueuedBytes"]
        self.max_queued_messages: int = options["maxQueuedMessages"]
        self.links: set[WebSocketLink] = set()
        origins = options["origins"].split()
        self._socketio = SocketIoServer(
            self._start_request,
            self._answer_fault,
            bounds=Bounds(
                max_sessions=options["maxSessions"],
                max_queued_messages=options["maxQueuedMessages"],
                max_queued_bytes=options["maxQueuedBytes"],
                max_decode_packets=options["maxDecodePackets"],
            ),
            ping_interval=options["pingInterval"] / 1000,
            ping_timeout=options["pingTimeout"] / 1000,
            max_http_buffer_size=self.max_message_bytes,
            cors_allowed_origins=lambda origin, _environ: is_accepted_origin(origin, origins),
        )
        self.engine = self._socketio.eio
        self._socketio.on("connect", self._connected)
        self._socketio.on("disconnect", self._disconnected)
        self._sessions: dict[str, Session] = {}
        self._followers: Followers[Session] = Followers()

    async def end_sessions(self) -> None:
        """Tell all clients and close their sessions."""
        for session in tuple(self.engine.sockets.values()):
            await session.close(reason=self.engine.reason.SERVER_DISCONNECT)
        await self.engine.shutdown()

    async def close_links(self) -> None:
        """Give the WebSockets a moment to close, then cut them."""
        if self.links:
            await asyncio.wait([link.closed for link in self.links], timeout=_GOODBYE_TIMEOUT_S)
        for link in tuple(self.links):
            link.abort()
        await asyncio.sleep(0)  # lets the sockets close

    def door(self, request: HTTPServerRequest) -> HTTPMessageDelegate:
        """Return who reads a request below `/socket.io/` and answers it."""
        if asks_for_websocket(request):
            return Upgrade(request, lambda handshake, early: WebSocketLink(self, request, handshake, early))
        return Exchange(self, request)

    async def serve(self, link: WebSocketLink) -> None:
        """Find or make the session of a new WebSocket; one that is refused is closed."""
        environ = environ_of(link.request)
        environ["HTTP_UPGRADE"] = "websocket"
        environ["kuzzle.link"] = link
        environ["kuzzle.respond"] = lambda _status, _headers, _body: link.close()
        try:
            await self.engine.handle_request(_Handshake(environ))
        except Exception:  # a defect costs this connection, not the server
            logger.exception("A Socket.IO session failed")
            link.abort()

    # --- sessions in the default namespace

    def _session_of(self, sid: str) -> Session | None:
        return self.engine.sockets.get(self._socketio.manager.eio_sid_from_sid(sid, "/"))

    async def _connected(self, sid: str, environ: dict[str, Any], _auth: Any) -> None:
        session = self._session_of(sid)
        if session is None:
            return
        request: HTTPServerRequest = environ["kuzzle.request"]
        # Here, as clients of Kuzzle's Socket.IO see it, the peer comes last.
        peer, *forwarded = addresses(request)
        headers = LowerCaseHeaders(request.headers)
        connection = Connection(self.name, (*forwarded, peer), headers, is_peer_last=True)
        session.client = connection
        self._sessions[connection.id] = session
        self.entrypoint.new_connection(connection)

    async def _disconnected(self, sid: str, _reason: str) -> None:
        session = self._session_of(sid)
        if session is None or session.client is None:
            return
        connection: Connection = session.client
        session.client = None
        self._followers.leave_all(connection.id)
        del self._sessions[connection.id]
        self.entrypoint.remove_connection(connection.id)

    # --- requests

    def _start_request(self, session: Session, payload: Any) -> None:
        task = start_now(self._run(session, session.client, payload))
        if task is not None:
            session.request_started(task)

    async def _run(self, session: Session, connection: Connection, payload: Any) -> None:
        try:
            response = await self.entrypoint.execute(connection, payload)
            text = event_text(response.request_id, response.encode())
        except EnvelopeError as error:
            self._answer_fault(session, payload.get("requestId") if isinstance(payload, dict) else None, error.message)
            return
        except Exception:  # a defect costs this answer, not the connection
            logger.exception("A request over Socket.IO could not be answered")
            return
        session.push(Message(text))

    def _answer_fault(self, session: Session, request_id: Any, message: str) -> None:
        """Answer a wrong envelope by the event of its requestId as it was sent; one that names no event gets a UUID."""
        is_name = isinstance(request_id, str | int) and not isinstance(request_id, bool)
        name = str(request_id).encode(errors="replace").decode() if is_name else new_id()  # no halves of characters
        session.push(Message(event_text(name, orjson.dumps({"status": 400, "error": {"message": message}}))))

    # --- notifications

    def broadcast(self, channels: Sequence[str], notification: Notification) -> None:
        """Encode the packet once a channel and put it to each follower."""
        for channel in channels:
            followers = self._followers.of(channel)
            if followers:
                message = Message(event_text(channel, notification.encode()))
                for session in followers:
                    session.push(message)

    def notify(self, connection_id: str, channels: Sequence[str], notification: Notification) -> None:
        """Send a notification to one connection, once a channel."""
        session = self._sessions.get(connection_id)
        if session is not None:
            for channel in channels:
                session.push(Message(event_text(channel, notification.encode())))

    def join_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection follow a channel."""
        session = self._sessions.get(connection_id)
        if session is not None:
            self._followers.join(channel, connection_id, session)

    def leave_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection leave a channel."""
        self._followers.leave(channel, connection_id)

    def disconnect(self, connection_id: str) -> None:
        """Close a connection and tell its client that the server did it."""
        session = self._sessions.get(connection_id)
        if session is not None:
            session.push(Message(LEAVE))  # so that clients do not connect again by themselves
            session.server.start_background_task(session.close, reason=session.server.reason.SERVER_DISCONNECT)


class _Handshake:
    """An upgrade as python-engineio's driver takes requests."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ

    def environ(self) -> dict[str, Any]:
        return self._environ
