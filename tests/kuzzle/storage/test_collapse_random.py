"""Random documents and collapsed searches: the embedded storage and the obvious evaluation show the same groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plain_collapse
import plain_queries
import pytest
import tornado.ioloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuzzle.storage.aggregations import Aggregation, Metric
from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.hit_tree import Collapse, HitParts
from kuzzle.storage.query import Bool, Exists, MatchAll, Query, Range, Search, Sort, Term
from kuzzle.storage.sqlite import SqliteStorage

IDS = tuple(f"d{number}" for number in range(12))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "k": st.sampled_from(["ada", "bob", "", "é"]),
    "n": st.integers(-1, 2),
    "f": st.sampled_from([-1.5, 0.0, 0.1, 1e300]),
    "b": st.booleans(),
}
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={name: st.one_of(values, st.none(), st.just([])) for name, values in VALUES.items()}
)
SOURCES = st.lists(DOCUMENTS, min_size=1, max_size=len(IDS)).map(lambda found: dict(zip(IDS, found, strict=False)))
QUERIES: st.SearchStrategy[Query] = st.sampled_from(
    [
        MatchAll(),
        Term("k", "ada"),
        Exists("n"),
        Bool(must=(MatchAll(),), should=(Term("b", True, 2.0), Range("n", 0, None, boost=0.5), Term("k", "bob", 4.0))),
    ]
)
SORTS = st.lists(
    st.builds(Sort, st.sampled_from(["n", "f", "k"]), st.sampled_from(["asc", "desc"]), missing=st.just("_first")),
    max_size=2,
).map(tuple)


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    io_loop.run_sync(storage.open)
    yield storage
    io_loop.run_sync(storage.close)


async def refill(storage: SqliteStorage, sources: dict[str, Any]) -> None:
    """Keep these documents only."""
    if not await storage.index_exists("i"):
        await storage.create_index("i")
        await storage.create_collection("i", "c", plain_queries.MAPPING)
    await storage.write_documents("i", "c", WriteKind.DELETE, [DocumentWrite(name, None) for name in IDS])
    writes = [DocumentWrite(name, source) for name, source in sources.items()]
    await storage.write_documents("i", "c", WriteKind.CREATE, writes)


def ordered(query: Query, sources: dict[str, Any], sort: tuple[Sort, ...]) -> list[str]:
    """Return the ids that a query finds in the order of a search."""
    found = {name: source for name, source in sources.items() if plain_queries.matches(query, name, source)}
    if sort:
        return plain_queries.order(found, sort)
    return sorted(found, key=lambda name: -plain_queries.score(query, name, found[name]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sources=SOURCES,
    query=QUERIES,
    sort=SORTS,
    inner_sort=SORTS,
    field=st.sampled_from(["k", "n", "f"]),
    window=st.tuples(st.integers(0, 2), st.integers(0, 12)),
    filtering=st.sampled_from([None, Exists("b")]),
)
def test_the_first_hit_of_each_value_is_shown_with_its_group(
    io_loop: tornado.ioloop.IOLoop,
    storage: SqliteStorage,
    sources: dict[str, Any],
    query: Query,
    sort: tuple[Sort, ...],
    inner_sort: tuple[Sort, ...],
    field: str,
    window: tuple[int, int],
    filtering: Query | None,
) -> None:
    offset, size = window
    io_loop.run_sync(lambda: refill(storage, sources))
    search = Search(
        query,
        offset,
        size,
        sort,
        post_filter=filtering,
        aggregations={"all": Aggregation(Metric("value_count", "b"))},
        collapse=Collapse(field, (("group", Search(size=2, offset=1, sort=inner_sort)),)),
        parts=HitParts(has_score=True),
    )
    page = io_loop.run_sync(lambda: storage.search("i", "c", search))
    shown = query if filtering is None else Bool(must=(query,), filter=(filtering,))
    everything = ordered(shown, sources, sort)
    expected = plain_collapse.groups(everything, sources, field)
    assert [((hit.fields or {}).get(field, [None])[0], hit.id) for hit in page.hits] == [
        (value, names[0]) for value, names in expected[offset : offset + size]
    ]
    assert page.total == len(everything)
    for hit, (_value, names) in zip(page.hits, expected[offset:], strict=False):
        assert hit.score == pytest.approx(plain_queries.score(query, hit.id, sources[hit.id]))
        group = (hit.groups or {})["group"]
        members = ordered(shown, {name: sources[name] for name in sources if name in names}, inner_sort)
        assert ([inner.id for inner in group.hits], group.total) == (members[1:3], len(names))
    # Neither the page nor the groups are what aggregations are about.
    counted = sum(bool(plain_queries.values_of(sources[name], "b")) for name in ordered(query, sources, ()))
    assert page.aggregations == {"all": {"value": counted}}
