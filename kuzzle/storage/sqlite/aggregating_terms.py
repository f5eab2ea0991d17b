"""Buckets by value: `terms`.

Walking the index along a field meets its values in order, with all documents of each side by side: counting them
reads no document and sorts nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kuzzle.storage.aggregations import BucketOrder, TermBuckets, TermPattern
from kuzzle.storage.date_text import date_text
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.aggregating_metrics import date_format_of
from kuzzle.storage.sqlite.aggregating_scope import Below, Computed, Path, Scope, Space, ValueSource
from kuzzle.storage.sqlite.automata import Automaton
from kuzzle.storage.sqlite.regexps import ALL_OPERATORS, read_regexp
from kuzzle.storage.tree import Scalar
from kuzzle.storage.values import IndexedValue, ip_text

Group = tuple[Any, int]
"""A value and how many documents have it."""


def compute_terms(space: Space, kind: TermBuckets, scope: Scope, below: Below) -> Computed:
    """Compute one terms aggregation."""
    source = space.source(kind.field, "terms", kind.missing)
    values = f"SELECT * FROM ({space.values(scope, source)}) {_chosen(space, kind, source, 'WHERE')}"
    inner = Scope(scope.depth + 1, f"SELECT {scope.keys()}value AS k{scope.depth}, rid FROM ({values})")
    groups = _groups(space, kind, source, scope, values)
    if any(order.is_by_metric for order in kind.order):
        return _ordered_by_metrics(space, kind, source, scope, inner, groups, below)
    return _ordered_by_index(space, kind, source, scope, inner, groups, below)


def _groups(space: Space, kind: TermBuckets, source: ValueSource, scope: Scope, values: str) -> str:
    """Return the statement that gives `(keys, value, docs)`."""
    keys = scope.keys()
    counts = f"SELECT {keys}value, count(*) AS docs FROM ({values}) GROUP BY {keys}value"
    if kind.min_doc_count == 0 and source.field is not None:
        table, chosen = space.state.values_table, _chosen(space, kind, source, "AND")
        tokens = "AND value < x''" if source.field.type == "text" else ""
        others = f"SELECT DISTINCT value FROM {table} WHERE field = {source.number} {tokens} {chosen}"
        around = f"(SELECT DISTINCT {keys[:-2]} FROM ({scope.select})) AS p CROSS JOIN " if scope.depth else ""
        counts = (
            f"SELECT {keys}value, sum(docs) AS docs FROM ({counts} UNION ALL "
            f"SELECT {scope.keys('p')}v.value, 0 FROM {around}({others}) AS v) GROUP BY {keys}value"
        )
    return f"SELECT * FROM ({counts}) WHERE docs >= {kind.min_doc_count}"


def _chosen(space: Space, kind: TermBuckets, source: ValueSource, word: str) -> str:
    """Return the condition of `include` and `exclude`, behind the word that joins it."""
    parts = []
    if isinstance(kind.include, TermPattern):
        parts.append(_matching(space, source, kind.include))
    elif kind.include is not None:
        included = _known_values(space, source, kind.include)
        parts.append(f"value IN {space.translation.list_of(included)}" if included else "0")
    if isinstance(kind.exclude, TermPattern):
        parts.append(f"NOT {_matching(space, source, kind.exclude)}")
    elif excluded := _known_values(space, source, kind.exclude):
        parts.append(f"value NOT IN {space.translation.list_of(excluded)}")
    return f"{word} {' AND '.join(parts)}" if parts else ""


def _matching(space: Space, source: ValueSource, pattern: TermPattern) -> str:
    """Return the condition that a value matches a regular expression; it is asked of each value of the field once."""
    if source.field is not None and source.field.type not in ("keyword", "text"):
        raise bad_request(
            f"Aggregation on [{source.path}] cannot support regular expression style include/exclude settings as they "
            "can only be applied to string fields. Use a list of values to filter other fields"
        )
    automaton = Automaton(read_regexp(pattern.expression, ALL_OPERATORS, ignores_case=False))
    accepts = f"accepts_term({space.translation.bind_function(automaton)}, value)"
    if source.field is None or source.missing is not None:
        return accepts
    return (
        f"value IN (SELECT value FROM (SELECT DISTINCT value FROM {space.state.values_table} "
        f"WHERE field = {source.number} AND value < x'') WHERE {accepts})"
    )


def _known_values(space: Space, source: ValueSource, wanted: tuple[Scalar, ...]) -> list[IndexedValue]:
    found = (space.source(source.path, "terms", value).missing for value in wanted)
    return [value for value in found if value is not None]


def _ordered_by_index(
    space: Space, kind: TermBuckets, source: ValueSource, scope: Scope, inner: Scope, groups: str, below: Below
) -> Computed:
    """Let SQL choose the buckets; what is below is computed for these alone."""
    keys = scope.keys()
    order = ", ".join(_sql_order(order) for order in (*kind.order, BucketOrder(("_key",))))
    statement = (
        f"SELECT {keys}value, docs, total FROM (SELECT {keys}value, docs, "
        f"sum(docs) OVER ({scope.partition}) AS total, "
        f"row_number() OVER ({scope.partition} ORDER BY {order}) AS place FROM ({groups})) "
        f"WHERE place <= {kind.size} ORDER BY {keys}place"
    )
    chosen: dict[Path, list[Group]] = {}
    totals: dict[Path, int] = {}
    for *around, value, docs, total in space.rows(statement):
        space.count_buckets(1)
        path = tuple(around)
        chosen.setdefault(path, []).append((value, docs))
        totals[path] = total
    if any(totals[path] > sum(docs for _, docs in found) for path, found in chosen.items()):
        inner = space.narrowed(inner, scope.depth, list({value for found in chosen.values() for value, _ in found}))
    shown = below(inner)
    return _computed(source, chosen, totals, shown)


def _sql_order(order: BucketOrder) -> str:
    return f"{'docs' if order.path == ('_count',) else 'value'} {'DESC' if order.is_descending else 'ASC'}"


def _ordered_by_metrics(
    space: Space, kind: TermBuckets, source: ValueSource, scope: Scope, inner: Scope, groups: str, below: Below
) -> Computed:
    """Compute what is below for all buckets, then choose."""
    found: dict[Path, list[Group]] = {}
    for *around, value, docs in space.rows(groups):
        space.count_buckets(1)
        found.setdefault(tuple(around), []).append((value, docs))
    shown = below(inner)
    totals = {path: sum(docs for _, docs in buckets) for path, buckets in found.items()}
    chosen = {path: sort_buckets(buckets, kind.order, path, shown)[: kind.size] for path, buckets in found.items()}
    return _computed(source, chosen, totals, shown)


def sort_buckets(
    buckets: list[Group], orders: tuple[BucketOrder, ...], path: Path, shown: Callable[[Path], dict[str, Any]]
) -> list[Group]:
    """Return buckets in an order; those with equal keys by value, those without the metric last."""
    ordered = sorted(buckets, key=lambda bucket: bucket[0])
    for order in reversed(orders):
        keyed = [(_order_key(order, bucket, path, shown), bucket) for bucket in ordered]
        with_key = [pair for pair in keyed if pair[0] is not None]
        with_key.sort(key=lambda pair: pair[0], reverse=order.is_descending)
        ordered = [bucket for _, bucket in (*with_key, *(pair for pair in keyed if pair[0] is None))]
    return ordered


def _order_key(order: BucketOrder, bucket: Group, path: Path, shown: Callable[[Path], dict[str, Any]]) -> Any:
    if not order.is_by_metric:
        return bucket[1] if order.path == ("_count",) else bucket[0]
    found = shown((*path, bucket[0]))
    for name in order.path:
        found = found[name]
    number = found[order.part or ("doc_count" if "doc_count" in found else "value")]
    # What is below a bucket may have any name, that of its count too.
    return None if isinstance(number, dict) else number


def _computed(
    source: ValueSource,
    chosen: dict[Path, list[Group]],
    totals: dict[Path, int],
    shown: Callable[[Path], dict[str, Any]],
) -> Computed:
    results = {}
    for path, buckets in chosen.items():
        others = totals[path] - sum(docs for _, docs in buckets)
        words = [{**_key(source, value), "doc_count": docs, **shown((*path, value))} for value, docs in buckets]
        results[path] = _result(others, words)
    return Computed(results, lambda: _result(0, []))


def _result(others: int, buckets: list[dict[str, Any]]) -> dict[str, Any]:
    return {"doc_count_error_upper_bound": 0, "sum_other_doc_count": others, "buckets": buckets}


def _key(source: ValueSource, value: Any) -> dict[str, Any]:
    if isinstance(value, bytes):
        return {"key": ip_text(value)}
    if source.is_date:
        return {"key": value, "key_as_string": date_text(value, date_format_of(source))}
    if source.field is not None and source.field.type == "boolean":
        return {"key": value, "key_as_string": "true" if value else "false"}
    return {"key": value}
