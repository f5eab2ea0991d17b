"""`multi_match` of type `cross_fields`: fields that are analysed alike are one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import tornado.ioloop
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, FailedWrite, WriteKind
from kuzzle.storage.query import Search, parse_query
from kuzzle.storage.sqlite import SqliteStorage

MAPPING = {
    "properties": {
        "first": {"type": "text"},
        "last": {"type": "text"},
        "other": {"type": "text", "analyzer": "whitespace"},
        "k": {"type": "keyword"},
        "n": {"type": "integer"},
    }
}
WORDS = ("ada", "king", "of", "love")
VALUES = st.none() | st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
DOCUMENTS = st.fixed_dictionaries(dict.fromkeys(("first", "last", "other"), VALUES))


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    io_loop.run_sync(storage.open)
    yield storage
    io_loop.run_sync(storage.close)


async def search(storage: SqliteStorage, sources: Mapping[str, Any], query: Any) -> dict[str, float | None]:
    """Store these documents alone, and return ids and scores of what a query finds."""
    if await storage.index_exists("i"):
        await storage.delete_index("i")
    await storage.create_index("i")
    await storage.create_collection("i", "c", MAPPING)
    writes = [DocumentWrite(name, source) for name, source in sources.items()]
    outcomes = await storage.write_documents("i", "c", WriteKind.CREATE, writes)
    assert not any(isinstance(outcome, FailedWrite) for outcome in outcomes)
    page = await storage.search("i", "c", Search(parse_query(query)))
    return {hit.id: hit.score for hit in page.hits}


def words(source: Mapping[str, Any], field: str) -> list[str]:
    """Return the words of a field."""
    return (source[field] or "").split()


def weigh(word: str, fields: Mapping[str, float], source: Mapping[str, Any], sources: list[Any], tie: float) -> float:
    """Return what a word weighs in fields that are one, the obvious way."""
    texts = {field: [text for each in sources if (text := words(each, field))] for field in fields}
    having = {field: sum(word in text for text in texts[field]) for field in fields}
    known = sorted((field for field in fields if having[field]), key=lambda field: -having[field])
    if not known:
        return 0.0
    limit = min(sum(map(len, texts[field])) for field in known)
    scores = []
    for field in known:
        less_common = len({having[other] for other in known if having[other] > having[field]})
        taken = min(having[known[0]] + less_common, limit)
        rarity = math.log(1 + max(0.0, len(texts[field]) - taken + 0.5) / (taken + 0.5))
        frequency = words(source, field).count(word)
        average = sum(map(len, texts[field])) / len(texts[field])
        norm = 1.2 * (0.25 + 0.75 * len(words(source, field)) / average)
        scores.append(fields[field] * rarity * frequency * 2.2 / (frequency + norm))
    return max(scores) * (1 - tie) + sum(scores) * tie


def people(*names: tuple[str | None, str | None]) -> list[Any]:
    """Return documents with first and last names."""
    return [{"first": first, "last": last, "other": None} for first, last in names]


# A word is commoner in one field than in the other, and commoner than the other has words.
@example(
    sources=people(("ada", "ada"), ("ada king", "king"), ("ada", "king of")),
    text=["ada"],
    operator="or",
    tie=1.0,
    boost=1.0,
)
@example(
    sources=people(("ada", "ada"), ("ada king", None), ("ada", None), ("love", None)),
    text=["ada"], operator="or", tie=1.0, boost=1.0,
)  # fmt: skip
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sources=st.lists(DOCUMENTS, min_size=1, max_size=6),
    text=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True),
    operator=st.sampled_from(["or", "and"]),
    tie=st.sampled_from([0.0, 0.3, 1.0]),
    boost=st.sampled_from([1.0, 3.0]),
)
def test_fields_are_searched_as_one(
    io_loop: tornado.ioloop.IOLoop,
    storage: SqliteStorage,
    sources: list[Any],
    text: list[str],
    operator: str,
    tie: float,
    boost: float,
) -> None:
    fields = [f"first^{boost}", "last", "other"]
    query = {"query": " ".join(text), "fields": fields, "type": "cross_fields", "operator": operator}
    expected: dict[str, float] = {}
    for number, source in enumerate(sources):
        scores = []
        for group in ({"first": boost, "last": 1.0}, {"other": 1.0}):
            standing = [any(word in words(source, field) for field in group) for word in text]
            if all(standing) if operator == "and" else any(standing):
                scores.append(sum(weigh(word, group, source, sources, tie) for word in text))
        if scores:
            expected[f"d{number}"] = max(scores) * (1 - tie) + sum(scores) * tie
    named = {f"d{number}": source for number, source in enumerate(sources)}
    body = {"multi_match": {**query, "tie_breaker": tie}}

    async def ask() -> dict[str, float | None]:
        return await search(storage, named, body)

    assert io_loop.run_sync(ask) == pytest.approx(expected)


PEOPLE: dict[str, Any] = {
    "ada": {"first": "Ada", "last": "King Lovelace", "n": 1, "k": "ada king"},
    "king": {"first": "King", "last": "Kong"},
    "grace": {"first": "Grace", "last": "Hopper", "other": "Ada King", "n": 2},
    "none": {"k": "x"},
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"query": "ada king", "fields": ["first", "last"], "operator": "and"}, {"ada"}),
        ({"query": "ada king", "fields": ["first", "last"]}, {"ada", "king"}),
        ({"query": "ada king kong", "fields": ["first", "last"], "minimum_should_match": 2}, {"ada", "king"}),
        # What is analysed otherwise is a group of its own, unless the query says how to.
        ({"query": "Ada Hopper", "fields": ["*"], "operator": "and"}, set()),
        ({"query": "Ada Hopper", "fields": ["*"], "operator": "and", "analyzer": "whitespace"}, set()),
        ({"query": "Ada hopper", "fields": ["*"], "operator": "and", "analyzer": "whitespace"}, {"grace"}),
        ({"query": "ada king", "fields": ["k"]}, {"ada"}),
        ({"query": "2", "fields": ["*"]}, {"grace"}),
        ({"query": "!", "fields": ["first", "last"]}, set()),
        ({"query": "!", "fields": ["first", "last"], "zero_terms_query": "all"}, set(PEOPLE)),
        ({"query": "ada", "fields": ["unknown"]}, set()),
    ],
)
async def test_each_word_may_stand_in_another_field(tmp_path: Path, query: Any, expected: set[str]) -> None:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    await storage.open()
    try:
        assert set(await search(storage, PEOPLE, {"multi_match": {**query, "type": "cross_fields"}})) == expected
    finally:
        await storage.close()


def test_words_across_fields_do_not_differ() -> None:
    body = {"multi_match": {"query": "a", "fields": ["t"], "type": "cross_fields", "fuzziness": 1}}
    with pytest.raises(KuzzleError, match=r"Fuzziness not allowed for type \[cross_fields\]"):
        parse_query(body)
