"""What every storage backend must compute: the aggregations of `kuzzle/storage/aggregations.py`."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.storage.base import Storage
from tests.contracts.filling import make_collection, put_all, refusal, search

SALES = {
    "s1": {"kind": "book", "price": 10, "rate": 1.5, "sold": "2015-01-01", "gift": True, "from": "10.0.0.1"},
    "s2": {"kind": "book", "price": 20, "rate": 2.5, "sold": "2015-01-02T12:00:00Z", "gift": False},
    "s3": {"kind": ["pen", "toy"], "price": 30, "sold": "2015-02-15", "gift": False, "from": "10.0.0.2"},
    "s4": {"kind": "pen", "price": [5, 5, 15], "sold": "2015-04-01", "title": "A fine pen"},
    "s5": {"kind": None},
}
MAPPING = {
    "properties": {
        "kind": {"type": "keyword"},
        "price": {"type": "integer"},
        "rate": {"type": "double"},
        "sold": {"type": "date"},
        "gift": {"type": "boolean"},
        "from": {"type": "ip"},
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "stored": {"type": "keyword", "doc_values": False},
        "place": {"type": "geo_point"},
    }
}


async def computed(storage: Storage, aggregation: dict[str, Any], **body: Any) -> Any:
    """Return the result of one aggregation over the sales."""
    page = await search(storage, size=0, aggregations={"it": aggregation}, **body)
    assert page.aggregations is not None
    return page.aggregations["it"]


def counts(result: dict[str, Any]) -> list[tuple[Any, int]]:
    """Return keys and numbers of documents of buckets."""
    return [(bucket["key"], bucket["doc_count"]) for bucket in result["buckets"]]


async def sales(storage: Storage) -> None:
    """Store the sales."""
    await make_collection(storage, MAPPING)
    await put_all(storage, SALES)


class MetricContract:
    """Numbers about values."""

    @pytest.mark.parametrize(
        ("name", "options", "expected"),
        [
            ("avg", {"field": "price"}, {"value": 16.0}),
            ("min", {"field": "price"}, {"value": 5.0}),
            ("max", {"field": "price"}, {"value": 30.0}),
            ("sum", {"field": "price"}, {"value": 80.0}),
            ("sum", {"field": "price", "missing": 7}, {"value": 87.0}),
            ("value_count", {"field": "kind"}, {"value": 5}),
            ("cardinality", {"field": "kind", "precision_threshold": 100}, {"value": 3}),
            ("cardinality", {"field": "from"}, {"value": 2}),
            ("avg", {"field": "unknown"}, {"value": None}),
            ("sum", {"field": "unknown"}, {"value": 0.0}),
            ("sum", {"field": "unknown", "missing": 2}, {"value": 10.0}),
            ("min", {"field": "sold"}, {"value": 1420070400000.0, "value_as_string": "2015-01-01T00:00:00.000Z"}),
            ("max", {"field": "gift"}, {"value": 1.0}),
            ("stats", {"field": "price"}, {"count": 5, "min": 5.0, "max": 30.0, "avg": 16.0, "sum": 80.0}),
            ("stats", {"field": "unknown"}, {"count": 0, "min": None, "max": None, "avg": None, "sum": 0.0}),
            ("extended_stats", {"field": "rate", "sigma": 1}, {
                "count": 2, "min": 1.5, "max": 2.5, "avg": 2.0, "sum": 4.0, "sum_of_squares": 8.5, "variance": 0.25,
                "std_deviation": 0.5, "std_deviation_bounds": {"upper": 2.5, "lower": 1.5},
            }),
        ],
    )  # fmt: skip
    async def test_a_metric(
        self, storage: Storage, name: str, options: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        await sales(storage)
        assert await computed(storage, {name: options}) == expected

    async def test_a_metric_is_about_the_matches_not_the_page(self, storage: Storage) -> None:
        await sales(storage)
        books = {"term": {"kind": "book"}}
        assert await computed(storage, {"sum": {"field": "price"}}, query=books) == {"value": 30.0}
        page = await search(
            storage, size=1, aggs={"it": {"sum": {"field": "price"}}}, query=books, sort=[{"price": "desc"}]
        )
        assert ([hit.id for hit in page.hits], page.aggregations) == (["s2"], {"it": {"value": 30.0}})

    async def test_a_post_filter_is_about_hits_alone(self, storage: Storage) -> None:
        await sales(storage)
        page = await search(
            storage, post_filter={"term": {"kind": "toy"}}, aggs={"kinds": {"terms": {"field": "kind"}}}
        )
        assert ([hit.id for hit in page.hits], page.total, page.max_score) == (["s3"], 1, 1.0)
        assert page.aggregations is not None
        assert counts(page.aggregations["kinds"]) == [("book", 2), ("pen", 2), ("toy", 1)]

    async def test_nothing_asked_for_is_no_fault(self, storage: Storage) -> None:
        await sales(storage)
        for body in ({"aggregations": {}}, {"aggs": None}, {"post_filter": {}}, {}):
            page = await search(storage, **body)
            assert (page.total, page.aggregations) == (5, None)


class TermsContract:
    """A bucket for each value."""

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"field": "kind"}, [("book", 2), ("pen", 2), ("toy", 1)]),
            ({"field": "kind", "size": 1}, [("book", 2)]),
            ({"field": "kind", "order": {"_count": "asc"}}, [("toy", 1), ("book", 2), ("pen", 2)]),
            ({"field": "kind", "order": {"_term": "desc"}}, [("toy", 1), ("pen", 2), ("book", 2)]),
            ({"field": "kind", "order": [{"_count": "desc"}, {"_key": "desc"}]},
             [("pen", 2), ("book", 2), ("toy", 1)]),
            ({"field": "kind", "min_doc_count": 2}, [("book", 2), ("pen", 2)]),
            ({"field": "kind", "include": ["toy", "pen", "none"]}, [("pen", 2), ("toy", 1)]),
            ({"field": "kind", "exclude": ["pen"]}, [("book", 2), ("toy", 1)]),
            ({"field": "kind", "include": "[a-t]o*.{2}"}, [("book", 2), ("pen", 2), ("toy", 1)]),
            ({"field": "kind", "include": ".*o.*", "exclude": "t.*"}, [("book", 2)]),
            ({"field": "kind", "include": ".*o.*", "missing": "other"}, [("book", 2), ("other", 1), ("toy", 1)]),
            ({"field": "kind", "missing": "other", "size": 9},
             [("book", 2), ("pen", 2), ("other", 1), ("toy", 1)]),
            ({"field": "price", "size": 2}, [(5, 1), (10, 1)]),
            ({"field": "from"}, [("10.0.0.1", 1), ("10.0.0.2", 1)]),
            ({"field": "title.raw"}, [("A fine pen", 1)]),
            ({"field": "unknown"}, []),
            ({"field": "unknown", "missing": "x"}, [("x", 5)]),
        ],
    )  # fmt: skip
    async def test_buckets(self, storage: Storage, options: dict[str, Any], expected: list[tuple[Any, int]]) -> None:
        await sales(storage)
        assert counts(await computed(storage, {"terms": options})) == expected

    async def test_what_is_not_shown_is_counted(self, storage: Storage) -> None:
        await sales(storage)
        assert await computed(storage, {"terms": {"field": "kind", "size": 2}}) == {
            "doc_count_error_upper_bound": 0,
            "sum_other_doc_count": 1,
            "buckets": [{"key": "book", "doc_count": 2}, {"key": "pen", "doc_count": 2}],
        }

    async def test_booleans_and_dates_have_texts(self, storage: Storage) -> None:
        await sales(storage)
        assert (await computed(storage, {"terms": {"field": "gift"}}))["buckets"] == [
            {"key": 0, "key_as_string": "false", "doc_count": 2},
            {"key": 1, "key_as_string": "true", "doc_count": 1},
        ]
        assert (await computed(storage, {"terms": {"field": "sold", "size": 1}}))["buckets"] == [
            {"key": 1420070400000, "key_as_string": "2015-01-01T00:00:00.000Z", "doc_count": 1}
        ]

    async def test_terms_that_nothing_matches_are_shown_when_asked_for(self, storage: Storage) -> None:
        await sales(storage)
        wanted = {"terms": {"field": "kind", "min_doc_count": 0}}
        found = await computed(storage, wanted, query={"term": {"kind": "toy"}})
        assert counts(found) == [("pen", 1), ("toy", 1), ("book", 0)]

    async def test_buckets_hold_aggregations_at_any_depth(self, storage: Storage) -> None:
        await sales(storage)
        found = await computed(
            storage,
            {
                "terms": {"field": "kind", "order": {"cost.max": "desc"}, "size": 2},
                "meta": {"color": "blue"},
                "aggs": {
                    "cost": {"stats": {"field": "price"}},
                    "gifts": {"terms": {"field": "gift"}, "aggregations": {"rate": {"avg": {"field": "rate"}}}},
                },
            },
        )
        assert found["meta"] == {"color": "blue"}
        assert counts(found) == [("pen", 2), ("toy", 1)]
        pen = found["buckets"][0]
        assert pen["cost"] == {"count": 3, "min": 5.0, "max": 30.0, "avg": 50 / 3, "sum": 50.0}
        assert pen["gifts"]["buckets"] == [
            {"key": 0, "key_as_string": "false", "doc_count": 1, "rate": {"value": None}}
        ]


class BucketContract:
    """Buckets by width, range and query; percentiles."""

    async def test_histograms_fill_gaps(self, storage: Storage) -> None:
        await sales(storage)
        wide = {"field": "price", "interval": 10}
        assert counts(await computed(storage, {"histogram": wide})) == [(0.0, 1), (10.0, 2), (20.0, 1), (30.0, 1)]
        cut = {**wide, "min_doc_count": 2, "offset": 5}
        assert counts(await computed(storage, {"histogram": cut})) == [(5.0, 2), (15.0, 2)]
        reach = {**wide, "interval": 20, "extended_bounds": {"min": -20, "max": 50}, "keyed": True}
        assert (await computed(storage, {"histogram": reach}))["buckets"] == {
            "-20.0": {"key": -20.0, "doc_count": 0},
            "0.0": {"key": 0.0, "doc_count": 2},
            "20.0": {"key": 20.0, "doc_count": 2},
            "40.0": {"key": 40.0, "doc_count": 0},
        }

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"interval": "month"}, [("2015-01", 2), ("2015-02", 1), ("2015-03", 0), ("2015-04", 1)]),
            ({"interval": "quarter"}, [("2015-01", 3), ("2015-04", 1)]),
            ({"calendar_interval": "1y"}, [("2015-01", 4)]),
            ({"interval": "1d", "min_doc_count": 1, "format": "yyyy-MM-dd"},
             [("2015-01-01", 1), ("2015-01-02", 1), ("2015-02-15", 1), ("2015-04-01", 1)]),
            ({"interval": "month", "time_zone": "America/New_York"},
             [("2014-12", 1), ("2015-01", 1), ("2015-02", 1), ("2015-03", 1)]),
            ({"interval": "week", "min_doc_count": 1, "format": "MM-dd"},
             [("12-29", 2), ("02-09", 1), ("03-30", 1)]),
        ],
    )  # fmt: skip
    async def test_histograms_of_dates(
        self, storage: Storage, options: dict[str, Any], expected: list[tuple[str, int]]
    ) -> None:
        await sales(storage)
        found = await computed(storage, {"date_histogram": {"field": "sold", "format": "yyyy-MM", **options}})
        assert [(bucket["key_as_string"], bucket["doc_count"]) for bucket in found["buckets"]] == expected

    async def test_ranges(self, storage: Storage) -> None:
        await sales(storage)
        ranges = [{"from": 10, "to": 20}, {"to": 10}, {"from": 20, "key": "dear"}]
        found = await computed(storage, {"range": {"field": "price", "ranges": ranges}})
        assert found["buckets"] == [
            {"key": "*-10.0", "to": 10.0, "doc_count": 1},
            {"key": "10.0-20.0", "from": 10.0, "to": 20.0, "doc_count": 2},
            {"key": "dear", "from": 20.0, "doc_count": 2},
        ]
        dates = {"field": "sold", "format": "yyyy-MM", "ranges": [{"to": "2015-02"}], "keyed": True}
        assert (await computed(storage, {"date_range": dates}))["buckets"] == {
            "*-2015-02": {"to": 1422748800000.0, "to_as_string": "2015-02", "doc_count": 2}
        }

    async def test_buckets_of_queries(self, storage: Storage) -> None:
        await sales(storage)
        price = {"price": {"sum": {"field": "price"}}}
        found = await computed(storage, {"filter": {"term": {"kind": "pen"}}, "aggs": price})
        assert found == {"doc_count": 2, "price": {"value": 50.0}}
        filters = {"pens": {"term": {"kind": "pen"}}, "books": {"term": {"kind": "book"}}}
        found = await computed(storage, {"filters": {"filters": filters, "other_bucket": True}})
        assert found["buckets"] == {"pens": {"doc_count": 2}, "books": {"doc_count": 2}, "_other_": {"doc_count": 1}}
        found = await computed(storage, {"filters": {"filters": [{"match_all": {}}]}})
        assert found["buckets"] == [{"doc_count": 5}]
        assert await computed(storage, {"missing": {"field": "kind"}}) == {"doc_count": 1}
        found = await computed(storage, {"global": {}, "aggs": price}, query={"term": {"kind": "book"}})
        assert found == {"doc_count": 5, "price": {"value": 80.0}}

    async def test_percentiles(self, storage: Storage) -> None:
        await sales(storage)
        found = await computed(storage, {"percentiles": {"field": "price", "percents": [0, 50, 100]}})
        assert found == {"values": {"0.0": 5.0, "50.0": 15.0, "100.0": 30.0}}
        found = await computed(storage, {"percentiles": {"field": "none", "percents": [50], "keyed": False}})
        assert found == {"values": [{"key": 50.0, "value": None}]}


class RefusalContract:
    """What cannot be computed says so."""

    @pytest.mark.parametrize(
        ("aggregation", "text"),
        [
            ({"terms": {"field": "title"}}, "Fielddata is disabled on text fields by default."),
            ({"max": {"field": "title"}}, "Fielddata is disabled on text fields by default."),
            ({"avg": {"field": "kind"}}, "Expected numeric type on field [kind], but got [keyword]"),
            ({"terms": {"field": "_id"}}, "Fielddata is not supported on field [_id]"),
            ({"terms": {"field": "stored"}}, "Can't load fielddata on [stored]"),
            ({"value_count": {"field": "place"}}, "Field [place] of type [geo_point] is not supported"),
            ({"sum": {"field": "price", "missing": "x"}}, "[missing] of [price]"),
            ({"histogram": {"field": "price", "interval": 1e-10, "extended_bounds": {"max": 1e308}}}, "[histogram]"),
            ({"histogram": {"field": "price", "interval": 1e-5}}, "Trying to create too many buckets."),
            ({"date_histogram": {"field": "sold", "interval": "second"}}, "Trying to create too many buckets."),
            ({"date_histogram": {"field": "sold", "interval": "day", "time_zone": "Nowhere"}}, "The datetime zone id"),
            ({"date_histogram": {"field": "sold", "interval": "day", "format": "EEE"}}, "Invalid format: [EEE]"),
            ({"date_range": {"field": "sold", "ranges": [{"from": 1e300}]}}, "[date_range] the date"),
            ({"date_range": {"field": "sold", "ranges": [{"from": "soon"}]}}, "failed to parse date field [soon]"),
        ],
    )
    async def test_a_field_that_cannot_be_aggregated(
        self, storage: Storage, aggregation: dict[str, Any], text: str
    ) -> None:
        await sales(storage)
        error = await refusal(computed(storage, aggregation))
        assert (error.id, error.status) == ("services.storage.unexpected_bad_request", 400)
        assert error.message.startswith(text)


class AggregationContract(MetricContract, TermsContract, BucketContract, RefusalContract):
    """All of the aggregations."""
