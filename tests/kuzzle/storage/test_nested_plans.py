"""How the embedded storage finds nested objects: few by the index of values, those of a document by its rids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.query import parse_search
from kuzzle.storage.sqlite import SqliteStorage
from kuzzle.storage.sqlite.schema import load_catalogue, open_reader
from kuzzle.storage.sqlite.searching import search_documents

PART = {"k": {"type": "keyword"}, "n": {"type": "long"}}
MAPPING = {"properties": {"c": {"type": "keyword"}, "items": {"type": "nested", "properties": PART}}}
RARE = {"term": {"items.k": "k1"}}
OF_A_DOCUMENT = "USING COVERING INDEX values_1_of (rid>? AND rid<?)"
EVERY_OBJECT = "USING PRIMARY KEY (field=?)"


@pytest.fixture
def path(tmp_path: Path, io_loop: Any) -> Path:
    """A store of a hundred documents with two objects each."""
    path = tmp_path / "kuzzle.db"
    storage = SqliteStorage(path, durability="normal")

    async def fill() -> None:
        await storage.open()
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)
        writes = [
            DocumentWrite(None, {"c": f"c{n % 30}", "items": [{"k": f"k{n % 50}", "n": n}, {"k": "k", "n": -n}]})
            for n in range(100)
        ]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)
        await storage.close()

    io_loop.run_sync(fill)
    return path


def steps(path: Path, body: dict[str, Any]) -> list[str]:
    """Return what SQLite does to search."""
    connection = open_reader(path)
    state = load_catalogue(connection).indexes["i"].collections["c"]
    search = parse_search(body, offset=None, size=None)
    statements: list[tuple[str, Any]] = []

    def trace(_cursor: apsw.Cursor, statement: str, values: Any) -> bool:
        statements.append((statement, values))
        return True

    connection.exec_trace = trace
    search_documents(connection, "i", state, search, 0)
    connection.exec_trace = None
    found = [
        row[3]
        for statement, values in statements
        for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
    ]
    connection.close()
    return found


def nested(query: Any, **options: Any) -> dict[str, Any]:
    """Make a nested query."""
    return {"nested": {"path": "items", "query": query, **options}}


def test_few_objects_lead_to_their_documents(path: Path) -> None:
    plan = steps(path, {"query": nested({"bool": {"must": [RARE, {"term": {"items.n": 1}}]}})})
    assert "SEARCH values_1 USING PRIMARY KEY (field=? AND value=?)" in plan
    assert "SEARCH d USING COVERING INDEX values_1_of (rid=? AND field=?)" in plan
    assert not any(EVERY_OBJECT in step for step in plan)


def test_scores_and_inner_hits_look_at_the_objects_of_one_document(path: Path) -> None:
    scored = {"function_score": {"query": RARE, "field_value_factor": {"field": "items.n"}}}
    plan = steps(path, {"query": nested(scored, inner_hits={})})
    assert f"SEARCH d {OF_A_DOCUMENT}" in plan
    assert not any(EVERY_OBJECT in step for step in plan)


def test_a_sort_walks_along_the_values_of_objects(path: Path) -> None:
    plan = steps(path, {"sort": {"items.n": {"nested_path": "items"}}, "size": 1})
    assert f"SEARCH v {EVERY_OBJECT}" in plan
    assert "USE TEMP B-TREE FOR LAST TERM OF ORDER BY" in plan, "only equal values are put in order"
    assert not any(OF_A_DOCUMENT in step for step in plan)


def test_a_filtered_sort_looks_at_the_objects_of_each_document(path: Path) -> None:
    plan = steps(path, {"sort": {"items.n": {"nested_path": "items", "nested_filter": RARE}}})
    assert f"SEARCH values_1 {OF_A_DOCUMENT}" in plan


def test_objects_of_all_documents_are_aggregated_along_the_index(path: Path) -> None:
    aggregation = {"nested": {"path": "items"}, "aggs": {"k": {"terms": {"field": "items.k"}}}}
    plan = steps(path, {"size": 0, "aggs": {"it": aggregation}})
    assert f"SEARCH d {EVERY_OBJECT}" in plan
    assert not any(OF_A_DOCUMENT in step for step in plan)


def test_objects_of_few_documents_are_looked_up(path: Path) -> None:
    aggregation = {"nested": {"path": "items"}, "aggs": {"k": {"terms": {"field": "items.k"}}}}
    plan = steps(path, {"size": 0, "query": {"term": {"c": "c3"}}, "aggs": {"it": aggregation}})
    assert f"SEARCH v {OF_A_DOCUMENT}" in plan
    assert not any(step.endswith(EVERY_OBJECT) for step in plan)
