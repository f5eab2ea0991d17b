"""Random nested objects: the embedded storage and the obvious evaluation find the same, in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plain_nested
import plain_queries
import pytest
import tornado.ioloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuzzle.storage.base import DocumentWrite, FailedWrite, WriteKind
from kuzzle.storage.query import Query, Search, Sort
from kuzzle.storage.sqlite import SqliteStorage

SLOW = [HealthCheck.function_scoped_fixture]


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")

    async def fill() -> None:
        await storage.open()
        await storage.create_index("i")
        await storage.create_collection("i", "c", plain_nested.MAPPING)

    io_loop.run_sync(fill)
    yield storage
    io_loop.run_sync(storage.close)


def refill(io_loop: tornado.ioloop.IOLoop, storage: SqliteStorage, documents: list[Any]) -> dict[str, Any]:
    """Make the documents of the collection these, over what was there; return them by id."""
    sources = {f"d{number}": source for number, source in enumerate(documents)}

    async def fill() -> None:
        before = await storage.find_ids("i", "c")
        gone = [DocumentWrite(name, None) for name in before if name not in sources]
        await storage.write_documents("i", "c", WriteKind.DELETE, gone)
        writes = [DocumentWrite(name, source) for name, source in sources.items()]
        outcomes = await storage.write_documents("i", "c", WriteKind.CREATE_OR_REPLACE, writes)
        assert not any(isinstance(outcome, FailedWrite) for outcome in outcomes)

    io_loop.run_sync(fill)
    order = io_loop.run_sync(lambda: storage.search("i", "c", Search(sort=(Sort("_doc"),))))
    return {hit.id: sources[hit.id] for hit in order.hits}


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(documents=plain_nested.DOCUMENTS, queries=st.lists(plain_nested.QUERIES, min_size=1, max_size=6))
def test_random_nested_queries_find_what_a_plain_evaluation_finds(
    io_loop: tornado.ioloop.IOLoop, storage: SqliteStorage, documents: list[Any], queries: list[Query]
) -> None:
    sources = refill(io_loop, storage, documents)
    for query in queries:
        scores = {name: plain_nested.score(query, "", source) for name, source in sources.items()}
        expected = {name: score for name, score in scores.items() if score is not None}
        page = io_loop.run_sync(lambda: storage.search("i", "c", Search(query)))  # noqa: B023
        assert {hit.id: hit.score for hit in page.hits} == pytest.approx(expected)
        assert page.total == len(expected)


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(documents=plain_nested.DOCUMENTS, sorts=st.lists(plain_nested.SORTS, min_size=1, max_size=6))
def test_random_sorts_by_nested_objects_order_as_a_plain_evaluation_does(
    io_loop: tornado.ioloop.IOLoop, storage: SqliteStorage, documents: list[Any], sorts: list[tuple[Sort, ...]]
) -> None:
    sources = refill(io_loop, storage, documents)
    for sort in sorts:
        expected = plain_queries.order(sources, sort, plain_nested.sort_values)
        whole = io_loop.run_sync(lambda: storage.search("i", "c", Search(sort=sort))).hits  # noqa: B023
        assert [hit.id for hit in whole] == expected
        assert [hit.sort for hit in whole] == [[sort_key(sources[hit.id], key) for key in sort] for hit in whole]


def sort_key(source: Any, sort: Sort) -> Any:
    """Return what a hit shows of a sort key."""
    values = plain_nested.sort_values(source, sort)
    return plain_queries.picked(values, sort) if values else None
