"""What the load sends and expects, as bytes: HTTP, WebSocket, Engine.IO on WebSocket, MQTT 3.1.1."""

from __future__ import annotations

import base64
import json
import os
import socket
from typing import Any

from load import Framing, Link, connect


def in_pieces_of(size: int) -> Framing:
    """Answers that all have one length in bytes."""

    def framing(data: bytes) -> tuple[int, int]:
        count = len(data) // size
        return count, count * size

    return framing


def read_until(link: socket.socket, framing: Framing, count: int = 1) -> bytes:
    """Read until so many messages are there; what arrived."""
    data = b""
    while framing(data)[0] < count:
        received = link.recv(65536)
        if not received:
            raise ConnectionError(f"closed after {data!r}")
        data += received
    return data


# --- HTTP


def http_request(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n".encode()


def http_answer(port: int, request: bytes) -> bytes:
    """Send a request and return its whole answer."""

    def framing(data: bytes) -> tuple[int, int]:
        head, separator, body = data.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        is_whole = bool(separator) and len(body) == int(lengths[0])
        return (1, len(data)) if is_whole else (0, 0)

    with connect(port) as link:
        link.sendall(request)
        return read_until(link, framing)


# --- WebSocket


def websocket_frames(data: bytes) -> tuple[int, int]:
    """Count the unmasked frames that a server sent."""
    count = position = 0
    while len(data) - position >= 2:
        length, head = data[position + 1], 2
        if length == 126:
            length, head = int.from_bytes(data[position + 2 : position + 4], "big"), 4
        elif length == 127:
            length, head = int.from_bytes(data[position + 2 : position + 10], "big"), 10
        if len(data) - position < head + length:
            break
        position += head + length
        count += 1
    return count, position


def websocket_text(text: str) -> bytes:
    """Encode a client's text frame."""
    payload = text.encode()
    size, mask = len(payload), os.urandom(4)
    if size < 126:
        head = bytes([0x81, 0x80 | size])
    elif size < 1 << 16:
        head = b"\x81\xfe" + size.to_bytes(2, "big")
    else:
        head = b"\x81\xff" + size.to_bytes(8, "big")
    # As one number: requests of a megabyte are among these.
    masks = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ masks).to_bytes(size, "big")


def websocket_payload(frame: bytes) -> str:
    """The text of a server's first frame."""
    start = {126: 4, 127: 10}.get(frame[1], 2)
    return frame[start : websocket_frames(frame)[1]].decode()


def open_websocket(port: int, path: str = "/") -> socket.socket:
    """Open a connection and upgrade it."""
    link = connect(port)
    key = base64.b64encode(os.urandom(16)).decode()
    link.sendall(
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):  # byte by byte: frames may follow at once
        head += link.recv(1)
    if b" 101 " not in head.split(b"\r\n")[0]:
        raise ConnectionError(head.decode(errors="replace"))
    return link


def websocket_link(port: int, text: str) -> Link:
    """A WebSocket that sends one message again and again."""
    return Link(open_websocket(port), [websocket_text(text)], websocket_frames)


def websocket_answer(port: int, text: str) -> str:
    """Send a message and return the answer."""
    with open_websocket(port) as link:
        link.sendall(websocket_text(text))
        return websocket_payload(read_until(link, websocket_frames))


# --- Socket.IO over WebSocket


def open_socketio(port: int, engine: int) -> socket.socket:
    """Connect a client of Engine.IO 3 or 4 to the main namespace, over WebSocket from the start."""
    link = open_websocket(port, f"/socket.io/?EIO={engine}&transport=websocket")
    opened = read_until(link, websocket_frames)
    if engine == 4:
        link.sendall(websocket_text("40"))
        read_until(link, websocket_frames)
    elif websocket_frames(opened)[0] < 2:
        read_until(link, websocket_frames)
    return link


def socketio_event(name: str, value: Any) -> str:
    """The packet of an event."""
    return f"42{json.dumps([name, value], separators=(',', ':'))}"


def socketio_link(port: int, engine: int, packet: str) -> Link:
    """A Socket.IO client that sends one event again and again."""
    return Link(open_socketio(port, engine), [websocket_text(packet)], websocket_frames)


def socketio_answer(port: int, engine: int, packet: str) -> str:
    """Send an event and return the packet that answers it."""
    with open_socketio(port, engine) as link:
        link.sendall(websocket_text(packet))
        return websocket_payload(read_until(link, websocket_frames))


# --- MQTT 3.1.1


def mqtt_packets(data: bytes) -> tuple[int, int]:
    """Count whole packets."""
    count = position = 0
    while len(data) - position >= 2:
        length, shift, head = data[position + 1] & 127, 7, 2
        while data[position + head - 1] & 128:
            if len(data) - position <= head:
                return count, position
            length |= (data[position + head] & 127) << shift
            shift += 7
            head += 1
        if len(data) - position < head + length:
            break
        position += head + length
        count += 1
    return count, position


def _mqtt_packet(first: int, body: bytes) -> bytes:
    length, encoded = len(body), bytearray()
    while True:
        length, digit = length >> 7, length & 127
        encoded.append(digit | (128 if length else 0))
        if not length:
            return bytes([first]) + bytes(encoded) + body


def _mqtt_text(text: str) -> bytes:
    return len(text.encode()).to_bytes(2, "big") + text.encode()


def mqtt_publish(topic: str, payload: str, packet_id: int | None = None) -> bytes:
    """A PUBLISH, of QoS 1 when it has a packet id."""
    number = b"" if packet_id is None else packet_id.to_bytes(2, "big")
    return _mqtt_packet(0x30 if packet_id is None else 0x32, _mqtt_text(topic) + number + payload.encode())


def open_mqtt(port: int, client_id: str, topic: str | None = None, qos: int = 0) -> socket.socket:
    """Connect a client, and subscribe it to a topic."""
    link = connect(port)
    link.sendall(_mqtt_packet(0x10, _mqtt_text("MQTT") + b"\x04\x02\x00\x00" + _mqtt_text(client_id)))
    if read_until(link, mqtt_packets) != b"\x20\x02\x00\x00":
        raise ConnectionError("CONNECT was refused")
    if topic is not None:
        link.sendall(_mqtt_packet(0x82, b"\x00\x01" + _mqtt_text(topic) + bytes([qos])))
        if read_until(link, mqtt_packets)[-1] != qos:
            raise ConnectionError("SUBSCRIBE was refused")
    return link


class MqttReceiver(Link):
    """The subscriber of a pair: acknowledges what it receives; its publisher then sends the next."""

    def __init__(self, link: socket.socket, publisher: MqttPublisher, topic: str) -> None:
        super().__init__(link, [], mqtt_packets)
        self._publisher = publisher
        self._topic_bytes = 2 + len(topic.encode())

    def receive(self) -> int:
        """Count and acknowledge."""
        count, data = self._whole(self._read())
        if not count:
            return 0
        size = len(data) // count  # all have one length
        head = 2 if size < 130 else 3
        start = head + self._topic_bytes
        self.socket.sendall(
            b"".join(b"\x40\x02" + data[place + start : place + start + 2] for place in range(0, len(data), size))
        )
        return count

    @property
    def sender(self) -> Link:
        """Its publisher."""
        return self._publisher


class MqttPublisher(Link):
    """The publisher of a pair: its acknowledgements are read, and are no deliveries."""

    def receive(self) -> int:
        """Read acknowledgements."""
        self._read()
        return 0
