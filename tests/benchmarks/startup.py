"""Start to listening, and memory after the start, of `python -m kuzzle` without test packages."""

from __future__ import annotations

import time

from client_bytes import http_answer, http_request
from contest import memory_mib
from processes import kuzzle

STARTS = 9
TARGET_SECONDS = 0.5
TARGET_MB = 60
MB_PER_MIB = 1.048576


def run() -> str:
    """Measure; the rows of a table of its own."""
    seconds, memory = [], []
    for number in range(STARTS + 1):
        with kuzzle() as running:
            http_answer(running.port, http_request("/_now"))
            time.sleep(0.2)
            if number:  # the first one compiles
                seconds.append(running.start_seconds)
                memory.append(memory_mib(running.pid) * MB_PER_MIB)
    return "\n".join(
        [
            "| start, all four protocols on | best | median | target |",
            "|---|---:|---:|---|",
            _row("start to listening, s", seconds, TARGET_SECONDS, 3),
            _row("resident memory after the start and a request, MB", memory, TARGET_MB, 1),
        ]
    )


def _row(name: str, values: list[float], target: float, digits: int) -> str:
    values = sorted(values)
    best, median = values[0], values[len(values) // 2]
    verdict = "kept" if median <= target else "**missed**"
    return f"| {name} | {best:.{digits}f} | {median:.{digits}f} | {target} {verdict} |"
