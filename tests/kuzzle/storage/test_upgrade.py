"""Stores of older formats are indexed anew when they are opened."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import apsw
import orjson
import pytest

from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.errors import StoreOpenError
from kuzzle.storage.query import Search, parse_query
from kuzzle.storage.sqlite import SqliteStorage
from kuzzle.storage.sqlite.schema import FORMAT

MAPPING = {"properties": {"items": {"type": "nested", "properties": {"k": {"type": "keyword"}}}}}
DOCUMENTS = [
    ("a", {"items": [{"k": "red"}], "name": "Ada Lovelace"}),
    ("b", {"items": [{"k": "blue"}], "name": "Bob"}),
]
NESTED = {"nested": {"path": "items", "query": {"term": {"items.k": "red"}}}}


async def write_old_store(path: Path) -> None:
    """Make a store as format 1 had it: no weights, no lengths, no numbers of nested objects, contents as JSONB."""
    storage = SqliteStorage(path)
    await storage.open()
    await storage.create_index("i")
    await storage.create_collection("i", "c", MAPPING)
    writes = [DocumentWrite(document_id, source) for document_id, source in DOCUMENTS]
    await storage.write_documents("i", "c", WriteKind.CREATE, writes)
    await storage.update_mapping("i", "c", {"dynamic": "strict"})
    await storage.write_documents("i", "c", WriteKind.CREATE, [DocumentWrite("c", {"name": "Eve"})])
    await storage.close()
    connection = apsw.Connection(str(path))
    numbers = orjson.loads(str(connection.execute("SELECT field_numbers FROM collections").get))
    del numbers["items"]
    connection.execute("UPDATE collections SET field_numbers = ?", (orjson.dumps(numbers).decode(),))
    connection.execute("UPDATE documents_1 SET body = jsonb(CAST(body AS TEXT))")
    connection.execute("ALTER TABLE documents_1 DROP COLUMN metadata_start")
    connection.execute("ALTER TABLE documents_1 DROP COLUMN metadata_size")
    connection.execute("UPDATE documents_1 SET body = jsonb_set(body, '$.unknown', 1, '$.items[0].k', jsonb('{}')) "
                       "WHERE id = 'b'")  # fmt: skip
    connection.execute("DROP TABLE values_1; DROP TABLE lengths_1")
    connection.execute("CREATE TABLE values_1 (field INTEGER, value ANY, rid INTEGER, PRIMARY KEY (field, value, rid))")
    connection.execute("CREATE INDEX values_1_of ON values_1 (rid, field)")
    connection.pragma("user_version", 1)
    connection.close()


async def find(storage: SqliteStorage, query: Any) -> list[str]:
    """Return the ids that a query finds, the best first."""
    return [hit.id for hit in (await storage.search("i", "c", Search(parse_query(query)))).hits]


async def test_an_older_store_is_indexed_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "kuzzle.db"
    await write_old_store(path)
    caplog.set_level(logging.INFO, "kuzzle.storage.sqlite.upgrade")
    for _ in range(2):
        storage = SqliteStorage(path)
        await storage.open()
        try:
            assert await find(storage, NESTED) == ["a"]
            assert await find(storage, {"match": {"name": "ada"}}) == ["a"]
            # What its mapping would refuse by now is left out, the rest of the document is there.
            assert await find(storage, {"match": {"name": "bob"}}) == ["b"]
            assert await find(storage, {"match_all": {}}) == ["a", "b", "c"]
        finally:
            await storage.close()
    assert caplog.messages == [f"The store has format 1: indexing its documents anew for format {FORMAT}"]


async def test_a_store_that_cannot_be_brought_forward_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    await write_old_store(path)
    connection = apsw.Connection(str(path))
    connection.execute("ALTER TABLE documents_1 RENAME TO lost")
    with pytest.raises(StoreOpenError, match=f"Cannot bring the store to format {FORMAT}: .*no such table"):
        await SqliteStorage(path).open()
    assert connection.pragma("user_version") == 1
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'lengths_1'").get == 0
    connection.close()
