"""What pipes cost: `server:now` and `document:create` over WebSocket with ten empty pipes, beside no listeners.

All servers are ours. One has no plugins, one has a plugin that listens to other events only, one has ten pipes on
what is fired before the action. The ratios are the medians of those of the rounds, which follow each other.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from client_bytes import websocket_link
from contest import Contestant, compete
from processes import Running, kuzzle

CONNECTIONS = 16
PIPES = 10
SUCCESS = b'"status":200'
BOOKS = {"index": "library", "collection": "books"}
REQUESTS = {
    "server:now": {"controller": "server", "action": "now"},
    "document:create": {"controller": "document", "action": "create", "body": {"title": "Emma"}, **BOOKS},
}
PLUGIN = """
from kuzzle.plugins import Plugin


async def pass_on(payload):
    return payload


class Passing(Plugin):
    name = "passing"

    async def init(self, config, context):
        pass

    def pipes(self):
        return {events}
"""


def run() -> str:
    """Measure, and return the table."""
    rows = ["| over WebSocket | CPU us a request | times that without plugins |", "|---|---:|---:|"]
    listened: dict[str, tuple[str, ...]] = {
        "no plugins": (),
        f"{PIPES} pipes on other events": ("server:beforeInfo", "document:beforeGet"),
        f"{PIPES} empty pipes": ("server:beforeNow", "document:beforeCreate"),
    }
    with ExitStack() as stack:
        servers = {name: _server(stack, events) for name, events in listened.items()}
        for server in servers.values():
            _prepare(server.port)
        for title, request in REQUESTS.items():
            for window in (1, 16):
                contestants = [_contestant(name, server, json.dumps(request)) for name, server in servers.items()]
                compete(contestants, window)
                rows += _rows(f"{title}, window {window}", contestants)
    return "\n".join(rows)


def _server(stack: ExitStack, events: tuple[str, ...]) -> Running:
    """Start a server with so many empty pipes on each of these events; without any, one that has no plugin."""
    if not events:
        return stack.enter_context(kuzzle())
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    code = PLUGIN.format(events=f"dict.fromkeys({list(events)}, [pass_on] * {PIPES})")
    (folder / "passing.py").write_text(code)
    return stack.enter_context(kuzzle(sections={"plugins": {"passing": {"path": str(folder / "passing.py")}}}))


def _prepare(port: int) -> None:
    for verb, path in (("POST", "/library/_create"), ("PUT", "/library/books")):
        urllib.request.urlopen(urllib.request.Request(f"http://localhost:{port}{path}", method=verb)).close()


def _contestant(name: str, server: Running, request: str) -> Contestant:
    return Contestant(
        name, server.pid, lambda: [websocket_link(server.port, request) for _ in range(CONNECTIONS)], SUCCESS
    )


def _rows(title: str, contestants: list[Contestant]) -> Iterator[str]:
    first = contestants[0]
    for contestant in contestants:
        ratio = statistics.median(ours / base for ours, base in zip(contestant.cpu_us, first.cpu_us, strict=True))
        shown = "" if contestant is first else f"{ratio:.2f}"
        yield f"| {title}, {contestant.name} | {statistics.median(contestant.cpu_us):.1f} | {shown} |"
