"""Fields that have one value a document are read without asking whether a document was met before.

The first document with several values changes that; answers are the same before, after, and without it again.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_check import store_faults

from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.query import parse_query, parse_search
from kuzzle.storage.sqlite import pages
from kuzzle.storage.sqlite.backend import SqliteStorage
from kuzzle.storage.sqlite.schema import load_catalogue, open_reader
from kuzzle.storage.sqlite.searching import search_documents

MAPPING = {
    "properties": {
        "n": {"type": "integer", "copy_to": "all"},
        "m": {"type": "integer", "copy_to": "all"},
        "all": {"type": "integer"},
        "k": {"type": "keyword"},
        "inner": {"type": "nested", "properties": {"n": {"type": "integer"}}},
    }
}
EXISTS, RANGE = {"exists": {"field": "n"}}, {"range": {"n": {"gte": 2}}}


async def opened(path: Path) -> SqliteStorage:
    storage = SqliteStorage(path)
    await storage.open()
    await storage.create_index("i")
    await storage.create_collection("i", "c", MAPPING)
    return storage


async def write(storage: SqliteStorage, *sources: tuple[str, dict[str, Any]]) -> None:
    writes = [DocumentWrite(name, source) for name, source in sources]
    outcomes = await storage.write_documents("i", "c", WriteKind.CREATE_OR_REPLACE, writes)
    assert len(outcomes) == len(sources)


async def find(storage: SqliteStorage, query: dict[str, Any], **body: Any) -> tuple[list[str], int]:
    """Return the ids of a page and the total."""
    offset = body.pop("from", 0)
    found = await storage.search("i", "c", parse_search({"query": query, **body}, offset=offset, size=5))
    return [hit.id for hit in found.hits], found.total


def marked(path: Path) -> set[str]:
    """Return the fields that are known to have several values in a document."""
    connection = apsw.Connection(str(path))
    state = load_catalogue(connection).indexes["i"].collections["c"]
    numbers = {number for (number,) in connection.execute(f"SELECT field FROM {state.several_table}")}
    connection.close()
    return {key for key, number in state.field_numbers.items() if number in numbers}


async def test_a_document_with_several_values_is_one_match(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    storage = await opened(path)
    await write(storage, ("a", {"n": 1}), ("b", {"n": 2}), ("c", {"n": [5]}), ("d", {"k": "x"}))
    assert marked(path) == set()
    assert await find(storage, EXISTS) == (["a", "b", "c"], 3)
    assert await find(storage, RANGE) == (["b", "c"], 2)
    await write(storage, ("b", {"n": [2, 3, 9]}))
    assert marked(path) == {"n", "all"}
    assert await find(storage, EXISTS) == (["a", "b", "c"], 3)
    assert await find(storage, RANGE) == (["b", "c"], 2)
    assert await find(storage, EXISTS, sort=[{"n": "desc"}]) == (["b", "c", "a"], 3)
    assert await find(storage, EXISTS, sort=[{"n": "desc"}], **{"from": 1}) == (["c", "a"], 3)
    await storage.close()
    assert store_faults(path) == []


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ({"n": [1, 1]}, set()),
        ({"n": [1, 2]}, {"n", "all"}),
        ({"n": 1, "m": 1}, set()),
        ({"n": 1, "m": 2}, {"all"}),
        ({"inner": [{"n": 1}, {"n": 2}]}, set()),
        ({"inner": [{"n": [1, 2]}]}, {"inner.n"}),
    ],
)
async def test_values_count_for_what_holds_them(tmp_path: Path, source: dict[str, Any], fields: set[str]) -> None:
    path = tmp_path / "kuzzle.db"
    storage = await opened(path)
    await write(storage, ("a", source))
    await storage.close()
    assert marked(path) == fields


async def test_a_page_from_a_place_behind_all_values_has_those_without(tmp_path: Path) -> None:
    storage = await opened(tmp_path / "kuzzle.db")
    await write(storage, *((f"d{number}", {"n": number} if number < 12 else {"k": "x"}) for number in range(16)))
    everything: dict[str, Any] = {"match_all": {}}
    for start, expected in ((0, [0, 1, 2, 3, 4]), (10, [10, 11, 12, 13, 14]), (13, [13, 14, 15])):
        found = await find(storage, everything, sort=[{"n": "asc"}], **{"from": start})
        assert found == ([f"d{number}" for number in expected], 16)
    first = await find(storage, everything, sort=[{"n": {"order": "asc", "missing": "_first"}}], **{"from": 2})
    assert first == (["d14", "d15", "d0", "d1", "d2"], 16)
    after = await find(storage, everything, sort=[{"n": "asc"}], search_after=[9])
    assert after == (["d10", "d11", "d12", "d13", "d14"], 16)
    await storage.close()


async def test_a_snapshot_from_before_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    storage = await opened(path)
    await write(storage, ("a", {"n": 3}), ("b", {"n": 4}))
    reader = open_reader(path)
    state = load_catalogue(reader).indexes["i"].collections["c"]
    search = parse_search({"query": RANGE}, offset=0, size=5)
    reader.execute("BEGIN")
    assert search_documents(reader, "i", state, search, 0).total == 2
    await write(storage, ("a", {"n": [3, 4, 5]}))
    assert search_documents(reader, "i", state, search, 0).total == 2
    reader.execute("ROLLBACK")
    assert search_documents(reader, "i", state, search, 0).total == 2
    reader.close()
    await storage.close()


Sources = list[list[int]]
DOCUMENTS = st.lists(st.lists(st.integers(0, 6), max_size=3), min_size=1, max_size=12)


def rank(values: Sequence[int], *, is_descending: bool) -> tuple[int, int]:
    """Where a document stands in the order of its values; one without comes last."""
    if not values:
        return 1, 0
    return (0, -max(values)) if is_descending else (0, min(values))


# What it takes to put a row into a set, to ask about a document, and to sort it.
WAYS = [(2, 25, 25), (-1000, 25, 25), (1000, 0, 25), (1000, 25, 0)]


@settings(max_examples=60, deadline=None)
@given(before=DOCUMENTS, after=DOCUMENTS, lowest=st.integers(0, 6), start=st.integers(0, 6), way=st.sampled_from(WAYS))
def test_answers_are_those_of_the_documents(
    before: Sources, after: Sources, lowest: int, start: int, way: tuple[int, int, int]
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for name, cost in zip(("_GATHERING", "_ASKING", "_SORTING"), way, strict=True):
            patch.setattr(pages, name, cost)
        asyncio.run(_check_answers(Path(folder) / "kuzzle.db", before, after, lowest, start))


async def _check_answers(path: Path, before: Sources, after: Sources, lowest: int, start: int) -> None:
    storage = await opened(path)
    documents: dict[str, list[int]] = {}
    for sources in (before, after):
        changes = {f"d{number}": values for number, values in enumerate(sources)}
        await write(storage, *((name, {"n": values}) for name, values in changes.items()))
        documents.update(changes)
        matching = [name for name, values in documents.items() if any(value >= lowest for value in values)]
        query = {"range": {"n": {"gte": lowest}}}
        assert await find(storage, query, **{"from": start}) == (matching[start : start + 5], len(matching))
        assert await storage.count("i", "c", parse_query(EXISTS)) == sum(1 for values in documents.values() if values)
        for asked, names in ((query, matching), ({"match_all": {}}, list(documents))):
            for order in ("asc", "desc"):
                ordered = sorted(names, key=lambda name: rank(documents[name], is_descending=order == "desc"))
                found = await find(storage, asked, sort=[{"n": order}], **{"from": start})
                assert found == (ordered[start : start + 5], len(names))
    await storage.close()
    assert store_faults(path) == []
