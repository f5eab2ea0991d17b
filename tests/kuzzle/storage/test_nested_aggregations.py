"""Aggregations of nested objects, and hits in buckets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tornado.ioloop

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.query import parse_search
from kuzzle.storage.sqlite import SqliteStorage, aggregating_scope

LINE = {
    "product": {"type": "keyword"},
    "price": {"type": "long"},
    "note": {"type": "text"},
    "day": {"type": "date", "format": "yyyy-MM-dd"},
}
MAPPING = {
    "properties": {
        "client": {"type": "keyword"},
        "plain": {"properties": {"k": {"type": "keyword"}}},
        "lines": {"type": "nested", "properties": {**LINE, "taxes": {"type": "nested", "properties": LINE}}},
        "remarks": {"type": "nested", "properties": {"by": {"type": "keyword"}}},
    }
}
ORDERS: dict[str, dict[str, Any]] = {
    "o1": {
        "client": "ada",
        "lines": [
            {"product": "pen", "price": 3, "note": "blue ink", "day": "2020-01-01", "taxes": [{"price": 1}]},
            {"product": "ink", "price": 9, "note": "for pens", "taxes": [{"price": 2}, {"price": 4}]},
        ],
        "remarks": {"by": "bob"},
    },
    "o2": {"client": "ada", "lines": {"product": "pen", "price": 4, "day": "2020-03-01"}},
    "o3": {"client": "eve", "lines": []},
}


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")

    async def fill() -> None:
        await storage.open()
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)
        writes = [DocumentWrite(name, source) for name, source in ORDERS.items()]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)

    io_loop.run_sync(fill)
    yield storage
    io_loop.run_sync(storage.close)


async def computed(storage: SqliteStorage, aggregation: Any, **body: Any) -> dict[str, Any]:
    """Return the result of one aggregation."""
    search = parse_search({"size": 0, "aggs": {"it": aggregation}, **body}, offset=None, size=None)
    page = await storage.search("i", "c", search)
    assert page.aggregations is not None
    result: dict[str, Any] = page.aggregations["it"]
    return result


def nested(aggs: Any, path: str = "lines") -> dict[str, Any]:
    """Make a nested aggregation."""
    return {"nested": {"path": path}, "aggs": aggs}


def buckets(result: dict[str, Any]) -> list[tuple[Any, int]]:
    """Return keys and counts."""
    return [(bucket["key"], bucket["doc_count"]) for bucket in result["buckets"]]


async def test_nested_objects_are_counted_one_by_one(storage: SqliteStorage) -> None:
    found = await computed(
        storage,
        nested({
            "products": {"terms": {"field": "lines.product"}, "aggs": {"price": {"sum": {"field": "lines.price"}}}},
            "outside": {"value_count": {"field": "client"}},
            "dated": {"missing": {"field": "lines.day"}},
            "months": {"date_histogram": {"field": "lines.day", "interval": "month", "min_doc_count": 1}},
            "ranges": {"range": {"field": "lines.price", "ranges": [{"to": 4}, {"from": 4}]}},
            "cheap": {"filters": {"filters": {"three": {"term": {"lines.price": 3}}}, "other_bucket": True}},
            "half": {"percentiles": {"field": "lines.price", "percents": [50]}},
        }),
    )  # fmt: skip
    assert found["doc_count"] == 3
    assert buckets(found["products"]) == [("pen", 2), ("ink", 1)]
    assert [bucket["price"]["value"] for bucket in found["products"]["buckets"]] == [7.0, 9.0]
    assert found["outside"] == {"value": 0}
    assert found["dated"]["doc_count"] == 1
    assert [bucket["doc_count"] for bucket in found["months"]["buckets"]] == [1, 1]
    assert [bucket["doc_count"] for bucket in found["ranges"]["buckets"]] == [1, 2]
    assert found["cheap"]["buckets"] == {"three": {"doc_count": 1}, "_other_": {"doc_count": 2}}
    assert found["half"]["values"] == {"50.0": 4.0}


async def test_only_objects_of_what_was_found_are_counted(storage: SqliteStorage) -> None:
    taxes = nested({"all": {"sum": {"field": "lines.taxes.price"}}}, "lines.taxes")
    assert await computed(storage, taxes) == {"doc_count": 3, "all": {"value": 7.0}}
    by_product = nested({"products": {"terms": {"field": "lines.product"}, "aggs": {"taxes": taxes}}})
    found = await computed(storage, by_product)
    assert [bucket["taxes"]["doc_count"] for bucket in found["products"]["buckets"]] == [1, 2]
    query = {"term": {"_id": "o2"}}
    assert await computed(storage, taxes, query=query) == {"doc_count": 0, "all": {"value": 0.0}}
    assert buckets((await computed(storage, by_product, query=query))["products"]) == [("pen", 1)]


async def test_the_way_back_counts_what_is_around_once(storage: SqliteStorage) -> None:
    clients = {"orders": {"reverse_nested": {}, "aggs": {"clients": {"terms": {"field": "client"}}}}}
    found = await computed(storage, nested({"products": {"terms": {"field": "lines.product"}, "aggs": clients}}))
    assert [
        (bucket["key"], bucket["orders"]["doc_count"], buckets(bucket["orders"]["clients"]))
        for bucket in found["products"]["buckets"]
    ] == [("pen", 2, [("ada", 2)]), ("ink", 1, [("ada", 1)])]
    lines = {"lines": {"reverse_nested": {"path": "lines"}, "aggs": {"price": {"avg": {"field": "lines.price"}}}}}
    found = await computed(storage, nested(lines, "lines.taxes"))
    assert found == {"doc_count": 3, "lines": {"doc_count": 2, "price": {"value": 6.0}}}
    remarks = {"orders": {"reverse_nested": {}, "aggs": {"remarks": nested({}, "remarks")}}}
    assert (await computed(storage, nested(remarks)))["orders"]["remarks"] == {"doc_count": 1}


@pytest.mark.parametrize(
    ("order", "keys"),
    [
        ("lines>price", ["eve", "ada"]),
        ("lines>price.value", ["eve", "ada"]),
        ("lines", ["eve", "ada"]),
        ("lines>_count", ["eve", "ada"]),
        ("_count", ["eve", "ada"]),
        ("lines>pens>stats.max", ["ada", "eve"]),
    ],
)
async def test_buckets_are_ordered_by_what_stands_in_single_buckets(
    storage: SqliteStorage, order: str, keys: list[str]
) -> None:
    stats = {"stats": {"stats": {"field": "lines.price"}}}
    pens = {"filter": {"term": {"lines.product": "pen"}}, "aggs": stats}
    lines = nested({"price": {"sum": {"field": "lines.price"}}, "pens": pens})
    found = await computed(storage, {"terms": {"field": "client", "order": {order: "asc"}}, "aggs": {"lines": lines}})
    # Without a greatest price a bucket comes last.
    assert [bucket["key"] for bucket in found["buckets"]] == keys


async def test_an_aggregation_may_have_the_name_of_a_number(storage: SqliteStorage) -> None:
    for name, keys in (("value", ["eve", "ada"]), ("doc_count", ["ada", "eve"])):
        lines = nested({name: {"max": {"field": "lines.price"}}})
        terms = {"terms": {"field": "client", "order": {"lines": "asc"}}, "aggs": {"lines": lines}}
        assert [bucket["key"] for bucket in (await computed(storage, terms))["buckets"]] == keys


async def test_levels_of_objects_may_be_skipped_both_ways(storage: SqliteStorage) -> None:
    bits = {"type": "nested", "properties": {"n": {"type": "long"}}}
    parts = {"type": "nested", "properties": {"bits": bits}}
    deep = {"type": "nested", "properties": {"k": {"type": "keyword"}, "parts": parts}}
    await storage.create_collection("i", "deep", {"properties": {"items": deep}})
    red = {"k": "red", "parts": [{"bits": [{"n": 1}, {"n": 2}]}, {"bits": {"n": 3}}]}
    blue = {"k": "blue", "parts": {"bits": {"n": 4}}}
    await storage.write_documents("i", "deep", WriteKind.CREATE, [DocumentWrite("a", {"items": [red, blue]})])
    back = {"items": {"reverse_nested": {"path": "items"}, "aggs": {"kinds": {"terms": {"field": "items.k"}}}}}
    bits_of = nested({"sum": {"sum": {"field": "items.parts.bits.n"}}, **back}, "items.parts.bits")
    kinds = {"terms": {"field": "items.k", "order": {"_key": "asc"}}, "aggs": {"bits": bits_of}}
    search = parse_search({"aggs": {"it": nested({"kinds": kinds}, "items")}}, offset=None, size=None)
    page = await storage.search("i", "deep", search)
    assert page.aggregations is not None
    found = [(bucket["key"], bucket["bits"]) for bucket in page.aggregations["it"]["kinds"]["buckets"]]
    assert [(key, bits["doc_count"], bits["sum"]["value"]) for key, bits in found] == [
        ("blue", 1, 4.0),
        ("red", 3, 6.0),
    ]
    assert [buckets(bits["items"]["kinds"]) for _, bits in found] == [[("blue", 1)], [("red", 1)]]


async def test_a_path_that_leads_nowhere_counts_nothing(storage: SqliteStorage) -> None:
    metric = {"m": {"max": {"field": "lines.price"}}}
    assert await computed(storage, nested(metric, "none")) == {"doc_count": 0, "m": {"value": None}}
    assert await computed(storage, nested({"inner": nested({}, "remarks")})) == {
        "doc_count": 3,
        "inner": {"doc_count": 0},
    }


@pytest.mark.parametrize(
    ("aggregation", "text"),
    [
        (nested({}, "plain"), "[nested] nested path [plain] is not nested"),
        (nested({}, "client"), "[nested] nested path [client] is not nested"),
        ({"reverse_nested": {}}, "Reverse nested aggregation can not be used outside a [nested] aggregation"),
        (nested({"back": {"reverse_nested": {"path": "remarks"}}}),
         "[reverse_nested] nested path [remarks] does not stand around the nested objects [lines]"),
        (nested({"back": {"reverse_nested": {"path": "plain"}}}),
         "[nested] nested object under path [plain] is not of nested type"),
        (nested({"top": {"top_hits": {"sort": "client"}}}),
         "the nested objects [lines] do not directly hold the field [client]"),
        (nested({"top": {"top_hits": {"sort": {"lines.taxes.price": {"nested_path": "lines.taxes"}}}}}),
         "[nested_path] is not supported in a sort of the nested objects [lines]"),
        ({"terms": {"field": "lines.price", "include": "1.*"}}, None),
        (nested({"t": {"terms": {"field": "lines.price", "include": "1.*"}}}),
         "Aggregation on [lines.price] cannot support regular expression style include/exclude settings as they can "
         "only be applied to string fields. Use a list of values to filter other fields"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused(storage: SqliteStorage, aggregation: Any, text: str | None) -> None:
    if text is None:
        # Outside of the objects nobody knows the field.
        assert (await computed(storage, aggregation))["buckets"] == []
        return
    with pytest.raises(KuzzleError) as caught:
        await computed(storage, aggregation)
    assert (caught.value.message, caught.value.status) == (text, 400)


async def test_buckets_show_their_best_hits(storage: SqliteStorage) -> None:
    query = {"bool": {"must": {"match_all": {}}, "should": {"term": {"_id": "o2"}}}}
    clients = {"terms": {"field": "client"}, "aggs": {"top": {"top_hits": {"size": 1, "_source": ["client"]}}}}
    found = await computed(storage, clients, query=query)
    (ada, eve) = (bucket["top"]["hits"] for bucket in found["buckets"])
    assert isinstance(ada, SearchPage)
    assert ([hit.id for hit in ada.hits], ada.total, ada.max_score) == (["o2"], 2, 2.0)
    assert (ada.hits[0].score, ada.hits[0].source) == (2.0, {"client": "ada"})
    assert ([hit.id for hit in eve.hits], eve.total, eve.max_score) == (["o3"], 1, 1.0)
    everything = {"global": {}, "aggs": {"top": {"top_hits": {}}}}
    found = await computed(storage, everything, query=query)
    assert [(hit.id, hit.score) for hit in found["top"]["hits"].hits] == [("o1", 1.0), ("o2", 1.0), ("o3", 1.0)]
    nothing = await computed(storage, {"top_hits": {}}, query={"match_none": {}})
    assert nothing == {"hits": SearchPage([], 0, None, 0)}


async def test_hits_of_buckets_are_sorted_and_show_what_is_asked_for(storage: SqliteStorage) -> None:
    options = {
        "sort": [{"lines.price": {"order": "desc", "nested_path": "lines"}}, "_id"],
        "_source": False,
        "version": True,
        "from": 1,
        "size": 1,
    }
    page = (await computed(storage, {"top_hits": options}))["hits"]
    (hit,) = page.hits
    assert (hit.id, hit.sort, hit.source, hit.version, hit.score) == ("o2", [4, "o2"], None, 1, None)
    assert (page.total, page.max_score) == (3, None)
    page = (await computed(storage, {"top_hits": {**options, "track_scores": True}}))["hits"]
    assert (page.hits[0].score, page.max_score) == (1.0, 1.0)


async def test_hits_may_be_nested_objects(storage: SqliteStorage) -> None:
    top = {"top_hits": {"sort": {"lines.price": "desc"}, "size": 2, "_source": ["price"], "version": True}}
    page = (await computed(storage, nested({"top": top})))["top"]["hits"]
    assert [(hit.id, hit.nested, hit.source, hit.sort, hit.version) for hit in page.hits] == [
        ("o1", [("lines", 1)], {"price": 9}, [9], 1),
        ("o2", [("lines", 0)], {"price": 4}, [4], 1),
    ]
    assert page.total == 3
    query = {"nested": {"path": "lines", "query": {"match": {"lines.note": "pens"}}}}
    top = {"top_hits": {"highlight": {"fields": {"lines.note": {}}}}}
    page = (await computed(storage, nested({"top": top}), query=query))["top"]["hits"]
    assert [hit.highlight for hit in page.hits] == [{}, {"lines.note": ["for <em>pens</em>"]}]
    # They score as their document does.
    assert [hit.score for hit in page.hits] == [page.max_score, page.max_score]


async def test_the_hits_of_an_answer_are_bounded(storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregating_scope, "MAX_HITS", 2)
    assert (await computed(storage, {"top_hits": {"size": 2}}))["hits"].total == 3
    with pytest.raises(KuzzleError, match="Too many hits in buckets"):
        await computed(storage, {"terms": {"field": "client"}, "aggs": {"top": {"top_hits": {}}}})


async def test_inner_hits_are_sorted_and_show_what_is_asked_for(storage: SqliteStorage) -> None:
    inner = {
        "sort": {"lines.price": "desc"},
        "highlight": {"fields": {"lines.note": {}}},
        "version": True,
        "_source": "product",
    }
    query = {"nested": {"path": "lines", "query": {"match": {"lines.note": "ink pens"}}, "inner_hits": inner}}
    (hit,) = (await storage.search("i", "c", parse_search({"query": query}, offset=None, size=None))).hits
    assert hit.inner_hits is not None
    page = hit.inner_hits["lines"]
    assert [(one.nested, one.sort, one.highlight, one.version, one.source, one.score) for one in page.hits] == [
        ([("lines", 1)], [9], {"lines.note": ["for <em>pens</em>"]}, 1, {"product": "ink"}, None),
        ([("lines", 0)], [3], {"lines.note": ["blue <em>ink</em>"]}, 1, {"product": "pen"}, None),
    ]
    assert page.max_score is None
    inner.update({"track_scores": True, "sort": {"client": "asc"}})
    with pytest.raises(KuzzleError, match="do not directly hold the field"):
        await storage.search("i", "c", parse_search({"query": query}, offset=None, size=None))
