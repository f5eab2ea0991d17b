"""Random documents and queries: the embedded storage and the obvious evaluation find the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plain_compounds
import plain_queries
import plain_texts
import pytest
import tornado.ioloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuzzle.storage.base import DocumentWrite, FailedWrite, WriteKind
from kuzzle.storage.hits import Hit
from kuzzle.storage.query import Bool, Exists, Ids, MatchAll, MatchNone, Query, Range, Search, Sort, Term, Terms
from kuzzle.storage.sqlite import SqliteStorage

WORDS = ("ada", "bob", "Cy", "d d", "", "é")
INTEGERS = st.sampled_from([-(1 << 63), -2, -1, 0, 1, 2, 3, 1 << 53, (1 << 53) + 1, (1 << 63) - 1])
FLOATS = st.sampled_from([-1e300, -1.5, -0.1, 0.1, 0.2, 0.1 + 0.2, 0.3, 1e16, 1e300])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "k": st.sampled_from(WORDS),
    "n": INTEGERS,
    "f": FLOATS,
    "b": st.booleans(),
    "d": st.integers(-3, 3).map(lambda day: day * 86_400_000),
    "t": st.lists(st.sampled_from(["ada", "Bob", "cy", "adda"]), min_size=1, max_size=3).map(" ".join),
    "s": st.sampled_from([-1.0, 0.0, 0.25, 1.0, 2.0, 9.0]),
    "o.k": st.sampled_from(WORDS),
    "o.n": INTEGERS,
}


def contents(name: str) -> st.SearchStrategy[Any]:
    """Make what a document holds under a field: a value, nothing, or a list of these."""
    one = st.one_of(VALUES[name], st.none())
    return st.one_of(one, st.lists(one, max_size=3))


OBJECTS = st.fixed_dictionaries({}, optional={"k": contents("o.k"), "n": contents("o.n")})
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        **{name: contents(name) for name in ("k", "n", "f", "b", "d", "t", "s")},
        "o": st.one_of(OBJECTS, st.lists(OBJECTS, max_size=2)),
    },
)
IDS = tuple(f"d{number}" for number in range(8))


def token(name: str) -> st.SearchStrategy[Any]:
    """Make a value to look for; of text, a word as the index has it."""
    return st.sampled_from(["ada", "bob", "cy", "none"]) if name == "t" else VALUES[name]


@st.composite
def leaves(draw: st.DrawFn) -> Query:
    name = draw(st.sampled_from(plain_queries.FIELDS))
    boost = draw(st.sampled_from([1.0, 0.5, 2.0]))
    kind = draw(st.sampled_from(["term", "terms", "range", "exists", "ids", "all", "none"]))
    if kind == "term":
        return Term(name, draw(token(name)), boost)
    if kind == "terms":
        return Terms(name, tuple(draw(st.lists(token(name), max_size=4))), boost)
    if kind == "range":
        low, high = draw(st.one_of(st.none(), token(name))), draw(st.one_of(st.none(), token(name)))
        return Range(name, low, high, draw(st.booleans()), draw(st.booleans()), boost=boost)
    if kind == "exists":
        return Exists(draw(st.sampled_from([name, "o"])), boost)
    if kind == "ids":
        return Ids(tuple(draw(st.lists(st.sampled_from([*IDS, "none"]), max_size=4))), boost)
    return MatchAll(boost) if kind == "all" else MatchNone()


def bools(inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    clauses = st.lists(inner, max_size=3).map(tuple)
    minimum = st.one_of(st.none(), st.integers(0, 4))
    return st.builds(Bool, clauses, clauses, clauses, clauses, minimum, st.sampled_from([1.0, 2.0]))


LEAVES = leaves() | plain_texts.texts(token)
QUERIES = st.recursive(LEAVES, lambda inner: bools(inner) | plain_compounds.compounds(inner), max_leaves=12)
ORDERS, MISSING = st.sampled_from(["asc", "desc"]), st.sampled_from(["_last", "_first"])
SORTS = st.lists(
    st.builds(
        Sort,
        st.sampled_from([name for name in plain_queries.FIELDS if name != "t"]),
        ORDERS,
        st.sampled_from([None, "min", "max"]),
        MISSING,
    )
    # Numbers of which sums are exact.
    | st.builds(
        Sort, st.sampled_from(["n", "b", "d", "o.n", "s"]), ORDERS, st.sampled_from(["sum", "avg", "median"]), MISSING
    ),
    min_size=1,
    max_size=3,
).map(tuple)


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    io_loop.run_sync(storage.open)
    yield storage
    io_loop.run_sync(storage.close)


def refill(io_loop: tornado.ioloop.IOLoop, storage: SqliteStorage, sources: dict[str, Any]) -> None:
    """Empty the collection and store these documents, each over another content that leaves nothing behind."""

    async def fill() -> None:
        if not await storage.index_exists("i"):
            await storage.create_index("i")
            await storage.create_collection("i", "c", plain_queries.MAPPING)
        await storage.write_documents("i", "c", WriteKind.DELETE, [DocumentWrite(name, None) for name in IDS])
        contents = list(sources.values())
        for shift in (1, 0):
            writes = [
                DocumentWrite(document_id, contents[(position + shift) % len(contents)])
                for position, document_id in enumerate(sources)
            ]
            outcomes = await storage.write_documents("i", "c", WriteKind.CREATE_OR_REPLACE, writes)
            assert not any(isinstance(outcome, FailedWrite) for outcome in outcomes)

    io_loop.run_sync(fill)
    plain_texts.Texts.remember(sources.values())


SOURCES = st.lists(DOCUMENTS, min_size=1, max_size=len(IDS)).map(lambda found: dict(zip(IDS, found, strict=False)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sources=SOURCES, queries=st.lists(QUERIES, min_size=1, max_size=8))
def test_random_queries_find_what_a_plain_evaluation_finds(
    io_loop: tornado.ioloop.IOLoop, storage: SqliteStorage, sources: dict[str, Any], queries: list[Query]
) -> None:
    refill(io_loop, storage, sources)
    for query in queries:
        expected = {
            document_id: plain_queries.score(query, document_id, source)
            for document_id, source in sources.items()
            if plain_queries.matches(query, document_id, source)
        }

        async def ask(query: Query = query) -> Any:
            page = await storage.search("i", "c", Search(query))
            return page, await storage.count("i", "c", query), await storage.find_ids("i", "c", query)

        page, count, ids = io_loop.run_sync(ask)
        assert {hit.id: hit.score for hit in page.hits} == pytest.approx(expected)
        assert (page.total, count, sorted(ids)) == (len(expected), len(expected), sorted(expected))
        assert page.max_score == (pytest.approx(max(expected.values())) if expected else None)
        scores = [hit.score for hit in page.hits]
        assert scores == sorted(scores, reverse=True)


NAMES = st.sampled_from(
    ["a", "b", "a.b", "a.b.c", ".", "", "a.", "_kuzzle_info", "author", "active", "createdAt", "é'\"]"]
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
    | st.sampled_from(["2020-01-02", "2020/01/02", "10.0.0.1", "x" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sources=st.lists(st.dictionaries(NAMES, ANYTHING, max_size=4), min_size=1, max_size=6),
    kinds=st.lists(st.sampled_from([WriteKind.CREATE_OR_REPLACE, WriteKind.UPDATE]), min_size=6, max_size=6),
    dynamic=st.sampled_from(["true", "false", "strict"]),
)
def test_any_document_is_stored_as_it_is_or_refused(
    io_loop: tornado.ioloop.IOLoop,
    storage: SqliteStorage,
    sources: list[dict[str, Any]],
    kinds: list[WriteKind],
    dynamic: str,
) -> None:
    async def write() -> None:
        if await storage.index_exists("i"):
            await storage.delete_index("i")
        await storage.create_index("i")
        await storage.create_collection("i", "c", {"dynamic": dynamic})
        for source, kind in zip(sources, kinds, strict=False):
            before = (await storage.get_documents("i", "c", ["a"]))[0]
            (outcome,) = await storage.write_documents(
                "i", "c", kind, [DocumentWrite("a", source, allow_trashed=True)], refresh=True
            )
            after = (await storage.get_documents("i", "c", ["a"]))[0]
            if isinstance(outcome, FailedWrite):
                assert outcome.error.status in (400, 404)
                assert after == before
            else:
                assert after is not None
                assert (after.source, after.version) == (outcome.source, before.version + 1 if before else 1)
                if kind is WriteKind.CREATE_OR_REPLACE:
                    assert after.source == source
        mapping = await storage.get_mapping("i", "c")
        if dynamic != "true":
            assert mapping.properties == {}

    io_loop.run_sync(write)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sources=SOURCES, query=QUERIES, sorts=st.lists(SORTS, min_size=1, max_size=6))
def test_random_sorts_order_as_a_plain_evaluation_does(
    io_loop: tornado.ioloop.IOLoop,
    storage: SqliteStorage,
    sources: dict[str, Any],
    query: Query,
    sorts: list[tuple[Sort, ...]],
) -> None:
    refill(io_loop, storage, sources)
    found = {
        document_id: source
        for document_id, source in sources.items()
        if plain_queries.matches(query, document_id, source)
    }
    for sort in sorts:
        expected = plain_queries.order(found, sort)
        for offset, size in ((0, 10), (1, 2)):
            page = io_loop.run_sync(lambda: storage.search("i", "c", Search(query, offset, size, sort)))  # noqa: B023
            assert [hit.id for hit in page.hits] == expected[offset : offset + size]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sources=SOURCES, query=QUERIES, sort=SORTS, size=st.integers(1, 3))
def test_every_way_of_paging_gives_the_same_list(
    io_loop: tornado.ioloop.IOLoop,
    storage: SqliteStorage,
    sources: dict[str, Any],
    query: Query,
    sort: tuple[Sort, ...],
    size: int,
) -> None:
    refill(io_loop, storage, sources)
    keys = (*sort, Sort("_uid"))
    whole = io_loop.run_sync(lambda: storage.search("i", "c", Search(query, 0, 100, keys))).hits

    async def by_offset() -> list[Hit]:
        found: list[Hit] = []
        while page := (await storage.search("i", "c", Search(query, len(found), size, keys))).hits:
            found += page
        return found

    async def by_tuple() -> list[Hit]:
        found: list[Hit] = []
        after = None
        while page := (await storage.search("i", "c", Search(query, 0, size, keys, after=after))).hits:
            found += page
            after = tuple(page[-1].sort or ())
        return found

    async def by_scroll() -> list[Hit]:
        page = await storage.open_scroll("i", "c", Search(query, 0, size, keys), 60_000)
        found: list[Hit] = []
        while page.hits:
            found += page.hits
            page = await storage.next_scroll_page(page.scroll_id or "", 1)
        return found

    assert io_loop.run_sync(by_offset) == whole
    assert io_loop.run_sync(by_tuple) == whole
    assert io_loop.run_sync(by_scroll) == whole
    assert storage.scrolls.snapshots == 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sources=SOURCES, query=QUERIES, sort=SORTS, position=st.integers(0, 7))
def test_a_tuple_passes_whatever_equals_it(
    io_loop: tornado.ioloop.IOLoop,
    storage: SqliteStorage,
    sources: dict[str, Any],
    query: Query,
    sort: tuple[Sort, ...],
    position: int,
) -> None:
    refill(io_loop, storage, sources)
    whole = io_loop.run_sync(lambda: storage.search("i", "c", Search(query, 0, 100, sort))).hits
    if position < len(whole):
        after = tuple(whole[position].sort or ())
        rest = io_loop.run_sync(lambda: storage.search("i", "c", Search(query, 0, 100, sort, after=after))).hits
        assert rest == [hit for hit in whole[position:] if tuple(hit.sort or ()) != after]
