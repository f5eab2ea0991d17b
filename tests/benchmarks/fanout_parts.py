"""What a publishing costs inside the server, before any socket: measured in this process, where caches are warm."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fanout_links as links
from processes import ROOT

sys.path.insert(0, str(ROOT))

from kuzzle.app import Application
from kuzzle.config import Config
from kuzzle.connection import Connection
from kuzzle.entrypoint import Entrypoint
from kuzzle.notification import Notification

CALLS = 3_000
ROUNDS = 7
NOW = {"controller": "server", "action": "now"}


def run() -> Iterator[str]:
    """Measure; a table, line by line."""
    with tempfile.TemporaryDirectory() as folder:
        plain, nobody, told = asyncio.run(_measure(_application(Path(folder))))
    yield "| inside the server, no socket | CPU us |"
    yield "|---|---:|"
    yield f"| server:now | {plain:.1f} |"
    yield f"| realtime:publish that nobody hears | {nobody:.1f} |"
    yield f"| realtime:publish to a room: found, worded, serialised | {told:.1f} |"


async def _measure(application: Application) -> tuple[float, float, float]:
    await application.start()
    try:
        return await _costs(application.entrypoint)
    finally:
        await application.stop()


def _application(folder: Path) -> Application:
    path = folder / "kuzzle.yml"
    ports = {name: {"port": 0} for name in ("http", "websocket", "socketio", "mqtt")}
    path.write_text(json.dumps({"protocols": ports, "logs": {"level": "warning"}}))
    return Application(Config.load(path, {}))


async def _costs(entrypoint: Entrypoint) -> tuple[float, float, float]:
    entrypoint.add_protocol(_Listener())
    connection = Connection(_Listener.name, ("::1",))
    entrypoint.new_connection(connection)
    plain = [await _cost(entrypoint, connection, NOW) for _ in range(ROUNDS)]
    nobody = [await _cost(entrypoint, connection, links.PUBLISH) for _ in range(ROUNDS)]
    answer = await entrypoint.execute(connection, dict(links.SUBSCRIBE))
    if answer.status != 200:
        raise RuntimeError(answer.content)
    told = [await _cost(entrypoint, connection, links.PUBLISH) for _ in range(ROUNDS)]
    return min(plain), min(nobody), min(told)


async def _cost(entrypoint: Entrypoint, connection: Connection, envelope: Mapping[str, Any]) -> float:
    start = time.process_time()
    for _ in range(CALLS):
        (await entrypoint.execute(connection, dict(envelope))).encode()
    return (time.process_time() - start) / CALLS * 1e6


class _Listener:
    """A protocol that makes the text of a notification and sends it nowhere."""

    name = "benchmark"

    def broadcast(self, channels: Sequence[str], notification: Notification) -> None:
        for channel in channels:
            notification.encode_for_room(channel)

    def notify(self, connection_id: str, channels: Sequence[str], notification: Notification) -> None: ...

    def join_channel(self, channel: str, connection_id: str) -> None: ...

    def leave_channel(self, channel: str, connection_id: str) -> None: ...

    def disconnect(self, connection_id: str, message: str) -> None: ...
