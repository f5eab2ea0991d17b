"""Single durable `document:create` over WebSocket with 1, 16 and 64 clients, beside raw inserts of SQLite.

Each client waits for its answer before it sends the next, and an answer means that the document is on the disk.
The peer stores, in one transaction, as many documents as there are clients: what sharing a commit can give at most.
Both are measured on the disk of this machine, and on disks whose syncs take longer by what those of usual disks do.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from client_bytes import websocket_answer, websocket_link
from contest import Contestant, compete
from processes import FOLDER, Running, kuzzle, on_disk

CLIENTS = (1, 16, 64)
# Beside this machine's own disk: a good one for servers, and one for everybody.
SYNCS_MS = (0, 2, 5)
ROUNDS = 3
FACTOR = 10
DOCUMENT = {"title": "The Art of Computer Programming", "year": 1968, "isRead": False}
CREATE = json.dumps(
    {"controller": "document", "action": "create", "index": "library", "collection": "books", "body": DOCUMENT}
)
HEADING = (
    "| durable single document:create | creates/s | times 1 client | CPU us a create "
    "| raw, documents/s | times 1 a commit | CPU us a document |\n|---|---:|---:|---:|---:|---:|---:|"
)


def run() -> str:
    """Measure; the rows of a table of its own."""
    return "\n".join([HEADING, *(row for sync_ms in SYNCS_MS for row in _rows(sync_ms))])


def _rows(sync_ms: int) -> Iterator[str]:
    raw: dict[int, list[tuple[float, float]]] = {clients: [] for clients in CLIENTS}
    with kuzzle(sync_ms=sync_ms) as ours:
        contestants = {clients: _contestant(ours, clients) for clients in CLIENTS}
        _prepare(ours.port)
        for _ in range(ROUNDS):
            for clients, contestant in contestants.items():
                compete([contestant], 1, rounds=1)
                raw[clients].append(_raw_inserts(sync_ms, clients))
    rates = {clients: statistics.median(contestant.per_second) for clients, contestant in contestants.items()}
    limits = {clients: statistics.median(rate for rate, _ in raw[clients]) for clients in CLIENTS}
    for clients, contestant in contestants.items():
        factor = rates[clients] / rates[1]
        target = ("", " kept" if factor >= FACTOR else " **missed**")[clients == CLIENTS[-1]]
        disk = f"syncs take {sync_ms} ms more" if sync_ms else "this disk"
        cpu_us, raw_cpu_us = (
            statistics.median(costs) for costs in (contestant.cpu_us, [cost for _, cost in raw[clients]])
        )
        yield (
            f"| {disk}, {clients} client{'s' if clients > 1 else ''} | {rates[clients]:,.0f} | {factor:.1f}{target} "
            f"| {cpu_us:.0f} | {limits[clients]:,.0f} | {limits[clients] / limits[1]:.1f} | {raw_cpu_us:.0f} |"
        )


def _contestant(ours: Running, clients: int) -> Contestant:
    return Contestant(
        f"{clients} clients",
        ours.pid,
        lambda: [websocket_link(ours.port, CREATE) for _ in range(clients)],
        b'"status":200',
    )


def _prepare(port: int) -> None:
    """Make the collection, with the mapping that the first document gives it."""
    for verb, path in (("POST", "/library/_create"), ("PUT", "/library/books")):
        urllib.request.urlopen(urllib.request.Request(f"http://localhost:{port}{path}", method=verb)).close()
    answer = json.loads(websocket_answer(port, CREATE))
    if answer["status"] != 200:
        raise RuntimeError(answer)


def _raw_inserts(sync_ms: int, documents: int, seconds: float = 0.7) -> tuple[float, float]:
    """Insert rows, so many with a commit.

    Returns:
        Inserts a second, CPU microseconds an insert.
    """
    with tempfile.TemporaryDirectory() as folder:
        program = [
            str(FOLDER / "peers" / "sqlite_insert.py"),
            str(Path(folder, "raw.db")),
            str(seconds),
            str(documents),
        ]
        done = json.loads(subprocess.run(on_disk(sync_ms, *program), check=True, stdout=subprocess.PIPE).stdout)
    return done["count"] / seconds, done["cpuSeconds"] / done["count"] * 1e6
