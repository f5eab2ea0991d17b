"""Fan-out: what it costs to tell one message to many subscribers, how soon they hear, and what they cost idle.

    .venv/bin/python tests/benchmarks fanout                    # up to 1,000 subscribers
    .venv/bin/python tests/benchmarks/fanout.py --large         # up to 5,000, and 10,000 idle ones

The measure is the CPU time of the server's process for one delivery, all it does for the publishing included. The
contestants take turns; the best of the rounds counts. A publisher publishes again as soon as everybody has heard.
"""

from __future__ import annotations

import argparse
import json
import resource
import select
import socket
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import fanout_links as links
import fanout_parts
from client_bytes import open_websocket, read_until, websocket_answer, websocket_frames, websocket_text
from contest import cpu_seconds, memory_mib
from fanout_links import Group
from processes import Running, has_mosquitto, kuzzle, mosquitto, node, plain_python

ROUNDS = 3
ROUND_SECONDS = 1.0
SMALL, LARGE = (1, 100, 1_000), (1, 100, 1_000, 5_000)
IDLE_SMALL, IDLE_LARGE = 1_000, 10_000
ROOMS = 1_000
RECEIVE_BYTES = 256 * 1024
PATIENCE_SECONDS = 30
WRITERS = 8
TIMED_WRITES = 300


def run() -> str:
    """Measure with as many subscribers as take a minute or two; the tables."""
    return "\n".join(lines(SMALL, IDLE_SMALL))


def lines(sizes: Sequence[int], idle: int) -> Iterator[str]:
    """Measure groups of these sizes and so many idle subscribers; the tables, line by line."""
    _allow_open_files(max(*sizes, idle))
    yield "| fan-out of one message | server | CPU us a delivery | ours is so many times this | target | deliveries/s |"
    yield "|---|---|---:|---:|---|---:|"
    yield from _websocket(sizes)
    yield from _mqtt(sizes)
    yield from _socketio(sizes)
    yield ""
    yield from fanout_parts.run()
    yield ""
    yield from _latency()
    yield ""
    yield from _memory(idle)


# --- deliveries


def _websocket(sizes: Sequence[int]) -> Iterator[str]:
    with kuzzle() as ours, node("websocket_fanout.js") as bare:
        _prepare(ours)
        group = links.our_websocket(ours)
        peer = links.peer_websocket(bare, links.websocket_notification(group))
        for size in sizes:
            yield from _contest(f"WebSocket, {size:,} subscribers", [group, peer], size)


def _mqtt(sizes: Sequence[int]) -> Iterator[str]:
    with ExitStack() as stack:
        ours = stack.enter_context(kuzzle({"maxSessions": 20_000}))
        _prepare(ours)
        group, channel, heard = links.our_mqtt(ours)
        aedes = stack.enter_context(node("aedes.js"))
        groups = [group, links.peer_mqtt("Aedes", aedes, channel, heard, 1.0)]
        if has_mosquitto():
            groups.append(links.peer_mqtt("Mosquitto", stack.enter_context(mosquitto()), channel, heard, None))
        for size in sizes:
            yield from _contest(f"MQTT, {size:,} subscribers", groups, size)


def _socketio(sizes: Sequence[int]) -> Iterator[str]:
    with kuzzle() as ours:
        _prepare(ours)
        group, channel, content = links.our_socketio(ours)
        with node("socketio_fanout.js", "socket.io-2", channel) as server:
            peer = links.peer_socketio(server, content)
            for size in sizes:
                yield from _contest(f"Socket.IO, {size:,} subscribers", [group, peer], size)


def _prepare(ours: Running) -> None:
    """Make the collection that the messages are about."""
    for controller, members in (("index", {"index": links.INDEX}), ("collection", links.TARGET)):
        answer = json.loads(
            websocket_answer(ours.port, json.dumps({"controller": controller, "action": "create", **members}))
        )
        if answer["status"] != 200:
            raise RuntimeError(answer)


def _contest(title: str, groups: Sequence[Group], size: int) -> Iterator[str]:
    """Measure groups of so many subscribers in turn; the rows of the table."""
    costs: dict[str, list[float]] = {group.name: [] for group in groups}
    speeds: dict[str, list[float]] = {group.name: [] for group in groups}
    opened = [([group.open_subscriber(number) for number in range(size)], group.open_publisher()) for group in groups]
    for is_counted in (False, *[True] * ROUNDS):
        for group, (subscribers, publisher) in zip(groups, opened, strict=True):
            cost, speed = _round(group, subscribers, publisher)
            if is_counted:
                costs[group.name].append(cost)
                speeds[group.name].append(speed)
    for subscribers, publisher in opened:
        links.closed([*subscribers, publisher])
    first = groups[0].name
    yield f"| **{title}** | {first} | {min(costs[first]):.2f} | | | {max(speeds[first]):,.0f} |"
    for group in groups[1:]:
        ratio = min(costs[first]) / min(costs[group.name])
        target = ""
        if group.target is not None:
            target = f"{group.target:g} {'kept' if ratio <= group.target else '**missed**'}"
        yield (
            f"| | {group.name} | {min(costs[group.name]):.2f} | {ratio:.2f} | {target} "
            f"| {max(speeds[group.name]):,.0f} |"
        )


def _round(group: Group, subscribers: Sequence[socket.socket], publisher: socket.socket) -> tuple[float, float]:
    """Publish for a while, again whenever all have heard; CPU microseconds a delivery, and deliveries a second."""
    size = _heard_bytes(group, subscribers, publisher)
    poll = select.epoll()
    by_number = {link.fileno(): link for link in subscribers}
    for number in (*by_number, publisher.fileno()):
        poll.register(number, select.EPOLLIN)
    start, cpu = time.perf_counter(), cpu_seconds(group.pid)
    end, publishings = start + ROUND_SECONDS, 0
    while time.perf_counter() < end:
        publisher.sendall(group.publishing)
        publishings += 1
        _hear(poll, by_number, publisher, size * len(subscribers))
    elapsed, used = time.perf_counter() - start, cpu_seconds(group.pid) - cpu
    poll.close()
    deliveries = publishings * len(subscribers)
    return used / deliveries * 1e6, deliveries / elapsed


def _heard_bytes(group: Group, subscribers: Sequence[socket.socket], publisher: socket.socket) -> int:
    """Publish once; how many bytes each subscriber gets of it."""
    publisher.sendall(group.publishing)
    sizes = set()
    for link in subscribers:
        received = link.recv(RECEIVE_BYTES)
        if b"published" in received:
            raise RuntimeError(f"a subscriber heard {received!r}")
        sizes.add(len(received))
    if len(sizes) != 1:
        raise RuntimeError(f"subscribers of {group.name} heard {sorted(sizes)} bytes")
    return sizes.pop()


def _hear(poll: select.epoll, by_number: dict[int, socket.socket], publisher: socket.socket, awaited: int) -> None:
    """Read until all subscribers together have so many bytes; what answers the publisher is read as well."""
    give_up = time.perf_counter() + PATIENCE_SECONDS
    while awaited > 0:
        for number, _ in poll.poll(0):
            link = by_number.get(number)
            if link is None:
                publisher.recv(RECEIVE_BYTES)
            else:
                awaited -= len(link.recv(RECEIVE_BYTES))
        if time.perf_counter() > give_up:
            raise TimeoutError(f"{awaited} bytes are missing")


# --- latency


def _latency() -> Iterator[str]:
    """From a write to its notification, while others write as fast as they can."""
    create = {"controller": "document", "action": "create", **links.TARGET, "body": links.MESSAGE}
    other = websocket_text(json.dumps({**create, "body": {**links.MESSAGE, "number": 2}}))
    with kuzzle() as ours:
        _prepare(ours)
        yield f"| from a write to its notification, {WRITERS} others writing | p50, ms | p99, ms |"
        yield "|---|---:|---:|"
        for writers in (0, WRITERS):
            loaded = [open_websocket(ours.port) for _ in range(writers)]
            subscriber, writer = links.our_websocket(ours).open_subscriber(0), open_websocket(ours.port)
            for link in loaded:
                link.sendall(other)
            times = [
                _timed(subscriber, writer, websocket_text(json.dumps(create)), loaded, other)
                for _ in range(TIMED_WRITES)
            ]
            links.closed([*loaded, subscriber, writer])
            times.sort()
            name = "WebSocket" if writers else "WebSocket, nobody else writing"
            yield f"| {name} | {statistics.median(times):.2f} | {times[len(times) * 99 // 100]:.2f} |"


def _timed(
    subscriber: socket.socket, writer: socket.socket, request: bytes, loaded: Sequence[socket.socket], other: bytes
) -> float:
    """Write once and wait for the notification, keeping the others at work; milliseconds."""
    start = time.perf_counter()
    writer.sendall(request)
    heard: float | None = None
    is_answered = False
    while heard is None or not is_answered:
        for link in select.select([subscriber, writer, *loaded], [], [], PATIENCE_SECONDS)[0]:
            read_until(link, websocket_frames)
            if link is subscriber:
                heard = (time.perf_counter() - start) * 1e3
            elif link is writer:
                is_answered = True
            else:
                link.sendall(other)
    return heard


# --- memory


def _memory(count: int) -> Iterator[str]:
    """Resident memory of a subscriber that does nothing, in one room and in a thousand."""
    yield f"| {count:,} subscribers, idle | KiB each | target | server's memory, MiB |"
    yield "|---|---:|---|---:|"
    for name, limit_kib in (("WebSocket", 16), ("MQTT", 10), ("Socket.IO", 48)):
        cost, resident = _idle(name, count)
        yield f"| {name} | {cost:.1f} | {limit_kib} {'kept' if cost <= limit_kib else '**missed**'} | {resident:.0f} |"
    cost, resident = _in_rooms(count)
    yield f"| WebSocket, in {ROOMS:,} rooms, each of which has heard a message | {cost:.1f} | | {resident:.0f} |"


def _idle(name: str, count: int) -> tuple[float, float]:
    """Open subscribers of one channel; KiB of each, and the MiB of the server then."""
    with kuzzle({"maxSessions": 20_000}) as ours:
        _prepare(ours)
        if name == "MQTT":
            group = links.our_mqtt(ours)[0]
        else:
            group = links.our_websocket(ours) if name == "WebSocket" else links.our_socketio(ours)[0]
        opened = [group.open_subscriber(0)]  # what the first one loads is not counted
        before = memory_mib(ours.pid)
        opened += [group.open_subscriber(number) for number in range(1, count)]
        after = memory_mib(ours.pid)
        links.closed(opened)
        return (after - before) * 1024 / (count - 1), after


def _in_rooms(count: int) -> tuple[float, float]:
    """Open subscribers of as many rooms, and publish once to each room; as `_idle`."""
    with kuzzle() as ours:
        _prepare(ours)
        before = memory_mib(ours.pid)
        groups = [
            links.our_websocket(ours, {**links.SUBSCRIBE, "body": {"equals": {"number": room}}})
            for room in range(ROOMS)
        ]
        opened = [groups[number % ROOMS].open_subscriber(number) for number in range(count)]
        publisher = groups[0].open_publisher()
        for room in range(ROOMS):
            publishing = {**links.PUBLISH, "body": {**links.MESSAGE, "number": room}}
            links.ask(publisher, websocket_text(links.dumped(publishing)), websocket_frames)
            for link in opened[room::ROOMS]:
                heard = read_until(link, websocket_frames)
                if b'"number":%d' % room not in heard:
                    raise RuntimeError(heard)
        after = memory_mib(ours.pid)
        links.closed([*opened, publisher])
        return (after - before) * 1024 / count, after


def _allow_open_files(count: int) -> None:
    """Let this process and the servers it starts have so many sockets open, and some files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < count + 200:
        raise SystemExit(f"{count:,} connections need more open files than {most:,}: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="5,000 subscribers, 10,000 idle ones")
    options = parser.parse_args()
    plain_python()
    for line in lines(*((LARGE, IDLE_LARGE) if options.large else (SMALL, IDLE_SMALL))):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
