"""Packets of Engine.IO 3 and 4, and payloads of several: bytes and text in, packets out.

Engine.IO 3 carries socket.io-client 1.7 and 2.x, Engine.IO 4 carries 3.x and 4.x. Both number their
packets alike; they differ in how a polling body separates packets (3: a length before each, counted in
UTF-16 code units, or a binary form; 4: the character U+001E between them) and in how binary ones are
marked. Nothing here does I/O.
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.parse
from collections.abc import Sequence
from typing import Final

import orjson
from engineio.packet import MESSAGE, Packet

from protocols.websocket.frames import BINARY, TEXT, encode_frame

# Socket.IO: the server takes a client out of the default namespace.
LEAVE: Final = "1"

_SEPARATOR: Final = "\x1e"
# A length that needs more digits is longer than any body that is taken.
_MAX_LENGTH_DIGITS: Final = 9
_FORM_LINE_END: Final = re.compile(rb"(\\)?\\n")
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")


class PacketError(ValueError):
    """Bytes that are no packet, or more packets than a body may hold."""


class Message(Packet):  # type: ignore[misc]
    """A text message that is encoded once for all its receivers."""

    def __init__(self, text: str) -> None:
        super().__init__(MESSAGE, text)
        self._frame: bytes | None = None

    @property
    def frame(self) -> bytes:
        """The message as a WebSocket frame, made at the first call."""
        if self._frame is None:
            self._frame = encode_frame(TEXT, self.encode().encode())
        return self._frame


def event_text(name: str, content: bytes) -> str:
    """Return the Socket.IO packet of an event with one argument, whose JSON text is at hand."""
    return f"2[{orjson.dumps(name).decode()},{content.decode()}]"


# --- one packet in a WebSocket frame


def encode_message_frame(packet: Packet, *, is_v3: bool) -> bytes:
    """Return the WebSocket frame of a packet; Engine.IO 3 marks binary ones by a first byte 4."""
    if isinstance(packet, Message):
        return packet.frame
    if packet.binary:
        data = bytes(packet.data)
        return encode_frame(BINARY, b"\x04" + data if is_v3 else data)
    return encode_frame(TEXT, str(packet.encode()).encode())


def decode_message_frame(opcode: int, data: bytes, *, is_v3: bool) -> Packet:
    """Read the packet of a WebSocket frame.

    Raises:
        PacketError
    """
    if opcode == BINARY:
        if not is_v3:
            return Packet(MESSAGE, data)
        if data[:1] != b"\x04":
            raise PacketError("a binary packet must be a message")
        return Packet(MESSAGE, data[1:])
    return _decode_text(_text(data), is_v3=is_v3)


# --- several packets in a polling body


def encode_payload(packets: Sequence[Packet], *, is_v3: bool) -> bytes:
    """Return the polling body of some packets."""
    if not is_v3:
        return _SEPARATOR.join(str(packet.encode(b64=True)) for packet in packets).encode()
    return "".join(_encode_v3(packet) for packet in packets).encode() or b"0:"


def decode_payload(body: bytes, max_packets: int, *, is_v3: bool) -> list[Packet]:
    """Read the packets of a polling body.

    Raises:
        PacketError
    """
    if not body:
        raise PacketError("an empty body")
    if not is_v3:
        texts = _text(_from_form(body)).split(_SEPARATOR)
    elif body[:1] in (b"\0", b"\1"):
        return _decode_binary_v3(body, max_packets)
    else:
        texts = _split_v3(_text(_from_form(body)), max_packets)
    if len(texts) > max_packets:
        raise PacketError("too many packets")
    return [_decode_text(text, is_v3=is_v3) for text in texts]


def _encode_v3(packet: Packet) -> str:
    if packet.binary:
        text = "b4" + base64.b64encode(packet.data).decode()
    else:
        # Outside ASCII only inside JSON texts: escaped, they pass the doubled UTF-8 decoding of 1.7 clients
        # too, and a length is the same in every unit.
        text = _NOT_ASCII.sub(_escape, str(packet.encode()))
    return f"{len(text)}:{text}"


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _split_v3(text: str, max_packets: int) -> list[str]:
    """Cut `<length>:<packet>` pairs; a length counts UTF-16 code units."""
    width = 1 if text.isascii() else 2
    data = text.encode("ascii" if width == 1 else "utf-16-le")
    colon = ":".encode("ascii" if width == 1 else "utf-16-le")
    packets: list[str] = []
    at = 0
    while at < len(data):
        end = data.find(colon, at, at + (_MAX_LENGTH_DIGITS + 1) * width)
        digits = data[at:end].decode("ascii" if width == 1 else "utf-16-le", "replace") if end > at else ""
        if not (digits.isascii() and digits.isdigit()):
            raise PacketError("a packet without length")
        start = end + width
        at = start + int(digits) * width
        packet = data[start:at]
        if at > len(data):
            raise PacketError("a packet shorter than its length")
        if packet:
            packets.append(_text(packet) if width == 1 else _text(packet, "utf-16-le"))
        if len(packets) > max_packets:
            raise PacketError("too many packets")
    return packets


def _decode_binary_v3(body: bytes, max_packets: int) -> list[Packet]:
    """Cut `<0 text, 1 binary><length, a byte per digit><255><packet>` runs; lengths count bytes."""
    packets: list[Packet] = []
    at = 0
    while at < len(body):
        end = body.find(b"\xff", at + 1, at + 2 + _MAX_LENGTH_DIGITS)
        digits = body[at + 1 : end]
        if end <= at + 1 or any(digit > 9 for digit in digits) or body[at] > 1:
            raise PacketError("a packet without length")
        size = int("".join(map(str, digits)))
        data = body[end + 1 : end + 1 + size]
        if len(data) != size:
            raise PacketError("a packet shorter than its length")
        packets.append(decode_message_frame(BINARY if body[at] else TEXT, data, is_v3=True))
        if len(packets) > max_packets:
            raise PacketError("too many packets")
        at = end + 1 + size
    return packets


def _decode_text(text: str, *, is_v3: bool) -> Packet:
    mark = "b4" if is_v3 else "b"
    if text.startswith(mark):
        try:
            return Packet(MESSAGE, base64.b64decode(text[len(mark) :], validate=True))
        except (binascii.Error, ValueError) as error:
            raise PacketError("no base64") from error
    if text[:1] not in ("0", "1", "2", "3", "4", "5", "6"):
        raise PacketError("no such packet type")
    return Packet(int(text[0]), text[1:])


def _from_form(body: bytes) -> bytes:
    """Return the payload of a JSONP request, `d=<form text>`; others as they are.

    Such a client writes a line end as `\\n`, and the two characters `\\n` with one more backslash.
    """
    if not body.startswith(b"d="):
        return body
    text = urllib.parse.unquote_to_bytes(body[2:].replace(b"+", b" "))
    text = _FORM_LINE_END.sub(lambda found: found[0] if found[1] else b"\n", text)
    return text.replace(b"\\\\n", b"\\n")


def _text(data: bytes, encoding: str = "utf-8") -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise PacketError("no text") from error
