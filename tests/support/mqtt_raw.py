"""A small MQTT client on a raw socket, apart from the server's codec so neither hides the other's faults.

Packets are built and read as the specification shows them; `Peer` sends and receives them whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

WAIT_S = 20


def varint(value: int) -> bytes:
    """A variable byte integer."""
    out = b""
    while value > 127:
        out += bytes([value % 128 + 128])
        value //= 128
    return out + bytes([value])


def text(value: str | bytes) -> bytes:
    """Text or binary data with its length."""
    data = value.encode() if isinstance(value, str) else value
    return len(data).to_bytes(2, "big") + data


def packet(first_byte: int, body: bytes) -> bytes:
    """A whole packet."""
    return bytes([first_byte]) + varint(len(body)) + body


def block(data: bytes) -> bytes:
    """Encoded properties with their length."""
    return varint(len(data)) + data


def connect(
    client_id: str = "",
    version: int = 4,
    *,
    clean: bool = True,
    keep_alive: int = 0,
    properties: bytes = b"",
    will: tuple[str, bytes] | None = None,
    will_qos: int = 0,
    will_retain: bool = False,
    will_properties: bytes = b"",
    user_name: str | None = None,
    password: str | bytes | None = None,
) -> bytes:
    """CONNECT."""
    flags = (2 if clean else 0) | (0x80 if user_name is not None else 0) | (0x40 if password is not None else 0)
    if will is not None:
        flags |= 4 | will_qos << 3 | (32 if will_retain else 0)
    body = text("MQIsdp" if version == 3 else "MQTT") + bytes([version, flags]) + keep_alive.to_bytes(2, "big")
    body += block(properties) if version == 5 else b""
    body += text(client_id)
    if will is not None:
        body += (block(will_properties) if version == 5 else b"") + text(will[0]) + text(will[1])
    for secret in (user_name, password):
        body += b"" if secret is None else text(secret)
    return packet(0x10, body)


def publish(
    topic: str,
    payload: bytes | str | dict[str, Any],
    qos: int = 0,
    packet_id: int = 1,
    *,
    retain: bool = False,
    dup: bool = False,
    version: int = 4,
    properties: bytes = b"",
) -> bytes:
    """PUBLISH; a dict is sent as JSON."""
    if isinstance(payload, dict):
        payload = json.dumps(payload)
    data = payload.encode() if isinstance(payload, str) else payload
    body = text(topic) + (packet_id.to_bytes(2, "big") if qos else b"")
    body += block(properties) if version == 5 else b""
    return packet(0x30 | qos << 1 | (8 if dup else 0) | (1 if retain else 0), body + data)


def subscribe(*topics: tuple[str, int], packet_id: int = 1, version: int = 4, properties: bytes = b"") -> bytes:
    """SUBSCRIBE; the second member of each topic is its QoS or, with MQTT 5, its options."""
    body = packet_id.to_bytes(2, "big") + (block(properties) if version == 5 else b"")
    return packet(0x82, body + b"".join(text(topic) + bytes([options]) for topic, options in topics))


def unsubscribe(*topics: str, packet_id: int = 1, version: int = 4) -> bytes:
    """UNSUBSCRIBE."""
    body = packet_id.to_bytes(2, "big") + (b"\0" if version == 5 else b"")
    return packet(0xA2, body + b"".join(map(text, topics)))


def acknowledgement(first_byte: int, packet_id: int) -> bytes:
    """PUBACK (0x40), PUBREC (0x50), PUBREL (0x62) or PUBCOMP (0x70)."""
    return packet(first_byte, packet_id.to_bytes(2, "big"))


PINGREQ = b"\xc0\0"
PINGRESP = b"\xd0\0"
DISCONNECT = b"\xe0\0"


class Message:
    """A PUBLISH that the server sent."""

    def __init__(self, first_byte: int, body: bytes, version: int) -> None:
        self.qos = first_byte >> 1 & 3
        self.retain = bool(first_byte & 1)
        self.dup = bool(first_byte & 8)
        end = 2 + int.from_bytes(body[:2], "big")
        self.topic = body[2:end].decode()
        self.packet_id = 0
        if self.qos:
            self.packet_id = int.from_bytes(body[end : end + 2], "big")
            end += 2
        self.properties = b""
        if version == 5:
            size = body[end]
            assert size < 128, "the tests use short properties"
            self.properties = body[end + 1 : end + 1 + size]
            end += 1 + size
        self.payload = body[end:]

    @property
    def json(self) -> Any:
        """The payload, parsed."""
        return json.loads(self.payload)


class Peer:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: int = 4) -> None:
        self.reader = reader
        self.writer = writer
        self.version = version

    session_present = False
    greeting = b""

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)

    async def packet(self) -> tuple[int, bytes]:
        """Return the next packet: first byte and body."""
        async with asyncio.timeout(WAIT_S):
            first_byte = (await self.reader.readexactly(1))[0]
            size = shift = 0
            while True:
                byte = (await self.reader.readexactly(1))[0]
                size |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            return first_byte, await self.reader.readexactly(size)

    async def bytes(self, size: int) -> bytes:
        """Return so many bytes."""
        async with asyncio.timeout(WAIT_S):
            return await self.reader.readexactly(size)

    async def message(self) -> Message:
        """Return the next packet, a PUBLISH."""
        first_byte, body = await self.packet()
        assert first_byte >> 4 == 3, f"PUBLISH expected, got {first_byte:#x} {body!r}"
        return Message(first_byte, body, self.version)

    async def acknowledge(self, message: Message) -> None:
        """Acknowledge a message as its QoS asks."""
        if message.qos == 1:
            self.send(acknowledgement(0x40, message.packet_id))
        elif message.qos == 2:
            self.send(acknowledgement(0x50, message.packet_id))
            assert (await self.packet()) == (0x62, message.packet_id.to_bytes(2, "big"))
            self.send(acknowledgement(0x70, message.packet_id))

    async def subscribe(self, *topics: tuple[str, int], packet_id: int = 1, properties: bytes = b"") -> list[int]:
        """Subscribe and return the codes of SUBACK; no message may come in between."""
        self.send(subscribe(*topics, packet_id=packet_id, version=self.version, properties=properties))
        first_byte, body = await self.packet()
        assert first_byte == 0x90
        assert body[:2] == packet_id.to_bytes(2, "big")
        return list(body[3 if self.version == 5 else 2 :])

    def publish(self, topic: str, payload: bytes | str | dict[str, Any], **options: Any) -> None:
        """Send PUBLISH in the version of this connection."""
        self.send(publish(topic, payload, version=self.version, **options))

    async def request(self, envelope: dict[str, Any], **options: Any) -> Any:
        """Send a request on the request topic and return the next message, its answer."""
        self.publish("Kuzzle/request", envelope, **options)
        message = await self.message()
        assert message.topic == "Kuzzle/response"
        return message.json

    async def is_silent(self) -> bool:
        """Tell whether nothing has been sent to this client, by a ping that must be answered first."""
        self.send(PINGREQ)
        return (await self.packet()) == (0xD0, b"")

    async def closed(self) -> bytes:
        """Wait until the server closes, and return what it sent before."""
        async with asyncio.timeout(WAIT_S):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    def close(self) -> None:
        """Close the socket without a word."""
        self.writer.close()

    def reset(self) -> None:
        """Break the connection as a crash of the client does."""
        self.writer.transport.abort()


class Peers:
    """Clients of one server, closed together."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._opened: list[Peer] = []

    async def open(self, version: int = 4, *, host: str = "localhost") -> Peer:
        """Open a socket only."""
        peer = Peer(*await asyncio.open_connection(host, self._port), version)
        self._opened.append(peer)
        return peer

    async def join(self, client_id: str = "", version: int = 4, **options: Any) -> Peer:
        """Open a socket and introduce the client."""
        peer = await self.open(version)
        peer.send(connect(client_id, version, **options))
        first_byte, body = await peer.packet()
        assert first_byte == 0x20, "CONNACK"
        assert body[1] == 0, f"refused with {body[1]}"
        peer.session_present = bool(body[0])
        peer.greeting = body[2:]
        return peer

    async def __aenter__(self) -> Peers:
        return self

    async def __aexit__(self, *error: object) -> None:
        for peer in self._opened:
            peer.close()
        for peer in self._opened:
            with contextlib.suppress(ConnectionError):
                await peer.writer.wait_closed()
