"""Whatever arrives is accepted, or refused as the protocol says, and the server goes on."""

from __future__ import annotations

import mqtt_raw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mqtt_stage import Stage
from mqtt_world import World

from kuzzle.connection import Connection
from protocols.mqtt.link import Link
from protocols.mqtt.topics import Destination


class Socket:
    """A socket that notes what is sent."""

    def __init__(self) -> None:
        self.is_writable = True
        self.sent = b""
        self.is_closed = False

    def send(self, data: bytes) -> None:
        assert not self.is_closed, "nothing is sent behind the end"
        self.sent += data

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True


class Host:
    """Counts what links report."""

    def __init__(self) -> None:
        self.open = 0
        self.served = 0

    def accepted(self, link: Link) -> None:
        self.open += 1

    def ended(self, link: Link) -> None:
        self.open -= 1

    def serve(self, link: Link, payload: bytes, destination: Destination, correlation: bytes | None) -> None:
        assert destination in (Destination.REQUEST, Destination.SHARED_REQUEST)
        self.served += 1


# First bytes that a server sends; DISCONNECT only to clients of MQTT 5.
SERVER_PACKETS = {0x20, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0, 0xE0} | set(range(0x30, 0x3E))


def check_sent(data: bytes) -> None:
    """Check that the bytes are whole packets of a server."""
    position = 0
    while position < len(data):
        assert data[position] in SERVER_PACKETS, data[position:].hex(" ")
        size = shift = 0
        position += 1
        while True:
            byte = data[position]
            size |= (byte & 127) << shift
            shift += 7
            position += 1
            if byte < 128:
                break
        position += size
    assert position == len(data), "the last packet is whole"


def run(chunks: list[bytes]) -> tuple[bytes, bool, int]:
    """Feed a fresh broker with one connection's bytes; return what it sent, whether it closed, and requests run."""
    world, host, socket = World(), Host(), Socket()
    link = Link(world.broker, host, socket, Connection("mqtt"))
    for chunk in chunks:
        if not socket.is_closed:
            link.receive(chunk)
    check_sent(socket.sent)
    assert link.is_open != socket.is_closed
    link.lost()
    assert host.open == 0
    world.clock.pass_by(1e7)
    assert world.broker.subscribers("t") is None, "the session is gone, and its subscriptions"
    assert world.clock.waiting == 0
    return socket.sent, socket.is_closed, host.served


topics = st.sampled_from(["t", "u", "ask", "hear", "shared", "#", "a/+", "$share/g/t", "", "\0", "é" * 70, "$SYS"])
payloads = st.binary(max_size=200)
ids = st.integers(0, 0xFFFF)
bits = st.integers(0, 255)
property_blocks = st.one_of(st.just(b""), st.binary(max_size=20), st.sampled_from([b"\x23\0\x01", b"\x02\0\0\0\x05"]))


@st.composite
def packets(draw: st.DrawFn, version: int) -> bytes:
    """Packets that clients send, with details right and wrong."""
    none = b"\0" if version == 5 else b""
    kind = draw(st.sampled_from(["publish", "subscribe", "unsubscribe", "acknowledge", "simple", "broken"]))
    if kind == "publish":
        return mqtt_raw.publish(
            draw(topics),
            draw(payloads),
            draw(st.integers(0, 3)),
            draw(ids),
            retain=draw(st.booleans()),
            dup=draw(st.booleans()),
            version=version,
            properties=draw(property_blocks),
        )
    if kind == "subscribe":
        asked = draw(st.lists(st.tuples(topics, bits), max_size=4))
        return mqtt_raw.subscribe(*asked, packet_id=draw(ids), version=version, properties=draw(property_blocks))
    if kind == "unsubscribe":
        return mqtt_raw.unsubscribe(*draw(st.lists(topics, max_size=4)), packet_id=draw(ids), version=version)
    if kind == "acknowledge":
        return mqtt_raw.acknowledgement(draw(st.sampled_from([0x40, 0x50, 0x62, 0x70])), draw(ids))
    if kind == "simple":
        return draw(st.sampled_from([mqtt_raw.PINGREQ, mqtt_raw.DISCONNECT, b"\xe0\x01\x04", b"\xf0\0", none]))
    return mqtt_raw.packet(draw(bits), draw(payloads))


@st.composite
def conversations(draw: st.DrawFn) -> list[bytes]:
    """A CONNECT, mostly right, and what a client might say next."""
    version = draw(st.sampled_from([3, 4, 5]))
    hello = mqtt_raw.connect(
        draw(st.sampled_from(["a", "", "\0"])),
        version,
        clean=draw(st.booleans()),
        properties=draw(property_blocks),
        will=draw(st.none() | st.tuples(topics, payloads)),
        will_qos=draw(st.integers(0, 3)),
        will_properties=draw(property_blocks),
    )
    said = draw(st.lists(packets(version), max_size=8))
    return [draw(st.sampled_from([hello, mqtt_raw.connect("a", version)])), *said]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=4))
def test_noise_is_refused_or_waited_for(chunks: list[bytes]) -> None:
    run(chunks)


@settings(max_examples=600, deadline=None)
@given(conversations())
def test_conversations_are_accepted_or_refused(said: list[bytes]) -> None:
    run(said)


@settings(max_examples=300, deadline=None)
@given(conversations(), st.integers(1, 40))
def test_how_bytes_are_cut_changes_nothing(said: list[bytes], size: int) -> None:
    data = b"".join(said)
    at_once = run([data])
    in_pieces = run([data[start : start + size] for start in range(0, len(data), size)])
    by_packets = run(said)
    # A generated client identifier differs from run to run: lengths are compared.
    assert len(at_once[0]) == len(in_pieces[0]) == len(by_packets[0])
    assert at_once[1:] == in_pieces[1:] == by_packets[1:]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_one_wrong_byte_is_survived(data: st.DataObject) -> None:
    version = data.draw(st.sampled_from([3, 4, 5]))
    whole = bytearray(
        mqtt_raw.connect("a", version, will=("t", b"w"))
        + mqtt_raw.subscribe(("t", 1), version=version)
        + mqtt_raw.publish("t", b"payload", qos=2, version=version)
        + mqtt_raw.publish("ask", b"{}", qos=1, version=version)
    )
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(bits)
    run([bytes(whole)])


@pytest.mark.parametrize("seed", range(5))
async def test_over_a_socket_faulty_clients_end_alone(seed: int) -> None:
    noise = [
        b"\x10\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        mqtt_raw.connect("x")[:-1] + b"\xff",
        mqtt_raw.connect("x") + b"\x30\x80\x80\x80\x01",
        mqtt_raw.connect("x") + b"\x82\x02\0\x01",
    ]
    async with Stage() as stage:
        good = await stage.join("good")
        bad = await stage.open()
        bad.send(noise[seed])
        bad.writer.write_eof()
        await bad.closed()
        assert (await good.request({"requestId": "still here"}))["requestId"] == "still here"
