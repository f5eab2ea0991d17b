"""One hit for each value of a field (`collapse`), and what hits carry besides, of every storage backend."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.storage.base import Storage
from kuzzle.storage.query import parse_search
from tests.contracts.filling import make_collection, put, put_all, refusal, search

MAPPING = {
    "properties": {
        "city": {"type": "keyword"},
        "year": {"type": "integer"},
        "price": {"type": "half_float"},
        "name": {"type": "text"},
        "hidden": {"type": "keyword", "index": False},
        "bare": {"type": "keyword", "doc_values": False},
        "days": {"type": "date"},
    }
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "a": {"city": "Paris", "year": 1, "price": 0.1, "name": "red fox", "hidden": "x"},
    "b": {"city": "Rome", "year": 2, "price": 0.1, "name": "fox"},
    "c": {"city": "Paris", "year": 3, "price": 2, "name": "red red fox"},
    "d": {"year": 4, "name": "dog"},
    "e": {"city": None, "year": 5, "name": "a fox and a dog"},
}


async def fill(storage: Storage) -> None:
    """Store the documents."""
    await make_collection(storage, MAPPING)
    await put_all(storage, DOCUMENTS)


class CollapseContract:
    """Groups of hits."""

    async def test_one_hit_a_value_is_shown_and_all_are_counted(self, storage: Storage) -> None:
        await fill(storage)
        page = await search(
            storage, sort={"year": "desc"}, collapse={"field": "city"}, aggs={"n": {"sum": {"field": "year"}}}
        )
        assert [(hit.id, hit.fields, hit.sort) for hit in page.hits] == [
            ("e", None, [5]),
            ("c", {"city": ["Paris"]}, [3]),
            ("b", {"city": ["Rome"]}, [2]),
        ]
        assert (page.total, page.aggregations) == (5, {"n": {"value": 15.0}})

    async def test_the_best_of_each_group_stands_for_it(self, storage: Storage) -> None:
        await fill(storage)
        page = await search(storage, query={"match": {"name": "red fox"}}, collapse={"field": "city"})
        plain = await search(storage, query={"match": {"name": "red fox"}})
        assert [hit.id for hit in page.hits] == ["c", "b", "e"]
        scores = {hit.id: hit.score for hit in plain.hits}
        assert [hit.score for hit in page.hits] == [scores["c"], scores["b"], scores["e"]]
        assert (page.max_score, page.total, page.hits[0].sort) == (plain.max_score, 4, None)

    async def test_groups_are_paged_like_hits(self, storage: Storage) -> None:
        await fill(storage)
        pages = [
            [
                hit.id
                for hit in (
                    await search(storage, sort="year", collapse={"field": "city"}, size=1, **{"from": first})
                ).hits
            ]
            for first in range(4)
        ]
        assert pages == [["a"], ["b"], ["d"], []]
        assert (await search(storage, collapse={"field": "city"}, size=0)).hits == []

    async def test_numbers_are_groups_as_their_type_stores_them(self, storage: Storage) -> None:
        await fill(storage)
        inner = {"name": "same", "sort": [{"year": "desc"}], "_source": "year", "version": True, "track_scores": True}
        page = await search(storage, collapse={"field": "price", "inner_hits": inner})
        assert [hit.id for hit in page.hits] == ["a", "c", "d"]
        group = (page.hits[0].groups or {})["same"]
        assert [(hit.id, hit.source, hit.version, hit.score, hit.sort) for hit in group.hits] == [
            ("b", {"year": 2}, 1, 1.0, [2]),
            ("a", {"year": 1}, 1, 1.0, [1]),
        ]

    async def test_inner_hits_are_three_of_the_group_unless_told_otherwise(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, {f"d{number}": {"city": "Rome", "year": number} for number in range(5)})
        inner = [
            {"name": "first"},
            {"name": "last", "size": 2, "from": 1, "sort": {"year": "desc"}},
            {"name": "none", "size": 0},
        ]
        body = {"query": {"range": {"year": {"gte": 1}}}, "collapse": {"field": "city", "inner_hits": inner}}
        (hit,) = (await search(storage, **body)).hits
        assert {name: ([inner.id for inner in page.hits], page.total) for name, page in (hit.groups or {}).items()} == {
            "first": (["d1", "d2", "d3"], 4),
            "last": (["d3", "d2"], 4),
            "none": ([], 4),
        }

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            ({"collapse": {"field": "no"}}, "no mapping found for `no` in order to collapse on"),
            (
                {"collapse": {"field": "name"}},
                "unknown type for collapse field `name`, only keywords and numbers are accepted",
            ),
            (
                {"collapse": {"field": "days"}},
                "unknown type for collapse field `days`, only keywords and numbers are accepted",
            ),
            ({"collapse": {"field": "bare"}}, "cannot collapse on field `bare` without `doc_values`"),
            (
                {"collapse": {"field": "hidden", "inner_hits": {"name": "x"}}},
                "cannot expand `inner_hits` for collapse field `hidden`, only indexed field can retrieve `inner_hits`",
            ),
        ],
    )
    async def test_what_cannot_be_a_group_is_refused(self, storage: Storage, body: Any, text: str) -> None:
        await fill(storage)
        error = await refusal(search(storage, **body))
        assert (error.id, error.status, error.message) == ("services.storage.unexpected_bad_request", 400, text)

    async def test_a_field_that_is_not_indexed_makes_groups_without_inner_hits(self, storage: Storage) -> None:
        await fill(storage)
        page = await search(storage, collapse={"field": "hidden"})
        assert [hit.id for hit in page.hits] == ["a", "b"]

    async def test_a_hit_of_several_values_is_refused(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, {"a": {"city": "Rome"}, "b": {"city": ["Rome", "Paris"]}})
        error = await refusal(search(storage, collapse={"field": "city"}))
        assert (error.status, error.message) == (
            400,
            "failed to collapse on [city], the collapse field must be single valued",
        )

    async def test_a_scroll_does_not_collapse(self, storage: Storage) -> None:
        await fill(storage)
        collapsed = parse_search({"collapse": {"field": "city"}}, offset=None, size=None)
        error = await refusal(storage.open_scroll("i", "c", collapsed, 1000))
        assert (error.status, error.message) == (400, "cannot use `collapse` in a scroll context")


class HitPartsContract:
    """What hits carry when it is asked for, and scores that are too low."""

    async def test_versions_are_shown_when_asked_for(self, storage: Storage) -> None:
        await fill(storage)
        await put(storage, "b", DOCUMENTS["b"])
        for body, versions in (({"version": True}, [1, 2, 1]), ({}, [None] * 3), ({"version": False}, [None] * 3)):
            page = await search(storage, sort="_id", size=3, **body)
            assert [hit.version for hit in page.hits] == versions

    async def test_scores_of_sorted_hits_are_shown_when_asked_for(self, storage: Storage) -> None:
        await fill(storage)
        query = {"match": {"name": "red"}}
        scores = {hit.id: hit.score for hit in (await search(storage, query=query)).hits}
        plain = await search(storage, query=query, sort="year")
        tracked = await search(storage, query=query, sort="year", track_scores=True)
        assert ([hit.score for hit in plain.hits], plain.max_score) == ([None, None], None)
        assert [(hit.id, hit.score) for hit in tracked.hits] == [("a", scores["a"]), ("c", scores["c"])]
        assert tracked.max_score == max(scores.values())
        scroll = parse_search({"query": query, "sort": "year", "track_scores": True}, offset=None, size=1)
        page = await storage.open_scroll("i", "c", scroll, 1000)
        assert (page.hits[0].score, page.max_score) == (scores["a"], tracked.max_score)

    async def test_values_of_fields_are_shown_as_the_index_has_them(self, storage: Storage) -> None:
        properties = {
            "tags": {"type": "keyword", "ignore_above": 3, "fields": {"all": {"type": "keyword"}}},
            "count": {"type": "integer", "null_value": 7},
            "price": {"type": "half_float"},
            "day": {"type": "date"},
            "sold": {"type": "boolean"},
            "address": {"type": "ip"},
            "place": {"type": "geo_point"},
            "words": {"type": "text", "fielddata": True},
            "inside": {"type": "nested", "properties": {"n": {"type": "integer"}}},
        }
        await make_collection(storage, {"properties": properties})
        source = {
            "tags": ["b", "a", "long", "a"], "count": [None, "3"], "price": 0.1, "day": "1970-01-02",
            "sold": ["no", True], "address": "10.0.0.1", "place": {"lat": 1.5, "lon": -2}, "words": "a B",
            "inside": [{"n": 1}],
        }  # fmt: skip
        await put_all(storage, {"a": source, "b": {"words": "!"}})
        wanted = [*properties, {"field": "tags.all"}, "inside.n", "unknown"]
        page = await search(storage, sort="_id", docvalue_fields=wanted, _source=False)
        assert page.hits[0].fields == {
            "tags": ["a", "b"],
            "count": [3, 7],
            "price": [0.0999755859375],
            "day": [86_400_000],
            "sold": [False, True],
            "address": ["10.0.0.1"],
            "place": [{"lat": 1.5, "lon": -2.0}],
            "words": ["a", "b"],
            "tags.all": ["a", "b", "long"],
        }
        assert (page.hits[0].source, page.hits[1].fields) == (None, {})
        collapsed = await search(
            storage, query={"ids": {"values": "a"}}, docvalue_fields="sold", collapse={"field": "price"}
        )
        assert collapsed.hits[0].fields == {"sold": [False, True], "price": [0.0999755859375]}

    async def test_stored_fields_are_shown_as_they_were_written(self, storage: Storage) -> None:
        def stored(kind: str, **options: Any) -> dict[str, Any]:
            return {"type": kind, "store": True, **options}

        properties = {
            "name": {"type": "text", "copy_to": "all", "fields": {"raw": stored("keyword", ignore_above=3)}},
            "all": stored("keyword"),
            "count": stored("integer", null_value=7),
            "day": stored("date", format="yyyy/MM/dd||epoch_millis"),
            "sold": stored("boolean"),
            "address": stored("ip"),
            "place": stored("geo_point"),
            "blob": stored("binary"),
            "plain": {"type": "keyword"},
            "o": {"properties": {"words": stored("text")}},
        }
        await make_collection(storage, {"properties": properties})
        source = {
            "name": ["Ada", "Grace"], "count": ["3", None, 3.7], "day": 0, "sold": "no", "address": "::1",
            "place": [2, 1.5], "blob": "AA==", "plain": "x", "o": [{"words": "b A"}, {"words": 1}],
        }  # fmt: skip
        await put_all(storage, {"a": source})
        (hit,) = (await search(storage, stored_fields=["*", "none"])).hits
        assert hit.fields == {
            "name.raw": ["Ada"],
            "all": ["Ada", "Grace"],
            "count": [3, 7, 3],
            "day": ["1970/01/01"],
            "sold": [False],
            "address": ["::1"],
            "place": [{"lat": 1.5, "lon": 2.0}],
            "blob": ["AA=="],
            "o.words": ["b A", "1"],
        }
        assert hit.source is None
        for body in ({"stored_fields": ["sold", "_source"]}, {"stored_fields": "sold", "_source": True}):
            (hit,) = (await search(storage, **body)).hits
            assert (hit.fields, hit.source) == ({"sold": [False]}, source)
        (hit,) = (await search(storage, stored_fields=[], docvalue_fields=["sold"])).hits
        assert (hit.fields, hit.source) == ({"sold": [False]}, None)

    @pytest.mark.parametrize("kind", [{"type": "text"}, {"type": "keyword", "doc_values": False}, {"type": "binary"}])
    async def test_a_field_without_values_to_show_is_refused(self, storage: Storage, kind: Any) -> None:
        await make_collection(storage, {"properties": {"f": kind}})
        for field in ("f", "_id", "_uid"):
            error = await refusal(search(storage, docvalue_fields=[field]))
            assert error.status == 400
            assert f"[{field}]" in error.message

    async def test_hits_tell_which_named_queries_they_match(self, storage: Storage) -> None:
        await fill(storage)
        query = {
            "bool": {
                "should": [
                    {"term": {"city": {"value": "Paris", "_name": "in Paris"}}},
                    {"match": {"name": {"query": "red dog", "_name": "words"}}},
                    {"range": {"year": {"gte": 3}, "_name": "late"}},
                    {"terms": {"city": ["Rome"], "_name": "late"}},
                ],
                "_name": "all",
            }
        }
        body = {"query": query, "post_filter": {"exists": {"field": "year", "_name": "dated"}}, "sort": "_id"}
        assert {hit.id: hit.matched for hit in (await search(storage, **body)).hits} == {
            "a": ["in Paris", "words", "all", "dated"],
            "b": ["late", "all", "dated"],
            "c": ["in Paris", "words", "late", "all", "dated"],
            "d": ["words", "late", "all", "dated"],
            "e": ["words", "late", "all", "dated"],
        }
        inner = await search(storage, **body, collapse={"field": "city", "inner_hits": {"name": "x", "sort": "_id"}})
        assert ((inner.hits[0].groups or {})["x"].hits[1].matched or [])[2] == "late"
        assert {hit.matched for hit in (await search(storage)).hits} == {None}

    async def test_a_search_ends_when_its_time_is_over(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, {f"d{number}": {"year": number, "city": str(number)} for number in range(2000)})
        slow = {"sort": [{"year": {"mode": "sum"}}, "city"], "aggs": {"n": {"sum": {"field": "year"}}}}
        page = await search(storage, **slow, timeout="0ms")
        assert (page.hits, page.total, page.max_score, page.aggregations, page.is_timed_out) == (
            [],
            0,
            None,
            None,
            True,
        )
        for timeout in ("1h", -1, None):
            page = await search(storage, **slow, timeout=timeout)
            assert (len(page.hits), page.total, page.is_timed_out) == (10, 2000, False)
            assert page.aggregations == {"n": {"value": 1999000.0}}
        late = parse_search({"timeout": "1s"}, offset=None, size=None)
        error = await refusal(storage.open_scroll("i", "c", late, 1000))
        assert (error.status, error.message) == (400, "[timeout] cannot be used in a scroll context")

    async def test_as_many_names_as_may_be_are_told(self, storage: Storage) -> None:
        await fill(storage)
        named = [{"term": {"city": {"value": "Paris", "_name": f"n{number}"}}} for number in range(500)]
        page = await search(storage, query={"bool": {"should": named}}, sort="_id")
        assert [len(hit.matched or []) for hit in page.hits] == [500, 500]

    async def test_hits_below_the_least_score_are_left_out_everywhere(self, storage: Storage) -> None:
        await fill(storage)
        query = {"bool": {"must": {"match_all": {}}, "should": {"term": {"city": "Paris"}}}}
        count = {"n": {"value_count": {"field": "year"}}}
        page = await search(storage, query=query, min_score=1.5, aggs=count)
        assert [(hit.id, hit.score) for hit in page.hits] == [("a", 2.0), ("c", 2.0)]
        assert (page.total, page.aggregations) == (2, {"n": {"value": 2}})
        assert (await search(storage, query=query, min_score=2)).total == 2
        assert (await search(storage, min_score=1.01)).total == 0
