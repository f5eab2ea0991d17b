"""Percentiles: exact, between two values by their distance, as Elasticsearch's digest has them for few values."""

from __future__ import annotations

import itertools
import math
from typing import Any

from kuzzle.storage.aggregations import Percentiles
from kuzzle.storage.date_text import date_text
from kuzzle.storage.sqlite.aggregating_metrics import date_format_of
from kuzzle.storage.sqlite.aggregating_scope import Computed, Scope, Space, ValueSource


def compute_percentiles(space: Space, kind: Percentiles, scope: Scope) -> Computed:
    """Compute the percentiles of one field."""
    source = space.source(kind.field, "percentiles", kind.missing, needs_numbers=True)
    numbered = (
        f"SELECT {scope.keys()}value, row_number() OVER ({scope.partition} ORDER BY value) - 1 AS place, "
        f"count(*) OVER ({scope.partition}) AS number FROM ({space.values(scope, source)})"
    )
    # Only the neighbours of what is asked for leave SQL.
    near = " OR ".join(
        f"abs(place - (number * {space.translation.bind(percent / 100)} - 0.5)) <= 1"
        for percent in sorted({*kind.percents, 0.0, 100.0})
    )
    rows = space.rows(f"SELECT * FROM ({numbered}) WHERE {near} ORDER BY {scope.keys()}place")
    results = {}
    for path, group in itertools.groupby(rows, lambda row: row[: scope.depth]):
        number, values = 0, {}
        for row in group:
            value, place, number = row[scope.depth :]
            values[place] = float(value)
        results[path] = _result(kind, source, values, number)
    return Computed(results, lambda: _result(kind, source, {}, 0))


def _result(kind: Percentiles, source: ValueSource, values: dict[int, float], number: int) -> dict[str, Any]:
    found = [(float(percent), _value(percent, values, number)) for percent in kind.percents]
    if not kind.keyed:
        return {
            "values": [{"key": percent, "value": value, **_text("value", value, source)} for percent, value in found]
        }
    shown: dict[str, Any] = {}
    for percent, value in found:
        shown.update({str(percent): value, **_text(str(percent), value, source)})
    return {"values": shown}


def _value(percent: float, values: dict[int, float], number: int) -> float | None:
    if not number:
        return None
    place = min(max(number * (percent / 100) - 0.5, 0.0), number - 1.0)
    low, high = values[math.floor(place)], values[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


def _text(name: str, value: float | None, source: ValueSource) -> dict[str, str]:
    if value is None or not source.is_date:
        return {}
    return {f"{name}_as_string": date_text(value, date_format_of(source))}
