"""Random query strings: they find what the same query written as clauses finds, and garbage never breaks the store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tornado.ioloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.query import Search, parse_query
from kuzzle.storage.sqlite import SqliteStorage

MAPPING = {
    "properties": {
        "t": {"type": "text"},
        "u": {"type": "text", "analyzer": "stop"},
        "k": {"type": "keyword"},
        "n": {"type": "integer"},
        "d": {"type": "date"},
        "o": {"properties": {"k": {"type": "keyword"}}},
    }
}
DOCUMENTS: list[dict[str, Any]] = [
    {"t": "ada bob", "k": "ada", "n": 1, "u": "the ada"},
    {"t": "bob cy bob", "k": ["bob", "a b"], "n": [2, 5], "d": "2020-01-02"},
    {"t": "Ada, cy and bob", "k": "(1+1)=2", "n": 3, "o": {"k": "x"}},
    {"t": "dan", "k": "AND", "d": "2021-05-06T07:08:09Z"},
    {"k": "a\\*b", "n": -1, "u": "bob or ada", "o": {"k": ["ada", "x"]}},
    {"t": ""},
    {},
]


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")

    async def fill() -> None:
        await storage.open()
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)
        writes = [DocumentWrite(f"d{number}", source) for number, source in enumerate(DOCUMENTS)]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)

    io_loop.run_sync(fill)
    yield storage
    io_loop.run_sync(storage.close)


def escaped(text: str) -> str:
    """Write a text so that all of it is plain."""
    plain = re.sub(r"[^a-zA-Z0-9]", lambda found: "\\" + found[0], text)
    return "\\" + plain if plain in ("AND", "OR", "NOT") else plain


Pair = tuple[str, dict[str, Any]]
"""A query as a string and as a clause."""

WORDS = st.sampled_from(["ada", "BOB", "cy", "none", "dan"])
KEYS = st.sampled_from(["ada", "a b", "(1+1)=2", "AND", "a\\*b", "x", "/", "é\u3000"])
NUMBERS = st.integers(-2, 6)


def _word(name: str) -> st.SearchStrategy[Pair]:
    return st.lists(WORDS, min_size=1, max_size=2).map(
        lambda words: (f"{name}:{escaped(' '.join(words))}", {"match": {name: " ".join(words)}})
    )


def _range(low: int, high: int, opening: str, closing: str) -> Pair:
    bounds = {"gte" if opening == "[" else "gt": low, "lte" if closing == "]" else "lt": high}
    return f"n:{opening}{escaped(str(low))} TO {escaped(str(high))}{closing}", {"range": {"n": bounds}}


def _phrase(words: list[str], slop: int) -> Pair:
    text = " ".join(words)
    return f't:"{text}"~{slop}', {"match_phrase": {"t": {"query": text, "slop": slop}}}


def _fuzzy(word: str, errors: int) -> Pair:
    return f"t:{word}~{errors}", {"match": {"t": {"query": word, "fuzziness": errors}}}


LEAVES: st.SearchStrategy[Pair] = st.one_of(
    _word("t"),
    _word("u"),
    KEYS.map(lambda key: (f"k:{escaped(key)}", {"term": {"k": key}})),
    KEYS.map(lambda key: (f'k:"{escaped(key)}"', {"term": {"k": key}})),
    NUMBERS.map(lambda number: (f"n:{escaped(str(number))}", {"term": {"n": number}})),
    st.builds(_range, NUMBERS, NUMBERS, st.sampled_from("[{"), st.sampled_from("]}")),
    st.sampled_from(["ada", "cy", ">1", "z"]).map(
        lambda bound: (f"k:[{escaped(bound)} TO *]", {"range": {"k": {"gte": bound}}})
    ),
    NUMBERS.map(lambda number: (f"n:>{number}", {"range": {"n": {"gt": number}}})),
    NUMBERS.map(lambda number: (f"n:<={number}", {"range": {"n": {"lte": number}}})),
    st.builds(_phrase, st.lists(WORDS, min_size=1, max_size=3), st.integers(0, 3)),
    st.builds(_fuzzy, st.sampled_from(["ada", "bod", "yc", "Dam"]), st.integers(0, 2)),
    st.sampled_from(["a", "B", "c", "(", "a b"]).map(
        lambda start: (f"k:{escaped(start)}*", {"prefix": {"k": start}})
    ),
    st.sampled_from(["a", "B", "c"]).map(lambda start: (f"t:{start}*", {"prefix": {"t": start.lower()}})),
    st.sampled_from(["*b", "?da", "a?*", "*\\**", "b*b"]).map(
        lambda pattern: (f"k:{pattern}", {"wildcard": {"k": pattern}})
    ),
    st.sampled_from([".*", "[ab].*", "(ada|x)", "a\\\\.+"]).map(
        lambda pattern: (f"k:/{pattern}/", {"regexp": {"k": pattern}})
    ),
    st.sampled_from(["t", "k", "n", "o", "o.k", "none"]).map(
        lambda name: (f"_exists_:{name}", {"exists": {"field": name}})
    ),
    st.sampled_from(["d0", "d3", "none"]).map(lambda name: (f"_id:{name}", {"term": {"_id": name}})),
    WORDS.map(
        lambda word: (f"(k:{word} OR o.k:{word})", {"bool": {"should": [{"term": {n: word}} for n in ("k", "o.k")]}})
    ),
    st.just(("*:*", {"match_all": {}})),
)  # fmt: skip


def _boosted(pair: Pair, boost: int) -> Pair:
    text, clause = pair
    if boost == 1:
        return pair
    # The group is one of its own, since what is in it may have a boost already.
    return f"({text})^{boost}", {"bool": {"must": [clause], "boost": boost}}


def _signed(parts: list[tuple[str, Pair]]) -> Pair:
    """Write `(+a -b c)`."""
    lists: dict[str, list[Any]] = {"+": [], "-": [], "NOT ": [], "": []}
    for sign, (_, clause) in parts:
        lists[sign].append(clause)
    body = {"must": lists["+"], "must_not": [*lists["-"], *lists["NOT "]], "should": lists[""]}
    return f"({' '.join(sign + text for sign, (text, _) in parts)})", {"bool": body}


def _conjunction(parts: list[tuple[str, Pair]]) -> Pair:
    """Write `(a AND NOT b)`."""
    lists: dict[str, list[Any]] = {"must": [], "must_not": []}
    for sign, (_, clause) in parts:
        lists["must_not" if sign in ("-", "NOT ") else "must"].append(clause)
    return f"({' AND '.join(sign + text for sign, (text, _) in parts)})", {"bool": lists}


def _alternative(parts: list[Pair]) -> Pair:
    return f"({' OR '.join(text for text, _ in parts)})", {"bool": {"should": [clause for _, clause in parts]}}


def _groups(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    boosted = st.builds(_boosted, inner, st.sampled_from([1, 1, 2]))
    signed = st.tuples(st.sampled_from(["+", "-", "NOT ", "", ""]), boosted)
    # A list with one required part alone is that part.
    several = st.lists(signed, min_size=2, max_size=4)
    return st.one_of(
        several.map(_signed),
        several.map(_conjunction),
        st.lists(boosted, min_size=2, max_size=3).map(_alternative),
    )


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.recursive(LEAVES, _groups, max_leaves=8), min_size=1, max_size=6))
def test_a_query_string_finds_what_its_clauses_find(
    io_loop: tornado.ioloop.IOLoop, storage: SqliteStorage, pairs: list[Pair]
) -> None:
    for text, clause in pairs:

        async def ask(query: Any) -> SearchPage:
            return await storage.search("i", "c", Search(parse_query(query)))

        found = io_loop.run_sync(lambda: ask({"query_string": {"query": text}}))  # noqa: B023
        expected = io_loop.run_sync(lambda: ask(clause))  # noqa: B023
        assert {hit.id: hit.score for hit in found.hits} == pytest.approx(
            {hit.id: hit.score for hit in expected.hits}
        ), text


SIMPLE_LEAVES: st.SearchStrategy[Pair] = st.one_of(
    WORDS.map(lambda word: (word, {"match": {"t": word}})),
    st.builds(_phrase, st.lists(WORDS, min_size=1, max_size=3), st.integers(0, 3)).map(
        lambda pair: (pair[0].removeprefix("t:"), pair[1])
    ),
    st.builds(_fuzzy, st.sampled_from(["ada", "bod", "yc", "Dam"]), st.integers(0, 2)).map(
        lambda pair: (pair[0].removeprefix("t:"), pair[1])
    ),
    st.sampled_from(["a", "B", "c"]).map(lambda start: (f"{start}*", {"prefix": {"t": start.lower()}})),
)


def _negated(pair: Pair) -> Pair:
    return f"-{pair[0]}", {"bool": {"should": [{"match_all": {}}], "must_not": [pair[1]]}}


def _simple_groups(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    several = st.lists(inner | inner.map(_negated), min_size=2, max_size=4)
    return st.one_of(
        several.map(lambda parts: (f"({' + '.join(text for text, _ in parts)})", {"bool": {"must": _clauses(parts)}})),
        several.map(lambda parts: (f"({'|'.join(text for text, _ in parts)})", {"bool": {"should": _clauses(parts)}})),
    )


def _clauses(parts: list[Pair]) -> list[Any]:
    return [clause for _, clause in parts]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.recursive(SIMPLE_LEAVES, _simple_groups, max_leaves=8), min_size=1, max_size=6))
def test_a_simple_query_string_finds_what_its_clauses_find(
    io_loop: tornado.ioloop.IOLoop, storage: SqliteStorage, pairs: list[Pair]
) -> None:
    for text, clause in pairs:
        simple = {"simple_query_string": {"query": text, "fields": ["t"]}}
        found = io_loop.run_sync(lambda: search_or_error(storage, simple))  # noqa: B023
        expected = io_loop.run_sync(lambda: search_or_error(storage, clause))  # noqa: B023
        assert isinstance(found, SearchPage)
        assert isinstance(expected, SearchPage)
        assert {hit.id: hit.score for hit in found.hits} == pytest.approx(
            {hit.id: hit.score for hit in expected.hits}
        ), text


PIECES = st.lists(
    st.sampled_from([
        "a", "ada", "t:", "k:", "n:", "d:", "_id:", "_exists_:", "o.\\*:", "none:", " ", "  ", "AND", " OR ", "NOT ",
        "&&", "||", "!", "+", "-", "(", ")", "[", "]", "{", "}", " TO ", "TO", "^", "^2", "~", "~1", "~0.5", '"',
        '"a b"', "*",
        "?", "/", "/a.*/", "\\", "\\u", "\\u0061", "\\ud800", ":", ">", ">=", "<", "1", "2020-01-01", "now",
        "\u3000", "\t",
        "é", "\U0001f989", "|", "&", "=", ".", ",", "\0", "'",
    ]) | st.text(max_size=2),
    max_size=12,
).map("".join)  # fmt: skip
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "fields": st.lists(st.sampled_from(["t", "k^2", "n", "d", "*", "o.*", "none", "_id"]), max_size=3),
        "default_operator": st.sampled_from(["and", "OR"]),
        "lenient": st.booleans(),
        "analyze_wildcard": st.booleans(),
        "minimum_should_match": st.sampled_from([1, 2, -1, "50%", "2<75%"]),
        "analyzer": st.sampled_from(["standard", "stop", "keyword"]),
    },
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=PIECES, options=OPTIONS, strict=st.booleans())
def test_any_text_is_a_query_string_or_refused(
    io_loop: tornado.ioloop.IOLoop, storage: SqliteStorage, text: str, options: dict[str, Any], strict: bool
) -> None:
    clause = "query_string" if strict else "simple_query_string"
    outcome = io_loop.run_sync(lambda: search_or_error(storage, {clause: {"query": text, **options}}))
    if isinstance(outcome, KuzzleError):
        assert (outcome.id, outcome.status) == ("services.storage.unexpected_bad_request", 400)
        # A simple one has no mistakes of grammar: only a field that is named may be one that cannot answer.
        assert strict or not options.get("lenient", False)
    else:
        assert outcome.total <= len(DOCUMENTS)


async def search_or_error(storage: SqliteStorage, query: Any) -> SearchPage | KuzzleError:
    try:
        return await storage.search("i", "c", Search(parse_query(query)))
    except KuzzleError as error:
        return error


@settings(max_examples=200, deadline=None)
@given(text=PIECES)
def test_any_text_is_a_simple_query_string(text: str) -> None:
    parse_query({"simple_query_string": {"query": text}})
