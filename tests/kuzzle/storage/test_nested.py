"""Nested objects: each matches by itself, plain ones together; scores, inner hits, and random trees of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import tornado.ioloop

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, FailedWrite, WriteKind
from kuzzle.storage.hit_tree import HitPage
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.nested_tree import InnerHits, Nested
from kuzzle.storage.query import (
    Search,
    SourceFilter,
    Term,
    parse_query,
    parse_search,
)
from kuzzle.storage.sqlite import SqliteStorage

PART = {"k": {"type": "keyword"}, "n": {"type": "long"}}
MAPPING = {
    "properties": {
        "items": {"type": "nested", "properties": {**PART, "parts": {"type": "nested", "properties": PART}}},
        "plain": {"properties": PART},
        "k": {"type": "keyword"},
        "t": {"type": "nested", "properties": {"text": {"type": "text"}}},
    }
}
RED_ONE = {"bool": {"must": [{"term": {"items.k": "red"}}, {"term": {"items.n": 1}}]}}


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")

    async def fill() -> None:
        await storage.open()
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)

    io_loop.run_sync(fill)
    yield storage
    io_loop.run_sync(storage.close)


async def put(
    storage: SqliteStorage, sources: Mapping[str, Any], kind: WriteKind = WriteKind.CREATE_OR_REPLACE
) -> None:
    """Store documents."""
    writes = [DocumentWrite(name, source) for name, source in sources.items()]
    outcomes = await storage.write_documents("i", "c", kind, writes)
    assert [outcome.error for outcome in outcomes if isinstance(outcome, FailedWrite)] == []


async def find(storage: SqliteStorage, query: Any) -> list[str]:
    """Return the ids that a query finds."""
    return sorted(await storage.find_ids("i", "c", parse_query(query)))


async def search(storage: SqliteStorage, query: Any) -> SearchPage:
    """Search by a query."""
    return await storage.search("i", "c", parse_search({"query": query}, offset=0, size=10))


def nested(query: Any, path: str = "items", **options: Any) -> dict[str, Any]:
    """Make the clause."""
    return {"nested": {"path": path, "query": query, **options}}


async def refusal(storage: SqliteStorage, query: Any) -> str:
    """Return the text that refuses a query."""
    with pytest.raises(KuzzleError) as caught:
        await find(storage, query)
    assert (caught.value.id, caught.value.status) == ("services.storage.unexpected_bad_request", 400)
    return caught.value.message


async def test_nested_objects_do_not_match_across_and_plain_ones_do(storage: SqliteStorage) -> None:
    both = [{"k": "red", "n": 2}, {"k": "blue", "n": 1}]
    await put(storage, {"across": {"items": both, "plain": both}, "one": {"items": {"k": "red", "n": 1}}})
    assert await find(storage, nested(RED_ONE)) == ["one"]
    plain = {"bool": {"must": [{"term": {"plain.k": "red"}}, {"term": {"plain.n": 1}}]}}
    assert await find(storage, plain) == ["across"]


async def test_fields_of_nested_objects_are_seen_inside_only(storage: SqliteStorage) -> None:
    await put(storage, {"a": {"items": [{"k": "red"}], "k": "x"}})
    assert await find(storage, {"term": {"items.k": "red"}}) == []
    assert await find(storage, {"exists": {"field": "items"}}) == []
    assert await find(storage, nested({"term": {"k": "x"}})) == []
    assert await find(storage, nested({"exists": {"field": "items.k"}})) == ["a"]
    assert await find(storage, nested({"match_all": {}})) == ["a"]
    assert await find(storage, nested({"ids": {"values": ["a"]}})) == ["a"]
    assert await find(storage, {"bool": {"must_not": nested({"term": {"items.k": "blue"}})}}) == ["a"]
    assert await find(storage, nested({"bool": {"must_not": {"term": {"items.k": "red"}}}})) == []


async def test_words_of_nested_objects_are_found(storage: SqliteStorage) -> None:
    await put(storage, {"a": {"t": [{"text": "Ada Lovelace"}, {"text": "Alan"}]}, "b": {"t": {"text": "Ada Alan"}}})
    both = {"match": {"t.text": {"query": "ada alan", "operator": "and"}}}
    assert await find(storage, nested(both, "t")) == ["b"]
    assert await find(storage, nested({"prefix": {"t.text": "love"}}, "t")) == ["a"]


async def test_clauses_that_stand_for_others_look_into_nested_objects(storage: SqliteStorage) -> None:
    await put(storage, {"a": {"t": [{"text": "Ada Lovelace"}], "k": "Ada"}, "b": {"t": [{"text": "Alan"}]}})
    assert await find(storage, nested({"match_bool_prefix": {"t.text": "ada lo"}}, "t")) == ["a"]
    assert await find(storage, nested({"multi_match": {"query": "lovelace", "fields": ["*"]}}, "t")) == ["a"]
    assert await find(storage, {"multi_match": {"query": "lovelace", "fields": ["*"]}}) == []
    assert await find(storage, {"match_bool_prefix": {"t.text": "ada lo"}}) == []


async def test_words_weigh_as_in_texts_of_their_own(storage: SqliteStorage) -> None:
    await put(storage, {"a": {"t": [{"text": "ada"}, {"text": "ada ada alan"}]}, "b": {"t": {"text": "alan"}}})
    await storage.create_collection("i", "flat", {"properties": {"t.text": {"type": "text"}}})
    texts = ["ada", "ada ada alan", "alan"]
    writes = [DocumentWrite(str(number), {"t": {"text": text}}) for number, text in enumerate(texts)]
    await storage.write_documents("i", "flat", WriteKind.CREATE, writes)
    wanted = {"match": {"t.text": "ada"}}
    flat = await storage.search("i", "flat", Search(parse_query(wanted)))
    page = await search(storage, nested(wanted, "t", score_mode="sum"))
    assert page.hits[0].score == pytest.approx(sum(hit.score or 0 for hit in flat.hits))
    # What is gone counts no more.
    await put(storage, {"a": {"t": []}})
    assert (await search(storage, nested({"match": {"t.text": "alan"}}, "t"))).hits[0].score == pytest.approx(
        math.log(1 + 0.5 / 1.5)
    )


async def test_the_id_is_that_of_the_document_around(storage: SqliteStorage) -> None:
    await put(storage, {"ada": {"items": [{"parts": {"k": "x"}}]}, "bob": {"items": {"parts": {"k": "x"}}}})
    for clause in (
        {"ids": {"values": "ada"}},
        {"prefix": {"_id": "ad"}},
        {"term": {"_id": "ada"}},
        {"wildcard": {"_uid": "c#a*"}},
    ):
        assert await find(storage, nested(clause)) == ["ada"]
        query = nested(nested(clause, "items.parts"), inner_hits={})
        page = await search(storage, query)
        assert [hit.id for hit in page.hits] == ["ada"]
        assert page.hits[0].inner_hits is not None
        assert page.hits[0].inner_hits["items"].total == 1


async def test_values_are_copied_to_the_document_around(storage: SqliteStorage) -> None:
    changes = {"properties": {"items": {"type": "nested", "properties": {"c": {"type": "keyword", "copy_to": "k"}}}}}
    await storage.update_mapping("i", "c", changes)
    await put(storage, {"a": {"items": [{"c": "x"}, {"c": "y"}]}})
    assert await find(storage, {"term": {"k": "y"}}) == ["a"]


async def test_a_dotted_name_makes_an_object_of_its_own(storage: SqliteStorage) -> None:
    await put(storage, {"a": {"items.k": "red", "items": {"n": 1}}})
    assert await find(storage, nested({"term": {"items.k": "red"}})) == ["a"]
    assert await find(storage, nested(RED_ONE)) == []


async def test_highlights_show_fields_of_nested_objects(storage: SqliteStorage) -> None:
    await put(storage, {"a": {"t": [{"text": "Ada Lovelace"}, {"text": "Alan"}]}})
    body = {"query": nested({"match": {"t.text": "ada"}}, "t"), "highlight": {"fields": {"t.*": {}}}}
    (hit,) = (await storage.search("i", "c", parse_search(body, offset=None, size=None))).hits
    assert hit.highlight == {"t.text": ["<em>Ada</em> Lovelace"]}


async def test_a_mapping_that_became_strict_does_not_hinder_inner_hits(storage: SqliteStorage) -> None:
    await put(storage, {"a": {"items": [{"k": "red", "new": 1}], "other": "x"}})
    await storage.update_mapping("i", "c", {"dynamic": "strict"})
    (hit,) = (await search(storage, nested({"term": {"items.k": "red"}}, inner_hits={}))).hits
    assert hit.inner_hits is not None
    assert hit.inner_hits["items"].total == 1


async def test_nested_objects_may_hold_others(storage: SqliteStorage) -> None:
    await put(
        storage,
        {
            "a": {"items": [{"k": "red", "parts": [{"k": "x", "n": 1}]}, {"k": "blue", "parts": [{"k": "y"}]}]},
            "b": {"items": [{"k": "blue", "parts": [{"k": "x", "n": 2}]}]},
        },
    )
    assert await find(storage, nested({"term": {"items.parts.k": "x"}}, "items.parts")) == ["a", "b"]
    inner = nested({"term": {"items.parts.k": "x"}}, "items.parts")
    assert await find(storage, nested({"bool": {"must": [{"term": {"items.k": "red"}}, inner]}})) == ["a"]
    assert await find(storage, nested({"bool": {"must": [{"term": {"items.k": "blue"}}, inner]}})) == ["b"]


async def test_changed_and_removed_objects_are_not_found_any_more(storage: SqliteStorage) -> None:
    red, blue = {"items": [{"k": "red"}]}, {"items": [{"k": "blue"}, {"k": "green"}]}
    await put(storage, {"a": red, "b": red})
    await put(storage, {"a": blue})
    await storage.write_documents("i", "c", WriteKind.DELETE, [DocumentWrite("b", None)])
    assert await find(storage, nested({"term": {"items.k": "red"}})) == []
    assert await find(storage, nested({"match_all": {}})) == ["a"]
    await put(storage, {"a": {"items": []}}, WriteKind.UPDATE)
    assert await find(storage, nested({"match_all": {}})) == []


async def test_new_fields_of_nested_objects_are_learned(storage: SqliteStorage) -> None:
    await put(storage, {"a": {"items": [{"new": 5, "deep": {"er": "x"}}]}})
    assert await find(storage, nested({"term": {"items.new": 5}})) == ["a"]
    assert await find(storage, nested({"term": {"items.deep.er.keyword": "x"}})) == ["a"]
    mapping = await storage.get_mapping("i", "c")
    assert mapping.properties["items"]["type"] == "nested"


async def test_too_many_nested_objects_are_refused(storage: SqliteStorage) -> None:
    (outcome,) = await storage.write_documents(
        "i", "c", WriteKind.CREATE, [DocumentWrite("a", {"items": [{}] * 10001})]
    )
    assert isinstance(outcome, FailedWrite)
    assert "allowed limit of [10000]" in outcome.error.message


async def test_a_path_that_is_not_nested_is_refused(storage: SqliteStorage) -> None:
    query = {"match_all": {}}
    assert await refusal(storage, nested(query, "none")) == "[nested] failed to find nested object under path [none]"
    assert await refusal(storage, nested(query, "plain")) == (
        "[nested] nested object under path [plain] is not of nested type"
    )
    assert await refusal(storage, nested(nested(query, "t"))) == (
        "[nested] the path [t] does not stand directly in [items]"
    )
    assert await find(storage, nested(query, "none", ignore_unmapped=True)) == []


@pytest.mark.parametrize(("mode", "score"), [("avg", 2), ("sum", 6), ("min", 1), ("max", 3), ("none", 0), (None, 2)])
async def test_the_score_is_that_of_the_objects(storage: SqliteStorage, mode: str | None, score: float) -> None:
    await put(storage, {"a": {"items": [{"n": 1}, {"n": 2}, {"n": 3}, {"k": "x"}]}})
    query = {
        "function_score": {
            "query": {"exists": {"field": "items.n"}},
            "field_value_factor": {"field": "items.n"},
        }
    }
    page = await search(storage, nested(query, **({"score_mode": mode} if mode else {})))
    assert page.hits[0].score == pytest.approx(score)


async def test_inner_hits_tell_which_objects_matched(storage: SqliteStorage) -> None:
    items = [{"k": "red", "n": 1}, {"k": "blue", "n": 2}, {"k": "red", "n": 3, "parts": [{"k": "x"}, {"k": "y"}]}]
    await put(storage, {"a": {"items": items}, "b": {"items": {"k": "red", "n": 4}}})
    page = await search(storage, nested({"term": {"items.k": "red"}}, inner_hits={}))
    found = {hit.id: hit.inner_hits["items"] for hit in page.hits if hit.inner_hits}
    assert [(hit.nested, hit.source) for hit in found["a"].hits] == [
        ([("items", 0)], items[0]),
        ([("items", 2)], items[2]),
    ]
    assert [(hit.nested, hit.source) for hit in found["b"].hits] == [([("items", 0)], {"k": "red", "n": 4})]
    assert (found["a"].total, found["a"].max_score) == (2, 1.0)
    options = {"name": "mine", "from": 1, "size": 1, "_source": ["n"]}
    page = await search(storage, nested({"term": {"items.k": "red"}}, inner_hits=options))
    mine = {hit.id: hit.inner_hits["mine"] for hit in page.hits if hit.inner_hits}
    assert ([hit.source for hit in mine["a"].hits], mine["a"].total) == ([{"n": 3}], 2)
    deep = nested({"term": {"items.parts.k": "y"}}, "items.parts", inner_hits={"_source": False})
    (hit,) = (await search(storage, deep)).hits
    assert hit.inner_hits is not None
    (inner,) = hit.inner_hits["items.parts"].hits
    assert (inner.nested, inner.source) == ([("items", 2), ("parts", 1)], None)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"query": {}}, "[nested] requires 'path' field"),
        ({"path": "a"}, "[nested] requires 'query' field"),
        ({"path": "a", "query": {}, "score_mode": "best"}, "No score mode for child query [best] found"),
        ({"path": "a", "query": {}, "x": 1}, "[nested] query does not support [x]"),
        ({"path": "a", "query": {}, "inner_hits": {"explain": {}}}, "[inner_hits] does not support [explain]"),
        ({"path": "a", "query": {}, "inner_hits": {"size": -1}},
         "[inner_hits] [size] must be a whole number that is not negative"),
        ({"path": "a", "query": {}, "inner_hits": {"size": 101}},
         "Inner result window is too large, the inner hit definition's [a]'s from + size must be less than or equal "
         "to: [100] but was [101]."),
    ],
)  # fmt: skip
def test_a_faulty_clause_is_refused_by_name(body: Any, text: str) -> None:
    with pytest.raises(KuzzleError) as caught:
        parse_query({"nested": body})
    assert caught.value.message == text


def test_the_clause_is_read_whole() -> None:
    query = parse_query(
        nested({"term": {"a.b": 1}}, "a", score_mode="MAX", boost=2, inner_hits={"name": "x", "_source": ["b"]})
    )
    assert query == Nested(
        "a", Term("a.b", 1), "max", inner_hits=InnerHits("x", HitPage(source=SourceFilter(("b",)))), boost=2.0
    )


async def test_inner_hits_of_one_name_are_asked_once(storage: SqliteStorage) -> None:
    one, other = (nested({"term": {"items.n": number}}, inner_hits={}) for number in (1, 2))
    assert await refusal(storage, {"bool": {"must": [one, other]}}) == (
        "[inner_hits] already contains an entry for key [items]"
    )
    assert "are not supported" in await refusal(storage, nested(nested({}, "items.parts", inner_hits={})))


async def test_included_values_answer_every_clause(storage: SqliteStorage) -> None:
    mapping = {"properties": {"in": {"type": "nested", "include_in_root": True}}}
    await storage.create_collection("i", "included", mapping)
    sources = {
        "a": {"in": [{"t": "Ada Lovelace", "n": 1}, {"t": "Alan", "at": 2}]},
        "b": {"in": {"t": "Grace", "n": 3}},
    }
    writes = [DocumentWrite(name, source) for name, source in sources.items()]
    await storage.write_documents("i", "included", WriteKind.CREATE, writes)
    for query in (
        {"match": {"in.t": {"query": "ada alan", "operator": "and"}}},
        {"match_phrase": {"in.t": "ada lovelace"}},
        {"match": {"in.t": {"query": "lovelase", "fuzziness": 1}}},
        {"wildcard": {"in.t": "love*"}},
        {"regexp": {"in.t": ".*love.*"}},
        {"match_phrase_prefix": {"in.t": "ada lo"}},
        {"multi_match": {"query": "lovelace", "fields": ["*"]}},
        {"multi_match": {"query": "ada lovelace", "fields": ["in.t", "in.t.keyword"], "type": "cross_fields"}},
        {"query_string": {"query": "lovelace"}},
        {"term": {"in.t.keyword": "Alan"}},
        {"range": {"in.n": {"lt": 2}}},
        {"exists": {"field": "in.at"}},
        nested({"match": {"in.t": "ada"}}, "in"),
        {"bool": {"must": [{"term": {"in.n": 1}}, {"term": {"in.at": 2}}]}},
    ):
        assert await storage.find_ids("i", "included", parse_query(query)) == ["a"], query
    both = {"bool": {"must": [{"term": {"in.n": 1}}, {"term": {"in.at": 2}}]}}
    assert await storage.find_ids("i", "included", parse_query(nested(both, "in"))) == []
    body = {"collapse": {"field": "in.t.keyword"}, "query": {"term": {"in.n": 3}}, "docvalue_fields": ["in.n"]}
    (hit,) = (await storage.search("i", "included", parse_search(body, offset=None, size=None))).hits
    assert hit.fields == {"in.n": [3], "in.t.keyword": ["Grace"]}


async def test_the_pages_of_a_scroll_have_inner_hits(storage: SqliteStorage) -> None:
    await put(storage, {f"d{number}": {"items": [{"n": number}, {"n": 9}]} for number in range(5)})
    query = nested({"range": {"items.n": {"lt": 9}}}, inner_hits={})
    page = await storage.open_scroll("i", "c", Search(parse_query(query), size=2), 10_000)
    found: list[list[Any]] = []
    while page.hits:
        found += [[inner.source for inner in hit.inner_hits["items"].hits] for hit in page.hits if hit.inner_hits]
        page = await storage.next_scroll_page(page.scroll_id or "", 10_000)
    assert found == [[{"n": number}] for number in range(5)]
