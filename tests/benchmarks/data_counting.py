"""What counting requests costs on their path, measured in this process: no socket, nothing but `server:now`."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from processes import ROOT

sys.path.insert(0, str(ROOT))

from kuzzle.app import Application
from kuzzle.cache.memory import MemoryCache
from kuzzle.config import Config
from kuzzle.connection import Connection
from kuzzle.statistics import Statistics

CALLS = 20_000
ROUNDS = 9
NOW = {"controller": "server", "action": "now"}


def run() -> str:
    """Measure; a table."""
    with tempfile.TemporaryDirectory() as folder:
        measures = {is_on: _application(Path(folder), is_on=is_on) for is_on in (False, True)}
        costs: dict[Any, list[float]] = {False: [], True: [], "statistics": []}
        for _ in range(ROUNDS):  # in turn, so that a slow moment of the machine falls on all
            for is_on, application in measures.items():
                costs[is_on].append(asyncio.run(_requests(application)))
            costs["statistics"].append(_counted())
    plain, metered, counted = (statistics.median(costs[key]) for key in (False, True, "statistics"))
    rows = [
        "| on the path of a request, no socket | CPU us | share |",
        "|---|---:|---:|",
        f"| server:now, statistics in it | {plain:.2f} | |",
        f"| statistics alone | {counted:.2f} | {counted / plain:.0%} |",
        f"| metrics, when enabled | {metered - plain:.2f} | {(metered - plain) / plain:.0%} |",
    ]
    return "\n".join(rows)


def _application(folder: Path, *, is_on: bool) -> Application:
    path = folder / f"{is_on}.yml"
    path.write_text(json.dumps({"metrics": {"enabled": is_on}, "logs": {"level": "warning"}}))
    return Application(Config.load(path, {}))


async def _requests(application: Application) -> float:
    execute, connection = application.entrypoint.execute, Connection("benchmark", "websocket")
    start = time.process_time()
    for _ in range(CALLS):
        await execute(connection, dict(NOW))
    return (time.process_time() - start) / CALLS * 1e6


def _counted() -> float:
    """Time what `Entrypoint.execute` does for the statistics of a request, less an empty loop."""
    counts = Statistics({"statsInterval": 10, "ttl": 3600}, MemoryCache(time.monotonic))

    def count() -> None:
        counters = counts.counters("websocket")
        counters.ongoing += 1
        try:
            pass
        finally:
            counters.ongoing -= 1
        counters.completed += 1

    return _time(count) - _time(lambda: None)


def _time(function: Callable[[], None]) -> float:
    start = time.process_time()
    for _ in range(CALLS):
        function()
    return (time.process_time() - start) / CALLS * 1e6
