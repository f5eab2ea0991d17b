"""Aggregations of a search: each node of their tree computed over the buckets around it (`aggregating_scope`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import apsw

from kuzzle.storage.aggregations import Aggregation, Metric, TermBuckets
from kuzzle.storage.sqlite.aggregating_metrics import compute_metric
from kuzzle.storage.sqlite.aggregating_scope import Computed, Path, Scope, Space
from kuzzle.storage.sqlite.aggregating_terms import compute_terms
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.tree import Search


def aggregate(
    connection: apsw.Connection, index: str, state: CollectionState, search: Search, now_ms: int, total: int | None
) -> dict[str, Any] | None:
    """Compute the aggregations of a search over all that its query finds; None when it asks for none.

    Args:
        total: How many documents the query finds, where that is known.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`.
    """
    if not search.aggregations:
        return None
    space = Space(connection, state, now_ms)
    return _compute(space, search.aggregations, space.matching(search.query, total))(())


def _compute(space: Space, wanted: Mapping[str, Aggregation], scope: Scope) -> Callable[[Path], dict[str, Any]]:
    computed = {
        name: (aggregation.meta, _compute_one(space, aggregation, scope)) for name, aggregation in wanted.items()
    }

    def shown(path: Path) -> dict[str, Any]:
        return {
            name: found.at(path) if meta is None else {"meta": meta, **found.at(path)}
            for name, (meta, found) in computed.items()
        }

    return shown


def _compute_one(space: Space, aggregation: Aggregation, scope: Scope) -> Computed:
    def below(inner: Scope) -> Callable[[Path], dict[str, Any]]:
        return _compute(space, aggregation.below, inner)

    match aggregation.kind:
        case Metric() as metric:
            return compute_metric(space, metric, scope)
        case TermBuckets() as terms:
            return compute_terms(space, terms, scope, below)
