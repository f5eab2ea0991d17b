"""Engine.IO packets and payloads, without sockets."""

from __future__ import annotations

import base64
import json

import pytest
from engineio.packet import CLOSE, MESSAGE, PING, Packet
from hypothesis import given
from hypothesis import strategies as st

from protocols.socketio.packets import (
    Message,
    PacketError,
    decode_message_frame,
    decode_payload,
    encode_message_frame,
    encode_payload,
    event_text,
)
from protocols.websocket.frames import BINARY, TEXT

texts = st.text(st.characters(exclude_categories=["Cs"]))


def plain(packets: list[Packet]) -> list[tuple[int, str | bytes]]:
    return [(packet.packet_type, packet.data) for packet in packets]


@given(st.lists(texts.filter(lambda text: "\x1e" not in text), min_size=1, max_size=5))
def test_a_payload_of_generation_4_is_read_as_it_was_written(contents: list[str]) -> None:
    packets = [Packet(MESSAGE, content) for content in contents]
    assert plain(decode_payload(encode_payload(packets, is_v3=False), 10, is_v3=False)) == plain(packets)


@given(st.lists(st.one_of(texts.map(lambda text: "4" + text), st.just("2probe")), min_size=1, max_size=5))
def test_a_payload_of_generation_3_counts_utf_16_units(contents: list[str]) -> None:
    def units(text: str) -> int:
        return len(text.encode("utf-16-le")) // 2

    body = "".join(f"{units(content)}:{content}" for content in contents).encode()
    assert plain(decode_payload(body, 10, is_v3=True)) == [(int(content[0]), content[1:]) for content in contents]


@given(texts)
def test_what_goes_to_generation_3_is_ascii_and_the_same_json(content: str) -> None:
    body = encode_payload([Message(event_text("é", json.dumps(content, ensure_ascii=False).encode()))], is_v3=True)
    length, _, packet = body.decode("ascii").partition(":")
    assert int(length) == len(packet)
    assert packet.startswith("42")
    assert json.loads(packet[2:]) == ["é", content]


def test_a_binary_payload_of_generation_3_is_read() -> None:
    body = b"\x00\x06\xff2probe" + b"\x01\x01\x00\xff" + b"\x04" + b"123456789" + b"\x00\x01\xff1"
    packets = decode_payload(body, 10, is_v3=True)
    assert plain(packets) == [(PING, "probe"), (MESSAGE, b"123456789"), (CLOSE, "")]


def test_base64_packets_are_messages() -> None:
    data = base64.b64encode(b"\x00\xff").decode()
    assert plain(decode_payload(f"b{data}".encode(), 10, is_v3=False)) == [(MESSAGE, b"\x00\xff")]
    body = f"{len(data) + 2}:b4{data}".encode()
    assert plain(decode_payload(body, 10, is_v3=True)) == [(MESSAGE, b"\x00\xff")]


def test_a_form_of_jsonp_is_unwrapped() -> None:
    assert plain(decode_payload(b"d=8%3A42%5B%22a%20%22%5D", 10, is_v3=True)) == [(MESSAGE, '2["a "]')]


@pytest.mark.parametrize("is_v3", [True, False])
def test_more_packets_than_the_bound_are_refused(is_v3: bool) -> None:
    body = b"1:6" * 11 if is_v3 else b"\x1e".join([b"6"] * 11)
    assert len(decode_payload(body, 11, is_v3=is_v3)) == 11
    with pytest.raises(PacketError):
        decode_payload(body, 10, is_v3=is_v3)


@pytest.mark.parametrize(
    "body",
    [b"x", b"5:4", b"-1:4", b":4", b"9999999999:4", b"1:7", b"1:x", b"3:b4*", b"1:\xff", b"\x00", b"\x00\x0a\xff4",
     b"\x00\xff4", b"\x00\x05\xff4", b"\x01\x01\xff4", b"\x02\x01\xff4", "2:😀".encode()[:4], "1:😀".encode()],
)  # fmt: skip
def test_a_broken_payload_of_generation_3_is_refused(body: bytes) -> None:
    with pytest.raises(PacketError):
        decode_payload(body, 100, is_v3=True)


@pytest.mark.parametrize("body", [b"", b"x", b"7", b"b*", b"\xff", b"4a\x1e", b"-1"])
def test_a_broken_payload_of_generation_4_is_refused(body: bytes) -> None:
    with pytest.raises(PacketError):
        decode_payload(body, 100, is_v3=False)


@given(st.binary(max_size=60), st.booleans())
def test_any_body_is_read_or_refused(body: bytes, is_v3: bool) -> None:
    try:
        packets = decode_payload(body, 100, is_v3=is_v3)
    except PacketError:
        return
    assert all(0 <= packet.packet_type <= 6 for packet in packets)


@pytest.mark.parametrize(("opcode", "data"), [(TEXT, b""), (TEXT, b"9"), (TEXT, b"\xff")])
@pytest.mark.parametrize("is_v3", [True, False])
def test_a_broken_frame_is_refused(opcode: int, data: bytes, is_v3: bool) -> None:
    with pytest.raises(PacketError):
        decode_message_frame(opcode, data, is_v3=is_v3)


def test_binary_frames_carry_a_type_in_generation_3_alone() -> None:
    assert plain([decode_message_frame(BINARY, b"\x04x", is_v3=True)]) == [(MESSAGE, b"x")]
    assert plain([decode_message_frame(BINARY, b"\x04x", is_v3=False)]) == [(MESSAGE, b"\x04x")]
    with pytest.raises(PacketError):
        decode_message_frame(BINARY, b"\x02x", is_v3=True)


def test_a_message_is_framed_once_for_all_its_receivers() -> None:
    message = Message(event_text("channel", b'{"a":1}'))
    frame = encode_message_frame(message, is_v3=True)
    assert frame is encode_message_frame(message, is_v3=False)
    assert frame.endswith(b'42["channel",{"a":1}]')
