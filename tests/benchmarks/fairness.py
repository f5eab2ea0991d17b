"""What a client notices of another's bulk import: `.venv/bin/python tests/benchmarks/fairness.py [DOCUMENTS]`.

One client imports 100,000 documents, first in one request, then in requests of 500; meanwhile another asks
`server:now` and reads a document, one request at a time. Told are how long its answers took beside those
of an idle server, and how far the memory of the server rose at most while it imported.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from processes import Running, kuzzle, plain_python
from tornado.websocket import WebSocketClientConnection, websocket_connect

DOCUMENTS = 100_000
SMALL = 500
IDLE_SECONDS = 3
LARGEST = 256 << 20
TARGET = {"index": "library", "collection": "books"}
QUESTIONS = (
    {"controller": "server", "action": "now"},
    {"controller": "document", "action": "get", "_id": "0", **TARGET},
)


def lines(first: int, count: int) -> list[dict[str, Any]]:
    """An import of so many documents of some 200 bytes."""
    found: list[dict[str, Any]] = []
    for number in range(first, first + count):
        content = {"n": number, "title": f"book {number} of many", "kind": f"kind{number % 50}", "text": "word " * 20}
        found += [{"index": {"_id": number}}, content]
    return found


async def ask(client: WebSocketClientConnection, **members: Any) -> Any:
    """Send a request; its result."""
    await client.write_message(json.dumps(members))
    answer = json.loads(str(await client.read_message()))
    if answer["status"] != 200:
        raise RuntimeError(answer["error"])
    return answer["result"]


async def import_all(client: WebSocketClientConnection, count: int, at_a_time: int) -> None:
    """Import documents."""
    for first in range(0, count, at_a_time):
        body = {"bulkData": lines(first, min(at_a_time, count - first))}
        text = json.dumps({"controller": "bulk", "action": "import", "body": body, **TARGET})
        await client.write_message(text)
        # An answer of megabytes is not worth reading whole: it would keep this process from asking.
        answer = str(await client.read_message())
        if '"status":200' not in answer[:200]:
            raise RuntimeError(answer[:500])


async def ask_during(client: WebSocketClientConnection, work: Awaitable[None]) -> list[float]:
    """Ask until the work is done; seconds that each answer took."""
    done = asyncio.ensure_future(work)
    taken = []
    while not done.done():
        for question in QUESTIONS:
            started = time.perf_counter()
            await ask(client, **question)
            taken.append(time.perf_counter() - started)
    await done
    return taken


def memory_mb(pid: int, name: str) -> float:
    """Return a figure of a process's memory in MB: `VmRSS` now, `VmHWM` at most."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {name}")


def forget_highest(pid: int) -> None:
    """Let `VmHWM` of a process begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


async def measure(server: Running, count: int) -> list[str]:
    """Measure; the rows of the table."""
    url = f"ws://localhost:{server.port}"
    importer = await websocket_connect(url, max_message_size=LARGEST)
    other = await websocket_connect(url)
    await ask(importer, controller="index", action="create", index="library")
    await ask(importer, controller="collection", action="create", **TARGET)
    await import_all(importer, 1000, SMALL)
    works: Sequence[tuple[str, Callable[[], Awaitable[None]]]] = (
        ("nothing", lambda: asyncio.sleep(IDLE_SECONDS)),
        (f"{count:,} documents, {SMALL} a request", lambda: import_all(importer, count, SMALL)),
        (f"{count:,} documents in one request", lambda: import_all(importer, count, count)),
    )
    rows = []
    for name, work in works:
        before = memory_mb(server.pid, "VmRSS")
        forget_highest(server.pid)
        started = time.perf_counter()
        taken = sorted(await ask_during(other, work()))
        seconds = time.perf_counter() - started
        median, rare, worst = (taken[int(part * (len(taken) - 1))] * 1000 for part in (0.5, 0.99, 1))
        risen = memory_mb(server.pid, "VmHWM") - before
        rows.append(
            f"| {name} | {seconds:.1f} | {len(taken):,} | {median:.1f} | {rare:.1f} | {worst:.0f} | {risen:.0f} |"
        )
    total = (await ask(other, controller="document", action="count", **TARGET))["count"]
    if total != max(count, 1000):
        raise RuntimeError(f"{total} documents are there")
    importer.close()
    other.close()
    return rows


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else DOCUMENTS
    plain_python()
    with kuzzle(limits={"maxRequestSize": "128MB"}) as server:
        rows = asyncio.run(measure(server, count))
    heading = (
        "| what the other imports | s | answers meanwhile | median ms | 99 % ms | worst ms | memory rose by MB |\n"
    )
    sys.stdout.write(heading + "|---|---:|---:|---:|---:|---:|---:|\n" + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
