"""The contests: what each protocol costs beside a peer that does the same work.

Every peer gives answers of the same bytes (or the same content) as ours, which is asked once beforehand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from client_bytes import (
    MqttPublisher,
    MqttReceiver,
    http_answer,
    http_request,
    in_pieces_of,
    mqtt_packets,
    mqtt_publish,
    open_mqtt,
    read_until,
    socketio_answer,
    socketio_event,
    socketio_link,
    websocket_answer,
    websocket_link,
)
from contest import Contestant, compete, table
from load import Link, connect
from processes import has_mosquitto, kuzzle, mosquitto, node, tornado

CONNECTIONS = 50
PAIRS = 16
REQUEST_ID = "6c5a7b2e-8a53-4d1e-9a2e-0e8b2a4c7f10"
NOW = json.dumps({"controller": "server", "action": "now", "requestId": REQUEST_ID}, separators=(",", ":"))
PACKET_IDS = range(1, 1025)
SUCCESS = b'"status":200'


def http() -> str:
    """`GET /_now` beside a bare Tornado handler and Node's own server, the same bytes in answer."""
    with ExitStack() as stack:
        ours = stack.enter_context(kuzzle())
        request = http_request("/_now")
        answer = http_answer(ours.port, request)
        head, _, body = answer.decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        if " 200 " not in first:
            raise RuntimeError(answer)
        same = json.dumps({"headers": [line.split(": ", 1) for line in lines], "body": body})
        bare = stack.enter_context(tornado("bare_tornado.py", same))
        peer = stack.enter_context(node("http.js", same))

        def links(port: int) -> Callable[[], Sequence[Link]]:
            size = len(http_answer(port, request))
            if size != len(answer):
                raise RuntimeError(f"answers of {size} and {len(answer)} bytes are not the same work")
            return lambda: [Link(connect(port), [request], in_pieces_of(size)) for _ in range(CONNECTIONS)]

        contestants = [
            Contestant("Kuzzle", ours.pid, links(ours.port), SUCCESS),
            Contestant("bare Tornado handler", bare.pid, links(bare.port), SUCCESS, target=1.4),
            Contestant("Node http", peer.pid, links(peer.port), SUCCESS),
        ]
        compete(contestants, 1)
        return table(f"HTTP server:now, {CONNECTIONS} connections", contestants[0], contestants[1:])


def websocket() -> str:
    """`server:now` beside an echo of Node's ws: the peer is sent what ours answers, and sends it back."""
    with kuzzle() as ours, node("websocket_echo.js") as peer:
        answer = websocket_answer(ours.port, NOW)
        _check(json.loads(answer))
        tables = []
        for window in (1, 16):
            contestants = [
                Contestant("Kuzzle", ours.pid, _websocket_links(ours.port, NOW), SUCCESS),
                Contestant("Node ws echo", peer.pid, _websocket_links(peer.port, answer), SUCCESS, target=4),
            ]
            compete(contestants, window)
            title = f"WebSocket server:now, {CONNECTIONS} connections, window {window}"
            tables.append(table(title, contestants[0], contestants[1:]))
        return "\n".join(tables)


def _websocket_links(port: int, text: str) -> Callable[[], Sequence[Link]]:
    return lambda: [websocket_link(port, text) for _ in range(CONNECTIONS)]


def socketio() -> str:
    """`server:now` by an event and its answering event, over WebSocket, beside npm socket.io 2 and 4."""
    tables = []
    packet = socketio_event("kuzzle", json.loads(NOW))
    with kuzzle() as ours:
        for engine, package in ((3, "socket.io-2"), (4, "socket.io-4")):
            name, content = json.loads(socketio_answer(ours.port, engine, packet)[2:])
            if name != REQUEST_ID:
                raise RuntimeError(name)
            _check(content)
            with node("socketio.js", package, json.dumps(content)) as peer:
                contestants = [
                    Contestant(server, pid, _socketio_links(port, engine, packet), SUCCESS)
                    for server, pid, port in (
                        ("Kuzzle", ours.pid, ours.port),
                        (f"npm {package.replace('-', ' ')}", peer.pid, peer.port),
                    )
                ]
                compete(contestants, 1)
            title = f"Socket.IO server:now, Engine.IO {engine}, {CONNECTIONS} connections"
            tables.append(table(title, contestants[0], contestants[1:]))
    return "\n".join(tables)


def _socketio_links(port: int, engine: int, packet: str) -> Callable[[], Sequence[Link]]:
    return lambda: [socketio_link(port, engine, packet) for _ in range(CONNECTIONS)]


def mqtt_request() -> str:
    """`server:now` by one PUBLISH and the PUBLISH that answers it.

    A broker's client is sent what it publishes itself on a topic of its own, with the payload that ours answers:
    one packet in and one out of the same size on either side. (With a service behind a broker, a request takes
    the broker twice this work, and the service's.)
    """
    with ExitStack() as stack:
        ours = stack.enter_context(kuzzle())
        with open_mqtt(ours.mqtt_port, "probe", "Kuzzle/response") as link:
            link.sendall(mqtt_publish("Kuzzle/request", NOW))
            received = read_until(link, mqtt_packets)
        answer = received[received.index(b"{") :].decode()
        _check(json.loads(answer))
        contestants = [
            Contestant(
                "Kuzzle", ours.pid, _own_topics(ours.mqtt_port, "Kuzzle/request", "Kuzzle/response", NOW), SUCCESS
            )
        ]
        for name, pid, port, target in _brokers(stack):
            contestants.append(Contestant(name, pid, _own_topics(port, None, None, answer), SUCCESS, target))
        compete(contestants, 1)
        return table(
            f"MQTT server:now request and response, {CONNECTIONS} connections", contestants[0], contestants[1:]
        )


def _own_topics(port: int, request: str | None, response: str | None, payload: str) -> Callable[[], Sequence[Link]]:
    def links() -> Sequence[Link]:
        return [
            Link(
                open_mqtt(port, f"client-{number}", response or f"Client/number-{number:03}"),
                [mqtt_publish(request or f"Client/number-{number:03}", payload)],
                mqtt_packets,
            )
            for number in range(CONNECTIONS)
        ]

    return links


def mqtt_qos1() -> str:
    """QoS 1 from a publisher to its subscriber through the broker, four packets each; ours with allowPubSub."""
    with ExitStack() as stack:
        ours = stack.enter_context(kuzzle({"allowPubSub": True}))
        servers = [("Kuzzle", ours.pid, ours.mqtt_port, None), *_brokers(stack)]
        tables = []
        for window in (1, 16):
            contestants = [Contestant(name, pid, _pairs(port), target=target) for name, pid, port, target in servers]
            compete(contestants, window)
            title = f"MQTT QoS 1 publish to deliver, {PAIRS} pairs, window {window}"
            tables.append(table(title, contestants[0], contestants[1:]))
        return "\n".join(tables)


def _pairs(port: int) -> Callable[[], Sequence[Link]]:
    def links() -> Sequence[Link]:
        opened: list[Link] = []
        for number in range(PAIRS):
            topic = f"pairs/{number:03}"
            requests = [mqtt_publish(topic, "x" * 60, packet_id) for packet_id in PACKET_IDS]
            publisher = MqttPublisher(open_mqtt(port, f"publisher-{number}"), requests, mqtt_packets)
            subscriber = open_mqtt(port, f"subscriber-{number}", topic, 1)
            opened += [publisher, MqttReceiver(subscriber, publisher, topic)]
        return opened

    return links


def _brokers(stack: ExitStack) -> list[tuple[str, int, int, float | None]]:
    aedes = stack.enter_context(node("aedes.js"))
    brokers: list[tuple[str, int, int, float | None]] = [("Aedes", aedes.pid, aedes.port, 1.5)]
    if has_mosquitto():
        running = stack.enter_context(mosquitto())
        brokers.append(("Mosquitto", running.pid, running.port, None))
    return brokers


def _check(envelope: dict[str, object]) -> None:
    if envelope["status"] != 200:
        raise RuntimeError(envelope)
