"""What is the embedded storage's own: durability, group commit, threads, snapshots and its file."""

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

import apsw
import pytest

from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.errors import StorageFailedError, StoreOpenError, TooManyOperationsError
from kuzzle.storage.query import Search, Term, parse_query, parse_search
from kuzzle.storage.sqlite import SqliteStorage, readers, writer
from kuzzle.storage.sqlite.catalogue import Catalogue
from kuzzle.storage.sqlite.readers import Readers
from kuzzle.storage.sqlite.schema import FORMAT, load_catalogue, open_reader, open_writer
from kuzzle.storage.sqlite.searching import search_documents
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

HOLDING_CHILD = """
import asyncio, sys
from pathlib import Path
from kuzzle.storage.sqlite import SqliteStorage

async def main():
    await SqliteStorage(Path(sys.argv[1])).open()
    print("open", flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


@asynccontextmanager
async def opened(path: Path, **options: Any) -> AsyncIterator[SqliteStorage]:
    """Open a storage with the collection `i`/`c`, and close it."""
    storage = SqliteStorage(path, **options)
    await storage.open()
    try:
        if not await storage.index_exists("i"):
            await storage.create_index("i")
            await storage.create_collection("i", "c", None)
        yield storage
    finally:
        await storage.close()


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


async def error_of_opening(path: Path) -> str:
    """Return the line that refuses to open a store."""
    with pytest.raises(StoreOpenError) as caught:
        await SqliteStorage(path).open()
    text = str(caught.value)
    assert "\n" not in text
    return text


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


# --- the index


def plans(path: Path, search: Search) -> list[str]:
    """Return what SQLite does for each statement of a search."""
    connection = open_reader(path)
    statements: list[tuple[str, Any]] = []

    def trace(_cursor: apsw.Cursor, statement: str, values: Any) -> bool:
        statements.append((statement, values))
        return True

    connection.exec_trace = trace
    state = load_catalogue(connection).indexes["i"].collections["c"]
    statements.clear()
    search_documents(connection, "i", state, search, 0)
    connection.exec_trace = None
    steps = [
        row[3]
        for statement, values in statements
        for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
    ]
    connection.close()
    return steps


MAPPED = {
    "properties": {
        "k": {"type": "keyword"},
        "n": {"type": "long"},
        "d": {"type": "date"},
        "b": {"type": "boolean"},
        "t": {"type": "text"},
    }
}


@pytest.mark.parametrize(
    ("clause", "text", "leading", "following"),
    [
        # The rarest word leads; the others are looked up by their keys, those that begin alike by the document.
        ("match_phrase", "common b1", "v1 USING PRIMARY KEY (field=? AND value=?)", "v0"),
        ("match_phrase_prefix", "common b", "v0 USING PRIMARY KEY (field=? AND value=?)", "v1"),
        ("match_phrase_prefix", "common w1", "v1 USING PRIMARY KEY (field=? AND value>? AND value<?)", "v0"),
    ],
)
async def test_a_phrase_is_found_by_looking_up_its_words(
    tmp_path: Path, clause: str, text: str, leading: str, following: str
) -> None:
    path = tmp_path / "kuzzle.db"
    async with opened(path) as storage:
        await storage.update_mapping("i", "c", MAPPED)
        writes = [
            DocumentWrite(None, {"t": f"common b{number % 9} bx common b{number % 7} w{number}"})
            for number in range(100)
        ]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)
        steps = plans(path, Search(parse_query({clause: {"t": text}})))
    key = "PRIMARY KEY (field=? AND value=? AND rid=?)"
    if following == "v1":
        key = "INDEX values_1_of (rid=? AND field=? AND value>? AND value<?)"
    assert [step for step in steps if step.startswith("SEARCH v") and "values_1 " not in step] == [
        f"SEARCH {leading}",
        f"SEARCH {following} USING {key}",
    ]
    scanned = [step for step in steps if step.startswith(("SCAN d", "SCAN v"))]
    # What the look-up of the leading words found is walked as `d`: that is no table.
    assert scanned == ["SCAN d"] * steps.count("CO-ROUTINE d"), "whole tables are never read"


@pytest.mark.parametrize(("field", "value"), [("k", "x"), ("n", 1), ("b", True), ("t", "x")])
async def test_a_term_on_a_mapped_field_uses_the_index(tmp_path: Path, field: str, value: Any) -> None:
    path = tmp_path / "kuzzle.db"
    async with opened(path) as storage:
        await storage.update_mapping("i", "c", MAPPED)
        await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("a", {field: value}))
        steps = plans(path, Search(Term(field, value)))
    assert "SEARCH d USING PRIMARY KEY (field=? AND value=?)" in steps  # d: the rows of the value, for their documents
    assert [step for step in steps if step.startswith("SCAN")] == []


async def test_a_range_and_a_sort_use_the_index(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    async with opened(path) as storage:
        await storage.update_mapping("i", "c", MAPPED)
        writes = [DocumentWrite(None, {"d": number}) for number in range(100)]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)
        body = {"query": {"range": {"d": {"gte": 50}}}, "sort": {"d": "asc"}}
        steps = plans(path, parse_search(body, offset=None, size=5))
    assert "SEARCH d USING PRIMARY KEY (field=? AND value>?)" in steps
    assert "SEARCH v USING PRIMARY KEY (field=?)" in steps
    # Nothing is sorted and no table read whole; the documents of the range are counted, each once, from its rows alone.
    assert [step for step in steps if "TEMP B-TREE FOR ORDER BY" in step] == []
    assert [step for step in steps if step.startswith("SCAN") and "subquery" not in step] == []


async def test_many_documents_are_sorted_as_few_are(tmp_path: Path) -> None:
    """The two ways to a sorted page agree."""
    async with opened(tmp_path / "kuzzle.db") as storage:
        sources = [{"n": [number * 37 % 101, 200] if number % 5 else None} for number in range(120)]
        writes = [DocumentWrite(f"d{number}", source) for number, source in enumerate(sources)]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)
        for order in ("asc", "desc"):
            for missing in ("_last", "_first"):
                one = {"n": {"order": order, "missing": missing}}
                along = [
                    hit.id
                    for offset in range(0, 120, 40)
                    for hit in (
                        await storage.search("i", "c", parse_search({"sort": [one]}, offset=offset, size=40))
                    ).hits
                ]
                by_keys = await storage.search("i", "c", parse_search({"sort": [one, "_doc"]}, offset=0, size=120))
                assert along == [hit.id for hit in by_keys.hits]
                assert len(set(along)) == 120


# --- the file


async def test_the_data_folder_is_made(tmp_path: Path) -> None:
    async with opened(tmp_path / "a" / "b" / "kuzzle.db"):
        pass
    assert (tmp_path / "a" / "b" / "kuzzle.db").exists()


async def test_bodies_are_stored_as_texts_in_the_order_of_their_members(tmp_path: Path) -> None:
    async with opened(tmp_path / "kuzzle.db") as storage:
        await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("a", {"z": 1, "a": 2}))
        connection = open_reader(tmp_path / "kuzzle.db")
        assert connection.execute("SELECT typeof(body), CAST(body AS TEXT) FROM documents_1").fetchall() == [
            ("blob", '{"z":1,"a":2}')
        ]
        connection.close()


async def test_names_never_reach_a_statement(tmp_path: Path) -> None:
    nasty = "x'); drop table documents_1; --`]"
    async with opened(tmp_path / "kuzzle.db") as storage:
        await storage.create_collection("i", nasty, None)
        write = DocumentWrite(nasty, {nasty: nasty, 'a"b': {"$.c'": 1}})
        await storage.write_document("i", nasty, WriteKind.CREATE, write)
        for query in ({"term": {f"{nasty}.keyword": nasty}}, {"term": {"a\"b.$.c'": 1}}, {"term": {"_id": nasty}}):
            search = parse_search({"query": query, "sort": {f"{nasty}.keyword": "asc"}}, offset=None, size=None)
            page = await storage.search("i", nasty, search)
            assert page.total == 1
        assert await storage.list_collections("i") == ["c", nasty]


async def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    connection = open_writer(path, "full")
    connection.pragma("user_version", FORMAT + 1)
    connection.close()
    assert await error_of_opening(path) == (
        f"The store {path} is from a newer version: its format is {FORMAT + 1}, this version reads up to {FORMAT}"
    )


async def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    assert await error_of_opening(path) == f"The file {path} is a database of another program"


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    path.write_text("no database, but long enough to be looked at by anybody who wants to know" * 20)
    assert await error_of_opening(path) == f"The file {path} is not a database"


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "Cannot make the data folder" in await error_of_opening(tmp_path / "file" / "kuzzle.db")


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kuzzle.db").mkdir()
    assert "Cannot open the store" in await error_of_opening(tmp_path / "kuzzle.db")


async def test_a_folder_that_is_not_writable_is_refused(tmp_path: Path) -> None:
    """/proc refuses files to everyone, the superuser included."""
    assert "The data folder is not writable" in await error_of_opening(Path("/proc/kuzzle.db"))


async def test_a_store_serves_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    child = subprocess.Popen(  # noqa: ASYNC220 - the loop has nothing else to do
        [sys.executable, "-c", HOLDING_CHILD, str(path)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "open\n"
    assert "in use by another server" in await error_of_opening(path)
    child.kill()
    child.wait()
    child.stdout.close()
    child.stdin.close()
    async with opened(path):
        assert "in use by another server" in await error_of_opening(path)
    async with opened(path):
        pass


async def test_a_refused_store_can_be_opened_once_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    path.write_text("x" * 5000)
    storage = SqliteStorage(path)
    with pytest.raises(StoreOpenError):
        await storage.open()
    path.unlink()
    await storage.open()
    await storage.close()
