"""Buckets of equal width: `histogram` and `date_histogram`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any

from kuzzle.storage.aggregations import BucketOrder, DateHistogram, Histogram
from kuzzle.storage.calendar_marks import FIXED_MS, WEEK_SHIFT_MS, CalendarMarks
from kuzzle.storage.date_text import date_text
from kuzzle.storage.dates import DateError, date_format, time_zone
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.aggregating_metrics import date_format_of
from kuzzle.storage.sqlite.aggregating_scope import Below, Computed, Path, Scope, Space, ValueSource
from kuzzle.storage.sqlite.aggregating_terms import Group, sort_buckets
from kuzzle.storage.tree import Scalar

Shown = Callable[[Path], dict[str, Any]]


def compute_histogram(space: Space, kind: Histogram, scope: Scope, below: Below) -> Computed:
    """Compute one histogram; keys are counts of intervals until they are shown."""
    source = space.source(kind.field, "histogram", kind.missing, needs_numbers=True)
    offset, interval = space.translation.bind(kind.offset), space.translation.bind(kind.interval)
    key = f"CAST(floor((value - {offset}) / {interval}) AS INTEGER)"
    counts, shown = _counts(space, source, scope, below, key)
    bounds = [None if bound is None else _cell(kind, bound) for bound in kind.bounds]

    def build(groups: list[Group], path: Path) -> dict[str, Any]:
        if kind.min_doc_count == 0:
            first, last = _first_and_last(groups, bounds)
            space.count_buckets(max(0, last - first + 1 - len(groups)))
            groups = _filled(groups, iter(range(first, last + 1)))
        groups = _chosen(groups, kind.min_doc_count, kind.order, path, shown)
        words = [
            {"key": number * kind.interval + kind.offset, "doc_count": docs, **shown((*path, number))}
            for number, docs in groups
        ]
        if kind.keyed:
            return {"buckets": {str(bucket["key"]): bucket for bucket in words}}
        return {"buckets": words}

    return Computed({path: build(groups, path) for path, groups in counts.items()}, lambda: build([], (None,)))


def _cell(kind: Histogram, bound: float) -> int:
    cell = (bound - kind.offset) / kind.interval
    if not math.isfinite(cell):
        raise bad_request(f"[histogram] [extended_bounds] is too many intervals away: [{bound}]")
    return math.floor(cell)


def compute_date_histogram(space: Space, kind: DateHistogram, scope: Scope, below: Below) -> Computed:
    """Compute one histogram of dates; keys are the moments at which buckets begin."""
    source = space.source(kind.field, "date_histogram", kind.missing, needs_numbers=True)
    zone = _zone(kind.time_zone)
    marks = CalendarMarks(kind.span, zone)
    text_format = date_format_of(source, kind.format)

    def floor(millis: float) -> int:
        return marks.floor(math.floor(millis) - kind.offset_ms) + kind.offset_ms

    counts, shown = _counts(space, source, scope, below, _date_key(space, kind, source, zone, floor))
    bounds = [_bound(space, bound, text_format, zone, floor) for bound in kind.bounds]

    def steps(first: int, last: int) -> Iterator[int]:
        while first <= last:
            space.count_buckets(1)
            yield first
            first = marks.next(first - kind.offset_ms) + kind.offset_ms

    def build(groups: list[Group], path: Path) -> dict[str, Any]:
        if kind.min_doc_count == 0:
            groups = _filled(groups, steps(*_first_and_last(groups, bounds)))
        groups = _chosen(groups, kind.min_doc_count, kind.order, path, shown)
        words = [
            {
                "key_as_string": _text(mark, text_format, zone),
                "key": mark,
                "doc_count": docs,
                **shown((*path, mark)),
            }
            for mark, docs in groups
        ]
        return {"buckets": {bucket["key_as_string"]: bucket for bucket in words} if kind.keyed else words}

    return Computed({path: build(groups, path) for path, groups in counts.items()}, lambda: build([], (None,)))


def _counts(
    space: Space, source: ValueSource, scope: Scope, below: Below, key: str
) -> tuple[dict[Path, list[Group]], Shown]:
    """Count documents by the buckets around and by a key made of `value`; compute what is below."""
    values = space.values(scope, source)
    # Several values of a document may lie in one bucket, and count once there.
    inner = Scope(scope.depth + 1, f"SELECT DISTINCT {scope.keys()}{key} AS k{scope.depth}, rid FROM ({values})")
    counts: dict[Path, list[Group]] = {}
    for *around, number, docs in space.rows(
        f"SELECT {inner.keys()}count(*) FROM ({inner.select}) {inner.grouping} ORDER BY k{scope.depth}"
    ):
        space.count_buckets(1)
        counts.setdefault(tuple(around), []).append((number, docs))
    return counts, below(inner)


def _date_key(
    space: Space, kind: DateHistogram, source: ValueSource, zone: tzinfo, floor: Callable[[float], int]
) -> str:
    """Return the beginning of a value's bucket in SQL: arithmetic where all spans are equal, else a function."""
    length = kind.span if isinstance(kind.span, int) else FIXED_MS.get(kind.span)
    if length is None or not (zone is UTC or isinstance(zone, timezone)):
        return f"{space.function(floor)}(value)"
    zone_ms = (zone.utcoffset(None) or timedelta()) // timedelta(milliseconds=1)
    shift = zone_ms - kind.offset_ms + (WEEK_SHIFT_MS if kind.span == "week" else 0)
    is_whole = source.field is not None and source.field.type not in ("double", "float", "half_float", "scaled_float")
    millis = "value" if is_whole else "CAST(floor(value) AS INTEGER)"
    shifted = f"({millis} + {shift})"
    return f"({millis} - (({shifted} % {length}) + {length}) % {length})"


def _zone(name: str | None) -> tzinfo:
    try:
        return time_zone(name) if name else UTC
    except DateError as error:
        raise bad_request(str(error)) from None


def _bound(space: Space, bound: Scalar, text_format: str, zone: tzinfo, floor: Callable[[float], int]) -> int | None:
    if bound is None:
        return None
    if isinstance(bound, int | float) and not isinstance(bound, bool):
        return floor(bound)
    try:
        return floor(date_format(text_format).parse_math(str(bound), now_ms=space.now_ms, zone=zone))
    except DateError as error:
        raise bad_request(str(error)) from None


def _text(millis: int, text_format: str, zone: tzinfo) -> str:
    try:
        return date_text(millis, text_format, zone)
    except DateError as error:
        raise bad_request(str(error)) from None


def _first_and_last(groups: list[Group], bounds: list[int | None]) -> tuple[int, int]:
    """Return the span of buckets: nothing has a last before its first."""
    known = [number for number, _ in groups]
    if not known and None in bounds:
        return 0, -1
    known.extend(bound for bound in bounds if bound is not None)
    return min(known), max(known)


def _filled(groups: list[Group], keys: Iterator[int]) -> list[Group]:
    """Return buckets with those between them that hold nothing."""
    return sorted({**dict.fromkeys(keys, 0), **dict(groups)}.items())


def _chosen(
    groups: list[Group], min_doc_count: int, order: tuple[BucketOrder, ...], path: Path, shown: Shown
) -> list[Group]:
    return sort_buckets([group for group in groups if group[1] >= min_doc_count], order, path, shown)
