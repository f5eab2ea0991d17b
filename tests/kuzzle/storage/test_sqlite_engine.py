"""What is the embedded storage's own: durability, group commit, threads and snapshots."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from opened_store import opened

from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.errors import StorageFailedError, TooManyOperationsError
from kuzzle.storage.query import parse_query, parse_search
from kuzzle.storage.sqlite import readers, writer
from kuzzle.storage.sqlite.catalogue import Catalogue
from kuzzle.storage.sqlite.readers import Readers
from kuzzle.storage.sqlite.schema import load_catalogue, open_reader, open_writer
from kuzzle.storage.sqlite.writer import Change, Transaction, Writer

ROOT = Path(__file__).resolve().parents[3]

WRITING_CHILD = """
import asyncio, sys
from pathlib import Path
from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.sqlite import SqliteStorage

async def write(storage, lane):
    for number in range(100000):
        document_id = f"{lane}-{number}"
        await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite(document_id, {"n": number, "k": lane}))
        sys.stdout.write(document_id + "\\n")
        sys.stdout.flush()

async def main():
    storage = SqliteStorage(Path(sys.argv[1]))
    await storage.open()
    await storage.create_index("i")
    await storage.create_collection("i", "c", None)
    await asyncio.gather(*(write(storage, f"lane{lane}") for lane in range(8)))

asyncio.run(main())
"""


@asynccontextmanager
async def writing(path: Path) -> AsyncIterator[Writer]:
    """Run a writer's thread by itself."""
    connection = open_writer(path, "full")
    lone = Writer(connection, Catalogue(), asyncio.get_running_loop())
    try:
        yield lone
    finally:
        await lone.close()
        connection.close()


def submit(lone: Writer, run: Callable[[Transaction], Any], **options: Any) -> asyncio.Future[Any]:
    """Queue a change."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    lone.submit(Change(run, future, **options))
    return future


async def hold(lone: Writer) -> tuple[asyncio.Future[Any], threading.Event]:
    """Keep a writer busy with one change until the event is set."""
    started, gate = threading.Event(), threading.Event()
    held = submit(lone, lambda _transaction: started.set() or gate.wait())
    await asyncio.to_thread(started.wait)
    return held, gate


def insert(name: str) -> Callable[[Transaction], None]:
    """Make a change that writes one row."""
    return lambda transaction: transaction.connection.execute("INSERT INTO indexes (name) VALUES (?)", (name,)) and None


# --- durability


async def test_no_acknowledged_write_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    child = subprocess.Popen(  # noqa: ASYNC220 - the loop has nothing else to do
        [sys.executable, "-c", WRITING_CHILD, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdout is not None
    acknowledged = [child.stdout.readline().strip() for _ in range(200)]
    child.send_signal(signal.SIGKILL)
    acknowledged += [line.strip() for line in child.stdout if line.endswith("\n")]
    child.stdout.close()
    child.wait()
    async with opened(path) as storage:
        documents = await storage.get_documents("i", "c", acknowledged)
        assert [document and document.id for document in documents] == acknowledged
        lane = parse_query({"term": {"k.keyword": "lane0"}})
        assert len(await storage.find_ids("i", "c", lane)) >= sum(name.startswith("lane0-") for name in acknowledged)


def test_durability_decides_how_commits_reach_the_disk(tmp_path: Path) -> None:
    for durability, synchronous in (("full", 2), ("normal", 1)):
        connection = open_writer(tmp_path / durability, durability)
        assert (connection.pragma("synchronous"), connection.pragma("journal_mode")) == (synchronous, "wal")
        connection.close()


# --- group commit


async def test_writes_that_wait_together_share_one_commit(tmp_path: Path) -> None:
    async with writing(tmp_path / "kuzzle.db") as lone:
        first, gate = await hold(lone)
        others = [submit(lone, insert(f"i{number}")) for number in range(64)]
        gate.set()
        await asyncio.gather(first, *others)
        assert lone.commits == 2


async def test_a_batch_has_an_end(tmp_path: Path) -> None:
    async with writing(tmp_path / "kuzzle.db") as lone:
        first, gate = await hold(lone)
        others = [submit(lone, insert(f"i{number}")) for number in range(2 * writer.MAX_BATCH)]
        gate.set()
        await asyncio.gather(first, *others)
        assert lone.commits == 3


async def test_concurrent_documents_share_commits(tmp_path: Path) -> None:
    async with opened(tmp_path / "kuzzle.db") as storage:
        before = storage.commits
        writes = [storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite(None, {})) for _ in range(64)]
        await asyncio.gather(*writes)
        assert storage.commits - before < 32


async def test_a_change_that_breaks_the_transaction_fails_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def break_statement(transaction: Transaction) -> None:
        transaction.connection.execute("INSERT INTO indexes (name) VALUES ('half')")
        transaction.connection.execute("INSERT INTO nowhere VALUES (1)")

    def break_program(transaction: Transaction) -> None:
        transaction.connection.execute("INSERT INTO indexes (name) VALUES ('half')")
        raise ZeroDivisionError

    path = tmp_path / "kuzzle.db"
    async with writing(path) as lone:
        first, gate = await hold(lone)
        runs = (insert("a"), break_statement, insert("b"), break_program, insert("c"))
        futures = [submit(lone, run) for run in runs]
        gate.set()
        await first
        results = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(result) for result in results] == [
        type(None), StorageFailedError, type(None), ZeroDivisionError, type(None),
    ]  # fmt: skip
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    connection = open_reader(path)
    assert sorted(load_catalogue(connection).indexes) == ["a", "b", "c"]
    connection.close()


async def test_a_listener_that_raises_harms_no_other(tmp_path: Path) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
    seen: list[Any] = []
    async with writing(tmp_path / "kuzzle.db") as lone:
        first, gate = await hold(lone)
        bad = submit(lone, lambda _transaction: 1, after_commit=lambda _result: 1 / 0)
        good = submit(lone, lambda _transaction: 2, after_commit=seen.append)
        gate.set()
        assert await asyncio.gather(first, bad, good) == [True, 1, 2]
    assert seen == [2]
    assert [type(fault["exception"]) for fault in faults] == [ZeroDivisionError]


async def test_too_many_waiting_writes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING", 10)
    async with writing(tmp_path / "kuzzle.db") as lone:
        first, gate = await hold(lone)
        waiting = [submit(lone, insert(f"i{number}")) for number in range(10)]
        with pytest.raises(TooManyOperationsError) as caught:
            submit(lone, insert("late"))
        assert (caught.value.id, caught.value.status) == ("services.storage.too_many_operations", 500)
        gate.set()
        await asyncio.gather(first, *waiting)


# --- the event loop


async def count_ticks(until: asyncio.Future[Any]) -> int:
    """Count the turns of the loop until something is done."""
    ticks = 0
    while not until.done():
        ticks += 1
        await asyncio.sleep(0)
    return ticks


async def test_the_loop_turns_while_a_search_runs(tmp_path: Path) -> None:
    async with opened(tmp_path / "kuzzle.db", durability="normal") as storage:
        writes = [DocumentWrite(None, {"n": number % 977, "m": number % 13}) for number in range(10000)]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)
        body = {"sort": [{"m": "desc"}, {"n": "asc"}], "query": {"range": {"n": {"gte": 1}}}}
        long_search = asyncio.ensure_future(storage.search("i", "c", parse_search(body, offset=None, size=None)))
        assert await count_ticks(long_search) > 20
        assert long_search.result().total == sum(number % 977 >= 1 for number in range(10000))


async def test_the_loop_turns_while_a_batch_is_written(tmp_path: Path) -> None:
    async with opened(tmp_path / "kuzzle.db") as storage:
        writes = [DocumentWrite(None, {"n": number, "text": f"number {number}"}) for number in range(1000)]
        writing = asyncio.ensure_future(storage.write_documents("i", "c", WriteKind.CREATE, writes))
        assert await count_ticks(writing) > 20


async def test_a_search_waits_for_no_other_search(tmp_path: Path) -> None:
    open_writer(tmp_path / "kuzzle.db", "full").close()
    both = threading.Barrier(2)
    connections = [open_reader(tmp_path / "kuzzle.db") for _ in range(2)]
    pool = Readers(connections, asyncio.get_running_loop(), keeps_snapshots=False, limit_ms=0)
    await asyncio.gather(*(pool.run(lambda _connection: both.wait(30)) for _ in range(2)))
    await pool.close()


async def test_too_many_waiting_searches_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MAX_WAITING", 1)
    open_writer(tmp_path / "kuzzle.db", "full").close()
    pool = Readers([open_reader(tmp_path / "kuzzle.db")], asyncio.get_running_loop(), keeps_snapshots=False, limit_ms=0)
    gate, started = threading.Event(), threading.Event()
    running = asyncio.ensure_future(pool.run(lambda _connection: started.set() or gate.wait()))
    await asyncio.to_thread(started.wait)
    waiting = asyncio.ensure_future(pool.run(lambda _connection: 2))
    await asyncio.sleep(0)
    with pytest.raises(TooManyOperationsError):
        await pool.run(lambda _connection: 3)
    gate.set()
    assert await asyncio.gather(running, waiting) == [True, 2]
    await pool.close()


# --- visibility


async def test_an_old_snapshot_hides_writes_until_it_is_refreshed(tmp_path: Path) -> None:
    async with opened(tmp_path / "kuzzle.db", refresh_interval_ms=3_600_000) as storage:
        await storage.refresh("i")
        assert await storage.count("i", "c") == 0
        await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("a", {"n": 1}))
        assert await storage.count("i", "c") == 0
        assert (await storage.get_document("i", "c", "a")).source == {"n": 1}
        assert [document and document.id for document in await storage.get_documents("i", "c", ["a"])] == ["a"]
        await storage.refresh("i")
        assert await storage.count("i", "c") == 1
        await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("b", {}), refresh=True)
        assert await storage.count("i", "c") == 2


async def test_a_snapshot_is_renewed_when_its_interval_is_over(tmp_path: Path) -> None:
    async with opened(tmp_path / "kuzzle.db", refresh_interval_ms=20) as storage:
        await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("a", {"n": 1}))
        while not await storage.count("i", "c"):  # noqa: ASYNC110 - nothing tells that a snapshot was renewed
            await asyncio.sleep(0.01)


async def test_a_collection_newer_than_the_snapshot_is_empty(tmp_path: Path) -> None:
    async with opened(tmp_path / "kuzzle.db", refresh_interval_ms=3_600_000) as storage:
        assert await storage.count("i", "c") == 0
        await storage.create_collection("i", "d", None)
        assert await storage.count("i", "d") == 0
