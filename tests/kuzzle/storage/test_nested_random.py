"""Random nested objects: the embedded storage and the obvious evaluation find the same, in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plain_aggregations
import plain_nested
import plain_queries
import pytest
import tornado.ioloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_nested import Thing

from kuzzle.storage.aggregations import (
    Aggregation,
    FilterBucket,
    Metric,
    NestedBucket,
    ReverseNestedBucket,
    TermBuckets,
    TopHits,
)
from kuzzle.storage.base import DocumentWrite, FailedWrite, WriteKind
from kuzzle.storage.hit_tree import HitPage, HitParts
from kuzzle.storage.hits import Hit, SearchPage
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


def refill(
    io_loop: tornado.ioloop.IOLoop, storage: SqliteStorage, documents: list[Any], collection: str = "c"
) -> dict[str, Any]:
    """Make the documents of a collection these, over what was there; return them by id."""
    sources = {f"d{number}": source for number, source in enumerate(documents)}

    async def fill() -> None:
        before = await storage.find_ids("i", collection)
        gone = [DocumentWrite(name, None) for name in before if name not in sources]
        await storage.write_documents("i", collection, WriteKind.DELETE, gone)
        writes = [DocumentWrite(name, source) for name, source in sources.items()]
        outcomes = await storage.write_documents("i", collection, WriteKind.CREATE_OR_REPLACE, writes)
        assert not any(isinstance(outcome, FailedWrite) for outcome in outcomes)

    io_loop.run_sync(fill)
    order = io_loop.run_sync(lambda: storage.search("i", collection, Search(sort=(Sort("_doc"),))))
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
        # A short page of one key is found along the index.
        for offset in range(2):
            one = Search(size=1, offset=offset, sort=sort[:1])
            first = plain_queries.order(sources, sort[:1], plain_nested.sort_values)[offset : offset + 1]
            found = io_loop.run_sync(lambda: storage.search("i", "c", one)).hits  # noqa: B023
            assert [hit.id for hit in found] == first
        after = tuple(whole[0].sort or ())
        rest = io_loop.run_sync(lambda: storage.search("i", "c", Search(size=1, sort=sort, after=after))).hits  # noqa: B023
        assert rest == [hit for hit in whole if tuple(hit.sort or ()) != after][:1]
        assert [hit.sort for hit in whole] == [[sort_key(sources[hit.id], key) for key in sort] for hit in whole]


def sort_key(source: Any, sort: Sort) -> Any:
    """Return what a hit shows of a sort key."""
    values = plain_nested.sort_values(source, sort)
    return plain_queries.picked(values, sort) if values else None


# --- aggregations

NAMES = {"": ("k",), "items": ("items.k", "items.n"), "items.parts": ("items.parts.k", "items.parts.n")}
CLAUSES = {"": plain_nested.QUERIES, "items": plain_nested.IN_ITEMS, "items.parts": plain_nested.IN_PARTS}
BELOW = {"": ("items", "items.parts"), "items": ("items.parts",), "items.parts": ()}
AROUND: dict[str, tuple[str | None, ...]] = {"": (), "items": (None,), "items.parts": (None, "items")}


@st.composite
def leaves(draw: st.DrawFn, place: str) -> Aggregation:
    """Make an aggregation without others below, of the things that stand at a place."""
    if draw(st.booleans()):
        name: Any = draw(st.sampled_from(["value_count", "cardinality", "sum", "avg", "max"]))
        fields = [field for field in NAMES[place] if name in ("value_count", "cardinality") or field.endswith("n")]
        if fields:
            return Aggregation(Metric(name, draw(st.sampled_from(fields))))
    orders = st.sampled_from(["asc", "desc"])
    keys = st.one_of(
        *(st.builds(Sort, st.just(field), orders, missing=st.sampled_from(["_last", "_first"]))
          for field in NAMES[place]),
        st.builds(Sort, st.just("_score"), orders),
    )  # fmt: skip
    sort = tuple(draw(st.lists(keys, max_size=2)))
    parts = HitParts(has_score=draw(st.booleans()))
    return Aggregation(TopHits(HitPage(draw(st.integers(0, 1)), draw(st.integers(0, 3)), sort, parts=parts)))


@st.composite
def trees(draw: st.DrawFn, place: str = "", depth: int = 4) -> Aggregation:
    """Make an aggregation of the things that stand at a place."""
    if depth == 1 or draw(st.integers(0, 3)) == 0:
        return draw(leaves(place))
    kinds: list[tuple[Any, str]] = [
        *((NestedBucket(path), path) for path in BELOW[place]),
        *((ReverseNestedBucket(path), path or "") for path in AROUND[place]),
        (TermBuckets(draw(st.sampled_from(NAMES[place]))), place),
        (FilterBucket(draw(CLAUSES[place])), place),
    ]
    kind, inside = draw(st.sampled_from(kinds))
    return Aggregation(kind, draw(st.dictionaries(st.sampled_from("pq"), trees(inside, depth - 1), max_size=2)))


def worded(value: Any) -> Any:
    """Make pages comparable."""
    if isinstance(value, dict):
        return {name: worded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [worded(item) for item in value]
    if isinstance(value, SearchPage):
        return {"total": value.total, "max_score": worded(value.max_score), "hits": worded(value.hits)}
    if isinstance(value, Hit):
        return worded({name: getattr(value, name) for name in ("id", "nested", "score", "sort", "source")})
    return round(value, 6) if isinstance(value, float) else value


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(
    documents=plain_nested.DOCUMENTS,
    asked=st.lists(
        st.tuples(plain_nested.QUERIES, st.dictionaries(st.sampled_from("ab"), trees(), min_size=1)),
        min_size=1,
        max_size=5,
    ),
)
def test_random_aggregations_of_nested_objects_compute_what_a_plain_evaluation_computes(
    io_loop: tornado.ioloop.IOLoop,
    storage: SqliteStorage,
    documents: list[Any],
    asked: list[tuple[Query, dict[str, Aggregation]]],
) -> None:
    sources = refill(io_loop, storage, documents)
    for query, wanted in asked:
        scores = {name: plain_nested.score(query, "", source) for name, source in sources.items()}
        things = [Thing(name, sources[name], score) for name, score in scores.items() if score is not None]
        expected = plain_aggregations.aggregate(wanted, things, things)
        search = Search(query, size=0, aggregations=wanted)
        page = io_loop.run_sync(lambda: storage.search("i", "c", search))  # noqa: B023
        assert worded(page.aggregations) == worded(expected)
        assert page.has_top_hits is any(aggregation.has_top_hits for aggregation in wanted.values())


# --- values that what is around holds too


async def include(storage: SqliteStorage, collection: str, items: dict[str, Any], parts: dict[str, Any]) -> None:
    """Make a collection whose nested objects are included as these parameters say.

    They are written as Kuzzle allows it: on objects without fields.
    """
    await storage.create_collection("i", collection, {"properties": {"items": {"type": "nested", **items}}})
    inner = {"type": "nested", "properties": {"parts": {"type": "nested", **parts}}}
    await storage.update_mapping("i", collection, {"properties": {"items": inner}})
    await storage.update_mapping("i", collection, plain_nested.MAPPING)


def included_terms(holders: dict[str, tuple[str, ...]]) -> dict[str, Aggregation]:
    """Return aggregations of all included values."""
    found = {}
    for path, where in holders.items():
        for holder in where:
            below = {"n": Aggregation(Metric("sum", f"{path}.n"))}
            terms = Aggregation(TermBuckets(f"{path}.k"), below)
            name = f"{path} in {holder}"
            found[name] = Aggregation(NestedBucket(holder), {"terms": terms}) if holder else terms
    return found


@pytest.mark.parametrize("name", plain_nested.INCLUDED)
@settings(max_examples=50, deadline=None, suppress_health_check=SLOW)
@given(data=st.data(), documents=plain_nested.DOCUMENTS)
def test_included_values_are_those_of_what_is_around(
    io_loop: tornado.ioloop.IOLoop, storage: SqliteStorage, name: str, data: st.DataObject, documents: list[Any]
) -> None:
    items, parts, holders = plain_nested.INCLUDED[name]
    if not io_loop.run_sync(lambda: storage.collection_exists("i", "included")):
        io_loop.run_sync(lambda: include(storage, "included", items, parts))
    sources = refill(io_loop, storage, documents, "included")
    query = data.draw(plain_nested.included_queries(holders))
    scores = {name: plain_nested.score(query, "", source) for name, source in sources.items()}
    things = [Thing(name, sources[name], score) for name, score in scores.items() if score is not None]
    wanted = included_terms(dict(holders))
    page = io_loop.run_sync(lambda: storage.search("i", "included", Search(query, aggregations=wanted)))
    assert {hit.id: hit.score for hit in page.hits} == pytest.approx(
        {thing.document_id: thing.document_score for thing in things}
    )
    assert worded(page.aggregations) == worded(plain_aggregations.aggregate(wanted, things, things))
    sort = data.draw(plain_nested.included_sorts(holders))
    found = io_loop.run_sync(lambda: storage.search("i", "included", Search(query, sort=sort))).hits
    matching = {thing.document_id: sources[thing.document_id] for thing in things}
    assert [hit.id for hit in found] == plain_queries.order(matching, sort, plain_nested.sort_values)
    assert [hit.sort for hit in found] == [[sort_key(sources[hit.id], key) for key in sort] for hit in found]
