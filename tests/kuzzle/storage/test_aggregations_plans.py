"""How the embedded storage computes aggregations: along its index, without reading documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.query import Bool, Query, Search, Term, parse_search
from kuzzle.storage.sqlite import SqliteStorage
from kuzzle.storage.sqlite.aggregating import aggregate
from kuzzle.storage.sqlite.schema import load_catalogue, open_reader

MAPPING = {"properties": {"k": {"type": "keyword"}, "n": {"type": "long"}, "b": {"type": "boolean"}}}
# What API 1 puts around every search, to hide the trash.
NOT_IN_TRASH = Bool(must_not=(Term("b", False),))


async def fill(path: Path) -> None:
    """Store a hundred documents."""
    storage = SqliteStorage(path)
    await storage.open()
    await storage.create_index("i")
    await storage.create_collection("i", "c", MAPPING)
    writes = [DocumentWrite(None, {"k": f"k{n % 7}", "n": n, "b": n % 10 > 0}) for n in range(100)]
    await storage.write_documents("i", "c", WriteKind.CREATE, writes)
    await storage.close()


def plan(path: Path, query: Query, aggregations: dict[str, Any], total: int) -> list[str]:
    """Return what SQLite does to compute aggregations."""
    connection = open_reader(path)
    state = load_catalogue(connection).indexes["i"].collections["c"]
    wanted = parse_search({"aggs": aggregations}, offset=None, size=None).aggregations
    statements: list[tuple[str, Any]] = []

    def trace(_cursor: apsw.Cursor, statement: str, values: Any) -> bool:
        statements.append((statement, values))
        return True

    connection.exec_trace = trace
    aggregate(connection, "i", state, Search(query, aggregations=wanted), 0, total)
    connection.exec_trace = None
    steps = [
        row[3]
        for statement, values in statements
        if "max(rid)" not in statement
        for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
    ]
    connection.close()
    return steps


@pytest.mark.parametrize("aggregation", [{"terms": {"field": "k"}}, {"stats": {"field": "n"}}])
async def test_an_indexed_field_is_aggregated_without_reading_documents(
    tmp_path: Path, aggregation: dict[str, Any]
) -> None:
    await fill(tmp_path / "kuzzle.db")
    steps = plan(tmp_path / "kuzzle.db", NOT_IN_TRASH, {"it": aggregation}, 90)
    assert "SEARCH d USING PRIMARY KEY (field=?)" in steps
    assert not any("documents" in step or step == "SCAN d" for step in steps)
    assert "USE TEMP B-TREE FOR GROUP BY" not in steps, "the index has the values in order"


async def test_few_matches_are_looked_up_and_not_walked_to(tmp_path: Path) -> None:
    await fill(tmp_path / "kuzzle.db")
    steps = plan(tmp_path / "kuzzle.db", Term("n", 5), {"it": {"terms": {"field": "k"}}}, 1)
    assert any(step.startswith("SEARCH v USING") and "values_1_of (rid=? AND field=?)" in step for step in steps), steps
    assert "SEARCH d USING PRIMARY KEY (field=?)" not in steps
