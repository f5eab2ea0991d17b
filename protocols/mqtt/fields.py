"""The data types of MQTT (section 1.5): integers, text, binary data, variable byte integers."""

from __future__ import annotations

from protocols.mqtt.reasons import malformed


class FieldReader:
    """Reads the fields of one packet from left to right.

    Every method raises MalformedPacketError when the packet ends too early or a field is wrong.
    """

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position
        self.end = len(data)

    @property
    def is_at_end(self) -> bool:
        """True when nothing is left."""
        return self.position >= self.end

    def _take(self, size: int) -> int:
        start = self.position
        if start + size > self.end:
            raise malformed("the packet ends in the middle of a field")
        self.position = start + size
        return start

    def byte(self) -> int:
        """Read one byte."""
        return self.data[self._take(1)]

    def uint16(self) -> int:
        """Read a two byte integer."""
        start = self._take(2)
        return self.data[start] << 8 | self.data[start + 1]

    def uint32(self) -> int:
        """Read a four byte integer."""
        start = self._take(4)
        return int.from_bytes(self.data[start : start + 4], "big")

    def packet_id(self) -> int:
        """Read a packet identifier, which is never 0 [MQTT-2.2.1-3]."""
        packet_id = self.uint16()
        if not packet_id:
            raise malformed("packet identifier 0")
        return packet_id

    def variable_integer(self) -> int:
        """Read a variable byte integer in its shortest form [MQTT-1.5.5-1]."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if not byte and shift:
                    raise malformed("variable byte integer longer than needed")
                return value
            shift += 7
            if shift > 21:
                raise malformed("variable byte integer of more than four bytes")

    def binary(self) -> bytes:
        """Read binary data."""
        size = self.uint16()
        start = self._take(size)
        return self.data[start : start + size]

    def text(self) -> str:
        """Read a UTF-8 string."""
        return decode_text(self.binary())

    def rest(self) -> bytes:
        """Read all that is left."""
        start, self.position = self.position, self.end
        return self.data[start:]

    def check_at_end(self) -> None:
        """Refuse a packet with something behind its last field."""
        if self.position != self.end:
            raise malformed("bytes behind the last field")


def decode_text(data: bytes) -> str:
    """Decode UTF-8 without surrogates [MQTT-1.5.4-1] nor U+0000 [MQTT-1.5.4-2].

    Raises:
        MalformedPacketError
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise malformed(f"not UTF-8: {error.reason}") from None
    if "\0" in text:
        raise malformed("U+0000 in a text")
    return text


def encode_variable_integer(value: int) -> bytes:
    """Return a variable byte integer, at most 268,435,455."""
    if value < 0x80:
        return bytes((value,))
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def encode_binary(data: bytes) -> bytes:
    """Return binary data of at most 65,535 bytes with its length."""
    return len(data).to_bytes(2, "big") + data


def encode_text(text: str) -> bytes:
    """Return a UTF-8 string with its length; it is cut where it would be too long."""
    data = text.encode()
    if len(data) > 0xFFFF:
        data = data[:0xFFFF].decode(errors="ignore").encode()
    return encode_binary(data)
