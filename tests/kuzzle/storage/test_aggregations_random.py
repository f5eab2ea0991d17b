"""Random documents and aggregations: the embedded storage and the obvious evaluation compute the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plain_aggregations
import plain_queries
import pytest
import tornado.ioloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuzzle.storage.aggregations import (
    Aggregation,
    BucketOrder,
    FilterBucket,
    Histogram,
    Metric,
    TermBuckets,
    TermPattern,
)
from kuzzle.storage.base import DocumentWrite, FailedWrite, WriteKind
from kuzzle.storage.query import Bool, Exists, MatchAll, Query, Range, Search, Term
from kuzzle.storage.sqlite import SqliteStorage

IDS = tuple(f"d{number}" for number in range(10))
DAY = 86_400_000
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "k": st.sampled_from(["ada", "bob", "Cy", "d d", "", "é", "nul\0byte"]),
    "n": st.integers(-7, 7),
    "f": st.sampled_from([-1.5, -0.25, 0.0, 0.5, 2.75, 10.0]),
    "b": st.booleans(),
    "d": st.integers(-90, 90).map(lambda quarter: quarter * DAY // 4),
    "o.k": st.sampled_from(["x", "y"]),
    "o.n": st.integers(-2, 2),
}
NUMBERS = ("n", "f", "d", "o.n", "none")
FIELDS = (*VALUES, "none")


def contents(name: str) -> st.SearchStrategy[Any]:
    """Make what a document holds under a field: a value, nothing, or a list of these."""
    one = st.one_of(VALUES[name], st.none())
    return st.one_of(one, st.lists(one, max_size=3))


OBJECTS = st.fixed_dictionaries({}, optional={"k": contents("o.k"), "n": contents("o.n")})
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={**{name: contents(name) for name in ("k", "n", "f", "b", "d")}, "o": st.lists(OBJECTS, max_size=2)},
)
SOURCES = st.lists(DOCUMENTS, min_size=1, max_size=len(IDS)).map(lambda found: dict(zip(IDS, found, strict=False)))
QUERIES: st.SearchStrategy[Query] = st.sampled_from(
    [
        MatchAll(),
        Term("k", "ada"),
        Exists("n"),
        Range("n", 0, None),
        Bool(must_not=(Term("b", True),)),
        Bool(should=(Term("o.k", "x"), Term("k", "bob"))),
    ]
)


def missing(draw: st.DrawFn, field: str) -> Any:
    """Choose what stands for the value of documents that have none; mostly nothing."""
    return draw(st.one_of(st.none(), st.none(), VALUES[field])) if field in VALUES else None


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    name: Any = draw(
        st.sampled_from(["avg", "min", "max", "sum", "stats", "extended_stats", "value_count", "cardinality"])
    )
    field = draw(st.sampled_from(FIELDS if name in ("value_count", "cardinality") else NUMBERS))
    return Metric(name, field, missing(draw, field), draw(st.sampled_from([2.0, 0.5])))


def single_numbers(below: dict[str, Aggregation]) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Yield the paths and parts of all that buckets may be ordered by."""
    for name, aggregation in below.items():
        if isinstance(aggregation.kind, Metric):
            yield (name,), {"stats": "avg", "extended_stats": "max"}.get(aggregation.kind.name)
        elif isinstance(aggregation.kind, FilterBucket):
            yield (name,), None
            yield from (((name, *path), part) for path, part in single_numbers(dict(aggregation.below)))


@st.composite
def terms(draw: st.DrawFn, below: dict[str, Aggregation]) -> TermBuckets:
    field = draw(st.sampled_from(FIELDS))
    paths: list[tuple[tuple[str, ...], str | None]] = [(("_count",), None), (("_key",), None), *single_numbers(below)]
    orders = st.lists(
        st.builds(lambda path, down: BucketOrder(path[0], down, path[1]), st.sampled_from(paths), st.booleans()),
        min_size=1,
        max_size=2,
    )
    chosen: st.SearchStrategy[Any] = st.lists(VALUES[field], max_size=3).map(tuple) if field in VALUES else st.just(())
    if field in ("k", "o.k"):
        chosen |= st.sampled_from(["", ".*", "[a-c].*", "(ada|bob|x)", ".*b.*", "y?"]).map(TermPattern)
    return TermBuckets(
        field,
        draw(st.sampled_from([1, 2, 10])),
        tuple(draw(orders)),
        draw(st.sampled_from([1, 1, 2, 0])),
        draw(st.one_of(st.none(), chosen)),
        draw(st.one_of(st.just(()), chosen)),
        missing(draw, field),
    )


@st.composite
def aggregations(draw: st.DrawFn, depth: int = 3) -> Aggregation:
    if depth == 1 or draw(st.booleans()):
        return Aggregation(draw(metrics()))
    below = draw(st.dictionaries(st.sampled_from("pqr"), aggregations(depth - 1), max_size=2))
    kind = draw(st.sampled_from(["terms", "terms", "histogram", "filter"]))
    if kind == "terms":
        return Aggregation(draw(terms(below)), below)
    if kind == "filter":
        return Aggregation(FilterBucket(draw(QUERIES)), below)
    field = draw(st.sampled_from(["n", "f", "o.n", "none"]))
    interval, offset, least = draw(st.sampled_from([(1.0, 0.0, 0), (2.5, 0.5, 1), (2.0, 0.0, 2)]))
    return Aggregation(Histogram(field, interval, offset, least, missing=missing(draw, field)), below)


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    io_loop.run_sync(storage.open)
    yield storage
    io_loop.run_sync(storage.close)


async def refill(storage: SqliteStorage, sources: dict[str, Any]) -> None:
    """Empty the collection and store these documents."""
    if not await storage.index_exists("i"):
        await storage.create_index("i")
        await storage.create_collection("i", "c", plain_queries.MAPPING)
    await storage.write_documents("i", "c", WriteKind.DELETE, [DocumentWrite(name, None) for name in IDS])
    writes = [DocumentWrite(document_id, source) for document_id, source in sources.items()]
    outcomes = await storage.write_documents("i", "c", WriteKind.CREATE, writes)
    assert not any(isinstance(outcome, FailedWrite) for outcome in outcomes)


def assert_alike(found: Any, expected: Any) -> None:
    """Compare results; numbers may differ by rounding."""
    if isinstance(expected, dict):
        assert set(found) == set(expected)
        for name, value in expected.items():
            assert_alike(found[name], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=1e-6)
    else:
        assert found == expected


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sources=SOURCES,
    asked=st.lists(
        st.tuples(QUERIES, st.dictionaries(st.sampled_from("abc"), aggregations(), min_size=1, max_size=2)),
        min_size=1,
        max_size=6,
    ),
)
def test_random_aggregations_compute_what_a_plain_evaluation_computes(
    io_loop: tornado.ioloop.IOLoop,
    storage: SqliteStorage,
    sources: dict[str, Any],
    asked: list[tuple[Query, dict[str, Aggregation]]],
) -> None:
    async def ask() -> None:
        await refill(storage, sources)
        for query, wanted in asked:
            found = [source for name, source in sources.items() if plain_queries.matches(query, name, source)]
            expected = plain_aggregations.aggregate(wanted, found, list(sources.values()))
            page = await storage.search("i", "c", Search(query, size=0, aggregations=wanted))
            assert_alike(page.aggregations, expected)

    io_loop.run_sync(ask)
