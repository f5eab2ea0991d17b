"""The data API on many documents: `python tests/benchmarks/data.py [--documents 100000|1000000] [PART ...]`.

Parts: import writes get reads growth counting; without names all of them. Prints Markdown tables; README.md tells how
they are meant. 100,000 documents take about five minutes; a million half an hour and more, and 3 GB in the folder for
temporary files (TMPDIR).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import data_counting
from client_bytes import open_websocket, websocket_answer, websocket_frames, websocket_text
from contest import Contestant, compete, cpu_seconds
from data_content import MAPPING, documents, questions
from data_peers import PEERS, Peer, open_peers, peers_python
from data_works import (
    COLLECTION,
    GROWTH,
    IMPORTED_AT_ONCE,
    INDEX,
    READS,
    Question,
    Work,
    about_documents,
    batch,
    creates,
    imported,
    request,
)
from load import Link
from processes import Running, kuzzle, plain_python

PARTS = ("import", "writes", "get", "reads", "growth", "counting")
ROUNDS = 3
# Clients of the reads by id, as in the benchmark of server:now.
CONNECTIONS = 50
ASKED = 200
# The targets of searches are meant for so many documents.
TARGET_DOCUMENTS = 100_000
GET_LIMIT = 1.5
CREATE_FACTOR = 10


def show(text: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Data:
    """A running server with the documents, and its peers."""

    def __init__(self, ours: Running, peers: Sequence[Peer], asked: list[Question], total: int) -> None:
        self.ours = ours
        self.peers = {peer.name: peer for peer in peers}
        self.asked = asked
        self.total = total

    def contestant(self, texts: Sequence[str], clients: int) -> Contestant:
        """Our server, asked these in turn by so many clients, each from another one on."""
        frames = [websocket_text(text) for text in texts]

        def open_links() -> list[Link]:
            starts = (client * len(frames) // clients for client in range(clients))
            return [
                Link(open_websocket(self.ours.port), frames[start:] + frames[:start], websocket_frames)
                for start in starts
            ]

        return Contestant("Kuzzle", self.ours.pid, open_links, b'"status":200')

    def row(self, work: Work, texts: Sequence[str], peer_work: str = "", peer_units: int = 0) -> tuple[Contestant, str]:
        """Measure a work in turn with its peers; the row of the table.

        Args:
            peer_work: The peers' name of the work, where it is another one.
            peer_units: How many documents one call of theirs is about, where it is another number.
        """
        answer = json.loads(websocket_answer(self.ours.port, texts[0]))
        if answer["status"] != 200:
            raise RuntimeError(answer)
        ours = self.contestant(texts, work.clients)
        theirs = [self.peers[name] for name in work.peers if name in self.peers]
        for peer in theirs:
            peer.costs.clear()
        for _ in range(ROUNDS):
            compete([ours], 1, rounds=1)
            for peer in theirs:
                peer.measure(peer_work or work.name)
        cost = statistics.median(ours.cpu_us) / work.units
        cells = [f"| {work.title} | {milliseconds(cost)}"]
        for name in PEERS:
            peer_cost = (
                statistics.median(self.peers[name].costs) / (peer_units or work.units)
                if self.peers.get(name) in theirs
                else 0.0
            )
            cells.append(f"{milliseconds(peer_cost)} | {cost / peer_cost:.2f}" if peer_cost else " | ")
        target = ""
        if work.target_ms is not None and self.total <= TARGET_DOCUMENTS:
            target = f"{work.target_ms:g} {kept(cost <= work.target_ms * 1000)}"
        return ours, f"{' | '.join(cells)} | {target} | {statistics.median(ours.per_second) * work.units:,.0f} |"


def milliseconds(cost_us: float) -> str:
    """A cost as the tables show it."""
    return f"{cost_us / 1000:.3f}" if cost_us < 10_000 else f"{cost_us / 1000:.1f}"


def kept(is_kept: bool) -> str:
    """What became of a target."""
    return "kept" if is_kept else "**missed**"


def heading(unit: str) -> str:
    """The head of a table."""
    peers = " | ".join(f"{peer}, ms | times" for peer in PEERS)
    return f"| work | ms a {unit} | {peers} | target, ms | {unit}s/s |\n|---|---:|{'---:|---:|' * len(PEERS)}---|---:|"


def prepare(port: int) -> None:
    """Make the collection."""
    for verb, path, body in (("POST", f"/{INDEX}/_create", {}), ("PUT", f"/{INDEX}/{COLLECTION}", MAPPING)):
        data = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        url = f"http://localhost:{port}{path}"
        urllib.request.urlopen(urllib.request.Request(url, method=verb, data=data, headers=headers)).close()


def fill(ours: Running, total: int) -> tuple[float, float]:
    """Import all documents.

    Returns:
        CPU microseconds a document: of the first tenth and of the last one, to see what the size does.
    """
    tenths: list[float] = []
    for tenth in range(10):
        start, end = total * tenth // 10, total * (tenth + 1) // 10
        texts = [imported(first, min(IMPORTED_AT_ONCE, end - first)) for first in range(start, end, IMPORTED_AT_ONCE)]
        cpu = cpu_seconds(ours.pid)
        for text in texts:
            if json.loads(websocket_answer(ours.port, text))["status"] != 200:
                raise RuntimeError("an import was refused")
        tenths.append((cpu_seconds(ours.pid) - cpu) / (end - start) * 1e6)
    return tenths[0], tenths[-1]


def writes(data: Data) -> Iterator[str]:
    """Durable creates by 1, 16 and 64 clients, mCreate, import."""
    yield heading("document")
    rates = {}
    number = 10 * data.total
    for clients in (1, 16, 64):
        work = Work("create", f"create, {clients} client{'s' * (clients > 1)}", str, ("sqlite",), clients)
        texts = list(creates(number, 640))
        # The peer stores as many documents as there are clients in one transaction.
        ours, row = data.row(work, texts, f"create_{clients}", clients)
        rates[clients] = statistics.median(ours.per_second)
        yield row
    batches = [batch(number + 200 * each, 200) for each in range(5)]
    yield data.row(Work("mCreate", "mCreate of 200", str, ("sqlite",), units=200), batches)[1]
    imports = [imported(number + IMPORTED_AT_ONCE * each, IMPORTED_AT_ONCE, with_ids=False) for each in range(5)]
    work = Work("import", f"import of {IMPORTED_AT_ONCE:,}", str, ("sqlite",), units=IMPORTED_AT_ONCE)
    yield data.row(work, imports)[1]
    factor = rates[64] / rates[1]
    yield f"\n64 clients create {factor:.1f} times as fast as one; {CREATE_FACTOR} {kept(factor >= CREATE_FACTOR)}"


def get(data: Data) -> Iterator[str]:
    """A document by its id, beside the cheapest request there is."""
    now = data.contestant([request("server", "now")], CONNECTIONS)
    texts = [about_documents("get", _id=asked["id"]) for asked in data.asked]
    found = data.contestant(texts, CONNECTIONS)
    peers = [peer for name, peer in data.peers.items() if name == "sqlite"]
    for _ in range(ROUNDS):
        compete([now, found], 1, rounds=1)
        for peer in peers:
            peer.measure("get")
    cost, least = statistics.median(found.cpu_us), statistics.median(now.cpu_us)
    yield "| WebSocket, 50 connections | CPU us a request | times server:now | target |\n|---|---:|---:|---|"
    yield f"| server:now | {least:.1f} | | |"
    yield f"| document:get | {cost:.1f} | {cost / least:.2f} | {GET_LIMIT} {kept(cost <= GET_LIMIT * least)} |"
    for peer in peers:
        yield f"| statement and JSON by hand | {statistics.median(peer.costs):.1f} | | |"


def reads(data: Data, works: Sequence[Work]) -> Iterator[str]:
    """Searches and counts."""
    yield heading("request")
    for work in works:
        yield data.row(work, [work.text(asked) for asked in data.asked])[1]


def write_files(folder: Path, total: int, written: int) -> tuple[Path, Path, list[Question]]:
    """Give the peers what they work with: questions about all documents, and so many of these."""
    asked = questions(ASKED, total)
    questions_file, documents_file = folder / "questions.json", folder / "documents.jsonl"
    questions_file.write_text(json.dumps(asked))
    with documents_file.open("w") as file:
        file.writelines(json.dumps(document) + "\n" for document in documents(0, written))
    return questions_file, documents_file, asked


def prepare_all(ours: Running, total: int) -> None:
    """Store the documents, unless the store has them from a run before."""
    counted = json.loads(websocket_answer(ours.port, about_documents("count", body={})))
    if counted["status"] == 200 and counted["result"]["count"] >= total:
        show(f"{total:,} documents from before, {os.path.getsize(ours.store) / 1e6:,.0f} MB\n")
        return
    prepare(ours.port)
    first, last = fill(ours, total)
    show(f"{total:,} documents, {os.path.getsize(ours.store) / 1e6:,.0f} MB")
    show(f"import: {first:.0f} us of CPU a document in the first tenth, {last:.0f} in the last\n")


def measure(options: argparse.Namespace, parts: Sequence[str]) -> None:
    """Measure what needs the documents."""
    total: int = options.documents
    with tempfile.TemporaryDirectory() as folder, kuzzle(kept=options.folder) as ours:
        prepare_all(ours, total)
        # SQLite reads the server's own file, and few documents are enough to write again and again.
        files = write_files(Path(folder), total, 5_000 if options.peers == ["sqlite"] else total)
        with open_peers(options.peers, ours.store, Path(folder), *files[:2]) as peers:
            data = Data(ours, peers, files[2], total)
            for part, lines in (
                ("get", lambda: get(data)),
                ("reads", lambda: reads(data, READS)),
                ("growth", lambda: reads(data, GROWTH)),
                ("writes", lambda: writes(data)),
            ):
                if part in parts:
                    for line in lines():
                        show(line)
                    show("")


def main() -> None:
    """Read the command line, and measure the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=100_000, help="how many documents there are")
    parser.add_argument("--folder", type=Path, help="where the server's files are kept, to be used again")
    parser.add_argument("--peers", default=",".join(PEERS), help="those to measure beside, with commas")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    options = parser.parse_args()
    parts = options.parts or PARTS
    options.peers = [name for name in PEERS if name in options.peers.split(",")]
    plain_python()
    peers_python()
    if set(parts) - {"counting"}:
        measure(options, parts)
    if "counting" in parts:
        show(data_counting.run())


if __name__ == "__main__":
    main()
