"""Subscribers of one channel and the publisher that makes them hear of it, on each protocol, ours and the peers'.

A group opens its subscribers and its publisher; every publishing reaches each subscriber once, with as many bytes
from every server.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from client_bytes import (
    mqtt_packets,
    mqtt_publish,
    open_mqtt,
    open_socketio,
    open_websocket,
    read_until,
    socketio_event,
    websocket_frames,
    websocket_payload,
    websocket_text,
)
from load import Framing
from processes import Running

INDEX, COLLECTION = "fanout", "messages"
ENGINE = 3  # the version of Engine.IO that Kuzzle's clients speak
TARGET = {"index": INDEX, "collection": COLLECTION}
MESSAGE = {"text": "x" * 100, "number": 1}
# `users` is none, so that those who come tell nobody.
SUBSCRIBE = {"controller": "realtime", "action": "subscribe", **TARGET, "body": {"equals": {"number": 1}}}
PUBLISH = {"controller": "realtime", "action": "publish", **TARGET, "body": MESSAGE, "requestId": "publishing"}


@dataclass
class Group:
    """A server's subscribers.

    Attributes:
        open_subscriber: Opens one more and returns its socket, when it is subscribed.
        open_publisher: Opens the connection that publishes.
        publishing: The bytes of one publishing.
    """

    name: str
    pid: int
    open_subscriber: Callable[[int], socket.socket]
    open_publisher: Callable[[], socket.socket]
    publishing: bytes
    target: float | None = None


def dumped(value: Any) -> str:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":"))


def ask(link: socket.socket, request: bytes, framing: Framing, sign: bytes = b'"status":200') -> bytes:
    """Send a request and return what answers it."""
    link.sendall(request)
    answer = read_until(link, framing)
    if sign not in answer:
        raise RuntimeError(answer)
    return answer


# --- WebSocket


def our_websocket(ours: Running, request: dict[str, Any] = SUBSCRIBE) -> Group:
    """Subscribers of our server."""
    subscribe, publishing = websocket_text(dumped(request)), websocket_text(dumped(PUBLISH))

    def open_subscriber(_number: int) -> socket.socket:
        link = open_websocket(ours.port)
        ask(link, subscribe, websocket_frames)
        return link

    return Group("Kuzzle", ours.pid, open_subscriber, lambda: open_websocket(ours.port), publishing)


def peer_websocket(peer: Running, notification: str) -> Group:
    """Subscribers of the bare server."""
    return Group(
        "Node ws",
        peer.pid,
        lambda _number: open_websocket(peer.port),
        lambda: open_websocket(peer.port, "/publish"),
        websocket_text(notification),
        target=1.25,
    )


def websocket_notification(group: Group) -> str:
    """Publish once, and return what a subscriber hears."""
    subscriber, publisher = group.open_subscriber(0), group.open_publisher()
    with subscriber, publisher:
        publisher.sendall(group.publishing)
        return websocket_payload(read_until(subscriber, websocket_frames))


# --- MQTT


def our_mqtt(ours: Running) -> tuple[Group, str, str]:
    """Subscribers of our server: of the channel of one of them, as MQTT has it; the channel; what they hear."""
    first = open_mqtt(ours.mqtt_port, "first", "Kuzzle/response")
    answer = ask(first, mqtt_publish("Kuzzle/request", dumped(SUBSCRIBE)), mqtt_packets)
    channel: str = json.loads(answer[answer.index(b"{") :])["result"]["channel"]
    group = Group(
        "Kuzzle",
        ours.pid,
        lambda number: open_mqtt(ours.mqtt_port, f"subscriber-{number}", channel),
        lambda: open_mqtt(ours.mqtt_port, "publisher"),
        mqtt_publish("Kuzzle/request", dumped(PUBLISH)),
    )
    subscriber, publisher = group.open_subscriber(0), group.open_publisher()
    with subscriber, publisher:
        publisher.sendall(group.publishing)
        heard = read_until(subscriber, mqtt_packets)
    # The first client stays: the channel is there as long as somebody has subscribed.
    _kept.append(first)
    return group, channel, heard[heard.index(b"{") :].decode()


_kept: list[socket.socket] = []


def peer_mqtt(name: str, peer: Running, channel: str, notification: str, target: float | None) -> Group:
    """Subscribers of a broker."""
    return Group(
        name,
        peer.pid,
        lambda number: open_mqtt(peer.port, f"subscriber-{number}", channel),
        lambda: open_mqtt(peer.port, "publisher"),
        mqtt_publish(channel, notification),
        target,
    )


# --- Socket.IO


def our_socketio(ours: Running) -> tuple[Group, str, Any]:
    """Subscribers of our server over WebSocket; their channel; what they hear."""
    subscribe = websocket_text(socketio_event("kuzzle", SUBSCRIBE))

    def open_subscriber(_number: int) -> socket.socket:
        link = open_socketio(ours.port, ENGINE)
        ask(link, subscribe, websocket_frames)
        return link

    publishing = websocket_text(socketio_event("kuzzle", PUBLISH))
    group = Group("Kuzzle", ours.pid, open_subscriber, lambda: open_socketio(ours.port, ENGINE), publishing)
    subscriber, publisher = open_subscriber(0), group.open_publisher()
    with subscriber, publisher:
        publisher.sendall(publishing)
        channel, content = json.loads(websocket_payload(read_until(subscriber, websocket_frames))[2:])
    return group, channel, content


def peer_socketio(peer: Running, content: Any) -> Group:
    """Subscribers of npm's server."""
    subscribe = websocket_text('42["subscribe"]')

    def open_subscriber(_number: int) -> socket.socket:
        link = open_socketio(peer.port, ENGINE)
        ask(link, subscribe, websocket_frames, b"subscribed")
        return link

    publishing = websocket_text(socketio_event("publish", content))
    return Group(
        "npm socket.io 2", peer.pid, open_subscriber, lambda: open_socketio(peer.port, ENGINE), publishing, 2.0
    )


def closed(links: Sequence[socket.socket]) -> None:
    """Close connections."""
    for link in links:
        link.close()
