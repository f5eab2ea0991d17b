"""Index rows wait for the end of their transaction: whatever happens in it, they follow the documents."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from store_check import store_faults

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.errors import DocumentAlreadyExistsError, StorageFailedError
from kuzzle.storage.query import Term
from kuzzle.storage.sqlite import pending
from kuzzle.storage.sqlite.backend import SqliteStorage

MAPPING = {"properties": {"k": {"type": "keyword"}, "t": {"type": "text"}}}


async def filled(path: Path) -> SqliteStorage:
    storage = SqliteStorage(path)
    await storage.open()
    await storage.create_index("i")
    await storage.create_collection("i", "c", MAPPING)
    return storage


def write(storage: SqliteStorage, kind: WriteKind, document_id: str, source: dict[str, Any] | None) -> Any:
    return storage.write_document("i", "c", kind, DocumentWrite(document_id, source))


async def test_writes_of_one_transaction_see_the_rows_of_those_before(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    storage = await filled(path)
    before = storage.commits
    kinds = WriteKind.CREATE, WriteKind.UPDATE, WriteKind.CREATE_OR_REPLACE, WriteKind.DELETE
    create, update, replace, delete = kinds
    found = await asyncio.gather(
        write(storage, create, "changed", {"k": "x", "t": "one two two"}),
        write(storage, update, "changed", {"t": "two three"}),
        write(storage, create, "replaced", {"k": ["x", "y"], "t": "four"}),
        write(storage, create, "changed", {"k": "z"}),
        write(storage, replace, "replaced", {"k": "y"}),
        write(storage, create, "deleted", {"k": "x", "t": "five"}),
        write(storage, delete, "deleted", None),
        write(storage, create, "last", {"t": "five two"}),
        return_exceptions=True,
    )
    # The first may have gone alone.
    assert storage.commits - before <= 2
    assert [type(each) for each in found if isinstance(each, Exception)] == [DocumentAlreadyExistsError]
    assert await storage.find_ids("i", "c", Term("k", "x")) == ["changed"]
    assert await storage.find_ids("i", "c", Term("t", "five")) == ["last"]
    await storage.close()
    assert store_faults(path) == []


async def test_an_index_that_is_deleted_in_the_same_transaction_takes_its_rows_along(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    storage = await filled(path)
    await asyncio.gather(
        write(storage, WriteKind.CREATE, "a", {"k": "x"}),
        write(storage, WriteKind.CREATE, "b", {"k": "x"}),
        storage.delete_index("i"),
    )
    await storage.create_index("i")
    await storage.create_collection("i", "c", MAPPING)
    await asyncio.gather(*(write(storage, WriteKind.CREATE, name, {"k": name, "t": name}) for name in "cde"))
    assert await storage.find_ids("i", "c", Term("k", "x")) == []
    await storage.close()
    assert store_faults(path) == []


async def test_rows_that_wait_are_stored_before_they_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "_MOST_ROWS", 10)
    path = tmp_path / "kuzzle.db"
    storage = await filled(path)
    writes = [DocumentWrite(f"d{number}", {"k": [str(number), "x"], "t": f"all w{number}"}) for number in range(50)]
    await storage.write_documents("i", "c", WriteKind.CREATE, writes)
    assert await storage.count("i", "c", Term("t", "all")) == 50
    await storage.close()
    assert store_faults(path) == []


async def test_rows_of_a_transaction_that_fails_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kuzzle.db"
    storage = await filled(path)
    real = pending.insert_values

    def fail_for_bad(connection: Any, table: str, rows: Any) -> None:
        if any(row[1] == "bad" for row in rows):
            connection.execute(f"INSERT INTO {table} VALUES (NULL, NULL, NULL, NULL, NULL)")
        real(connection, table, rows)

    monkeypatch.setattr(pending, "insert_values", fail_for_bad)
    found = await asyncio.gather(
        *(
            write(storage, WriteKind.CREATE, f"d{number}", {"k": "bad" if number == 3 else "good"})
            for number in range(8)
        ),
        return_exceptions=True,
    )
    failed = [each for each in found if isinstance(each, KuzzleError)]
    assert [type(each) for each in failed] == [StorageFailedError]
    assert await storage.find_ids("i", "c", Term("k", "good")) == [f"d{n}" for n in range(8) if n != 3]
    await storage.close()
    assert store_faults(path) == []
