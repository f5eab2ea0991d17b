"""Single durable `document:create` over WebSocket with 1, 16 and 64 clients, beside raw inserts of SQLite.

Each client waits for its answer before it sends the next, and an answer means that the document is on the disk.
The peer commits one row at a time: what one client can have at most, and what many exceed only by sharing commits.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from client_bytes import websocket_answer, websocket_link
from contest import Contestant, compete
from processes import FOLDER, PLAIN_ENVIRONMENT, kuzzle

CLIENTS = (1, 16, 64)
ROUNDS = 3
DOCUMENT = {"title": "The Art of Computer Programming", "year": 1968, "isRead": False}
CREATE = json.dumps(
    {"controller": "document", "action": "create", "index": "library", "collection": "books", "body": DOCUMENT}
)


def run() -> str:
    """Measure; the rows of a table of its own."""
    rows = []
    best_raw = 0.0
    with kuzzle() as ours:
        for verb, path in (("POST", "/library/_create"), ("PUT", "/library/books")):
            request = urllib.request.Request(f"http://localhost:{ours.port}{path}", method=verb)
            urllib.request.urlopen(request).close()
        answer = json.loads(websocket_answer(ours.port, CREATE))
        if answer["status"] != 200:
            raise RuntimeError(answer)
        results = {}
        contestants = {
            clients: Contestant(
                f"{clients} clients",
                ours.pid,
                lambda clients=clients: [websocket_link(ours.port, CREATE) for _ in range(clients)],
                b'"status":200',
            )
            for clients in CLIENTS
        }
        for _ in range(ROUNDS):
            raw = raw_inserts()
            if raw[0] > best_raw:
                best_raw, raw_cpu = raw
            for contestant in contestants.values():
                compete([contestant], 1, rounds=1)
        rows.append(f"| raw SQLite, one connection | {best_raw:,.0f} | | {raw_cpu:.0f} |")
        for clients, contestant in contestants.items():
            results[clients] = max(contestant.per_second)
            rows.append(
                f"| Kuzzle, {clients} client{'s' if clients > 1 else ''} | {results[clients]:,.0f} | "
                f"{results[clients] / best_raw:.2f} | {min(contestant.cpu_us):.0f} |"
            )
    heading = "| durable single document:create | creates/s | of raw | CPU us a create |\n|---|---:|---:|---:|\n"
    return heading + "\n".join(rows)


def raw_inserts(seconds: float = 1.0) -> tuple[float, float]:
    """Insert rows with a commit each.

    Returns:
        Inserts a second, CPU microseconds an insert.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(PLAIN_ENVIRONMENT / "bin" / "python"),
            str(FOLDER / "peers" / "sqlite_insert.py"),
            str(Path(folder, "raw.db")),
            str(seconds),
        ]
        done = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return done["count"] / seconds, done["cpuSeconds"] / done["count"] * 1e6
