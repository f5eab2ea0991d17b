"""Bytes to packets, in whatever pieces they come."""

from __future__ import annotations

from typing import Any

import mqtt_raw
import pytest

from protocols.mqtt.packets import Acknowledgement, Connect, Disconnect, PingRequest, Publish, Subscribe, Unsubscribe
from protocols.mqtt.properties import Property
from protocols.mqtt.reader import PacketReader
from protocols.mqtt.reasons import MalformedPacketError, Reason

MAX = 1 << 20


def read_all(reader: PacketReader) -> list[Any]:
    """Every packet that is whole."""
    found = []
    while (packet := reader.read()) is not None:
        found.append(packet)
    return found


def stream(version: int) -> bytes:
    """One of everything a client sends."""
    none = b"\0" if version == 5 else b""
    return b"".join(
        (
            mqtt_raw.connect("client", version, will=("last", b"words"), will_qos=1, keep_alive=30),
            mqtt_raw.publish("a/b", b"\x00\xff", version=version),
            mqtt_raw.publish("a/b", b"x" * 300, qos=1, packet_id=300, version=version),
            mqtt_raw.publish("ä/😀", b"", qos=2, packet_id=65535, retain=True, version=version),
            mqtt_raw.acknowledgement(0x40, 1),
            mqtt_raw.acknowledgement(0x62, 2),
            mqtt_raw.subscribe(("t", 0), ("u/v", 2), packet_id=9, version=version),
            mqtt_raw.unsubscribe("t", "u/v", packet_id=10, version=version),
            mqtt_raw.PINGREQ,
            mqtt_raw.packet(0xE0, b"\x04" + none if version == 5 else b""),
        )
    )


def check_stream(packets: list[Any], version: int) -> None:
    connect, first, second, third, puback, pubrel, subscribe, unsubscribe, ping, disconnect = packets
    assert isinstance(connect, Connect)
    assert (connect.version, connect.client_id, connect.keep_alive_s, connect.clean_start) == (
        version,
        "client",
        30,
        True,
    )
    assert connect.will is not None
    assert (connect.will.topic, connect.will.payload, connect.will.qos) == ("last", b"words", 1)
    assert isinstance(first, Publish)
    assert (first.topic, first.payload, first.qos, first.packet_id) == ("a/b", b"\x00\xff", 0, 0)
    assert (second.payload, second.qos, second.packet_id) == (b"x" * 300, 1, 300)
    assert (third.topic, third.payload, third.qos, third.packet_id, third.retain) == ("ä/😀", b"", 2, 65535, True)
    assert isinstance(puback, Acknowledgement)
    assert (puback.kind, puback.packet_id, pubrel.kind, pubrel.packet_id) == (4, 1, 6, 2)
    assert isinstance(subscribe, Subscribe)
    assert [(request.topic, request.qos) for request in subscribe.requests] == [("t", 0), ("u/v", 2)]
    assert isinstance(unsubscribe, Unsubscribe)
    assert list(unsubscribe.topics) == ["t", "u/v"]
    assert isinstance(ping, PingRequest)
    assert isinstance(disconnect, Disconnect)
    assert disconnect.reason == (4 if version == 5 else 0)


@pytest.mark.parametrize("version", [3, 4, 5])
def test_packets_are_read_all_at_once(version: int) -> None:
    reader = PacketReader(MAX)
    reader.feed(stream(version))
    check_stream(read_all(reader), version)


@pytest.mark.parametrize("version", [3, 4, 5])
def test_packets_are_read_byte_by_byte(version: int) -> None:
    reader = PacketReader(MAX)
    found = []
    for byte in stream(version):
        reader.feed(bytes((byte,)))
        found += read_all(reader)
    check_stream(found, version)


@pytest.mark.parametrize("size", [2, 3, 7, 64, 299])
def test_packets_are_read_in_pieces_that_cut_anywhere(size: int) -> None:
    reader = PacketReader(MAX)
    data = stream(5)
    found = []
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
        found += read_all(reader)
    check_stream(found, 5)


def test_packets_that_nobody_has_taken_yet_stay_in_front_of_new_ones() -> None:
    reader = PacketReader(MAX)
    reader.feed(mqtt_raw.connect("a") + mqtt_raw.publish("t", b"1"))
    assert isinstance(reader.read(), Connect)
    reader.feed(mqtt_raw.publish("t", b"2"))
    assert [packet.payload for packet in read_all(reader)] == [b"1", b"2"]


def test_a_packet_may_be_as_large_as_the_bound() -> None:
    reader = PacketReader(300)
    reader.feed(mqtt_raw.connect("a") + mqtt_raw.publish("t", b"x" * (300 - 3 - 3)))
    assert [type(packet) for packet in read_all(reader)] == [Connect, Publish]


def test_a_packet_beyond_the_bound_is_refused_as_soon_as_its_size_is_known() -> None:
    reader = PacketReader(300)
    reader.feed(mqtt_raw.connect("a"))
    reader.read()
    reader.feed(mqtt_raw.publish("t", b"x" * (301 - 3 - 3))[:3])
    with pytest.raises(MalformedPacketError) as caught:
        reader.read()
    assert caught.value.reason is Reason.PACKET_TOO_LARGE


@pytest.mark.parametrize("version", [3, 4, 5])
def test_every_beginning_of_a_packet_waits_for_more(version: int) -> None:
    data = mqtt_raw.connect("client", version, will=("t", b"p"))
    for end in range(len(data)):
        reader = PacketReader(MAX)
        reader.feed(data[:end])
        assert reader.read() is None, f"{end} bytes"


@pytest.mark.parametrize("version", [4, 5])
def test_every_body_cut_short_is_refused(version: int) -> None:
    packets = (
        mqtt_raw.publish("topic", b"", qos=1, version=version),
        mqtt_raw.subscribe(("topic", 1), version=version),
        mqtt_raw.unsubscribe("topic", version=version),
        mqtt_raw.acknowledgement(0x40, 1),
    )
    for packet in packets:
        first_byte, body = packet[0], packet[2:]
        for end in range(len(body) - 1):
            reader = PacketReader(MAX)
            reader.feed(mqtt_raw.connect("a", version) + mqtt_raw.packet(first_byte, body[:end]))
            reader.read()
            with pytest.raises(MalformedPacketError):
                reader.read()


def test_the_properties_of_connect_and_will_are_read() -> None:
    reader = PacketReader(MAX)
    reader.feed(
        mqtt_raw.connect(
            "a",
            5,
            properties=b"\x11\0\0\0\x0a\x21\0\x05\x27\0\0\x10\0\x22\0\x03\x17\x01\x19\0\x26\0\x01k\0\x01v",
            will=("t", b"p"),
            will_properties=b"\x18\0\0\0\x07\x02\0\0\0\x09\x01\x01\x03\0\x01c",
        )
    )
    packet = reader.read()
    assert isinstance(packet, Connect)
    assert packet.properties == {
        Property.SESSION_EXPIRY: 10,
        Property.RECEIVE_MAXIMUM: 5,
        Property.MAXIMUM_PACKET_SIZE: 4096,
        Property.TOPIC_ALIAS_MAXIMUM: 3,
        Property.REQUEST_PROBLEM_INFORMATION: 1,
        Property.REQUEST_RESPONSE_INFORMATION: 0,
        Property.USER_PROPERTY: [("k", "v")],
    }
    assert packet.will is not None
    assert packet.will.delay_s == 7
    assert packet.will.properties == {
        Property.MESSAGE_EXPIRY: 9,
        Property.PAYLOAD_FORMAT: 1,
        Property.CONTENT_TYPE: "c",
    }
