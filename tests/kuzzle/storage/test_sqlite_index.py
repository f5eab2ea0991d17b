"""What the embedded storage looks up in its index, and how it sorts by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest
from opened_store import opened

from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.query import Search, Term, parse_query, parse_search
from kuzzle.storage.sqlite.schema import load_catalogue, open_reader
from kuzzle.storage.sqlite.searching import search_documents


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
