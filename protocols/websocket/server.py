"""The WebSocket protocol: the sessions, the channels they follow, and their signs of life."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest

from kuzzle.connection import Connection
from kuzzle.notification import Notification
from protocols.base import Protocol, ProtocolContext
from protocols.followers import Followers
from protocols.web_clients import addresses, is_accepted_origin
from protocols.websocket.frames import GOING_AWAY, INTERNAL_ERROR, TEXT, encode_frame
from protocols.websocket.handshake import Upgrade, asks_for_websocket
from protocols.websocket.session import WebSocketSession

_RANK: Final = 10
_DISCONNECT_REASON: Final = "Connection closed by remote host"
# How long clients may take to say goodbye when the server stops.
_GOODBYE_TIMEOUT_S: Final = 1.0


class WebSocketProtocol(Protocol):
    """WebSocket on the shared web port, by an upgrade on any path.

    Options: `port`; `origins`, `host:port` patterns of the pages that may connect (a page of another origin gets a
    403); `heartbeat` (ms) pings clients silent for that long and cuts them when they stay
    silent as long again, `idleTimeout` (ms) cuts them after that silence, 0 switches either off;
    `maxQueuedMessages` and `maxQueuedBytes` bound what waits for a client that does not read: beyond them it gets
    the close code 1008 in place of what waits (RFC 6455 section 7.4.1), and is cut soon after.
    """

    def __init__(self, context: ProtocolContext) -> None:
        super().__init__(context)
        self.max_message_bytes: int = context.limits["maxRequestSize"]
        self.max_queued_bytes: int = self.options["maxQueuedBytes"]
        self.max_queued_messages: int = self.options["maxQueuedMessages"]
        self._origins: list[str] = self.options["origins"].split()
        self._heartbeat_s = self.options["heartbeat"] / 1000
        self._idle_timeout_s = self.options["idleTimeout"] / 1000
        self._sessions: dict[str, WebSocketSession] = {}
        self._followers: Followers[WebSocketSession] = Followers()
        self._watch: asyncio.TimerHandle | None = None
        self._last_left: asyncio.Event = asyncio.Event()

    async def start(self) -> None:
        """Open the door on the shared web port."""
        self.context.ports.open_web_door(self.options["port"], self.name, self._door, rank=_RANK)
        self._watch_again()

    async def stop(self) -> None:
        """Close the door, say goodbye to all clients (1001: they may come back), then cut who does not answer."""
        await self.context.ports.close_web_door(self.options["port"], self.name)
        if self._watch is not None:
            self._watch.cancel()
        for session in tuple(self._sessions.values()):
            session.close(GOING_AWAY, "Server is stopping")
        if self._sessions:
            self._last_left.clear()
            try:
                await asyncio.wait_for(self._last_left.wait(), _GOODBYE_TIMEOUT_S)
            except TimeoutError:
                for session in tuple(self._sessions.values()):
                    session.abort()
                await asyncio.sleep(0)  # lets the sockets close

    def _door(self, request: HTTPServerRequest) -> HTTPMessageDelegate | None:
        if not asks_for_websocket(request):
            return None
        headers = {name.lower(): value for name, value in request.headers.items()}

        def make_session(handshake: bytes, early: bytes) -> WebSocketSession:
            return WebSocketSession(self, Connection(self.name, addresses(request), headers), handshake, early)

        origin = request.headers.get("Origin")
        is_accepted = origin is None or is_accepted_origin(origin, self._origins)
        return Upgrade(request, make_session, is_accepted=is_accepted)

    # --- sessions

    def add(self, session: WebSocketSession) -> None:
        """Take note of an open session."""
        self._sessions[session.connection.id] = session

    def remove(self, session: WebSocketSession) -> None:
        """Forget a session whose socket is closed."""
        self._sessions.pop(session.connection.id, None)
        if not self._sessions:
            self._last_left.set()

    def leave(self, session: WebSocketSession) -> None:
        """Take a session out of all channels."""
        self._followers.leave_all(session.connection.id)

    # --- notifications

    def broadcast(self, channels: Sequence[str], notification: Notification) -> None:
        """Build the frame once a channel and write it straight to each follower's socket."""
        for channel in channels:
            followers = self._followers.of(channel)
            if followers:
                frame = encode_frame(TEXT, notification.encode_for_room(channel))
                for session in followers:
                    session.push(frame)

    def notify(self, connection_id: str, channels: Sequence[str], notification: Notification) -> None:
        """Send a notification to one connection, once a channel."""
        session = self._sessions.get(connection_id)
        if session is not None:
            for channel in channels:
                session.push(encode_frame(TEXT, notification.encode_for_room(channel)))

    def join_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection follow a channel."""
        session = self._sessions.get(connection_id)
        if session is not None:
            self._followers.join(channel, connection_id, session)

    def leave_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection leave a channel."""
        self._followers.leave(channel, connection_id)

    def disconnect(self, connection_id: str, message: str) -> None:
        """Close a connection with code 1011 and the message as reason."""
        session = self._sessions.get(connection_id)
        if session is not None:
            session.close(INTERNAL_ERROR, message or _DISCONNECT_REASON)

    # --- signs of life

    def _watch_again(self) -> None:
        pauses = [pause for pause in (self._heartbeat_s, self._idle_timeout_s / 2) if pause]
        if pauses:
            self._watch = asyncio.get_running_loop().call_later(min(pauses), self._look_for_silence)

    def _look_for_silence(self) -> None:
        """Cut the clients that gave no sign of life, ask the silent ones for one."""
        now = monotonic()
        for session in tuple(self._sessions.values()):
            silence_s = now - session.last_heard_s
            if (self._idle_timeout_s and silence_s >= self._idle_timeout_s) or session.is_pinged:
                session.abort()
            elif self._heartbeat_s and silence_s >= self._heartbeat_s:
                session.ping()
        self._watch_again()
