"""The broker without sockets: sessions, subscribers, retained messages, wills.

Rules: no I/O; the clock, the timers and the names it hands out are given to it. Nothing here closes a
connection while messages are handed round: a client that is let go is taken out when its socket reports
the end. Sessions and retained messages live as long as the server; a restart begins without them.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kuzzle.connection import Connection
from protocols.mqtt.bounds import Bounds, StoredBytes
from protocols.mqtt.guard import Guard
from protocols.mqtt.message import Message
from protocols.mqtt.packets import MQTT_5, Subscribe, TopicRequest, Will
from protocols.mqtt.reasons import OLD_SUBSCRIPTION_FAILURE, MalformedPacketError, Reason
from protocols.mqtt.session import Session, Subscription
from protocols.mqtt.topics import Destination, Topics

logger = logging.getLogger(__name__)

WillRequest = Callable[[Connection, bytes, Destination], None]
"""Runs the payload of a will as a request: connection of the lost client, payload, destination."""
WillMessage = Callable[[Connection, Message], None]
"""Publishes a will of a lost client, if it may."""


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None: ...


CallLater = Callable[[float, Callable[[], None]], Timer]
"""Calls a function once, after seconds."""


@dataclass(slots=True)
class _PendingWill:
    will: Will
    connection: Connection
    timer: Timer


class Broker:
    """The state that all MQTT clients of one server share.

    Attributes:
        topics: Who may publish and subscribe to what.
        bounds: How much is kept.
        guard: Asks for rights on topics; None: nobody asks.
        publish_will: Publishes a will where there is a guard.
    """

    def __init__(
        self,
        topics: Topics,
        bounds: Bounds,
        *,
        clock: Callable[[], float],
        call_later: CallLater,
        serve_will: WillRequest,
        guard: Guard | None = None,
    ) -> None:
        """Take `clock` in seconds from any start."""
        self.guard = guard
        self.publish_will: WillMessage = lambda _connection, _message: None
        self.topics = topics
        self.bounds = bounds
        self.clock = clock
        self._call_later = call_later
        self._serve_will = serve_will
        self._sessions: dict[str, Session] = {}
        self._absent: OrderedDict[str, Timer] = OrderedDict()  # longest absent first
        self._wills: dict[str, _PendingWill] = {}
        self._subscribers: dict[str, dict[Session, Subscription]] = {}
        self._retained: dict[str, Message] = {}
        self._stored = StoredBytes(bounds.max_stored_bytes)

    # --- sessions

    def enter(self, client_id: str, *, clean_start: bool) -> tuple[Session, bool]:
        """Return the session of a client that connects, and whether it was there before.

        A connection that still holds the session must have been closed.

        Raises:
            MalformedPacketError: `maxSessions` clients are connected already.
        """
        session = self._sessions.get(client_id)
        if session is not None:
            self._absent.pop(client_id).cancel()
            if not clean_start:
                pending = self._wills.pop(client_id, None)
                if pending is not None:  # back in time [MQTT-3.1.3-9]
                    pending.timer.cancel()
                return session, True
            self._remove(session)
        elif len(self._sessions) >= self.bounds.max_sessions:
            self._make_room()
        session = Session(client_id, self.bounds, self._stored, self.clock)
        self._sessions[client_id] = session
        return session, False

    def find_session(self, client_id: str) -> Session | None:
        """Return the session of a client."""
        return self._sessions.get(client_id)

    def leave(self, session: Session, will: Will | None, connection: Connection) -> None:
        """Take note that a client's connection has ended; `will` is published unless it is None."""
        session.detach()
        if will is not None:
            delay_s = min(will.delay_s, session.expiry_s)
            if delay_s:
                timer = self._call_later(delay_s, lambda: self._publish_pending_will(session.client_id))
                self._wills[session.client_id] = _PendingWill(will, connection, timer)
            else:
                self._publish_will(will, connection)
        if session.expiry_s:
            self._absent[session.client_id] = self._call_later(session.expiry_s, lambda: self._expire(session))
        else:
            self._remove(session)

    def close(self) -> None:
        """Forget everything; wills that still wait are not published."""
        for timer in self._absent.values():
            timer.cancel()
        for pending in self._wills.values():
            pending.timer.cancel()
        for session in self._sessions.values():
            session.close()
        self._absent.clear()
        self._wills.clear()
        self._sessions.clear()
        self._subscribers.clear()
        self._retained.clear()

    def _make_room(self) -> None:
        if not self._absent:
            raise MalformedPacketError(Reason.QUOTA_EXCEEDED, "too many sessions")
        self._expire(self._sessions[next(iter(self._absent))])

    def _expire(self, session: Session) -> None:
        self._absent.pop(session.client_id).cancel()
        self._remove(session)

    def _remove(self, session: Session) -> None:
        del self._sessions[session.client_id]
        for topic in tuple(session.subscriptions):
            self._unsubscribe(session, topic)
        session.close()
        self._publish_pending_will(session.client_id)  # a will does not outlive its session

    # --- wills

    def _publish_pending_will(self, client_id: str) -> None:
        pending = self._wills.pop(client_id, None)
        if pending is not None:
            pending.timer.cancel()
            self._publish_will(pending.will, pending.connection)

    def _publish_will(self, will: Will, connection: Connection) -> None:
        destination = self.topics.destination(will.topic)
        if destination is Destination.FORBIDDEN:
            logger.debug("The will of an MQTT client on %r is not published: forbidden topic", will.topic)
        elif destination is Destination.MESSAGE:
            message = Message(
                will.topic,
                will.payload,
                will.qos,
                retain=will.retain,
                properties=will.properties,
                now=self.clock(),
            )
            if self.guard is None:
                self.publish(message, None)
            else:
                self.publish_will(connection, message)
        else:
            self._serve_will(connection, will.payload, destination)

    # --- messages

    def subscribers(self, topic: str) -> Mapping[Session, Subscription] | None:
        """Return who follows a topic, None when nobody does."""
        return self._subscribers.get(topic)

    def publish(self, message: Message, sender: Session | None) -> None:
        """Hand a message to the subscribers of its topic, and keep it if it is to be retained."""
        if message.retain:
            self._retain(message)
        subscribers = self._subscribers.get(message.topic)
        if subscribers:
            for session, subscription in subscribers.items():
                if not (subscription.no_local and session is sender):  # [MQTT-3.8.3-3]
                    session.deliver(message, subscription)

    def push(self, topic: str, payload: bytes, qos: int, *, besides: Session | None = None) -> None:
        """Send the server's own message to the subscribers of a topic, `besides` excepted."""
        subscribers = self._subscribers.get(topic)
        if subscribers:
            message = Message(topic, payload, qos)
            for session, subscription in subscribers.items():
                if session is not besides:
                    session.deliver(message, subscription)

    def _retain(self, message: Message) -> None:
        old = self._retained.pop(message.topic, None)
        if old is not None:
            self._stored.give_back(old.size)
        if not message.payload:  # [MQTT-3.3.1-6]
            return
        if len(self._retained) >= self.bounds.max_retained_messages or not self._stored.take(message.size):
            logger.debug("No room for a retained message on %r", message.topic)
            return
        self._retained[message.topic] = message

    def _find_retained(self, topic: str) -> Message | None:
        message = self._retained.get(topic)
        if message is not None and message.is_expired(self.clock()):
            del self._retained[topic]
            self._stored.give_back(message.size)
            return None
        return message

    # --- subscriptions

    def subscribe(
        self, session: Session, packet: Subscribe, version: int, connection: Connection
    ) -> tuple[list[int], list[str]]:
        """Add the subscriptions of a packet that came by a connection.

        Returns:
            The codes of SUBACK, and the topics whose retained message is now due.
        """
        codes: list[int] = []
        due: list[str] = []
        for request in packet.requests:
            refusal = self._find_refusal(session, request, connection)
            if refusal is not None:
                codes.append(refusal if version == MQTT_5 else OLD_SUBSCRIPTION_FAILURE)
                continue
            is_new = request.topic not in session.subscriptions
            subscription = Subscription(request, packet.subscription_id)
            session.subscriptions[request.topic] = subscription
            self._subscribers.setdefault(request.topic, {})[session] = subscription
            codes.append(request.qos)
            if request.retain_handling == 0 or (request.retain_handling == 1 and is_new):
                due.append(request.topic)
        return codes, due

    def deliver_retained(self, session: Session, topics: Sequence[str]) -> None:
        """Send the retained messages of topics that were just subscribed to."""
        for topic in topics:
            message = self._find_retained(topic)
            subscription = session.subscriptions.get(topic)
            if message is not None and subscription is not None:
                session.deliver(message, subscription, is_retained=True)

    def unsubscribe(self, session: Session, topics: Sequence[str]) -> list[int]:
        """Remove subscriptions.

        Returns:
            The codes of UNSUBACK.
        """
        codes: list[int] = []
        for topic in topics:
            if topic in session.subscriptions:
                self._unsubscribe(session, topic)
                codes.append(Reason.SUCCESS)
            else:
                codes.append(Reason.NO_SUBSCRIPTION_EXISTED)
        return codes

    def drop_forbidden(self, session: Session, connection: Connection) -> bool:
        """End the subscriptions of topics that a client has no right to; tell whether there were any."""
        if self.guard is None:
            return False
        guard = self.guard
        forbidden = [topic for topic in session.subscriptions if not guard.may_subscribe(connection, topic)]
        for topic in forbidden:
            self._unsubscribe(session, topic)
        return bool(forbidden)

    def _find_refusal(self, session: Session, request: TopicRequest, connection: Connection) -> Reason | None:
        refusal = self.topics.find_refusal(request.topic)
        if refusal is None and self.guard is not None and not self.guard.may_subscribe(connection, request.topic):
            refusal = Reason.NOT_AUTHORIZED
        if refusal is not None or request.topic in session.subscriptions:
            return refusal
        return Reason.QUOTA_EXCEEDED if len(session.subscriptions) >= self.bounds.max_subscriptions else None

    def _unsubscribe(self, session: Session, topic: str) -> None:
        del session.subscriptions[topic]
        subscribers = self._subscribers[topic]
        del subscribers[session]
        if not subscribers:
            del self._subscribers[topic]
