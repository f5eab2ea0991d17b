"""Whatever stands in the body of a search, in an option of a clause or in a parameter of a field: served or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clause_options
import pytest
import tornado.ioloop
from clause_options import CLAUSES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.fields import TYPES
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.mapping import Mapping
from kuzzle.storage.query import parse_search
from kuzzle.storage.search_body import KNOWN_KEYS
from kuzzle.storage.sqlite import SqliteStorage

NAMES = st.sampled_from(
    ["field", "name", "size", "from", "sort", "order", "mode", "inner_hits", "path", "query", "k", "t", "n", "d", "g",
     "o", "o.n", "_score", "_id", "_all", "missing", "max_concurrent_group_searches", "_source", "includes", "version"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["k", "t", "n", "d", "g", "o", "o.n", "none", "_id", "_uid", "_score", "_doc", "_all", "*", "asc", "desc", "avg",
     "_last", "1", "", "x", "red fox", "0,0", "2020-01-01", "_source", "_none_", "\0", "é", "a" * 300]
)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 12) | st.sampled_from([1 << 70, -1.5, 0.5, 1e300]) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")

    async def fill() -> None:
        await storage.open()
        await storage.create_index("i")
        await storage.create_collection("i", "c", clause_options.MAPPING)
        writes = [DocumentWrite(name, source) for name, source in clause_options.DOCUMENTS.items()]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)

    io_loop.run_sync(fill)
    yield storage
    io_loop.run_sync(storage.close)


async def serve(storage: SqliteStorage, body: dict[str, Any]) -> None:
    """Search; anything but a page or a refusal fails the test."""
    try:
        page = await storage.search("i", "c", parse_search(body, offset=None, size=None))
        assert isinstance(page, SearchPage)
        if body.get("size", 1):
            page = await storage.open_scroll("i", "c", parse_search(body, offset=None, size=None), 1000)
            assert page.scroll_id
        storage.end_scrolls()
    except KuzzleError as error:
        assert error.status == 400, body  # noqa: PT017


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from(sorted(KNOWN_KEYS)), ANYTHING, min_size=1, max_size=3))
def test_any_body_is_served_or_refused(
    io_loop: tornado.ioloop.IOLoop, storage: SqliteStorage, body: dict[str, Any]
) -> None:
    io_loop.run_sync(lambda: serve(storage, body))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(sorted(CLAUSES)))
def test_any_value_of_an_option_is_served_or_refused(
    io_loop: tornado.ioloop.IOLoop, storage: SqliteStorage, data: st.DataObject, name: str
) -> None:
    clause = CLAUSES[name]
    options = data.draw(st.dictionaries(st.sampled_from(sorted(clause.all_options())), ANYTHING, max_size=3))
    io_loop.run_sync(lambda: serve(storage, {"query": clause.query(name, options)}))


@settings(max_examples=200, deadline=None)
@given(data=st.data(), kind=st.sampled_from(sorted(TYPES)))
def test_any_parameter_of_a_field_is_taken_or_refused(data: st.DataObject, kind: str) -> None:
    parameters = data.draw(st.dictionaries(st.sampled_from(sorted(TYPES[kind] - {"type"})), ANYTHING, max_size=3))
    try:
        mapping = Mapping().merge({"properties": {"f": {"type": kind, **parameters}}})
    except KuzzleError as error:
        assert error.status == 400, parameters  # noqa: PT017
    else:
        assert "f" in mapping.fields
