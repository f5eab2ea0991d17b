"""The packets of MQTT: what clients send as objects, what the server sends as bytes.

The same code serves MQTT 3.1 (protocol level 3), 3.1.1 (level 4) and 5.0 (level 5). Nothing here does
I/O; `reader.py` makes the objects from bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from protocols.mqtt.fields import encode_text, encode_variable_integer
from protocols.mqtt.properties import NONE, Property, encode_properties
from protocols.mqtt.reasons import Reason

MQTT_5: Final = 5

# Types of packets (3.1.1, table 2.1), and the bits that stand behind the type in the first byte.
CONNECT: Final = 1
PUBLISH: Final = 3
PUBACK: Final = 4
PUBREC: Final = 5
PUBREL: Final = 6
PUBCOMP: Final = 7
SUBSCRIBE: Final = 8
UNSUBSCRIBE: Final = 10
PINGREQ: Final = 12
DISCONNECT: Final = 14
AUTH: Final = 15

PINGRESP: Final = b"\xd0\x00"

_FIRST_BYTES: Final[Mapping[int, bytes]] = {PUBACK: b"\x40", PUBREC: b"\x50", PUBREL: b"\x62", PUBCOMP: b"\x70"}


@dataclass(frozen=True, slots=True)
class Will:
    """What the server publishes for a client that is lost.

    Attributes:
        delay_s: How long the client has to come back before it is published.
    """

    topic: str
    payload: bytes
    qos: int
    retain: bool
    delay_s: int
    properties: Mapping[Property, Any]


@dataclass(frozen=True, slots=True)
class Connect:
    """A client introduces itself.

    Attributes:
        keep_alive_s: Longest silence the client intends; 0 for no limit.
    """

    version: int
    client_id: str
    clean_start: bool
    keep_alive_s: int
    will: Will | None
    user_name: str | None
    password: bytes | None
    properties: Mapping[Property, Any]


class Publish:
    """A message to the server.

    Attributes:
        topic: Empty when `alias` alone names it.
        alias: Topic alias, 0 for none.
        packet_id: 0 at QoS 0.
    """

    __slots__ = ("alias", "packet_id", "payload", "properties", "qos", "retain", "topic")

    def __init__(
        self,
        topic: str,
        payload: bytes,
        qos: int = 0,
        retain: bool = False,
        packet_id: int = 0,
        properties: Mapping[Property, Any] = NONE,
        alias: int = 0,
    ) -> None:
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.packet_id = packet_id
        self.properties = properties
        self.alias = alias


class Acknowledgement:
    """PUBACK, PUBREC, PUBREL or PUBCOMP.

    Attributes:
        kind: Which of them, as the type of the packet.
        reason: Reason code of MQTT 5, 0 before.
    """

    __slots__ = ("kind", "packet_id", "reason")

    def __init__(self, kind: int, packet_id: int, reason: int = 0) -> None:
        self.kind = kind
        self.packet_id = packet_id
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TopicRequest:
    """One line of a SUBSCRIBE.

    Attributes:
        no_local: The client's own messages do not come back.
        retain_as_published: Messages keep the retain flag they were published with.
        retain_handling: 0: retained messages at every subscribe, 1: only when new, 2: never.
    """

    topic: str
    qos: int
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A client asks for messages."""

    packet_id: int
    requests: Sequence[TopicRequest]
    subscription_id: int | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """A client no longer wants messages."""

    packet_id: int
    topics: Sequence[str]


class PingRequest:
    """A client shows that it is alive."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Disconnect:
    """A client says goodbye.

    Attributes:
        reason: DISCONNECT_WITH_WILL asks for the will all the same.
        session_expiry_s: New value for the session, None to keep the one of CONNECT.
    """

    reason: int = 0
    session_expiry_s: int | None = None


Packet = Connect | Publish | Acknowledgement | Subscribe | Unsubscribe | PingRequest | Disconnect


def encode_packet(first_byte: int, body: bytes) -> bytes:
    """Return a packet with its fixed header."""
    return bytes((first_byte,)) + encode_variable_integer(len(body)) + body


def encode_connack(version: int, *, session_present: bool, properties: Mapping[Property, Any]) -> bytes:
    """Return the CONNACK of an accepted client."""
    body = b"\x01\x00" if session_present else b"\x00\x00"
    return encode_packet(0x20, body + encode_properties(properties) if version == MQTT_5 else body)


def encode_refusal(version: int, code: int) -> bytes:
    """Return the CONNACK of a refused client; before MQTT 5 the code is a return code."""
    return encode_packet(0x20, bytes((0, code)) + (b"\x00" if version == MQTT_5 else b""))


def encode_acknowledgement(kind: int, packet_id: int, reason: int = 0) -> bytes:
    """Return PUBACK, PUBREC, PUBREL or PUBCOMP; a reason other than 0 needs MQTT 5."""
    if reason:
        return b"%b\x03%b%c" % (_FIRST_BYTES[kind], packet_id.to_bytes(2, "big"), reason)
    return b"%b\x02%b" % (_FIRST_BYTES[kind], packet_id.to_bytes(2, "big"))


def encode_suback(version: int, packet_id: int, codes: Sequence[int]) -> bytes:
    """Return SUBACK: per topic the granted QoS, or why it is refused."""
    properties = b"\x00" if version == MQTT_5 else b""
    return encode_packet(0x90, packet_id.to_bytes(2, "big") + properties + bytes(codes))


def encode_unsuback(version: int, packet_id: int, codes: Sequence[int]) -> bytes:
    """Return UNSUBACK; before MQTT 5 it carries no codes."""
    body = packet_id.to_bytes(2, "big")
    return encode_packet(0xB0, body + b"\x00" + bytes(codes) if version == MQTT_5 else body)


def encode_disconnect(reason: Reason, text: str = "") -> bytes:
    """Return DISCONNECT, which only MQTT 5 lets a server send."""
    properties = encode_properties({Property.REASON_TEXT: text}) if text else b"\x00"
    return encode_packet(0xE0, bytes((reason,)) + properties)


def encode_publish_prefix(version: int, topic: str) -> bytes:
    """Return what stands between the fixed header and the payload at QoS 0 without properties."""
    return encode_text(topic) + (b"\x00" if version == MQTT_5 else b"")


def encode_plain_publish(prefix: bytes, payload: bytes) -> bytes:
    """Return PUBLISH at QoS 0; the prefix comes from `encode_publish_prefix`."""
    size = len(prefix) + len(payload)
    if size < 0x80:
        return b"\x30%c%b%b" % (size, prefix, payload)
    if size < 0x4000:
        return b"\x30%c%c%b%b" % (size & 0x7F | 0x80, size >> 7, prefix, payload)
    return b"\x30%b%b%b" % (encode_variable_integer(size), prefix, payload)


def encode_publish_parts(
    topic: str, payload: bytes, *, qos: int, retain: bool, properties: bytes
) -> tuple[bytes, bytes]:
    """Return PUBLISH in two parts; at QoS 1 and 2 the packet identifier stands between them.

    Args:
        properties: Encoded with their length, empty before MQTT 5.
    """
    encoded_topic = encode_text(topic)
    size = len(encoded_topic) + (2 if qos else 0) + len(properties) + len(payload)
    head = b"%c%b%b" % (0x30 | qos << 1 | retain, encode_variable_integer(size), encoded_topic)
    return head, properties + payload
