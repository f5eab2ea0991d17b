"""Reads aggregations of the Elasticsearch DSL, as Elasticsearch 5 took them, into the tree.

What is not understood is refused by name (400 `services.storage.unexpected_bad_request`), never ignored. Accepted
without effect are hints about speed and precision (`execution_hint`, `shard_size`...): answers here are exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from kuzzle.storage.aggregation_buckets import BUCKET_READERS
from kuzzle.storage.aggregation_hits import HIT_READERS
from kuzzle.storage.aggregation_options import MAX_DEPTH, check_options, field_of, read_count, read_orders, single_value
from kuzzle.storage.aggregations import (
    SINGLE_BUCKETS,
    Aggregation,
    BucketOrder,
    Kind,
    Metric,
    MetricName,
    TermBuckets,
    TermPattern,
)
from kuzzle.storage.reading import MAX_TERMS, bad_request, read_number
from kuzzle.storage.tree import Scalar

# Each aggregation is at least one statement; nobody charts more of them at once.
MAX_AGGREGATIONS: Final = 100
# search.max_buckets of later Elasticsearch: what one answer may hold.
MAX_BUCKETS: Final = 65536

_PIPELINES: Final = frozenset({
    "avg_bucket", "bucket_script", "bucket_selector", "bucket_sort", "cumulative_sum", "derivative",
    "extended_stats_bucket", "max_bucket", "min_bucket", "moving_avg", "moving_fn", "percentiles_bucket",
    "serial_diff", "stats_bucket", "sum_bucket",
})  # fmt: skip
_UNSUPPORTED: Final = frozenset({
    "adjacency_matrix", "auto_date_histogram", "children", "composite", "diversified_sampler", "geo_bounds",
    "geo_centroid", "geo_distance", "geohash_grid", "ip_range", "matrix_stats", "median_absolute_deviation",
    "parent", "percentile_ranks", "rare_terms", "sampler", "scripted_metric",
    "significant_terms", "significant_text", "weighted_avg",
})  # fmt: skip
_SUBS: Final = ("aggs", "aggregations")


def parse_aggregations(body: Any) -> dict[str, Aggregation]:
    """Read named aggregations: `{<name>: {<type>: {...}, aggs: {...}, meta: {...}}}`.

    Args:
        body: `{}` and None: there are none.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request` naming what is wrong.
    """
    return _Reader().read(body, 1)


class _Reader:
    """Reads the aggregations of one search; counts them."""

    def __init__(self) -> None:
        self._count = 0

    def read(self, body: Any, depth: int) -> dict[str, Aggregation]:
        if body is None:
            return {}
        if not isinstance(body, dict):
            raise bad_request("Expected [START_OBJECT] under [aggregations]")
        if depth > MAX_DEPTH:
            raise bad_request(f"Aggregations are nested too deep: more than {MAX_DEPTH} levels")
        return {name: self._read_one(name, definition, depth) for name, definition in body.items()}

    def _read_one(self, name: str, definition: Any, depth: int) -> Aggregation:
        self._count += 1
        if self._count > MAX_AGGREGATIONS:
            raise bad_request(f"Too many aggregations: at most [{MAX_AGGREGATIONS}] are allowed")
        if not re.fullmatch(r"[^\[\]>]+", name):
            raise bad_request(
                f"Invalid aggregation name [{name}]. Aggregation names must be alpha-numeric and can only contain "
                "'_' and '-'"
            )
        if not isinstance(definition, dict):
            raise bad_request(f"Aggregation definition for [{name}] must be an object")
        kinds = [key for key in definition if key not in (*_SUBS, "meta")]
        if not kinds:
            raise bad_request(f"Missing definition for aggregation [{name}]")
        if len(kinds) > 1:
            raise bad_request(f"Found two aggregation type definitions in [{name}]: [{kinds[0]}] and [{kinds[1]}]")
        if all(key in definition for key in _SUBS):
            raise bad_request(f"Found two sub aggregation definitions under [{name}]")
        meta = definition.get("meta")
        if not isinstance(meta, dict | None):
            raise bad_request(f"[meta] of aggregation [{name}] must be an object")
        below = self.read(definition.get("aggs", definition.get("aggregations")), depth + 1)
        return Aggregation(_read_kind(name, kinds[0], definition[kinds[0]], below, depth), below, meta)


def _read_kind(name: str, type_name: str, content: Any, below: Mapping[str, Aggregation], depth: int) -> Kind:
    if type_name in _PIPELINES:
        raise bad_request(f"Pipeline aggregations are not supported: [{type_name}] in [{name}]")
    if type_name in _UNSUPPORTED:
        raise bad_request(f"The aggregation type [{type_name}] in [{name}] is not supported")
    if type_name not in _READERS:
        raise bad_request(f"Could not find aggregator type [{type_name}] in [{name}]")
    if not isinstance(content, dict | list):
        raise bad_request(f"Expected [START_OBJECT] under [{type_name}] in [{name}]")
    if below and type_name in _LEAVES:
        raise bad_request(f"Aggregator [{name}] of type [{type_name}] cannot accept sub-aggregations")
    if type_name == "global" and depth > 1:
        raise bad_request(
            f"An aggregation cannot have a global sub-aggregation [{name}]. Global aggregations can only be defined as "
            "top level aggregations"
        )
    kind = _READERS[type_name](type_name, content)
    for order in getattr(kind, "order", ()):
        if order.is_by_metric:
            _check_order(name, order, below)
    return kind


def _check_order(name: str, order: BucketOrder, below: Mapping[str, Aggregation]) -> None:
    """Refuse an order by what is not computed below, or is no single number."""
    written = ">".join(order.path) + ("" if order.part is None else f".{order.part}")
    *around, last = order.path
    for step in around:
        found = _known(name, written, step, below)
        if not isinstance(found.kind, SINGLE_BUCKETS):
            raise bad_request(f"Invalid aggregation order path [{written}] in [{name}]: [{step}] is no single bucket")
        below = found.below
    kind = _known(name, written, last, below).kind
    if isinstance(kind, SINGLE_BUCKETS):
        parts: tuple[str | None, ...] = (None, "doc_count")
    else:
        parts = _PARTS.get(kind.name, (None, "value")) if isinstance(kind, Metric) else ()
    if order.part not in parts:
        raise bad_request(f"Invalid aggregation order path [{written}] in [{name}]: it must lead to a single number")


def _known(name: str, written: str, step: str, below: Mapping[str, Aggregation]) -> Aggregation:
    if step not in below:
        raise bad_request(f"Invalid aggregation order path [{written}]. Unknown aggregation [{step}] in [{name}]")
    return below[step]


_STATS: Final = ("count", "min", "max", "avg", "sum")
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "stats": _STATS,
    "extended_stats": (*_STATS, "sum_of_squares", "variance", "std_deviation"),
}


def _read_metric(type_name: str, content: Any) -> Kind:
    own = {"cardinality": ("precision_threshold", "rehash"), "extended_stats": ("sigma",)}.get(type_name, ())
    options = check_options(type_name, content, ("field", "missing", *own))
    sigma = read_number(type_name, "sigma", options.get("sigma", 2.0))
    if sigma < 0:
        raise bad_request(f"[sigma] must be greater than or equal to 0. Found [{sigma}] in [{type_name}]")
    missing = single_value(type_name, "missing", options.get("missing"))
    return Metric(cast("MetricName", type_name), field_of(type_name, options), missing, sigma)


def _read_terms(type_name: str, content: Any) -> Kind:
    options = check_options(
        type_name,
        content,
        ("field", "size", "order", "min_doc_count", "include", "exclude", "missing", "execution_hint",
         "collect_mode", "shard_size"),
    )  # fmt: skip
    size = read_count(type_name, "size", options.get("size", 10), 1)
    return TermBuckets(
        field_of(type_name, options),
        min(size, MAX_BUCKETS),
        read_orders(type_name, options.get("order", {"_count": "desc"})),
        read_count(type_name, "min_doc_count", options.get("min_doc_count", 1), 0),
        _chosen(type_name, "include", options["include"]) if options.get("include") is not None else None,
        _chosen(type_name, "exclude", options.get("exclude", [])),
        single_value(type_name, "missing", options.get("missing")),
    )


def _chosen(type_name: str, name: str, value: Any) -> tuple[Scalar, ...] | TermPattern:
    if isinstance(value, str):
        return TermPattern(value)
    if not isinstance(value, list):
        raise bad_request(f"[{type_name}] [{name}] is only supported as a list of values or a regular expression")
    if len(value) > MAX_TERMS:
        raise bad_request(f"[{type_name}] [{name}] has too many values: at most [{MAX_TERMS}] are allowed")
    return tuple(single_value(type_name, name, item) for item in value)


_METRICS: Final = ("avg", "min", "max", "sum", "stats", "extended_stats", "value_count", "cardinality")
_LEAVES: Final = frozenset({*_METRICS, "percentiles", "top_hits"})
_READERS: Final[Mapping[str, Callable[[str, Any], Kind]]] = {
    **dict.fromkeys(_METRICS, _read_metric),
    "terms": _read_terms,
    **BUCKET_READERS,
    **HIT_READERS,
}
AGGREGATION_NAMES: Final = frozenset(_READERS)
"""The names of all aggregations."""
