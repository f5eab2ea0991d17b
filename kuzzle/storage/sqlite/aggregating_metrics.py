"""Metrics: numbers about the values of a field, for all buckets at once."""

from __future__ import annotations

import math
from datetime import UTC
from typing import Any, Final

from kuzzle.storage.aggregations import Metric
from kuzzle.storage.date_text import date_text
from kuzzle.storage.dates import DEFAULT_FORMAT
from kuzzle.storage.sqlite.aggregating_scope import Computed, Scope, Space, ValueSource

_COLUMNS: Final = {
    "avg": "count(value), total(value)",
    "min": "min(value)",
    "max": "max(value)",
    "sum": "total(value)",
    "value_count": "count(value)",
    "cardinality": "count(DISTINCT value)",
    "stats": "count(value), total(value), min(value), max(value)",
    "extended_stats": "count(value), total(value), min(value), max(value), total(CAST(value AS REAL) * value)",
}
_OF_ANY_VALUES: Final = frozenset({"value_count", "cardinality"})
# Of these a field of dates also shows the text.
_SHOWN_AS_DATES: Final = frozenset({"value", "min", "max", "avg", "sum"})


def compute_metric(space: Space, metric: Metric, scope: Scope) -> Computed:
    """Compute one metric."""
    needs_numbers = metric.name not in _OF_ANY_VALUES
    source = space.source(metric.field, metric.name, metric.missing, needs_numbers=needs_numbers)
    statement = (
        f"SELECT {scope.keys()}{_COLUMNS[metric.name]} FROM ({space.values(scope, source)}) {scope.grouping} "
        "HAVING count(value) > 0"
    )
    results = {}
    for row in space.rows(statement):
        results[row[: scope.depth]] = _with_texts(_result(metric, row[scope.depth :]), metric, source)
    return Computed(results, lambda: _result(metric, _NO_VALUES[metric.name]))


_NO_VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "avg": (0, 0.0),
    "min": (None,),
    "max": (None,),
    "sum": (0.0,),
    "value_count": (0,),
    "cardinality": (0,),
    "stats": (0, 0.0, None, None),
    "extended_stats": (0, 0.0, None, None, 0.0),
}


def _result(metric: Metric, row: tuple[Any, ...]) -> dict[str, Any]:
    match metric.name:
        case "avg":
            return {"value": row[1] / row[0] if row[0] else None}
        case "min" | "max":
            return {"value": _number(row[0])}
        case "sum" | "value_count" | "cardinality":
            return {"value": row[0]}
    count, total, least, greatest = row[:4]
    stats = {
        "count": count,
        "min": _number(least),
        "max": _number(greatest),
        "avg": total / count if count else None,
        "sum": total,
    }
    return stats if metric.name == "stats" else {**stats, **_spread(metric, count, total, row[4])}


def _spread(metric: Metric, count: int, total: float, squares: float) -> dict[str, Any]:
    if not count:
        bounds = {"upper": None, "lower": None}
        return {"sum_of_squares": 0.0, "variance": None, "std_deviation": None, "std_deviation_bounds": bounds}
    mean = total / count
    # Rounding may leave a little less than nothing.
    variance = max(0.0, (squares - total * mean) / count)
    deviation = math.sqrt(variance)
    return {
        "sum_of_squares": squares,
        "variance": variance,
        "std_deviation": deviation,
        "std_deviation_bounds": {
            "upper": mean + metric.sigma * deviation,
            "lower": mean - metric.sigma * deviation,
        },
    }


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _with_texts(result: dict[str, Any], metric: Metric, source: ValueSource) -> dict[str, Any]:
    if not source.is_date or metric.name in _OF_ANY_VALUES:
        return result
    texts = {
        f"{name}_as_string": date_text(value, date_format_of(source), UTC)
        for name, value in result.items()
        if name in _SHOWN_AS_DATES and value is not None
    }
    return {**result, **texts}


def date_format_of(source: ValueSource, wanted: str | None = None) -> str:
    """Return the format that dates are shown in: the one asked for, else the field's."""
    field = source.field
    return wanted or (field.date_format.text if field and field.date_format else DEFAULT_FORMAT)
