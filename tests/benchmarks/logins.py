"""Logins: how many a second, and how long the loop stands still while fifty clients log in at once.

The server runs in this process, so that a timer on its own loop can see pauses; the clients are another
process. The same timer tells the pauses of this machine when nobody asks anything, and how much of a pause was
work of the loop's own thread: where the machine is shared, only that is ours.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from processes import ROOT, free_port

CLIENTS = 50
LOGINS_EACH = 4
ROUNDS = 5
TICK_S = 0.001
TARGET_MS = 20.0

_CLIENT = """
import asyncio, json, sys, time

async def client(port, count):
    reader, writer = await asyncio.open_connection("localhost", port)
    body = json.dumps({"username": "ada", "password": "engine"}).encode()
    head = "POST /_login/local HTTP/1.1\\r\\nHost: a\\r\\nContent-Type: application/json\\r\\n"
    head += f"Content-Length: {len(body)}"
    for _ in range(count):
        writer.write(head.encode() + b"\\r\\n\\r\\n" + body)
        answer = await reader.readuntil(b"\\r\\n\\r\\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        length = int(answer.lower().split(b"content-length: ")[1].split(b"\\r\\n")[0])
        await reader.readexactly(length)
    writer.close()

async def main():
    port, clients, count = map(int, sys.argv[1:])
    start = time.perf_counter()
    await asyncio.gather(*(client(port, count) for _ in range(clients)))
    print(clients * count / (time.perf_counter() - start))

asyncio.run(main())
"""


def run() -> str:
    """Measure, and return the table."""
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(_measure(Path(folder)))
    rows = [
        "| round | logins/s | longest pause of the loop, ms | of an idle loop, ms | most work at a stretch, CPU ms |",
        "|---|---:|---:|---:|---:|",
    ]
    for number, (rate, busy, idle) in enumerate(figures, 1):
        rows.append(
            f"| {number} | {rate:.0f} | {busy.longest_ms:.1f} | {idle.longest_ms:.1f} | {busy.longest_work_ms:.1f} |"
        )
    rate = statistics.median(rate for rate, _, _ in figures)
    pause_ms = statistics.median(busy.longest_ms for _, busy, _ in figures)
    work_ms = statistics.median(busy.longest_work_ms for _, busy, _ in figures)
    verdict = "kept" if max(pause_ms, work_ms) <= TARGET_MS else "kept but for the machine's other work"
    if work_ms > TARGET_MS:
        verdict = "**missed**"
    rows.append(f"| median, target {TARGET_MS:.0f} ms: {verdict} | {rate:.0f} | {pause_ms:.1f} | | {work_ms:.1f} |")
    return "\n".join(rows)


async def _measure(folder: Path) -> list[tuple[float, Ticker, Ticker]]:
    from kuzzle.app import Application
    from kuzzle.config import Config

    port = free_port()
    options: dict[str, Any] = {
        "protocols": {
            "http": {"port": port},
            "websocket": {"enabled": False},
            "socketio": {"enabled": False},
            "mqtt": {"enabled": False},
        }
    }
    path = folder / "kuzzle.yml"
    path.write_text(json.dumps(options))  # JSON is YAML
    application = Application(Config.load(path, {}))
    await application.start()
    try:
        await application.security.users.create("ada", {"profileIds": ["default"]})
        await application.credentials.create("ada", {"local": {"username": "ada", "password": "engine"}})
        figures = []
        for _ in range(ROUNDS):
            async with Ticker() as idle:
                await asyncio.sleep(1)
            async with Ticker() as busy:
                rate = await _log_in(port)
            figures.append((rate, busy, idle))
        return figures
    finally:
        await application.stop()


async def _log_in(port: int) -> float:
    arguments = [str(port), str(CLIENTS), str(LOGINS_EACH)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _CLIENT, *arguments, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    return float(output)


class Ticker:
    """Sees how long the loop was away, by a timer that should fire every millisecond.

    Attributes:
        longest_ms: The longest pause, whatever the reason: the machine may have given others their turn.
        longest_work_ms: The most that the loop's thread worked between two ticks.
    """

    longest_ms = 0.0
    longest_work_ms = 0.0

    async def __aenter__(self) -> Ticker:
        self._task = asyncio.get_running_loop().create_task(self._tick())
        return self

    async def __aexit__(self, *details: object) -> None:
        self._task.cancel()

    async def _tick(self) -> None:
        while True:
            before, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK_S)
            self.longest_work_ms = max(self.longest_work_ms, (time.thread_time() - worked) * 1000)
            self.longest_ms = max(self.longest_ms, (time.perf_counter() - before - TICK_S) * 1000)
