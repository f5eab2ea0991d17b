"""`ms:get` and `ms:set` over WebSocket, embedded and on a Redis, beside that Redis driven directly."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from client_bytes import in_pieces_of, read_until, websocket_answer, websocket_link
from contest import Contestant, compete, table
from load import Link, connect
from processes import Running, has_redis, kuzzle, redis_server

CONNECTIONS = 50
REQUEST_ID = "6c5a7b2e-8a53-4d1e-9a2e-0e8b2a4c7f10"
KEY = "visitor:1"
VALUE = "x" * 64
SUCCESS = b'"status":200'
WORKS = {
    "get": ({"action": "get"}, ("GET", KEY), f"${len(VALUE)}\r\n{VALUE}\r\n"),
    "set": ({"action": "set", "body": {"value": VALUE}}, ("SET", KEY, VALUE), "+OK\r\n"),
}


def run() -> str:
    """Measure; the rows of a table."""
    if not has_redis():
        return "Redis is missing (apt-get install redis-server): nothing to measure beside"
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        embedded = stack.enter_context(kuzzle())
        real = stack.enter_context(kuzzle(sections=_on_redis(redis)))
        return "\n".join(_work(name, window, embedded, real, redis) for name in ("set", "get") for window in (1, 16))


def _on_redis(redis: Running) -> dict[str, object]:
    return {"memoryStorage": {"backend": "redis", "redis": {"port": redis.port, "database": 0}}}


def _work(name: str, window: int, embedded: Running, real: Running, redis: Running) -> str:
    members, words, answer = WORKS[name]
    request = json.dumps({"controller": "ms", "_id": KEY, "requestId": REQUEST_ID, **members}, separators=(",", ":"))
    for server in (embedded, real):
        told = json.loads(websocket_answer(server.port, request))
        if (told["status"], told["result"]) != (200, VALUE if name == "get" else "OK"):
            raise RuntimeError(told)
    contestants = [
        Contestant("Kuzzle, embedded", embedded.pid, _websockets(embedded.port, request), SUCCESS),
        Contestant("Kuzzle on Redis (its own process)", real.pid, _websockets(real.port, request), SUCCESS),
        Contestant("redis-server, asked directly", redis.pid, _redis_links(redis.port, words, answer), answer.encode()),
    ]
    compete(contestants, window)
    title = f"ms:{name} of {len(VALUE)} bytes, {CONNECTIONS} connections, window {window}"
    return table(title, contestants[0], contestants[1:])


def _websockets(port: int, text: str) -> Callable[[], Sequence[Link]]:
    return lambda: [websocket_link(port, text) for _ in range(CONNECTIONS)]


def _redis_links(port: int, words: Sequence[str], answer: str) -> Callable[[], Sequence[Link]]:
    request = "".join([f"*{len(words)}\r\n", *(f"${len(word)}\r\n{word}\r\n" for word in words)]).encode()
    framing = in_pieces_of(len(answer))
    with connect(port) as link:
        link.sendall(request)
        if read_until(link, framing) != answer.encode():
            raise RuntimeError("Redis answers something else")
    return lambda: [Link(connect(port), [request], framing) for _ in range(CONNECTIONS)]
