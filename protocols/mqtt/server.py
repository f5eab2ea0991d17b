"""MQTT beside the other protocols: requests and answers by topic, notifications by a topic per channel.

Clients publish requests on `requestTopic`; the answer goes to the requesting connection alone, on
`responseTopic`, subscribed or not. A notification is a message on the topic named as its channel, for
whoever subscribed to that topic. topics.py says who may do what, shared_topic.py the single-topic form.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from kuzzle.connection import Connection
from kuzzle.encoding import JsonError, decode_json
from kuzzle.entrypoint import EnvelopeError
from kuzzle.errors import KuzzleError
from kuzzle.notification import Notification
from kuzzle.request import Request
from kuzzle.response import Response
from kuzzle.tasks import start_now
from protocols.base import Protocol, ProtocolContext
from protocols.followers import Followers
from protocols.mqtt import shared_topic
from protocols.mqtt.bounds import Bounds
from protocols.mqtt.broker import Broker
from protocols.mqtt.guard import Guard
from protocols.mqtt.link import Link
from protocols.mqtt.message import Message
from protocols.mqtt.packets import (
    MQTT_5,
    Connect,
    TopicRequest,
    encode_plain_publish,
    encode_publish_parts,
    encode_publish_prefix,
)
from protocols.mqtt.properties import Property, encode_properties
from protocols.mqtt.reasons import Reason
from protocols.mqtt.session import Session, Subscription
from protocols.mqtt.topics import Destination, Topics
from protocols.mqtt.wire import MqttSocket, Outbox, Patience

logger = logging.getLogger(__name__)

# Notifications go out at the QoS of the subscription, at most this.
_NOTIFICATION_QOS: Final = 1
# How long closed connections may take at the end of the server.
_STOP_TIMEOUT_S: Final = 1.0
# How a refused login is told, by its HTTP status; anything else is wrong credentials.
_REFUSALS: Final = {429: Reason.SERVER_BUSY, 503: Reason.SERVER_BUSY, 500: Reason.UNSPECIFIED}
_NOT_SUBSCRIBED: Final = Subscription(TopicRequest("", 0), None)


class MqttProtocol(Protocol):
    """The MQTT door: versions 3.1, 3.1.1 and 5.0."""

    def __init__(self, context: ProtocolContext) -> None:
        super().__init__(context)
        options = self.options
        self._response_topic: str = options["responseTopic"]
        self._shared_topic: str | None = options["sharedTopic"]
        self._is_development: bool = options["developmentMode"]
        self._tells_expiry: bool = options["realtimeNotifications"]
        self._disconnect_delay_s: float = options["disconnectDelay"] / 1000
        topics = Topics(
            request_topic=options["requestTopic"],
            response_topic=self._response_topic,
            shared_topic=self._shared_topic,
            allow_pub_sub=options["allowPubSub"],
        )
        self._bounds = Bounds.of(options, context.limits["maxRequestSize"])
        self._patience = Patience(
            connect_s=options["connectTimeout"] / 1000,
            write_s=options["writeTimeout"] / 1000,
            unsent_bytes=options["maxQueuedBytes"],
        )
        self._prefixes: dict[tuple[bool, str], bytes] = {}
        self._sockets: set[MqttSocket] = set()
        self._by_connection: dict[str, MqttSocket] = {}
        self._removals: dict[str, asyncio.TimerHandle] = {}  # connections on their way out
        self._all_closed: asyncio.Event | None = None  # set while the server stops
        self._outbox = Outbox()
        self._followers: Followers[Link] = Followers()
        # Who is about to get a replay, by channel and connection.
        self._held: dict[str, dict[str, Session]] = {}
        own_topics = {options["requestTopic"], self._response_topic, self._shared_topic or self._response_topic}
        guard = Guard(self.entrypoint, frozenset(own_topics)) if options["authentication"] else None
        self._broker = Broker(
            topics,
            self._bounds,
            clock=time.monotonic,
            call_later=_call_later,
            serve_will=self._serve_will,
            guard=guard,
        )
        self._broker.publish_will = self._publish_will

    # --- protocols/base.py

    async def start(self) -> None:
        """Open the port."""
        await self.context.ports.listen(self.options["port"], self.name, self._make_socket)

    async def stop(self) -> None:
        """Tell the clients (MQTT 5 has a way to), close their connections and the port."""
        self._all_closed = asyncio.Event()
        await self.context.ports.close(self.name)
        for socket in tuple(self._sockets):
            socket.link.end(Reason.SERVER_SHUTTING_DOWN, with_will=False)
            socket.close()
        await self._wait_closed(self._all_closed)
        for connection_id, removal in tuple(self._removals.items()):
            removal.cancel()
            self._remove(connection_id)
        self._broker.close()

    def broadcast(self, channels: Sequence[str], notification: Notification) -> None:
        """Send to the subscribers of the topics named as the channels; where clients must say who they are, only
        to those who follow the channel besides."""
        if self._broker.guard is not None and not self._is_development:
            self._tell_followers(channels, notification)
            return
        for channel in channels:
            if self._broker.subscribers(channel):
                if channel in self._held:
                    self._push_to_others(channel, notification)
                else:
                    self._broker.push(channel, notification.encode(), _NOTIFICATION_QOS)

    def _push_to_others(self, channel: str, notification: Notification) -> None:
        """Send to the subscribers of a channel's topic that are not about to get a replay."""
        held = self._held[channel].values()
        message = Message(channel, notification.encode(), _NOTIFICATION_QOS)
        for session, subscription in tuple((self._broker.subscribers(channel) or {}).items()):
            if session not in held:
                session.deliver(message, subscription)

    def _tell_followers(self, channels: Sequence[str], notification: Notification) -> None:
        for channel in channels:
            message = Message(channel, notification.encode(), _NOTIFICATION_QOS)
            for link in self._followers.of(channel):
                session = link.session
                subscription = None if session is None else session.subscriptions.get(channel)
                if session is not None and subscription is not None:
                    session.deliver(message, subscription)

    def notify(self, connection_id: str, channels: Sequence[str], notification: Notification) -> None:
        """Send straight to one connection, on the topic of each channel; `realtimeNotifications` false keeps silent."""
        if self._tells_expiry:
            for channel in channels:
                self._send(connection_id, channel, notification)

    def _send(self, connection_id: str, channel: str, notification: Notification) -> None:
        socket = self._by_connection.get(connection_id)
        # The session of a client that is gone may have gone on with another connection.
        session = None if socket is None or not socket.link.is_open else socket.link.session
        if session is not None:
            message = Message(channel, notification.encode(), _NOTIFICATION_QOS)
            session.deliver(message, session.subscriptions.get(channel, _NOT_SUBSCRIBED))

    def hold_channel(self, channel: str, connection_id: str) -> None:
        """Keep what a channel says from a client until `replay`, `join_channel` or `leave_channel`."""
        self._followers.leave(channel, connection_id)
        socket = self._by_connection.get(connection_id)
        session = None if socket is None else socket.link.session
        if session is not None:
            self._held.setdefault(channel, {})[connection_id] = session

    def replay(self, channel: str, connection_id: str, notifications: Sequence[Notification]) -> None:
        """Send straight to one client what it has missed, then let it hear of the channel."""
        for notification in notifications:
            self._send(connection_id, channel, notification)
        self.join_channel(channel, connection_id)

    def _end_holds(self, connection_id: str) -> None:
        for channel in tuple(self._held):
            self._end_hold(channel, connection_id)

    def _end_hold(self, channel: str, connection_id: str) -> None:
        held = self._held.get(channel)
        if held is not None and held.pop(connection_id, None) is not None and not held:
            del self._held[channel]

    def join_channel(self, channel: str, connection_id: str) -> None:
        """Let a client hear of a channel once it has subscribed to the topic of its name."""
        self._end_hold(channel, connection_id)
        socket = self._by_connection.get(connection_id)
        if socket is not None:
            self._followers.join(channel, connection_id, socket.link)

    def leave_channel(self, channel: str, connection_id: str) -> None:
        """Let a client hear of a channel no longer; the subscription of the topic is its own to end."""
        self._end_hold(channel, connection_id)
        self._followers.leave(channel, connection_id)

    def disconnect(self, connection_id: str, message: str) -> None:
        """Close a connection; the text reaches MQTT 5 clients as the reason."""
        socket = self._by_connection.get(connection_id)
        if socket is not None:
            socket.link.end(Reason.ADMINISTRATIVE_ACTION, message)

    # --- sockets

    def _make_socket(self) -> MqttSocket:
        return MqttSocket(self._outbox, self._patience, self._make_link, self._forget)

    def _make_link(self, socket: MqttSocket, ips: tuple[str, ...]) -> Link:
        self._sockets.add(socket)
        if self._all_closed is not None:  # accepted just before the port was closed
            socket.abort()
        connection = Connection(self.name, ips)
        self._by_connection[connection.id] = socket
        return Link(self._broker, self, socket, connection)

    def _forget(self, socket: MqttSocket) -> None:
        self._sockets.discard(socket)
        self._by_connection.pop(socket.link.connection.id, None)
        if self._all_closed is not None and not self._sockets:
            self._all_closed.set()

    async def _wait_closed(self, all_closed: asyncio.Event) -> None:
        if not self._sockets:
            return
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await all_closed.wait()
        except TimeoutError:  # clients that do not read
            for socket in tuple(self._sockets):
                socket.abort()
            await all_closed.wait()

    # --- what links call

    def accepted(self, link: Link) -> None:
        """Declare a client that has connected."""
        self.entrypoint.new_connection(link.connection)
        self._by_connection[link.connection.id].watch_keep_alive()

    def ended(self, link: Link) -> None:
        """Remove a client that is gone, after `disconnectDelay`; its session hears at once what it was held from."""
        self._end_holds(link.connection.id)
        self._remove_later(link.connection.id)

    def authenticate(self, link: Link, packet: Connect) -> None:
        """Find out who a client is."""
        start_now(self._authenticate(link, packet))

    async def _authenticate(self, link: Link, packet: Connect) -> None:
        if packet.user_name is None or packet.password is None:
            link.turn_away(Reason.BAD_USER_NAME_OR_PASSWORD, "CONNECT carries no credentials")
            return
        connection = link.connection
        try:
            password = packet.password.decode()
            await self.entrypoint.doorman.let_in(connection, packet.user_name, password)
        except UnicodeDecodeError:
            link.turn_away(Reason.BAD_USER_NAME_OR_PASSWORD, "the password is not UTF-8")
        except KuzzleError as error:
            link.turn_away(_REFUSALS.get(error.status, Reason.BAD_USER_NAME_OR_PASSWORD), error.message)
        except Exception:  # the loop of this protocol; the client gets no detail of a defect, the log all of them
            logger.exception("A CONNECT over MQTT failed unexpectedly")
            link.turn_away(Reason.UNSPECIFIED, "see the server's log")
        else:
            link.admit(packet)
            if connection.identity is not None:
                connection.identity.on_changed = link.check_subscriptions
                if link.session is None:  # gone meanwhile, or refused for its client identifier
                    self.entrypoint.doorman.leave(connection.identity)
            socket = self._by_connection.get(connection.id)
            if socket is not None:
                socket.read_on()

    def serve(self, link: Link, payload: bytes, destination: Destination, correlation: bytes | None) -> None:
        """Run a request of a client, up to its first wait at once."""
        link.requests += 1
        start_now(self._answer(link.connection, link, payload, destination, correlation))

    def _serve_will(self, lost: Connection, payload: bytes, destination: Destination) -> None:
        """Run a will that is a request, on a connection of its own: that of the lost client may be gone."""
        connection = Connection(self.name, lost.ips)
        connection.identity = lost.identity
        self.entrypoint.new_connection(connection)
        start_now(self._answer(connection, None, payload, destination, None))
        self._remove_later(connection.id)

    def _publish_will(self, lost: Connection, message: Message) -> None:
        """Publish a will that is a message, if its client may publish there."""
        start_now(self._publish_allowed_will(lost, message))

    async def _publish_allowed_will(self, lost: Connection, message: Message) -> None:
        guard = self._broker.guard
        if guard is None or await guard.may_still_publish(lost, message.topic):
            self._broker.publish(message, None)
        else:
            logger.debug("The will of an MQTT client on %r is not published: no right", message.topic)

    def _remove_later(self, connection_id: str) -> None:
        self._removals[connection_id] = _call_later(self._disconnect_delay_s, lambda: self._remove(connection_id))

    def _remove(self, connection_id: str) -> None:
        self._removals.pop(connection_id, None)
        self._followers.leave_all(connection_id)
        self._end_holds(connection_id)
        self.entrypoint.remove_connection(connection_id)

    # --- requests

    async def _answer(
        self,
        connection: Connection,
        link: Link | None,
        data: bytes,
        destination: Destination,
        correlation: bytes | None,
    ) -> None:
        """Run a request and send its answer; `link` is None when nobody in particular asked."""
        is_shared = destination is Destination.SHARED_REQUEST
        is_public = self._is_development and not is_shared
        try:
            payload = decode_json(data)
            if is_shared:
                payload = shared_topic.complete_request(payload)
            response = await self.entrypoint.execute(connection, payload)
            if is_shared:
                is_public = connection.identity is None and shared_topic.is_public(payload)
                response.content = shared_topic.complete_answer(response.content)
            encoded = _encode(response)
        except (JsonError, EnvelopeError) as error:
            encoded = self._failure(connection, KuzzleError("network.mqtt.unexpected_error", str(error)))
        except Exception:  # the loop of this protocol; the client gets no detail of a defect, the log all of them
            logger.exception("A request over MQTT failed unexpectedly")
            encoded = self._failure(connection, KuzzleError("core.fatal.unexpected_error", "see the server's log"))
        topic = self._shared_topic if is_shared and self._shared_topic is not None else self._response_topic
        if link is not None and link.is_open:
            self._send_answer(link, topic, encoded, correlation)
        if is_public:
            sender = link.session if link is not None and link.is_open else None
            self._broker.push(topic, encoded, 0, besides=sender)
        if link is not None:
            self._request_done(link)

    def _request_done(self, link: Link) -> None:
        link.requests -= 1
        if link.requests == self._bounds.max_requests - 1:  # its socket may have had to wait
            socket = self._by_connection.get(link.connection.id)
            if socket is not None:
                socket.read_on()

    def _failure(self, connection: Connection, error: KuzzleError) -> bytes:
        return self.entrypoint.api.failure(Request({}, connection), error).encode()

    def _send_answer(self, link: Link, topic: str, encoded: bytes, correlation: bytes | None) -> None:
        packet = self._encode_answer(link.version, topic, encoded, correlation)
        if link.max_packet_size is not None and len(packet) > link.max_packet_size:
            text = "the answer is larger than the client's maximum packet size"
            encoded = self._failure(link.connection, KuzzleError("network.mqtt.unexpected_error", text))
            packet = self._encode_answer(link.version, topic, encoded, correlation)
            if len(packet) > link.max_packet_size:  # [MQTT-3.1.2-24]
                return
        link.send(packet)

    def _encode_answer(self, version: int, topic: str, encoded: bytes, correlation: bytes | None) -> bytes:
        if correlation is not None:
            properties = encode_properties({Property.CORRELATION_DATA: correlation})
            return b"".join(encode_publish_parts(topic, encoded, qos=0, retain=False, properties=properties))
        key = (version == MQTT_5, topic)
        prefix = self._prefixes.get(key)
        if prefix is None:
            prefix = self._prefixes[key] = encode_publish_prefix(version, topic)
        return encode_plain_publish(prefix, encoded)


def _call_later(delay_s: float, step: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(delay_s, step)


def _encode(response: Response) -> bytes:
    content: Any = response.content
    if response.raw and isinstance(content, bytes):
        return content
    if response.raw and isinstance(content, str):
        return content.encode()
    return orjson.dumps(content)
