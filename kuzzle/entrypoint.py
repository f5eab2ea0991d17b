"""The only door that protocols use, and the way out for notifications."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from kuzzle.access_log import AccessLog
from kuzzle.api.generation import ApiGeneration
from kuzzle.connection import Connection
from kuzzle.errors import KuzzleError
from kuzzle.events import Events
from kuzzle.funnel import Funnel
from kuzzle.metrics.requests import RequestMeter
from kuzzle.notification import Notification
from kuzzle.request import Request
from kuzzle.response import Response
from kuzzle.schemas import load_schema
from kuzzle.security.doorman import Doorman
from kuzzle.statistics import Statistics
from kuzzle.validation import Validator

logger = logging.getLogger(__name__)


class Carrier(Protocol):
    """What the entry point asks of a protocol; `protocols/base.py` says what each method does."""

    name: str

    def broadcast(self, channels: Sequence[str], notification: Notification) -> None: ...

    def notify(self, connection_id: str, channels: Sequence[str], notification: Notification) -> None: ...

    def join_channel(self, channel: str, connection_id: str) -> None: ...

    def hold_channel(self, channel: str, connection_id: str) -> None: ...

    def replay(self, channel: str, connection_id: str, notifications: Sequence[Notification]) -> None: ...

    def leave_channel(self, channel: str, connection_id: str) -> None: ...

    def disconnect(self, connection_id: str, message: str) -> None: ...


class EnvelopeError(KuzzleError):
    """The envelope of a request is wrong (400, without id); each protocol has its own way to say so."""


class Entrypoint:
    """Takes requests from protocols, hands notifications to them.

    Attributes:
        api: The API generation that words errors found before a request exists.
        doorman: Lets connections in, where a protocol asks for credentials when a client connects.
        is_shutting_down: True once no new work is taken.
        is_ready: Tells whether the server serves: started, not stopping, not overloaded.
    """

    def __init__(
        self,
        *,
        api: ApiGeneration,
        funnel: Funnel,
        access_log: AccessLog,
        is_ready: Callable[[], bool],
        on_connection_removed: Callable[[str], None],
        statistics: Statistics,
        doorman: Doorman,
        meter: RequestMeter | None = None,
        events: Events | None = None,
    ) -> None:
        self.api = api
        self.doorman = doorman
        self.is_ready = is_ready
        self.is_shutting_down = False
        # Chosen here, so that a server without metrics asks for none on the way of a request.
        self._run = funnel.execute if meter is None else meter.around(funnel.execute)
        self._meter = meter
        self._events = events or Events()
        self._access_log = access_log
        self._on_connection_removed = on_connection_removed
        self._statistics = statistics
        self._envelope = Validator(load_schema("request.json"))
        self._connections: dict[str, Connection] = {}
        self._protocols: dict[str, Carrier] = {}

    # --- from clients

    def new_connection(self, connection: Connection) -> None:
        """Declare a client."""
        self._connections[connection.id] = connection
        if self._events.has_listeners("connection:new"):
            self._events.notify("connection:new", _shown(connection))

    def remove_connection(self, connection_id: str) -> None:
        """Forget a client: its waiting requests are dropped, its subscriptions end."""
        connection = self._connections.pop(connection_id, None)
        if connection is not None:
            connection.is_open = False
            if connection.identity is not None:
                self.doorman.leave(connection.identity)
            self._on_connection_removed(connection_id)
            if self._events.has_listeners("connection:remove"):
                self._events.notify("connection:remove", _shown(connection))

    @property
    def connection_counts(self) -> dict[str, int]:
        """Number of open connections by protocol name."""
        counts: dict[str, int] = {}
        for connection in self._connections.values():
            counts[connection.protocol] = counts.get(connection.protocol, 0) + 1
        return counts

    def read(self, connection: Connection, payload: Any) -> Request:
        """Return the request that an envelope is.

        Raises:
            EnvelopeError: It is no object, or a member has the wrong type.
        """
        if not self._envelope.is_valid(payload):
            self._refuse(payload)
        if None in payload.values():  # null equals absent
            payload = {name: value for name, value in payload.items() if value is not None}
        return Request(payload, connection)

    async def announce(self, request: Request, event: str) -> Request:
        """Fire an event of a protocol; return the request to go on with.

        Raises:
            KuzzleError: That of a pipe, which is answered at once.
        """
        answer: Request = await self._events.fire(event, request)
        answer.id = request.id  # by which the client knows the answer
        return answer

    async def execute(self, connection: Connection, payload: Any, *, event: str | None = None) -> Response:
        """Run one envelope.

        Args:
            event: An event of the protocol that comes before everything else.

        Raises:
            EnvelopeError: As `read`.
        """
        request = self.read(connection, payload)
        if self.is_shutting_down and connection.protocol != "http":
            response = self.api.failure(request, KuzzleError.without_id(503, "Kuzzle is shutting down"))
            self._count_refusal(request, response)
            return response
        counters = self._statistics.counters(connection.protocol)
        counters.ongoing += 1
        try:
            if event is not None and self._events.has_listeners(event):
                response = await self._run_announced(request, event)
            else:
                response = await self._run(request)
        finally:
            counters.ongoing -= 1
        if response.status < 400:
            counters.completed += 1
        else:
            counters.failed += 1
        if self._access_log.is_on:
            self._access_log.write(request, response)
        return response

    async def _run_announced(self, request: Request, event: str) -> Response:
        try:
            announced = await self.announce(request, event)
        except KuzzleError as error:
            response = self.api.failure(request, error)
            self._count_refusal(request, response)
            return response
        return await self._run(announced)

    def log_access(self, request: Request, response: Response) -> None:
        """Write the access line of a request that a protocol has refused by itself, and count it."""
        self._count_refusal(request, response)
        if self._access_log.is_on:
            self._access_log.write(request, response)

    def _count_refusal(self, request: Request, response: Response) -> None:
        if self._meter is not None:
            self._meter.count(request.controller, request.action, request.connection.protocol, response.status)

    def _refuse(self, payload: Any) -> None:
        if not isinstance(payload, dict):
            raise EnvelopeError.without_id(400, "Input request data must be a non-null object")
        for fault in self._envelope.faults(payload):
            expected = next(kind for kind in fault.expected if kind != "null")
            raise EnvelopeError.without_id(400, f'Attribute {fault.path[0]} must be of type "{expected}"')

    # --- to clients

    def add_protocol(self, protocol: Carrier) -> None:
        """Let a protocol carry notifications."""
        self._protocols[protocol.name] = protocol

    def broadcast(self, channels: Iterable[str], notification: Notification) -> None:
        """Push to everyone who follows one of these channels, once per channel."""
        channels = tuple(channels)
        for protocol in self._protocols.values():
            try:
                protocol.broadcast(channels, notification)
            except Exception:  # one protocol's defect must not silence the others
                logger.exception("The protocol %s failed to broadcast", protocol.name)

    def notify(self, connection_id: str, channels: Iterable[str], notification: Notification) -> None:
        """Push to one connection, once per channel."""
        self._ask(connection_id, "notify", lambda it: it.notify(connection_id, tuple(channels), notification))

    def join_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection follow a channel."""
        self._ask(connection_id, "join a channel", lambda it: it.join_channel(channel, connection_id))

    def hold_channel(self, channel: str, connection_id: str) -> None:
        """Let a connection hear nothing on a channel until `replay`, `join_channel` or `leave_channel`."""
        self._ask(connection_id, "hold a channel", lambda it: it.hold_channel(channel, connection_id))

    def replay(self, channel: str, connection_id: str, notifications: Sequence[Notification]) -> None:
        """Push what a connection has missed on a channel, then make it follow the channel."""
        self._ask(connection_id, "replay", lambda it: it.replay(channel, connection_id, notifications))

    def leave_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection leave a channel."""
        self._ask(connection_id, "leave a channel", lambda it: it.leave_channel(channel, connection_id))

    def disconnect(self, connection_id: str, message: str) -> None:
        """Close a client's connection."""
        self._ask(connection_id, "disconnect", lambda it: it.disconnect(connection_id, message))

    def _ask(self, connection_id: str, what: str, ask: Callable[[Carrier], None]) -> None:
        """Ask something of the protocol that a connection came by, if it is still there."""
        protocol = self._protocol_of(connection_id)
        if protocol is None:
            return
        try:
            ask(protocol)
        except Exception:  # a protocol's defect must break neither the request nor the write that led here
            logger.exception("The protocol %s failed to %s", protocol.name, what)

    def _protocol_of(self, connection_id: str) -> Carrier | None:
        connection = self._connections.get(connection_id)
        return None if connection is None else self._protocols.get(connection.protocol)


def _shown(connection: Connection) -> dict[str, Any]:
    """Return what listeners are told of a connection."""
    return {
        "id": connection.id,
        "protocol": connection.protocol,
        "headers": dict(connection.headers),
        "ips": list(connection.ips),
    }
