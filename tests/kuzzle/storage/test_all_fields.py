"""Clauses about `_all` look into every field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tornado.ioloop

from kuzzle.storage.query import Search, parse_query
from kuzzle.storage.sqlite import SqliteStorage
from tests.contracts.filling import found, make_collection, put_all, refusal

DOCUMENTS: dict[str, dict[str, Any]] = {
    "a": {"title": "Red Fox", "note": "jumps over", "tag": "Forest", "year": 1999},
    "b": {"title": "Fox", "note": "is red", "year": 2020, "place": {"lat": 1, "lon": 2}},
    "c": {"title": "dog", "tag": "red", "o": {"title": "foxes and dogs"}},
}


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    io_loop.run_sync(storage.open)
    yield storage
    io_loop.run_sync(storage.close)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"match": {"_all": "red"}}, ["a", "b", "c"]),
        ({"match": {"_all": "2020"}}, ["b"]),
        ({"match": {"_all": "2020 foxes"}}, ["b", "c"]),
        ({"match": {"_all": {"query": "red fox", "operator": "and"}}}, ["a", "b"]),
        ({"match": {"_all": {"query": "red fox jumps", "minimum_should_match": 2}}}, ["a", "b"]),
        ({"match": {"_all": {"query": "foxs", "fuzziness": 1}}}, ["a", "b", "c"]),
        ({"match": {"_all": {"query": "red ! foxx", "operator": "and", "fuzziness": 1}}}, ["a", "b"]),
        ({"match": {"_all": {"query": "!", "zero_terms_query": "all"}}}, ["a", "b", "c"]),
        ({"match_phrase": {"_all": "red fox"}}, ["a"]),
        ({"match_phrase": {"_all": {"query": "foxes dogs", "slop": 1}}}, ["c"]),
        ({"match_phrase_prefix": {"_all": "red f"}}, ["a"]),
        ({"match_phrase_prefix": {"_all": "fo"}}, ["a", "b", "c"]),
        ({"match_bool_prefix": {"_all": "jumps dog"}}, ["a", "c"]),
        ({"prefix": {"_all": "for"}}, []),
        ({"prefix": {"_all": "For"}}, ["a"]),
        ({"wildcard": {"_all": "*xes"}}, ["c"]),
        ({"regexp": {"_all": "d[o]g"}}, ["c"]),
    ],
)
async def test_every_field_is_looked_into(storage: SqliteStorage, query: dict[str, Any], expected: list[str]) -> None:
    keyword, text = {"type": "keyword"}, {"type": "text"}
    properties = {
        "title": text,
        "note": text,
        "tag": keyword,
        "year": {"type": "integer"},
        "place": {"type": "geo_point"},
    }
    await make_collection(storage, {"properties": properties})
    await put_all(storage, DOCUMENTS)
    assert await found(storage, query) == expected


async def test_a_field_may_be_left_out(storage: SqliteStorage) -> None:
    keyword = {"type": "keyword"}
    properties = {
        "a": {**keyword, "include_in_all": False},
        "o": {"type": "object", "include_in_all": False},
        "b": {**keyword, "fields": {"raw": keyword}},
    }
    await make_collection(storage, {"properties": properties})
    await storage.update_mapping("i", "c", {"properties": {"o": {"properties": {"k": keyword}}}})
    await put_all(storage, {"a": {"a": "x"}, "b": {"b": "x"}, "o": {"o": {"k": "x"}}})
    for query in (
        {"match": {"_all": "x"}},
        {"prefix": {"_all": "x"}},
        {"query_string": {"query": "x"}},
        {"query_string": {"query": "x", "default_field": "_all"}},
        {"multi_match": {"query": "x", "fields": ["_all"]}},
    ):
        assert await found(storage, query) == ["b"]
    assert await found(storage, {"multi_match": {"query": "x", "fields": ["*"]}}) == ["a", "b", "o"]


async def test_a_boost_counts_once(storage: SqliteStorage) -> None:
    await make_collection(storage, {"properties": {"tag": {"type": "keyword"}, "other": {"type": "keyword"}}})
    await put_all(storage, {"a": {"tag": "red", "other": "red"}})
    for query in ({"prefix": {"_all": {"value": "re", "boost": 3}}}, {"match": {"_all": {"query": "red", "boost": 3}}}):
        (hit,) = (await storage.search("i", "c", Search(parse_query(query)))).hits
        assert hit.score == pytest.approx(3)


@pytest.mark.parametrize(
    "query",
    [
        {"term": {"_all": "red"}},
        {"terms": {"_all": ["red"]}},
        {"range": {"_all": {"gte": 1}}},
        {"exists": {"field": "_all"}},
        {"fuzzy": {"_all": "red"}},
        {"match": {"_all": " ".join(f"w{number}" for number in range(1025))}},
        {"match_bool_prefix": {"_all": {"query": "red fox", "operator": "and"}}},
        {"geo_distance": {"_all": "1,2", "distance": 1}},
    ],
)
async def test_what_cannot_be_about_all_fields_is_refused(storage: SqliteStorage, query: dict[str, Any]) -> None:
    await make_collection(storage)

    async def ask() -> int:
        return await storage.count("i", "c", parse_query(query))

    error = await refusal(ask())
    assert error.status == 400
    assert "[_all]" in error.message or "too_many_clauses" in error.message
