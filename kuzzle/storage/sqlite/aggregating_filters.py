"""Buckets by queries: `filter`, `filters`, `missing` and `global`."""

from __future__ import annotations

from typing import Any

from kuzzle.storage.aggregations import FilterBucket, FilterBuckets
from kuzzle.storage.sqlite.aggregating_scope import Below, Computed, Path, Scope, Space
from kuzzle.storage.tree import MATCH_ALL, Query


def compute_filter(space: Space, kind: FilterBucket, scope: Scope, below: Below) -> Computed:
    """Compute one bucket of what a query finds; it needs no key of its own."""
    inner = Scope(
        scope.depth,
        f"SELECT {scope.keys('d')}d.rid AS rid FROM ({scope.select}) AS d WHERE {space.condition(kind.query)}",
    )
    return compute_bucket(space, inner, below)


def compute_global(space: Space, visible: Query, below: Below) -> Computed:
    """Compute one bucket of all documents that a search may see, whatever its query; all score alike."""
    query, space.query = space.query, MATCH_ALL
    try:
        return compute_bucket(space, space.matching(visible), below)
    finally:
        space.query = query


def compute_bucket(space: Space, inner: Scope, below: Below) -> Computed:
    """Compute one bucket of a scope, with what is below."""
    counts: dict[Path, int] = {}
    for *around, docs in space.rows(f"SELECT {inner.keys()}count(*) FROM ({inner.select}) {inner.grouping}"):
        space.count_buckets(1)
        counts[tuple(around)] = docs
    shown = below(inner)
    results = {path: {"doc_count": docs, **shown(path)} for path, docs in counts.items()}
    return Computed(results, lambda: {"doc_count": 0, **shown((None,) * (inner.depth + 1))})


def compute_filters(space: Space, kind: FilterBuckets, scope: Scope, below: Below) -> Computed:
    """Compute a bucket for each of several queries; keys are their places."""
    conditions = [space.condition(query) for _, query in kind.queries]
    names = [name for name, _ in kind.queries]
    if kind.other is not None:
        conditions.append(" AND ".join(f"NOT ({condition})" for condition in conditions) or "1")
        names.append(kind.other)
    cases = " ".join(f"WHEN {place} THEN ({condition})" for place, condition in enumerate(conditions))
    places = ", ".join(f"({place})" for place in range(len(conditions)))
    # The documents stand in the statement once, however many queries there are.
    inner = Scope(
        scope.depth + 1,
        f"SELECT {scope.keys('d')}r.column1 AS k{scope.depth}, d.rid AS rid "
        f"FROM ({scope.select}) AS d CROSS JOIN (VALUES {places}) AS r WHERE CASE r.column1 {cases} END",
    )
    counts: dict[Path, dict[int, int]] = {}
    for *around, place, docs in space.rows(f"SELECT {inner.keys()}count(*) FROM ({inner.select}) {inner.grouping}"):
        counts.setdefault(tuple(around), {})[place] = docs
    shown = below(inner)

    def build(path: Path) -> dict[str, Any]:
        space.count_buckets(len(names))
        found = counts.get(path, {})
        buckets = [{"doc_count": found.get(place, 0), **shown((*path, place))} for place in range(len(names))]
        return {"buckets": dict(zip(names, buckets, strict=True)) if kind.is_named else buckets}

    return Computed({path: build(path) for path in counts}, lambda: build((None,) * (scope.depth + 1)))
