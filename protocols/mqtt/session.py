"""What the broker knows of a client: it may outlive the client's connection.

Holds the subscriptions and both sides of QoS 1 and 2. Rules:

- Messages leave in the order they came; one that cannot leave yet holds back those behind it.
- Nothing is repeated on a live connection; after a reconnect unacknowledged messages go out again, first
  and in their old order [MQTT-4.4.0-1].
- Every queue is bounded (bounds.py). A connected client whose queue is full is let go: it does not read, or
  does not acknowledge. For an absent client the newest message is dropped.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from protocols.mqtt.bounds import Bounds, StoredBytes
from protocols.mqtt.message import Message
from protocols.mqtt.packets import (
    PUBACK,
    PUBCOMP,
    PUBREC,
    PUBREL,
    Acknowledgement,
    TopicRequest,
    encode_acknowledgement,
)
from protocols.mqtt.reasons import Reason, protocol_error

logger = logging.getLogger(__name__)


class Receiver(Protocol):
    """The connection of a client that is there.

    Attributes:
        version: Protocol level.
        is_writable: False while the socket does not take more.
        window: Messages of QoS 1 and 2 it takes before it acknowledges some.
        max_packet_size: Bytes of the largest packet it takes, None for any.
    """

    version: int
    window: int
    max_packet_size: int | None

    @property
    def is_writable(self) -> bool: ...

    def send(self, data: bytes) -> None: ...

    def let_go(self, why: str) -> None: ...

    def give_up_session(self) -> None: ...


class Subscription:
    """How a client wants the messages of a topic."""

    __slots__ = ("identifier", "no_local", "qos", "retain_as_published")

    def __init__(self, request: TopicRequest, identifier: int | None) -> None:
        self.qos = request.qos
        self.no_local = request.no_local
        self.retain_as_published = request.retain_as_published
        self.identifier = identifier


class _Delivery:
    """A message that waits for its client, or for the client's acknowledgement."""

    __slots__ = ("identifier", "is_received", "message", "qos", "retain")

    def __init__(self, message: Message, qos: int, retain: bool, identifier: int | None) -> None:
        self.message = message
        self.qos = qos
        self.retain = retain
        self.identifier = identifier
        self.is_received = False  # QoS 2: PUBREC came, only the release is open


class Session:
    """The state of one client.

    Attributes:
        receiver: Its connection, None while it is absent.
        owner: Id of the user whose it is; None where nobody asks who clients are.
        subscriptions: By topic.
        received: QoS 2 packet identifiers of messages that the client has not released.
        expiry_s: How long it outlives the connection; 0 ends with it.
    """

    __slots__ = (
        "_bounds",
        "_clock",
        "_last_id",
        "_sent",
        "_sent_bytes",
        "_stored",
        "_unconfirmed",
        "_waiting",
        "_waiting_bytes",
        "client_id",
        "expiry_s",
        "owner",
        "received",
        "receiver",
        "subscriptions",
    )

    def __init__(self, client_id: str, bounds: Bounds, stored: StoredBytes, clock: Callable[[], float]) -> None:
        self.client_id = client_id
        self.receiver: Receiver | None = None
        self.owner: str | None = None
        self.subscriptions: dict[str, Subscription] = {}
        self.received: set[int] = set()
        self.expiry_s = 0
        self._bounds = bounds
        self._stored = stored
        self._clock = clock
        self._last_id = 0
        self._sent: dict[int, _Delivery] = {}  # on this connection, unacknowledged, in order
        self._sent_bytes = 0
        self._unconfirmed: dict[int, _Delivery] = {}  # sent on an earlier connection, to be sent again
        self._waiting: deque[_Delivery] = deque()
        self._waiting_bytes = 0

    # --- the connection

    def attach(self, receiver: Receiver) -> None:
        """Go on with a connection; `send_waiting` then sends what is due."""
        self.receiver = receiver

    def detach(self) -> None:
        """Go on without a connection; messages of QoS 0 that waited are lost with it."""
        self.receiver = None
        self._unconfirmed = {**self._sent, **self._unconfirmed}
        self._sent = {}
        kept = [delivery for delivery in self._waiting if delivery.qos]
        self._forget_waiting()
        for delivery in kept:
            self._keep(delivery)

    def close(self) -> None:
        """Drop everything that waits; the session is at its end."""
        self._forget_waiting()
        self._sent.clear()
        self._unconfirmed.clear()

    # --- to the client

    def deliver(self, message: Message, subscription: Subscription, *, is_retained: bool = False) -> None:
        """Send a message, now or when its turn comes."""
        qos = message.qos if message.qos < subscription.qos else subscription.qos
        retain = is_retained or (message.retain and subscription.retain_as_published)
        receiver = self.receiver
        if receiver is None:
            if qos:
                self._keep(_Delivery(message, qos, retain, subscription.identifier))
        elif self._waiting or not receiver.is_writable or (qos and not self._has_room(receiver)):
            if not self._keep(_Delivery(message, qos, retain, subscription.identifier)):
                receiver.let_go(f"more than {len(self._waiting)} messages wait for it")
        elif qos:
            self._send_new(receiver, _Delivery(message, qos, retain, subscription.identifier))
        else:
            packet, _ = message.encode(
                receiver.version, 0, retain=retain, subscription_id=subscription.identifier, now=self._now(message)
            )
            if receiver.max_packet_size is None or len(packet) <= receiver.max_packet_size:
                receiver.send(packet)

    def send_waiting(self) -> None:
        """Send what waits, as far as the socket and the client's window allow."""
        receiver = self.receiver
        while receiver is not None and receiver.is_writable:
            if self._unconfirmed:
                if len(self._sent) >= receiver.window:
                    return
                self._send_again(receiver)
                continue
            if not self._waiting or (self._waiting[0].qos and not self._has_room(receiver)):
                return
            delivery = self._waiting.popleft()
            self._waiting_bytes -= delivery.message.size
            self._stored.give_back(delivery.message.size)
            if delivery.message.is_expired(self._clock()):
                continue
            self._send_new(receiver, delivery)

    def acknowledged(self, packet: Acknowledgement) -> None:
        """Take PUBACK, PUBREC or PUBCOMP; unknown identifiers are leftovers and do no harm.

        Raises:
            MalformedPacketError: The packet does not fit the message's QoS.
        """
        packet_id = packet.packet_id
        holder = self._sent if packet_id in self._sent else self._unconfirmed
        delivery = holder.get(packet_id)
        if delivery is None:
            if packet.kind == PUBREC:  # [MQTT-4.3.3-4]: released all the same, so that both sides forget it
                self._release(packet_id, Reason.PACKET_ID_NOT_FOUND)
            return
        if (packet.kind == PUBACK) != (delivery.qos == 1):
            raise protocol_error("acknowledgement of another QoS")
        if packet.kind == PUBREC and packet.reason < 0x80:
            delivery.is_received = True
            self._release(packet_id, Reason.SUCCESS)
            return
        if packet.kind == PUBCOMP and not delivery.is_received:
            raise protocol_error("PUBCOMP before PUBREC")
        del holder[packet_id]
        self._sent_bytes -= delivery.message.size
        if self._waiting or self._unconfirmed:
            self.send_waiting()

    def _release(self, packet_id: int, reason: Reason) -> None:
        receiver = self.receiver
        if receiver is not None:
            receiver.send(encode_acknowledgement(PUBREL, packet_id, reason if receiver.version == 5 else 0))

    def _has_room(self, receiver: Receiver) -> bool:
        return len(self._sent) < receiver.window and self._sent_bytes < self._bounds.max_queued_bytes

    def _send_new(self, receiver: Receiver, delivery: _Delivery) -> None:
        message = delivery.message
        head, tail = message.encode(
            receiver.version,
            delivery.qos,
            retain=delivery.retain,
            subscription_id=delivery.identifier,
            now=self._now(message),
        )
        size = len(head) + len(tail) + (2 if delivery.qos else 0)
        if receiver.max_packet_size is not None and size > receiver.max_packet_size:
            return  # [MQTT-3.1.2-25]: as if it had been sent and acknowledged
        if not delivery.qos:
            receiver.send(head)
            return
        packet_id = self._next_id()
        self._sent[packet_id] = delivery
        self._sent_bytes += message.size
        receiver.send(b"".join((head, packet_id.to_bytes(2, "big"), tail)))

    def _send_again(self, receiver: Receiver) -> None:
        packet_id = next(iter(self._unconfirmed))
        delivery = self._unconfirmed.pop(packet_id)
        self._sent[packet_id] = delivery
        if delivery.is_received:
            self._release(packet_id, Reason.SUCCESS)
            return
        head, tail = delivery.message.encode(
            receiver.version,
            delivery.qos,
            retain=delivery.retain,
            subscription_id=delivery.identifier,
            now=self._now(delivery.message),
        )
        if receiver.max_packet_size is not None and len(head) + len(tail) + 2 > receiver.max_packet_size:
            del self._sent[packet_id]
            self._sent_bytes -= delivery.message.size
            return
        repeated = bytes((head[0] | 0x08,)) + head[1:]  # DUP [MQTT-3.3.1-1]
        receiver.send(b"".join((repeated, packet_id.to_bytes(2, "big"), tail)))

    def _now(self, message: Message) -> float:
        return 0.0 if message.expires_at is None else self._clock()

    def _next_id(self) -> int:
        packet_id = self._last_id
        while True:
            packet_id = packet_id % 0xFFFF + 1
            if packet_id not in self._sent and packet_id not in self._unconfirmed:
                self._last_id = packet_id
                return packet_id

    # --- the queue

    def _keep(self, delivery: _Delivery) -> bool:
        """Queue a message; False when it does not fit."""
        size = delivery.message.size
        bounds = self._bounds
        if (
            len(self._waiting) >= bounds.max_queued_messages
            or self._waiting_bytes + self._sent_bytes + size > bounds.max_queued_bytes
            or not self._stored.take(size)
        ):
            logger.debug(
                "MQTT client %r: queue full, a message on %r is dropped", self.client_id, delivery.message.topic
            )
            return False
        self._waiting.append(delivery)
        self._waiting_bytes += size
        return True

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        self._stored.give_back(self._waiting_bytes)
        self._waiting_bytes = 0
