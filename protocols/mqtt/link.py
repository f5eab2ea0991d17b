"""One client's connection to the broker: packets in, packets out, no I/O.

Rules: the first packet is CONNECT; whatever breaks the protocol, or is forbidden by topics.py, ends the
connection [MQTT-4.8.0-1]; an MQTT 5 client is told why. Reading stops while the socket takes no more or
too many requests of the client are at work, so that a client cannot ask faster than it reads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from kuzzle.connection import Connection, new_id
from protocols.mqtt.broker import Broker
from protocols.mqtt.greeting import TOPIC_ALIAS_MAXIMUM, greeting, session_expiry_s
from protocols.mqtt.message import Message
from protocols.mqtt.packets import (
    MQTT_5,
    PINGRESP,
    PUBACK,
    PUBCOMP,
    PUBREC,
    PUBREL,
    Acknowledgement,
    Connect,
    Disconnect,
    Packet,
    PingRequest,
    Publish,
    Subscribe,
    Unsubscribe,
    Will,
    encode_acknowledgement,
    encode_connack,
    encode_disconnect,
    encode_refusal,
    encode_suback,
    encode_unsuback,
)
from protocols.mqtt.properties import Property
from protocols.mqtt.reader import PacketReader
from protocols.mqtt.reasons import OLD_RETURN_CODES, MalformedPacketError, Reason, protocol_error
from protocols.mqtt.session import Session
from protocols.mqtt.topics import Destination

logger = logging.getLogger(__name__)


class Wire(Protocol):
    """The socket of a connection.

    Attributes:
        is_writable: False while it does not take more.
    """

    is_writable: bool

    def send(self, data: bytes) -> None:
        """Send, at the latest when the current event of the loop ends."""

    def close(self) -> None:
        """Send what is left, then close."""

    def abort(self) -> None:
        """Close at once."""


class Host(Protocol):
    """What stands behind the broker."""

    def accepted(self, link: Link) -> None:
        """A client has connected."""

    def ended(self, link: Link) -> None:
        """A client that had connected is gone."""

    def authenticate(self, link: Link, packet: Connect) -> None:
        """Find out who a client is, then call the link's `admit` or `turn_away`."""

    def serve(self, link: Link, payload: bytes, destination: Destination, correlation: bytes | None) -> None:
        """Run a request; `correlation` goes back with the answer."""


class Link:
    """A client's connection.

    Attributes:
        connection: How the server knows the client.
        session: None until CONNECT was accepted.
        version: Protocol level, 0 until CONNECT.
        keep_alive_s: Longest silence the client has announced; 0 for no limit.
        requests: Requests at work.
    """

    __slots__ = (
        "_aliases",
        "_broker",
        "_host",
        "_is_ended",
        "_is_open",
        "_is_waiting",
        "_reader",
        "_will",
        "_wire",
        "connection",
        "keep_alive_s",
        "max_packet_size",
        "requests",
        "session",
        "version",
        "window",
    )

    def __init__(self, broker: Broker, host: Host, wire: Wire, connection: Connection) -> None:
        self.connection = connection
        self.session: Session | None = None
        self.version = 0
        self.keep_alive_s = 0
        self.requests = 0
        self.window = broker.bounds.max_inflight
        self.max_packet_size: int | None = None
        self._broker = broker
        self._host = host
        self._wire = wire
        self._reader = PacketReader(broker.bounds.max_packet_size)
        self._aliases: dict[int, str] = {}
        self._will: Will | None = None
        self._is_open = True
        self._is_ended = False
        self._is_waiting = False  # for the host to say who the client is

    # --- what the socket calls

    def receive(self, data: bytes) -> None:
        """Take bytes and handle the packets they complete."""
        self._reader.feed(data)
        self.read_on()

    def read_on(self) -> None:
        """Handle packets until none is whole, or until the client must wait."""
        read = self._reader.read
        try:
            while self.is_reading:
                packet = read()
                if packet is None:
                    return
                if packet.__class__ is Publish:
                    self._publish(packet)
                else:
                    _HANDLERS[packet.__class__](self, packet)
        except MalformedPacketError as error:
            self._refuse(error)

    def writable(self) -> None:
        """Go on after the socket did not take more for a while."""
        if self.session is not None and self._is_open:
            self.session.send_waiting()
        self.read_on()

    def lost(self) -> None:
        """Take note that the socket is closed."""
        self._is_open = False
        self._leave(self._will)

    @property
    def is_open(self) -> bool:
        """False once the connection is closed or about to be."""
        return self._is_open

    @property
    def is_reading(self) -> bool:
        """False while the client must wait: it does not read itself, or asks too much at once."""
        is_ready = self._is_open and not self._is_waiting and self._wire.is_writable
        return is_ready and self.requests < self._broker.bounds.max_requests

    # --- what the session calls

    @property
    def is_writable(self) -> bool:
        """False while the socket does not take more."""
        return self._wire.is_writable and self._is_open

    def send(self, data: bytes) -> None:
        """Send a packet."""
        if self._is_open:
            self._wire.send(data)

    def let_go(self, why: str, *, is_told: bool = True) -> None:
        """Close the connection of a client that does not keep up; its session learns it when the socket reports.

        MQTT 5 clients are told, behind the little that the socket has taken, if they may still hear (`is_told`).
        """
        if not self._is_open:
            return
        self._is_open = False
        logger.info("MQTT client %s is let go: %s", self.connection.id, why)
        if is_told and self.version == MQTT_5:
            self._wire.send(encode_disconnect(Reason.QUOTA_EXCEEDED))
            self._wire.close()
        else:
            self._wire.abort()

    def give_up_session(self) -> None:
        """Close the connection because its client has come by another one."""
        self.end(Reason.SESSION_TAKEN_OVER)
        self._leave(self._will)  # one that was let go before has not left yet

    # --- the end

    def end(self, reason: Reason, text: str = "", *, with_will: bool = True) -> None:
        """Close the connection; MQTT 5 clients are told why."""
        if not self._is_open:
            return
        if self.version == MQTT_5 and self.session is not None:
            self._wire.send(encode_disconnect(reason, text))
        self._is_open = False
        self._wire.close()
        self._leave(self._will if with_will else None)

    def _leave(self, will: Will | None) -> None:
        session = self.session
        if session is None or self._is_ended:
            return
        self._is_ended = True
        self._host.ended(self)
        self._broker.leave(session, will, self.connection)

    def _refuse(self, error: MalformedPacketError) -> None:
        logger.debug("MQTT client %s: %s", self.connection.id, error)
        if self.session is not None:
            self.end(error.reason)
            return
        version = self._reader.version
        code: int | None = error.reason if version == MQTT_5 else OLD_RETURN_CODES.get(error.reason)
        # Without a CONNECT that names the protocol there is nobody to answer; an unknown level gets the old form.
        if code is not None and (version or error.reason is Reason.UNSUPPORTED_VERSION):
            self._wire.send(encode_refusal(version, code))
        self._is_open = False
        self._wire.close()

    # --- packets

    def _connect(self, packet: Connect) -> None:
        version = self.version = packet.version
        properties = packet.properties
        if Property.AUTHENTICATION_METHOD in properties:
            raise MalformedPacketError(Reason.BAD_AUTHENTICATION_METHOD, "extended authentication")
        if not packet.client_id and (version < 4 or (version == 4 and not packet.clean_start)):
            # [MQTT-3.1.3-7]; MQTT 3.1 asks for one to 23 characters
            raise MalformedPacketError(Reason.CLIENT_ID_NOT_VALID, "empty client identifier")
        if self._broker.guard is None:
            self._enter(packet)
        else:
            self._is_waiting = True
            self._host.authenticate(self, packet)

    # --- what the host calls once it knows who the client is

    def admit(self, packet: Connect) -> None:
        """Go on with a client that may connect; the socket then reads on."""
        self._is_waiting = False
        if not self._is_open:
            return
        try:
            self._enter(packet)
        except MalformedPacketError as error:
            self._refuse(error)

    def turn_away(self, reason: Reason, text: str) -> None:
        """Refuse a client."""
        self._is_waiting = False
        if self._is_open:
            self._refuse(MalformedPacketError(reason, text))

    def check_subscriptions(self) -> None:
        """End the subscriptions of topics that the client has no right to any more; an absent one is asked when it
        comes back."""
        if self.session is not None and self._is_open:
            self._broker.drop_forbidden(self.session, self.connection)

    def _enter(self, packet: Connect) -> None:
        client_id = packet.client_id or new_id()  # [MQTT-3.1.3-6]
        holder = self._broker.find_session(client_id)
        if holder is not None and holder.owner != self.owner:
            raise MalformedPacketError(Reason.CLIENT_ID_NOT_VALID, "the client identifier is another user's")
        if holder is not None and holder.receiver is not None:  # [MQTT-3.1.4-3]
            holder.receiver.give_up_session()
        session, is_present = self._broker.enter(client_id, clean_start=packet.clean_start)
        session.owner = self.owner
        if is_present and self._broker.drop_forbidden(session, self.connection):
            # What waits may be of topics that the client has lost the right to.
            self._broker.leave(session, None, self.connection)
            session, is_present = self._broker.enter(client_id, clean_start=True)
            session.owner = self.owner
        self.session = session
        self.keep_alive_s = packet.keep_alive_s
        self._will = packet.will
        self._read_limits(packet.properties)
        session.expiry_s = session_expiry_s(packet, self._broker.bounds)
        session.attach(self)
        self._host.accepted(self)
        properties = greeting(packet, client_id, session, self._broker.bounds)
        self._wire.send(encode_connack(packet.version, session_present=is_present, properties=properties))
        session.send_waiting()

    @property
    def owner(self) -> str | None:
        """Id of the user whose session it is; None where nobody asks who clients are."""
        identity = self.connection.identity
        return None if identity is None else identity.user.id

    def _read_limits(self, properties: Mapping[Property, Any]) -> None:
        receive_maximum = properties.get(Property.RECEIVE_MAXIMUM)
        if receive_maximum is not None:
            self.window = min(self.window, receive_maximum)
        self.max_packet_size = properties.get(Property.MAXIMUM_PACKET_SIZE)

    def _publish(self, packet: Publish) -> None:
        topic = self._resolve_alias(packet) if packet.alias else packet.topic
        destination = self._broker.topics.destination(topic)
        guard = self._broker.guard
        if destination is Destination.FORBIDDEN or (
            destination is Destination.MESSAGE and guard is not None and not guard.may_publish(self.connection, topic)
        ):
            raise MalformedPacketError(Reason.NOT_AUTHORIZED, f"publishing on {topic!r} is forbidden")
        if packet.qos and not self._receive(packet):
            return
        if destination is Destination.MESSAGE:
            self._broker.publish(Message.of(packet, topic, self._broker.clock()), self.session)
            return
        correlation = packet.properties.get(Property.CORRELATION_DATA) if packet.properties else None
        self._host.serve(self, packet.payload, destination, correlation)

    def _receive(self, packet: Publish) -> bool:
        """Acknowledge a message of QoS 1 or 2; False when it is the repetition of one already handled."""
        packet_id = packet.packet_id
        if packet.qos == 1:
            self._wire.send(encode_acknowledgement(PUBACK, packet_id))
            return True
        received = self._session.received
        is_new = packet_id not in received
        if is_new:
            if len(received) >= self._broker.bounds.max_inflight:  # [MQTT-3.3.4-9]
                raise MalformedPacketError(Reason.RECEIVE_MAXIMUM_EXCEEDED, "too many unreleased messages")
            received.add(packet_id)
        self._wire.send(encode_acknowledgement(PUBREC, packet_id))
        return is_new

    def _resolve_alias(self, packet: Publish) -> str:
        alias = packet.alias
        if alias > TOPIC_ALIAS_MAXIMUM:  # [MQTT-3.3.2-9]
            raise MalformedPacketError(Reason.TOPIC_ALIAS_INVALID, "topic alias beyond the maximum")
        if packet.topic:
            self._aliases[alias] = packet.topic
            return packet.topic
        topic = self._aliases.get(alias)
        if topic is None:
            raise protocol_error("unknown topic alias")
        return topic

    def _acknowledge(self, packet: Acknowledgement) -> None:
        if packet.kind != PUBREL:
            self._session.acknowledged(packet)
            return
        received = self._session.received
        is_known = packet.packet_id in received
        received.discard(packet.packet_id)
        reason = 0 if is_known or self.version != MQTT_5 else Reason.PACKET_ID_NOT_FOUND
        self._wire.send(encode_acknowledgement(PUBCOMP, packet.packet_id, reason))

    def _subscribe(self, packet: Subscribe) -> None:
        session = self._session
        codes, due = self._broker.subscribe(session, packet, self.version, self.connection)
        self._wire.send(encode_suback(self.version, packet.packet_id, codes))
        self._broker.deliver_retained(session, due)

    def _unsubscribe(self, packet: Unsubscribe) -> None:
        codes = self._broker.unsubscribe(self._session, packet.topics)
        self._wire.send(encode_unsuback(self.version, packet.packet_id, codes))

    def _ping(self, packet: PingRequest) -> None:
        self._wire.send(PINGRESP)

    def _disconnect(self, packet: Disconnect) -> None:
        session = self._session
        if packet.session_expiry_s is not None:
            if packet.session_expiry_s and not session.expiry_s:  # [MQTT-3.1.2-23], section 3.14.2.2.2
                raise protocol_error("a session that ends with its connection cannot be given an expiry")
            session.expiry_s = min(packet.session_expiry_s, self._broker.bounds.session_expiry_s)
        self._is_open = False
        self._wire.close()
        self._leave(None if packet.reason == Reason.SUCCESS else self._will)  # [MQTT-3.14.4-3]

    @property
    def _session(self) -> Session:
        session = self.session
        assert session is not None, "the reader lets nothing pass before CONNECT"
        return session


_HANDLERS: Final[Mapping[type[Packet], Callable[[Link, Any], None]]] = {
    Connect: Link._connect,
    Acknowledgement: Link._acknowledge,
    Subscribe: Link._subscribe,
    Unsubscribe: Link._unsubscribe,
    PingRequest: Link._ping,
    Disconnect: Link._disconnect,
}
