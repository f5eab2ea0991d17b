"""Aggregations as clients write them: what is read, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.errors import KuzzleError
from kuzzle.storage.aggregation_clauses import MAX_AGGREGATIONS, MAX_DEPTH, parse_aggregations
from kuzzle.storage.query import parse_search

TERMS = {"terms": {"field": "a"}}


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ({"unknown": {}}, "Could not find aggregator type [unknown] in [it]"),
        ({"bucket_sort": {}}, "Pipeline aggregations are not supported: [bucket_sort] in [it]"),
        ({"derivative": {}}, "Pipeline aggregations are not supported: [derivative] in [it]"),
        ({"geo_bounds": {"field": "a"}}, "The aggregation type [geo_bounds] in [it] is not supported"),
        ({"composite": {"sources": []}}, "The aggregation type [composite] in [it] is not supported"),
        ({}, "Missing definition for aggregation [it]"),
        ([], "Aggregation definition for [it] must be an object"),
        ({"terms": 5}, "Expected [START_OBJECT] under [terms]"),
        ({"terms": []}, "Expected [START_OBJECT] under [terms]"),
        ({"terms": {}}, "Required one of fields [field, script], but none were specified in [terms]"),
        ({"terms": {"field": "a", "fields": 1}}, "[terms] unknown field [fields], parser not found"),
        ({"sum": {"script": "1"}}, "[sum] [script] is not supported"),
        ({"terms": {"field": "a", "size": 0}}, "[size] must be an integer of at least 1"),
        ({"terms": {"field": "a", "size": "many"}}, "[terms] [size] must be a number"),
        ({"terms": {"field": "a", "include": {"partition": 0, "num_partitions": 2}}},
         "[terms] [include] is only supported as a list of values or a regular expression"),
        ({"terms": {"field": "a", "order": {"_count": "up"}}}, "Unknown order direction [up]"),
        ({"terms": {"field": "a", "order": "a"}}, "Must specify at least one field for [order]"),
        ({"terms": {"field": "a", "order": {"t>m": "asc"}}, "aggs": {"t": TERMS}},
         "Invalid aggregation order path [t>m] in [it]: [t] is no single bucket"),
        ({"terms": {"field": "a", "order": {"f>m": "asc"}}, "aggs": {"f": {"filter": {}}}},
         "Invalid aggregation order path [f>m]. Unknown aggregation [m] in [it]"),
        ({"terms": {"field": "a", "order": {"t": "asc"}}, "aggs": {"t": {"top_hits": {}}}},
         "Invalid aggregation order path [t] in [it]: it must lead to a single number"),
        ({"terms": {"field": "a", "order": {"f.value": "asc"}}, "aggs": {"f": {"filter": {}}}},
         "Invalid aggregation order path [f.value] in [it]: it must lead to a single number"),
        ({"terms": {"field": "a", "order": {"b": "asc"}}}, "Invalid aggregation order path [b]. Unknown aggregation"),
        ({**TERMS, "avg": {"field": "a"}}, "Found two aggregation type definitions in [it]: [terms] and [avg]"),
        ({**TERMS, "aggs": {}, "aggregations": {}}, "Found two sub aggregation definitions under [it]"),
        ({"avg": {"field": "a"}, "aggs": {"b": TERMS}}, "Aggregator [it] of type [avg] cannot accept sub-aggregations"),
        ({**TERMS, "meta": 1}, "[meta] of aggregation [it] must be an object"),
        ({**TERMS, "aggs": 5}, "Expected [START_OBJECT] under [aggregations]"),
        ({"histogram": {"field": "a"}}, "[histogram] [interval] must be a number"),
        ({"histogram": {"field": "a", "interval": 0}}, "[interval] must be >0 for histogram aggregation"),
        ({"histogram": {"field": "a", "interval": "1e999"}}, "[histogram] [interval] must be a finite number"),
        ({"histogram": {"field": "a", "interval": 1, "extended_bounds": {"low": 1}}},
         "[extended_bounds] of [histogram] takes [min] and [max]"),
        ({"date_histogram": {"field": "a"}}, "[date_histogram] needs one of [interval], [calendar_interval]"),
        ({"date_histogram": {"field": "a", "interval": "fortnight"}}, "The supplied interval [fortnight] could not"),
        ({"date_histogram": {"field": "a", "fixed_interval": "month"}}, "The supplied fixed_interval [month] could"),
        ({"date_histogram": {"field": "a", "calendar_interval": "2d"}}, "The supplied calendar_interval [2d] could"),
        ({"date_histogram": {"field": "a", "interval": "day", "offset": "soon"}}, "[date_histogram] [offset] could"),
        ({"range": {"field": "a", "ranges": []}}, "No [ranges] specified for the [range] aggregation"),
        ({"range": {"field": "a", "ranges": [{"from": "x"}]}}, "[range] [ranges] must be a number"),
        ({"range": {"field": "a", "ranges": [{"mask": 1}]}}, "[range] unknown field [mask], parser not found"),
        ({"filters": {"filters": {}}}, "[filters] cannot be empty"),
        ({"filter": {"no_such_query": {}}}, "no [query] registered for [no_such_query]"),
        ({**TERMS, "aggs": {"all": {"global": {}}}}, "An aggregation cannot have a global sub-aggregation [all]"),
        ({"percentiles": {"field": "a", "percents": [101]}}, "percent must be in [0,100] in [percentiles]"),
        ({"top_hits": {"size": 101}}, "Top hits result window is too large, the top hits aggregator's from + size"),
        ({"top_hits": {"size": -1}}, "[top_hits] [size] must be a whole number that is not negative"),
        ({"top_hits": {"explain": True}}, "[top_hits] unknown field [explain], parser not found"),
        ({"top_hits": {}, "aggs": {"b": TERMS}}, "Aggregator [it] of type [top_hits] cannot accept sub-aggregations"),
        ({"nested": {}}, "Missing [path] field for [nested] aggregation"),
        ({"nested": {"path": "a", "field": "b"}}, "[nested] unknown field [field], parser not found"),
        ({"reverse_nested": {"path": 1}}, "[path] of [reverse_nested] must be a text"),
        ({"extended_stats": {"field": "a", "sigma": -1}}, "[sigma] must be greater than or equal to 0"),
        ({"terms": {"field": "a", "order": {"s.sum_of_all": "asc"}}, "aggs": {"s": {"stats": {"field": "b"}}}},
         "Invalid aggregation order path [s.sum_of_all] in [it]"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_by_name(definition: Any, text: str) -> None:
    with pytest.raises(KuzzleError) as caught:
        parse_aggregations({"it": definition})
    assert (caught.value.id, caught.value.status) == ("services.storage.unexpected_bad_request", 400)
    assert caught.value.message.startswith(text)


def test_a_name_without_brackets_is_needed() -> None:
    for name in ("a[b", "a>b", ""):
        with pytest.raises(KuzzleError, match="Invalid aggregation name"):
            parse_aggregations({name: TERMS})


def test_trees_are_bounded() -> None:
    deep: dict[str, Any] = {"it": TERMS}
    for _ in range(MAX_DEPTH):
        deep = {"it": {**TERMS, "aggs": deep}}
    with pytest.raises(KuzzleError, match="nested too deep"):
        parse_aggregations(deep)
    with pytest.raises(KuzzleError, match="Too many aggregations"):
        parse_aggregations({f"a{number}": TERMS for number in range(MAX_AGGREGATIONS + 1)})


def test_aggs_and_aggregations_are_one_thing() -> None:
    for key in ("aggs", "aggregations"):
        found = parse_search({key: {"it": TERMS}}, offset=None, size=None).aggregations
        assert found == parse_aggregations({"it": TERMS})
    with pytest.raises(KuzzleError, match=r"Found both \[aggs\] and \[aggregations\]"):
        parse_search({"aggs": {}, "aggregations": {}}, offset=None, size=None)
