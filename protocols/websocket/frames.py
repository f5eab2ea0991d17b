"""Frames of RFC 6455: bytes in, whole messages and control frames out; messages in, frames out.

No I/O and no clock. The reader gives up at the first violation: `fault` then holds the close code
that RFC 6455 section 7.4.1 asks for, and what it gave before remains good. No extension is
negotiated, so a reserved bit is a violation.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocols.tornado_seams import apply_mask

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
PROTOCOL_ERROR: Final = 1002
INVALID_DATA: Final = 1007
POLICY_VIOLATION: Final = 1008
TOO_BIG: Final = 1009
INTERNAL_ERROR: Final = 1011

_MAX_CONTROL_BYTES: Final = 125
_MAX_REASON_BYTES: Final = _MAX_CONTROL_BYTES - 2


class Fault(NamedTuple):
    """Why a connection is given up: a close code and a reason for the client's log."""

    code: int
    reason: str


class _Violation(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.fault = Fault(code, reason)


class FrameReader:
    """Takes what a client sends, in pieces of any size.

    Attributes:
        fault: Why reading ended; None while all is well.
    """

    __slots__ = ("_max_message_bytes", "_message", "_message_kind", "_needed", "_unread", "fault")

    def __init__(self, max_message_bytes: int) -> None:
        self.fault: Fault | None = None
        self._max_message_bytes = max_message_bytes
        self._unread: bytes | bytearray = b""  # a bytearray once a frame comes in pieces
        self._needed = 2  # how much must be unread before looking at it makes sense
        self._message: bytearray | None = None  # the fragments of a message so far
        self._message_kind = TEXT

    def receive(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the messages and control frames that are now whole, as pairs of opcode and payload.

        The payload of a text is valid UTF-8; that of a close frame has a valid code or is empty.
        """
        if self.fault is not None:
            return []
        if self._unread:
            # A growing bytearray: a message that comes byte by byte is not copied at each of them.
            if not isinstance(self._unread, bytearray):
                self._unread = bytearray(self._unread)
            self._unread += data
            if len(self._unread) < self._needed:
                return []
            data = bytes(self._unread)
        received: list[tuple[int, bytes]] = []
        try:
            end = self._read_frames(data, received)
        except _Violation as violation:
            self.fault = violation.fault
            self._unread = b""
            self._message = None
        else:
            self._unread = data[end:]
        return received

    def _read_frames(self, data: bytes, received: list[tuple[int, bytes]]) -> int:
        """Read whole frames; return where the first unfinished one begins."""
        start = 0
        size = len(data)
        while True:
            if size - start < 6:  # no frame is smaller: two bytes and the mask
                self._needed = 2
                if size - start >= 2:
                    self._check_head(data[start], data[start + 1])
                    self._needed = 6
                return start
            head = data[start]
            length = data[start + 1]
            if head != 0x81 or length < 0x80:  # all but a masked text in one frame
                self._check_head(head, length)
            length &= 0x7F
            mask = start + 2
            if length == 126:
                length = data[mask] << 8 | data[mask + 1]
                mask += 2
            elif length == 127:
                if size - mask < 8:
                    self._needed = 14
                    return start
                length = int.from_bytes(data[mask : mask + 8], "big")
                mask += 8
                if length >> 63:
                    raise _Violation(PROTOCOL_ERROR, "length beyond 63 bits")
            if length > self._max_message_bytes or self._message is not None:
                self._check_size(head, length)
            payload = mask + 4
            end = payload + length
            if end > size:
                self._needed = end - start
                return start
            content = apply_mask(data[mask:payload], data[payload:end])
            start = end
            if head == 0x81 and self._message is None:
                if not content.isascii():
                    _check_text(content)
                received.append((TEXT, content))
            else:
                self._take_frame(head, content, received)

    def _check_head(self, head: int, length: int) -> None:
        """Refuse a frame by its first two bytes (RFC 6455 sections 5.1, 5.2 and 5.5)."""
        if head & 0x70:
            raise _Violation(PROTOCOL_ERROR, "reserved bit set")
        opcode = head & 0x0F
        if 0x2 < opcode < 0x8 or opcode > 0xA:
            raise _Violation(PROTOCOL_ERROR, "reserved opcode")
        if length < 0x80:
            raise _Violation(PROTOCOL_ERROR, "frame without mask")
        if opcode >= 0x8:
            if head < 0x80:
                raise _Violation(PROTOCOL_ERROR, "fragmented control frame")
            if length & 0x7F > _MAX_CONTROL_BYTES:
                raise _Violation(PROTOCOL_ERROR, "control frame too long")

    def _check_size(self, head: int, length: int) -> None:
        if head & 0x8:
            return
        so_far = 0 if self._message is None else len(self._message)
        if so_far + length > self._max_message_bytes:
            raise _Violation(TOO_BIG, "message too big")

    def _take_frame(self, head: int, content: bytes, received: list[tuple[int, bytes]]) -> None:
        """Take a control frame, a fragment or a binary message."""
        opcode = head & 0x0F
        if opcode >= 0x8:
            if opcode == CLOSE:
                _check_close(content)
            received.append((opcode, content))
            return
        if opcode == CONTINUATION:
            if self._message is None:
                raise _Violation(PROTOCOL_ERROR, "nothing to continue")
            self._message += content
        else:
            if self._message is not None:
                raise _Violation(PROTOCOL_ERROR, "unfinished message")
            self._message = bytearray(content)
            self._message_kind = opcode
        if head & 0x80:
            whole = bytes(self._message)
            self._message = None
            if self._message_kind == TEXT:
                _check_text(whole)
            received.append((self._message_kind, whole))


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """Return an unmasked frame in one piece, as servers send them."""
    size = len(payload)
    if size < 126:
        return b"%c%c%b" % (0x80 | opcode, size, payload)
    if size < 65_536:
        return b"%c\x7e%b%b" % (0x80 | opcode, size.to_bytes(2, "big"), payload)
    return b"%c\x7f%b%b" % (0x80 | opcode, size.to_bytes(8, "big"), payload)


def encode_close(code: int, reason: str = "") -> bytes:
    """Return a close frame; a reason that does not fit is cut between two characters."""
    text = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore").encode()
    return encode_frame(CLOSE, code.to_bytes(2, "big") + text)


def is_close_code(code: int) -> bool:
    """Tell whether an endpoint may send this close code (RFC 6455 section 7.4, and IANA's list up to 1014)."""
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999


def _check_text(content: bytes) -> None:
    try:
        content.decode()
    except UnicodeDecodeError:
        raise _Violation(INVALID_DATA, "text is not UTF-8") from None


def _check_close(content: bytes) -> None:
    if not content:
        return
    if len(content) == 1 or not is_close_code(int.from_bytes(content[:2], "big")):
        raise _Violation(PROTOCOL_ERROR, "invalid close code")
    _check_text(content[2:])
