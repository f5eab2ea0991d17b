"""The properties of MQTT 5 (section 2.2.2), which any packet of that version may carry.

Rule: a property is refused where the specification does not list it, and where it stands twice
[MQTT-2.2.2-2]; only user properties may repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Final

from protocols.mqtt.fields import FieldReader, encode_binary, encode_text, encode_variable_integer
from protocols.mqtt.reasons import MalformedPacketError, Reason, malformed, protocol_error


class Property(IntEnum):
    """Identifiers of the properties (table 2-4)."""

    PAYLOAD_FORMAT = 0x01
    MESSAGE_EXPIRY = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION_DATA = 0x09
    SUBSCRIPTION_ID = 0x0B
    SESSION_EXPIRY = 0x11
    ASSIGNED_CLIENT_ID = 0x12
    AUTHENTICATION_METHOD = 0x15
    AUTHENTICATION_DATA = 0x16
    REQUEST_PROBLEM_INFORMATION = 0x17
    WILL_DELAY = 0x18
    REQUEST_RESPONSE_INFORMATION = 0x19
    REASON_TEXT = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    USER_PROPERTY = 0x26
    MAXIMUM_PACKET_SIZE = 0x27
    WILDCARD_SUBSCRIPTION_AVAILABLE = 0x28
    SHARED_SUBSCRIPTION_AVAILABLE = 0x2A


Properties = dict[Property, Any]
"""Values by property; the value of USER_PROPERTY is a list of (name, value)."""

NONE: Final[Mapping[Property, Any]] = {}


class Place(IntEnum):
    """What carries the properties: the type of a packet, or a will."""

    CONNECT = 1
    PUBLISH = 3
    ACKNOWLEDGEMENT = 4
    SUBSCRIBE = 8
    UNSUBSCRIBE = 10
    DISCONNECT = 14
    AUTH = 15
    WILL = 16


def _flag(reader: FieldReader) -> int:
    value = reader.byte()
    if value > 1:
        raise protocol_error("a property that is 0 or 1 has another value")
    return value


def _positive(read: Callable[[FieldReader], int]) -> Callable[[FieldReader], int]:
    def read_positive(reader: FieldReader) -> int:
        value = read(reader)
        if not value:
            raise protocol_error("a property that must not be 0 is 0")
        return value

    return read_positive


def _topic_alias(reader: FieldReader) -> int:
    alias = reader.uint16()
    if not alias:  # [MQTT-3.3.2-8]
        raise MalformedPacketError(Reason.TOPIC_ALIAS_INVALID, "topic alias 0")
    return alias


def _response_topic(reader: FieldReader) -> str:
    topic = reader.text()
    if "#" in topic or "+" in topic:  # [MQTT-3.3.2-14]
        raise protocol_error("wildcard in a response topic")
    return topic


def _pair(reader: FieldReader) -> tuple[str, str]:
    return reader.text(), reader.text()


_MESSAGE = frozenset({Place.PUBLISH, Place.WILL})
_EVERYWHERE = frozenset(Place)

# How a client's property is read, and where it may stand. Properties that only a server sends are not here.
_READERS: Final[Mapping[int, tuple[Property, Callable[[FieldReader], Any], frozenset[Place]]]] = {
    int(identifier): (identifier, read, places)
    for identifier, read, places in (
        (Property.PAYLOAD_FORMAT, _flag, _MESSAGE),
        (Property.MESSAGE_EXPIRY, FieldReader.uint32, _MESSAGE),
        (Property.CONTENT_TYPE, FieldReader.text, _MESSAGE),
        (Property.RESPONSE_TOPIC, _response_topic, _MESSAGE),
        (Property.CORRELATION_DATA, FieldReader.binary, _MESSAGE),
        # Not in PUBLISH: only a server sends it there [MQTT-3.3.4-6].
        (Property.SUBSCRIPTION_ID, _positive(FieldReader.variable_integer), frozenset({Place.SUBSCRIBE})),
        (Property.SESSION_EXPIRY, FieldReader.uint32, frozenset({Place.CONNECT, Place.DISCONNECT})),
        (Property.AUTHENTICATION_METHOD, FieldReader.text, frozenset({Place.CONNECT, Place.AUTH})),
        (Property.AUTHENTICATION_DATA, FieldReader.binary, frozenset({Place.CONNECT, Place.AUTH})),
        (Property.REQUEST_PROBLEM_INFORMATION, _flag, frozenset({Place.CONNECT})),
        (Property.WILL_DELAY, FieldReader.uint32, frozenset({Place.WILL})),
        (Property.REQUEST_RESPONSE_INFORMATION, _flag, frozenset({Place.CONNECT})),
        (
            Property.REASON_TEXT,
            FieldReader.text,
            frozenset({Place.ACKNOWLEDGEMENT, Place.DISCONNECT, Place.AUTH}),
        ),
        (Property.RECEIVE_MAXIMUM, _positive(FieldReader.uint16), frozenset({Place.CONNECT})),
        (Property.TOPIC_ALIAS_MAXIMUM, FieldReader.uint16, frozenset({Place.CONNECT})),
        (Property.TOPIC_ALIAS, _topic_alias, frozenset({Place.PUBLISH})),
        (Property.USER_PROPERTY, _pair, _EVERYWHERE),
        (Property.MAXIMUM_PACKET_SIZE, _positive(FieldReader.uint32), frozenset({Place.CONNECT})),
    )
}


def read_properties(reader: FieldReader, place: Place) -> Mapping[Property, Any]:
    """Read the properties of a packet or will that a client sent.

    Raises:
        MalformedPacketError
    """
    size = reader.variable_integer()
    if not size:
        return NONE
    end = reader.position + size
    if end > reader.end:
        raise malformed("the packet ends in the middle of its properties")
    found: Properties = {}
    while reader.position < end:
        identifier, read, places = _READERS.get(reader.variable_integer(), (None, None, frozenset()))
        if identifier is None or read is None or place not in places:
            raise malformed("a property that has no place here")
        value = read(reader)
        if identifier is Property.USER_PROPERTY:
            found.setdefault(identifier, []).append(value)
        elif identifier in found:
            raise protocol_error("a property stands twice")
        else:
            found[identifier] = value
    if reader.position != end:
        raise malformed("a property reaches over the end of the properties")
    return found


def _encode_byte(value: int) -> bytes:
    return bytes((value,))


def _encode_uint16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _encode_uint32(value: int) -> bytes:
    return value.to_bytes(4, "big")


_ENCODERS: Final[Mapping[Property, Callable[[Any], bytes]]] = {
    Property.PAYLOAD_FORMAT: _encode_byte,
    Property.MESSAGE_EXPIRY: _encode_uint32,
    Property.CONTENT_TYPE: encode_text,
    Property.RESPONSE_TOPIC: encode_text,
    Property.CORRELATION_DATA: encode_binary,
    Property.SUBSCRIPTION_ID: encode_variable_integer,
    Property.SESSION_EXPIRY: _encode_uint32,
    Property.ASSIGNED_CLIENT_ID: encode_text,
    Property.REASON_TEXT: encode_text,
    Property.RECEIVE_MAXIMUM: _encode_uint16,
    Property.TOPIC_ALIAS_MAXIMUM: _encode_uint16,
    Property.MAXIMUM_PACKET_SIZE: _encode_uint32,
    Property.WILDCARD_SUBSCRIPTION_AVAILABLE: _encode_byte,
    Property.SHARED_SUBSCRIPTION_AVAILABLE: _encode_byte,
}


def encode_properties(properties: Mapping[Property, Any]) -> bytes:
    """Return properties with their length in front."""
    parts = []
    for identifier, value in properties.items():
        if identifier is Property.USER_PROPERTY:
            parts += [b"\x26" + encode_text(name) + encode_text(text) for name, text in value]
        else:
            parts.append(bytes((identifier,)) + _ENCODERS[identifier](value))
    encoded = b"".join(parts)
    return encode_variable_integer(len(encoded)) + encoded
