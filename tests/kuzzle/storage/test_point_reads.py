"""Reads by id: they share a read transaction, and see what was committed nevertheless."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw

from kuzzle.storage.base import DocumentWrite, WriteKind, WrittenDocument
from kuzzle.storage.sqlite import SqliteStorage


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteStorage]:
    """Open a storage with a document `d` in the collection `i`/`c`, and close it."""
    storage = SqliteStorage(path)
    await storage.open()
    await storage.create_index("i")
    await storage.create_collection("i", "c", None)
    await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("d", {"n": 0}))
    yield storage
    await storage.close()


def read_now(storage: SqliteStorage) -> Any:
    """Read the document without giving up the turn."""
    try:
        storage.get_document("i", "c", "d").send(None)
    except StopIteration as done:
        return done.value.source["n"]
    raise AssertionError("a read by id has waited")


async def test_reads_share_a_transaction_until_something_is_written(tmp_path: Path) -> None:
    async with opened(tmp_path / "kuzzle.db") as storage:
        other = apsw.Connection(str(tmp_path / "kuzzle.db"))
        seen = [read_now(storage)]
        # Nobody else writes to a store that is open: this only shows which state a read sees.
        other.execute("UPDATE documents_1 SET body = ?", (b'{"n":1}',))
        await asyncio.sleep(0)
        seen.append(read_now(storage))
        change = storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("e", {}))
        writing = asyncio.get_running_loop().create_task(change)
        await asyncio.sleep(0)
        seen.append(read_now(storage))
        await writing
        other.close()
        assert seen == [0, 0, 1]


async def test_whoever_learns_of_a_write_reads_it_however_often_others_read(tmp_path: Path) -> None:
    async with opened(tmp_path / "kuzzle.db") as storage:
        told: list[Any] = []

        def read_always() -> None:
            read_now(storage)
            timer[0] = asyncio.get_running_loop().call_soon(read_always)

        def listen(documents: Sequence[WrittenDocument]) -> None:
            told.append((documents[0].source["n"], read_now(storage)))

        timer = [asyncio.get_running_loop().call_soon(read_always)]
        for number in range(1, 200):
            change = DocumentWrite("d", {"n": number})
            await storage.write_document("i", "c", WriteKind.UPDATE, change, after_commit=listen)
            assert read_now(storage) == number
        timer[0].cancel()
        assert told == [(number, number) for number in range(1, 200)]


async def test_a_store_closes_in_the_turn_of_a_read(tmp_path: Path) -> None:
    async with opened(tmp_path / "kuzzle.db") as storage:
        assert read_now(storage) == 0
    assert not (tmp_path / "kuzzle.db-wal").exists()
