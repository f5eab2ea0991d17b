"""Bytes to packets, in whatever pieces they arrive.

Rules: a packet is judged only when it is whole, but its size as soon as it is known; the version that
CONNECT names decides how the packets behind it are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from protocols.mqtt.fields import FieldReader, decode_text
from protocols.mqtt.packets import (
    AUTH,
    CONNECT,
    DISCONNECT,
    MQTT_5,
    PINGREQ,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBSCRIBE,
    UNSUBSCRIBE,
    Acknowledgement,
    Connect,
    Disconnect,
    Packet,
    PingRequest,
    Publish,
    Subscribe,
    TopicRequest,
    Unsubscribe,
    Will,
)
from protocols.mqtt.properties import NONE, Place, Property, read_properties
from protocols.mqtt.reasons import MalformedPacketError, Reason, malformed, protocol_error

_MQTT_3_1: Final = 3

# Bits 3-0 of the first byte [MQTT-2.1.3-1]; MQTT 3.1 lets a client repeat the first three with DUP set.
_FLAGS: Final[Mapping[int, int]] = {PUBREL: 2, SUBSCRIBE: 2, UNSUBSCRIBE: 2}

# Reason codes that a client may send (MQTT 5, sections 3.4.2.1 to 3.7.2.1 and 3.14.2.1).
_RECEIPT_REASONS: Final = frozenset({0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99})
_RELEASE_REASONS: Final = frozenset({0x00, 0x92})
_DISCONNECT_REASONS: Final = frozenset(
    {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99}
)


class PacketReader:
    """Cuts the bytes of one connection into packets.

    Attributes:
        version: Protocol level of the client, 0 until its CONNECT was seen.
    """

    __slots__ = ("_data", "_max_packet_size", "_needed", "_position", "_tail", "version")

    def __init__(self, max_packet_size: int) -> None:
        """Take the size in bytes of the largest packet that is read."""
        self.version = 0
        self._max_packet_size = max_packet_size
        self._data = b""
        self._position = 0
        # The beginning of a packet that is not whole yet, and how long it must grow to be worth a look:
        # so a large packet in a thousand pieces is copied once, not a thousand times.
        self._tail = bytearray()
        self._needed = 0

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        if self._tail:
            self._tail += data
            if len(self._tail) < self._needed:
                return
            self._data = bytes(self._tail)
            self._tail = bytearray()
        elif self._position < len(self._data):
            self._data = self._data[self._position :] + data
        else:
            self._data = data
        self._position = 0

    def read(self) -> Packet | None:
        """Return the next packet, None when more bytes are needed.

        Raises:
            MalformedPacketError: The connection must end; nothing can be read behind it.
        """
        data = self._data
        start = self._position
        available = len(data) - start
        if available < 2:
            self._wait_for(2)
            return None
        size = data[start + 1]
        position = start + 2
        if size > 0x7F:
            size &= 0x7F
            shift = 7
            while True:
                if shift > 21:
                    raise malformed("remaining length of more than four bytes")
                if position - start >= available:
                    self._wait_for(position - start + 1)
                    return None
                byte = data[position]
                position += 1
                size |= (byte & 0x7F) << shift
                if byte < 0x80:
                    break
                shift += 7
        end = position + size
        if end - start > self._max_packet_size:
            raise MalformedPacketError(Reason.PACKET_TOO_LARGE, f"packet of {end - start} bytes")
        if end > len(data):
            self._wait_for(end - start)
            return None
        self._position = end
        return self._decode(data[start], data[position:end])

    def _wait_for(self, size: int) -> None:
        if self._position < len(self._data):
            self._tail = bytearray(self._data[self._position :])
            self._needed = size
        self._data = b""
        self._position = 0

    def _decode(self, first_byte: int, body: bytes) -> Packet:
        kind = first_byte >> 4
        if not self.version:
            if kind != CONNECT:  # [MQTT-3.1.0-1]
                raise protocol_error("the first packet is no CONNECT")
            if first_byte & 0x0F:
                raise malformed("reserved flags")
            return self._decode_connect(body)
        if kind == PUBLISH:
            return decode_publish(first_byte, body, self.version)
        expected = _FLAGS.get(kind, 0)
        if first_byte & (0x07 if expected and self.version == _MQTT_3_1 else 0x0F) != expected:
            raise malformed("reserved flags")
        if PUBACK <= kind <= PUBCOMP:
            return _decode_acknowledgement(kind, body, self.version)
        decode = _DECODERS.get(kind)
        if decode is None:
            raise protocol_error("a packet that clients do not send")
        return decode(FieldReader(body), self.version)

    def _decode_connect(self, body: bytes) -> Connect:
        reader = FieldReader(body)
        name = reader.binary()
        level = reader.byte()
        if name not in (b"MQTT", b"MQIsdp"):  # [MQTT-3.1.2-1]: closed without an answer
            raise malformed("not the name of the protocol")
        if (name, level) not in ((b"MQTT", 4), (b"MQTT", 5), (b"MQIsdp", _MQTT_3_1)):
            raise MalformedPacketError(Reason.UNSUPPORTED_VERSION, f"protocol level {level}")  # [MQTT-3.1.2-2]
        self.version = level
        return _decode_connect(reader, level)


def _decode_connect(reader: FieldReader, version: int) -> Connect:
    flags = reader.byte()
    if version != _MQTT_3_1:
        _check_connect_flags(flags, version)
    keep_alive_s = reader.uint16()
    properties = read_properties(reader, Place.CONNECT) if version == MQTT_5 else NONE
    if Property.AUTHENTICATION_DATA in properties and Property.AUTHENTICATION_METHOD not in properties:
        raise protocol_error("authentication data without a method")
    client_id = reader.text()
    will = _decode_will(reader, flags, version) if flags & 0x04 else None
    # In MQTT 3.1 the flags may promise a name and a password that do not follow (its section 3.1).
    is_lenient = version == _MQTT_3_1
    user_name = reader.text() if flags & 0x80 and not (is_lenient and reader.is_at_end) else None
    password = reader.binary() if flags & 0x40 and not (is_lenient and reader.is_at_end) else None
    reader.check_at_end()
    return Connect(
        version=version,
        client_id=client_id,
        clean_start=bool(flags & 0x02),
        keep_alive_s=keep_alive_s,
        will=will,
        user_name=user_name,
        password=password,
        properties=properties,
    )


def _check_connect_flags(flags: int, version: int) -> None:
    if flags & 0x01:  # [MQTT-3.1.2-3]
        raise malformed("the reserved flag of CONNECT is set")
    if not flags & 0x04 and flags & 0x38:  # [MQTT-3.1.2-11], [MQTT-3.1.2-13], [MQTT-3.1.2-15]
        raise malformed("QoS or retain of a will without a will")
    if flags & 0x40 and not flags & 0x80 and version != MQTT_5:  # [MQTT-3.1.2-22] of 3.1.1
        raise malformed("password without user name")


def _decode_will(reader: FieldReader, flags: int, version: int) -> Will:
    qos = flags >> 3 & 3
    if qos == 3:  # [MQTT-3.1.2-14]
        raise malformed("QoS 3")
    properties = dict(read_properties(reader, Place.WILL)) if version == MQTT_5 else {}
    topic = reader.text()
    _check_topic_name(topic)
    payload = reader.binary()
    delay_s = properties.pop(Property.WILL_DELAY, 0)
    return Will(topic, payload, qos, bool(flags & 0x20), delay_s, properties)


def _check_topic_name(topic: str) -> None:
    if not topic or "#" in topic or "+" in topic:  # [MQTT-3.3.2-2], [MQTT-4.7.3-1]
        raise MalformedPacketError(Reason.TOPIC_NAME_INVALID, "empty topic, or wildcard in a topic")


def decode_publish(first_byte: int, body: bytes, version: int) -> Publish:
    """Decode PUBLISH; the busiest packet, so it is read without a FieldReader.

    Raises:
        MalformedPacketError
    """
    qos = first_byte >> 1 & 3
    if qos == 3:  # [MQTT-3.3.1-4]
        raise malformed("QoS 3")
    if not qos and first_byte & 0x08 and version != _MQTT_3_1:  # [MQTT-3.3.1-2]
        raise malformed("DUP at QoS 0")
    size = len(body)
    if size < 2:
        raise malformed("PUBLISH without a topic")
    position = 2 + (body[0] << 8 | body[1])
    if position > size:
        raise malformed("the packet ends in the middle of its topic")
    topic = decode_text(body[2:position])
    packet_id = 0
    if qos:
        if position + 2 > size:
            raise malformed("PUBLISH without its packet identifier")
        packet_id = body[position] << 8 | body[position + 1]
        if not packet_id:  # [MQTT-2.2.1-3]
            raise malformed("packet identifier 0")
        position += 2
    properties = NONE
    alias = 0
    if version == MQTT_5:
        if position < size and not body[position]:
            position += 1  # no properties
        else:
            reader = FieldReader(body, position)
            properties = read_properties(reader, Place.PUBLISH)
            position = reader.position
            alias = properties.get(Property.TOPIC_ALIAS, 0)
    if topic or not alias:
        _check_topic_name(topic)
    return Publish(topic, body[position:], qos, bool(first_byte & 1), packet_id, properties, alias)


def _decode_acknowledgement(kind: int, body: bytes, version: int) -> Acknowledgement:
    if len(body) == 2:
        packet_id = body[0] << 8 | body[1]
        if not packet_id:
            raise malformed("packet identifier 0")
        return Acknowledgement(kind, packet_id)
    reader = FieldReader(body)
    packet_id = reader.packet_id()
    if version != MQTT_5:
        reader.check_at_end()
    reason = reader.byte()
    if reason not in (_RECEIPT_REASONS if kind in (PUBACK, PUBREC) else _RELEASE_REASONS):
        raise malformed("unknown reason code")
    if not reader.is_at_end:
        read_properties(reader, Place.ACKNOWLEDGEMENT)
    reader.check_at_end()
    return Acknowledgement(kind, packet_id, reason)


def _decode_subscribe(reader: FieldReader, version: int) -> Subscribe:
    packet_id = reader.packet_id()
    properties = read_properties(reader, Place.SUBSCRIBE) if version == MQTT_5 else NONE
    requests = []
    while not reader.is_at_end:
        topic = _read_topic_filter(reader)
        requests.append(_decode_topic_request(topic, reader.byte(), version))
    if not requests:  # [MQTT-3.8.3-2]
        raise protocol_error("SUBSCRIBE without a topic")
    return Subscribe(packet_id, requests, properties.get(Property.SUBSCRIPTION_ID))


def _read_topic_filter(reader: FieldReader) -> str:
    topic = reader.text()
    if not topic:  # [MQTT-4.7.3-1]
        raise malformed("empty topic filter")
    return topic


def _decode_topic_request(topic: str, options: int, version: int) -> TopicRequest:
    qos = options & 0x03
    if qos == 3:  # [MQTT-3.8.3-4]
        raise malformed("QoS 3")
    if version != MQTT_5:
        if options & 0xFC and version != _MQTT_3_1:  # [MQTT-3.8.3-4] of 3.1.1
            raise malformed("reserved bits of a subscription")
        return TopicRequest(topic, qos)
    if options & 0xC0:  # [MQTT-3.8.3-5]
        raise malformed("reserved bits of a subscription")
    retain_handling = options >> 4 & 3
    if retain_handling == 3:
        raise protocol_error("retain handling 3")
    no_local = bool(options & 0x04)
    if no_local and topic.startswith("$share/"):  # [MQTT-3.8.3-4] of 5.0
        raise protocol_error("no local on a shared subscription")
    return TopicRequest(topic, qos, no_local, bool(options & 0x08), retain_handling)


def _decode_unsubscribe(reader: FieldReader, version: int) -> Unsubscribe:
    packet_id = reader.packet_id()
    if version == MQTT_5:
        read_properties(reader, Place.UNSUBSCRIBE)
    topics = []
    while not reader.is_at_end:
        topics.append(_read_topic_filter(reader))
    if not topics:  # [MQTT-3.10.3-2]
        raise protocol_error("UNSUBSCRIBE without a topic")
    return Unsubscribe(packet_id, topics)


def _decode_ping(reader: FieldReader, version: int) -> PingRequest:
    reader.check_at_end()
    return PingRequest()


def _decode_disconnect(reader: FieldReader, version: int) -> Disconnect:
    if version != MQTT_5 or reader.is_at_end:
        reader.check_at_end()
        return Disconnect()
    reason = reader.byte()
    if reason not in _DISCONNECT_REASONS:
        raise malformed("unknown reason code")
    properties = NONE if reader.is_at_end else read_properties(reader, Place.DISCONNECT)
    reader.check_at_end()
    return Disconnect(reason, properties.get(Property.SESSION_EXPIRY))


def _decode_connect_again(reader: FieldReader, version: int) -> Packet:
    raise protocol_error("a second CONNECT")  # [MQTT-3.1.0-2]


def _decode_auth(reader: FieldReader, version: int) -> Packet:
    # Extended authentication starts with a method in CONNECT, which is refused; before MQTT 5 the type is unknown.
    raise protocol_error("AUTH without extended authentication")


_DECODERS: Final[Mapping[int, Callable[[FieldReader, int], Packet]]] = {
    CONNECT: _decode_connect_again,
    SUBSCRIBE: _decode_subscribe,
    UNSUBSCRIBE: _decode_unsubscribe,
    PINGREQ: _decode_ping,
    DISCONNECT: _decode_disconnect,
    AUTH: _decode_auth,
}
