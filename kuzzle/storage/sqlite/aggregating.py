"""Aggregations of a search: each node of their tree computed over the buckets around it (`aggregating_scope`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import apsw

from kuzzle.storage.aggregations import (
    Aggregation,
    DateHistogram,
    FilterBucket,
    FilterBuckets,
    GlobalBucket,
    Histogram,
    Metric,
    NestedBucket,
    Percentiles,
    Ranges,
    ReverseNestedBucket,
    TermBuckets,
    TopHits,
)
from kuzzle.storage.sqlite.aggregating_filters import compute_filter, compute_filters, compute_global
from kuzzle.storage.sqlite.aggregating_histograms import compute_date_histogram, compute_histogram
from kuzzle.storage.sqlite.aggregating_hits import compute_top_hits
from kuzzle.storage.sqlite.aggregating_metrics import compute_metric
from kuzzle.storage.sqlite.aggregating_nested import compute_nested, compute_reverse_nested
from kuzzle.storage.sqlite.aggregating_percentiles import compute_percentiles
from kuzzle.storage.sqlite.aggregating_ranges import compute_ranges
from kuzzle.storage.sqlite.aggregating_scope import Computed, Path, Scope, Space
from kuzzle.storage.sqlite.aggregating_terms import compute_terms
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.tree import Query, Search


def aggregate(
    connection: apsw.Connection,
    index: str,
    state: CollectionState,
    search: Search,
    now_ms: int,
    total: int | None,
    kept: Sequence[int] | None = None,
) -> dict[str, Any] | None:
    """Compute the aggregations of a search over all that its query finds; None when it asks for none.

    Args:
        total: How many documents the query finds, where that is known.
        kept: Their rids, where they are kept.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`.
    """
    if not search.aggregations:
        return None
    space = Space(connection, index, state, search.query, now_ms)
    return _compute(space, search.aggregations, space.matching(search.query, total, kept), search.visible)(())


def _compute(
    space: Space, wanted: Mapping[str, Aggregation], scope: Scope, visible: Query
) -> Callable[[Path], dict[str, Any]]:
    computed = {
        name: (aggregation.meta, _compute_one(space, aggregation, scope, visible))
        for name, aggregation in wanted.items()
    }

    def shown(path: Path) -> dict[str, Any]:
        return {
            name: found.at(path) if meta is None else {"meta": meta, **found.at(path)}
            for name, (meta, found) in computed.items()
        }

    return shown


def _compute_one(space: Space, aggregation: Aggregation, scope: Scope, visible: Query) -> Computed:
    def below(inner: Scope) -> Callable[[Path], dict[str, Any]]:
        return _compute(space, aggregation.below, inner, visible)

    match aggregation.kind:
        case Metric() as metric:
            return compute_metric(space, metric, scope)
        case TermBuckets() as terms:
            return compute_terms(space, terms, scope, below)
        case Percentiles() as percentiles:
            return compute_percentiles(space, percentiles, scope)
        case Histogram() as histogram:
            return compute_histogram(space, histogram, scope, below)
        case DateHistogram() as dates:
            return compute_date_histogram(space, dates, scope, below)
        case Ranges() as ranges:
            return compute_ranges(space, ranges, scope, below)
        case FilterBucket() as bucket:
            return compute_filter(space, bucket, scope, below)
        case FilterBuckets() as buckets:
            return compute_filters(space, buckets, scope, below)
        case GlobalBucket():
            return compute_global(space, visible, below)
        case NestedBucket() as nested:
            return compute_nested(space, nested, scope, below)
        case ReverseNestedBucket() as outer:
            return compute_reverse_nested(space, outer, scope, below)
        case TopHits() as hits:
            return compute_top_hits(space, hits, scope)
