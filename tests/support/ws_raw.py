"""A WebSocket client that can break every rule: frames are written and read byte by byte."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, NamedTuple

from web_stage import RawClient

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3


class Frame(NamedTuple):
    """A frame as it came."""

    opcode: int
    payload: bytes


def mask(key: bytes, data: bytes) -> bytes:
    """Mask or unmask a payload."""
    return bytes(byte ^ key[position % 4] for position, byte in enumerate(data))


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """Return a frame."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if masked else 0
    size = len(payload)
    if size < 126:
        head += bytes([bit | size])
    elif size < 65_536:
        head += bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    key = os.urandom(4)
    whole = int.from_bytes(payload, "big") ^ int.from_bytes((key * (size // 4 + 1))[:size], "big")
    return head + key + whole.to_bytes(size, "big")


def handshake(**headers: str) -> bytes:
    """Return a request for an upgrade; a header given as an empty text is left out."""
    lines = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"GET /any/path?x=1 HTTP/1.1\r\n{head}\r\n".encode()


class RawWebSocket(RawClient):
    """An open WebSocket."""

    @classmethod
    async def open(cls, port: int, behind: bytes = b"", **headers: str) -> RawWebSocket:
        """Upgrade a connection; `behind` is sent with the request."""
        raw = await RawClient.connect(port)
        self = cls(raw.reader, raw.writer)
        await self.send(handshake(**headers) + behind)
        status, got, _ = await self.answer()
        assert status == 101
        assert got["sec-websocket-accept"] == ACCEPT
        assert "sec-websocket-extensions" not in got
        assert "sec-websocket-protocol" not in got
        return self

    async def text(self, message: Any) -> None:
        """Send a text: JSON, or a text as it is."""
        await self.send(frame(1, (message if isinstance(message, str) else json.dumps(message)).encode()))

    async def frame(self) -> Frame:
        """Read a frame."""
        async with asyncio.timeout(20):
            head, size = await self.reader.readexactly(2)
            assert head & 0x80, "servers here send whole messages"
            assert not size & 0x80, "servers do not mask"
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8), "big")
            return Frame(head & 0x0F, await self.reader.readexactly(size))

    async def json(self) -> Any:
        """Read a text message of JSON."""
        opcode, payload = await self.frame()
        assert opcode == 1
        return json.loads(payload)
