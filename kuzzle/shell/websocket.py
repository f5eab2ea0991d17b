"""A WebSocket client on a blocking socket: texts out, texts in (RFC 6455, no extensions)."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import struct
from typing import Final

from kuzzle.shell.errors import ShellError

CONNECT_TIMEOUT_S: Final = 10
# A head of a handshake is a few hundred bytes; what is longer comes from no server of ours.
_MAX_HEAD_LINES: Final = 100
_MAX_LINE_BYTES: Final = 8192
_GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUATION, _TEXT, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x8, 0x9, 0xA
_TOO_BIG: Final = 1009
# A server that hangs up on a request it finds too large often cannot say so: the reset of the connection
# overtakes its last word. A request this large makes it likely.
_LARGE_BYTES: Final = 500_000


class WebSocketClient:
    """One connection.

    Args:
        timeout_s: How long to wait for an answer before giving up.

    Raises:
        ShellError: Nobody listens there, or nobody who speaks WebSocket.
    """

    def __init__(self, host: str, port: int, *, timeout_s: float) -> None:
        self._place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S)
        except (OSError, UnicodeError) as error:
            raise ShellError(f"cannot reach {self._place}: {_reason(error)}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = self._socket.makefile("rb")
        self._sent_bytes = 0
        try:
            self._shake_hands()
        except OSError as error:
            self.close()
            raise ShellError(f"{self._place} does not answer as a WebSocket server: {_reason(error)}") from error
        except ShellError:
            self.close()
            raise
        self._socket.settimeout(timeout_s)

    def _shake_hands(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET / HTTP/1.1\r\nHost: {self._place}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        status = self._input.readline(_MAX_LINE_BYTES).decode("latin-1").strip()
        headers: dict[str, str] = {}
        for _ in range(_MAX_HEAD_LINES):
            line = self._input.readline(_MAX_LINE_BYTES).decode("latin-1").strip()
            if not line:
                break
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        accept = base64.b64encode(hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()).decode()
        if status.split(" ")[1:2] != ["101"] or headers.get("sec-websocket-accept") != accept:
            raise ShellError(f"{self._place} does not answer as a WebSocket server: {status[:80] or 'no answer'}")

    def send(self, text: bytes) -> None:
        """Send a text.

        Raises:
            ShellError: The connection is gone.
        """
        self._sent_bytes = len(text)
        try:
            self._send_frame(_TEXT, text)
        except OSError as error:
            raise self._broken(error) from error

    def receive(self) -> bytes:
        """Wait for a text.

        Raises:
            ShellError: The connection ended, or no answer came in time.
        """
        try:
            return self._receive()
        except TimeoutError as error:
            seconds = self._socket.gettimeout()
            raise ShellError(f"{self._place} did not answer within {seconds:g} s; --timeout allows more") from error
        except OSError as error:
            raise self._broken(error) from error

    def close(self) -> None:
        """End the connection; one that is gone already is no fault."""
        try:
            self._send_frame(_CLOSE, struct.pack("!H", 1000))
        except OSError:
            pass
        finally:
            self._input.close()
            self._socket.close()

    def _receive(self) -> bytes:
        message = bytearray()
        while True:
            first, second = self._read(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", self._read(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", self._read(8))
            payload = self._read(size)
            opcode = first & 0x0F
            if opcode == _PING:
                self._send_frame(_PONG, payload)
            elif opcode == _CLOSE:
                raise ShellError(f"{self._place} closed the connection{_closing(payload)}")
            elif opcode in (_TEXT, _CONTINUATION):
                message += payload
                if first & 0x80:
                    return bytes(message)

    def _read(self, size: int) -> bytes:
        data = self._input.read(size)
        if len(data) < size:
            raise ShellError(f"{self._place} closed the connection")
        return data

    def _send_frame(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        mask = os.urandom(4)
        self._socket.sendall(head + mask + masked(payload, mask))

    def _broken(self, error: OSError) -> ShellError:
        text = f"the connection to {self._place} broke: {_reason(error)}"
        if self._sent_bytes >= _LARGE_BYTES:
            text += f"; {self._sent_bytes:,} bytes may be more than a request may have (limits.maxRequestSize)"
        return ShellError(text)


def masked(payload: bytes, mask: bytes) -> bytes:
    """Apply the mask of a client's frame: as one long number, since a loop over bytes is a hundred times slower."""
    size = len(payload)
    stretched = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stretched, "big")).to_bytes(size, "big")


def _closing(payload: bytes) -> str:
    if len(payload) < 2:
        return ""
    (code,) = struct.unpack("!H", payload[:2])
    if code == _TOO_BIG:
        return ": the request is larger than it takes (limits.maxRequestSize)"
    text = payload[2:].decode("utf-8", "replace")
    return f": {code} {text}".rstrip()


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error)
