"""Aggregations, evaluated the obvious way over documents in memory: what a backend is compared with.

Fields are those of `plain_queries`, or of `plain_nested` where things are its. A value that stands twice in a
document, or nested object, counts once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import plain_nested
import plain_queries
from plain_nested import Thing

from kuzzle.storage.aggregations import (
    Aggregation,
    BucketOrder,
    FilterBucket,
    Histogram,
    Metric,
    NestedBucket,
    ReverseNestedBucket,
    TermBuckets,
    TermPattern,
    TopHits,
)
from kuzzle.storage.query import Query

# Contents of documents, or things of `plain_nested`.
Sources = Sequence[Any]


def aggregate(wanted: Mapping[str, Aggregation], sources: Sources, everything: Sources) -> dict[str, Any]:
    """Return the results over some documents of a collection.

    Args:
        everything: All of them, whose values have a bucket too where none is too small; none inside of an empty bucket
            that others made.
    """
    return {name: _result(aggregation, sources, everything) for name, aggregation in wanted.items()}


def _result(aggregation: Aggregation, sources: Sources, everything: Sources) -> dict[str, Any]:
    match aggregation.kind:
        case Metric() as metric:
            return _metric(metric, [value for source in sources for value in _values(source, metric)])
        case TermBuckets() as terms:
            return _terms(terms, aggregation.below, sources, everything)
        case FilterBucket() as one:
            return _bucket(aggregation, [source for source in sources if _matches(one.query, source)], everything)
        case Histogram() as histogram:
            return _histogram(histogram, aggregation, sources, everything)
        case NestedBucket(path):
            return _bucket(aggregation, [thing for source in sources for thing in source.below(path)], everything)
        case ReverseNestedBucket(path):
            around = {id(thing): thing for source in sources for thing in [source.standing_in(path or "")]}
            return _bucket(aggregation, list(around.values()), everything)
        case TopHits(page):
            return {"hits": plain_nested.top_hits(page, sources)}
    raise NotImplementedError


def _matches(query: Query, source: Any) -> bool:
    return source.matches(query) if isinstance(source, Thing) else plain_queries.matches(query, "", source)


def _values_of(source: Any, field: str) -> list[Any]:
    return source.values_of(field) if isinstance(source, Thing) else plain_queries.values_of(source, field)


def _bucket(aggregation: Aggregation, inside: Sources, everything: Sources) -> dict[str, Any]:
    return {"doc_count": len(inside), **aggregate(aggregation.below, inside, everything)}


def _histogram(kind: Histogram, aggregation: Aggregation, sources: Sources, everything: Sources) -> dict[str, Any]:
    def cells(source: Any) -> set[int]:
        return {math.floor((value - kind.offset) / kind.interval) for value in _values(source, kind)}

    known = {cell for source in sources for cell in cells(source)}
    if known and kind.min_doc_count == 0:
        known = set(range(min(known), max(known) + 1))
    buckets = []
    for cell in sorted(known):
        inside = [source for source in sources if cell in cells(source)]
        if len(inside) >= kind.min_doc_count:
            key = cell * kind.interval + kind.offset
            buckets.append({"key": key, **_bucket(aggregation, inside, everything if inside else [])})
    return {"buckets": buckets}


def _values(source: Any, kind: Any) -> set[Any]:
    found = set(_values_of(source, kind.field))
    if not found and kind.missing is not None:
        return {kind.missing}
    return found


def _metric(metric: Metric, values: list[Any]) -> dict[str, Any]:
    numbers = [float(value) for value in values] if metric.name not in ("value_count", "cardinality") else []
    mean = sum(numbers) / len(numbers) if numbers else None
    match metric.name:
        case "value_count":
            return {"value": len(values)}
        case "cardinality":
            return {"value": len(set(values))}
        case "min" | "max":
            return _dated(metric, numbers, {"value": (min if metric.name == "min" else max)(numbers, default=None)})
        case "sum":
            return _dated(metric, numbers, {"value": sum(numbers)})
        case "avg":
            return _dated(metric, numbers, {"value": mean})
    stats = {
        "count": len(numbers),
        "min": min(numbers, default=None),
        "max": max(numbers, default=None),
        "avg": mean,
        "sum": sum(numbers),
    }
    stats = _dated(metric, numbers, stats)
    if metric.name == "extended_stats":
        variance = None if mean is None else sum((number - mean) ** 2 for number in numbers) / len(numbers)
        deviation = None if variance is None else math.sqrt(variance)
        stats["sum_of_squares"] = sum(number**2 for number in numbers)
        stats["variance"] = variance
        stats["std_deviation"] = deviation
        stats["std_deviation_bounds"] = {
            "upper": None if mean is None or deviation is None else mean + metric.sigma * deviation,
            "lower": None if mean is None or deviation is None else mean - metric.sigma * deviation,
        }
    return stats


def _dated(metric: Metric, numbers: list[float], result: dict[str, Any]) -> dict[str, Any]:
    """Add the texts of dates; the field's format is that of milliseconds."""
    if metric.field != "d" or not numbers:
        return result
    texts = {f"{name}_as_string": str(math.floor(value)) for name, value in result.items() if name != "count"}
    return {**result, **texts}


def _terms(
    kind: TermBuckets, below: Mapping[str, Aggregation], sources: Sources, everything: Sources
) -> dict[str, Any]:
    keys = {key for source in sources for key in _values(source, kind)}
    if kind.min_doc_count == 0:
        keys |= {key for source in everything for key in _values_of(source, kind.field)}
    buckets = []
    for key in keys:
        inside = [source for source in sources if key in _values(source, kind)]
        is_chosen = (kind.include is None or _is_among(key, kind.include)) and not _is_among(key, kind.exclude)
        if is_chosen and len(inside) >= kind.min_doc_count:
            buckets.append((key, len(inside), aggregate(below, inside, everything if inside else [])))
    buckets.sort(key=lambda bucket: bucket[0])
    for order in reversed(kind.order):
        buckets = _sorted(buckets, order)
    shown = buckets[: kind.size]
    return {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": sum(bucket[1] for bucket in buckets[kind.size :]),
        "buckets": [{**_key(kind.field, key), "doc_count": count, **results} for key, count, results in shown],
    }


def _is_among(key: Any, chosen: tuple[Any, ...] | TermPattern) -> bool:
    if isinstance(chosen, TermPattern):
        return re.fullmatch(chosen.expression, key, re.DOTALL) is not None
    return key in chosen


def _sorted(buckets: list[tuple[Any, int, Any]], order: BucketOrder) -> list[tuple[Any, int, Any]]:
    def key(bucket: tuple[Any, int, Any]) -> Any:
        if order.path == ("_count",):
            return bucket[1]
        if order.path == ("_key",):
            return bucket[0]
        found = bucket[2]
        for name in order.path:
            found = found[name]
        return found[order.part or ("doc_count" if "doc_count" in found else "value")]

    with_key = [bucket for bucket in buckets if key(bucket) is not None]
    without_key = [bucket for bucket in buckets if key(bucket) is None]
    return sorted(with_key, key=key, reverse=order.is_descending) + without_key


def _key(field: str, value: Any) -> dict[str, Any]:
    if field == "b":
        return {"key": int(value), "key_as_string": "true" if value else "false"}
    return {"key": value, "key_as_string": str(value)} if field == "d" else {"key": value}
