"""Buckets between bounds: `range` and `date_range`."""

from __future__ import annotations

import math
from datetime import UTC, tzinfo
from typing import Any, Final

from kuzzle.storage.aggregations import Ranges, RangeSpec
from kuzzle.storage.date_text import date_text
from kuzzle.storage.dates import DateError, date_format, time_zone
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.aggregating_metrics import date_format_of
from kuzzle.storage.sqlite.aggregating_scope import Below, Computed, Path, Scope, Space
from kuzzle.storage.tree import Scalar

# What an integer of the index holds.
_MAX_MILLIS: Final = 1 << 63

Bounds = tuple[float, float, dict[str, Any]]
"""First value, the value behind the last, and what the bucket says of itself."""


def compute_ranges(space: Space, kind: Ranges, scope: Scope, below: Below) -> Computed:
    """Compute one aggregation of ranges; keys are the places of the ranges."""
    type_name = "date_range" if kind.is_date else "range"
    source = space.source(kind.field, type_name, kind.missing, needs_numbers=True)
    is_date = kind.is_date or source.is_date
    words = _Dates(space, kind, date_format_of(source, kind.format)) if is_date else _Numbers()
    bounds = sorted((words.bounds(spec) for spec in kind.ranges), key=lambda found: found[:2])
    bind = space.translation.bind
    rows = ", ".join(f"({place}, {bind(low)}, {bind(high)})" for place, (low, high, _) in enumerate(bounds))
    # Several values of a document may lie in one range, and count once there.
    inner = Scope(
        scope.depth + 1,
        f"SELECT DISTINCT {scope.keys('w')}r.column1 AS k{scope.depth}, w.rid AS rid "
        f"FROM ({space.values(scope, source)}) AS w CROSS JOIN (VALUES {rows}) AS r "
        "WHERE w.value >= r.column2 AND w.value < r.column3",
    )
    counts: dict[Path, dict[int, int]] = {}
    for *around, place, docs in space.rows(f"SELECT {inner.keys()}count(*) FROM ({inner.select}) {inner.grouping}"):
        counts.setdefault(tuple(around), {})[place] = docs
    shown = below(inner)

    def build(path: Path) -> dict[str, Any]:
        space.count_buckets(len(bounds))
        found = counts.get(path, {})
        buckets = [
            {**said, "doc_count": found.get(place, 0), **shown((*path, place))}
            for place, (_, _, said) in enumerate(bounds)
        ]
        return {"buckets": {bucket.pop("key"): bucket for bucket in buckets} if kind.keyed else buckets}

    return Computed({path: build(path) for path in counts}, lambda: build((None,)))


class _Numbers:
    """Words ranges of numbers."""

    def bounds(self, spec: RangeSpec) -> Bounds:
        low, high = (_number(bound) for bound in (spec.lower, spec.upper))
        said: dict[str, Any] = {"key": spec.key or f"{'*' if low is None else low}-{'*' if high is None else high}"}
        if low is not None:
            said["from"] = low
        if high is not None:
            said["to"] = high
        return -math.inf if low is None else low, math.inf if high is None else high, said


def _number(bound: Scalar) -> float | None:
    try:
        return None if bound is None else float(bound)
    except ValueError:
        raise bad_request(f"[range] bounds must be numbers, found [{bound}]") from None


class _Dates:
    """Words ranges of dates."""

    def __init__(self, space: Space, kind: Ranges, text_format: str) -> None:
        self._now_ms = space.now_ms
        self._format = text_format
        try:
            self._reader = date_format(text_format)
            self._zone: tzinfo = time_zone(kind.time_zone) if kind.time_zone else UTC
        except DateError as error:
            raise bad_request(str(error)) from None

    def bounds(self, spec: RangeSpec) -> Bounds:
        try:
            low, high = (self._millis(bound) for bound in (spec.lower, spec.upper))
            texts = ["*" if bound is None else date_text(bound, self._format, self._zone) for bound in (low, high)]
        except DateError as error:
            raise bad_request(str(error)) from None
        said: dict[str, Any] = {"key": spec.key or "-".join(texts)}
        if low is not None:
            said.update({"from": float(low), "from_as_string": texts[0]})
        if high is not None:
            said.update({"to": float(high), "to_as_string": texts[1]})
        return -math.inf if low is None else low, math.inf if high is None else high, said

    def _millis(self, bound: Scalar) -> int | None:
        if bound is None:
            return None
        if isinstance(bound, int | float):
            if not abs(bound) < _MAX_MILLIS:
                raise DateError(f"[date_range] the date [{bound}] is beyond the calendar")
            return math.floor(bound)
        return self._reader.parse_math(bound, now_ms=self._now_ms, zone=self._zone)
