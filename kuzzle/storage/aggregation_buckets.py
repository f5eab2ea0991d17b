"""Reads aggregations that make buckets by width, range and query, and percentiles."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from kuzzle.storage.aggregation_options import check_options, field_of, read_count, read_orders, single_value
from kuzzle.storage.aggregations import (
    DateHistogram,
    FilterBucket,
    FilterBuckets,
    GlobalBucket,
    Histogram,
    Kind,
    Percentiles,
    Ranges,
    RangeSpec,
)
from kuzzle.storage.calendar_marks import CalendarUnit
from kuzzle.storage.clauses import parse_query
from kuzzle.storage.reading import bad_request, read_flag, read_number
from kuzzle.storage.tree import Bool, Exists, Scalar

# Each range, query and percentage is a condition of its own on every value.
MAX_RANGES: Final = 256
MAX_FILTERS: Final = 100
MAX_PERCENTS: Final = 100

_CALENDAR: Final = {"1y": "year", "1q": "quarter", "1M": "month", "1w": "week", "1d": "day", "1h": "hour",
                    "1m": "minute", "1s": "second"}  # fmt: skip
_UNITS_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_BOUNDS: Final = ("min", "max")


def _read_histogram(type_name: str, content: Any) -> Kind:
    options = check_options(
        type_name,
        content,
        ("field", "interval", "offset", "min_doc_count", "extended_bounds", "keyed", "order", "missing"),
    )
    interval = _finite(type_name, "interval", options.get("interval"))
    if interval <= 0:
        raise bad_request(f"[interval] must be >0 for histogram aggregation [{type_name}]")
    low, high = (
        None if bound is None else _finite(type_name, "extended_bounds", bound)
        for bound in _extended_bounds(type_name, options)
    )
    return Histogram(
        field_of(type_name, options),
        interval,
        _finite(type_name, "offset", options.get("offset", 0)),
        read_count(type_name, "min_doc_count", options.get("min_doc_count", 0), 0),
        (low, high),
        read_flag(type_name, "keyed", options.get("keyed", False)),
        read_orders(type_name, options.get("order", {"_key": "asc"})),
        single_value(type_name, "missing", options.get("missing")),
    )


def _finite(type_name: str, name: str, value: Any) -> float:
    number = read_number(type_name, name, value)
    if not math.isfinite(number):
        raise bad_request(f"[{type_name}] [{name}] must be a finite number, found [{value}]")
    return number


def _extended_bounds(type_name: str, options: Mapping[str, Any]) -> tuple[Scalar, Scalar]:
    bounds = options.get("extended_bounds")
    if bounds is None:
        return None, None
    if not isinstance(bounds, dict) or any(name not in _BOUNDS for name in bounds):
        raise bad_request(f"[extended_bounds] of [{type_name}] takes [min] and [max]")
    low, high = (single_value(type_name, "extended_bounds", bounds.get(name)) for name in _BOUNDS)
    return low, high


def _read_date_histogram(type_name: str, content: Any) -> Kind:
    spans = ("interval", "calendar_interval", "fixed_interval")
    options = check_options(
        type_name,
        content,
        ("field", *spans, "offset", "format", "time_zone", "min_doc_count", "extended_bounds", "keyed", "order",
         "missing"),
    )  # fmt: skip
    given = [name for name in spans if options.get(name) is not None]
    if len(given) != 1:
        raise bad_request(f"[{type_name}] needs one of [interval], [calendar_interval], [fixed_interval]")
    return DateHistogram(
        field_of(type_name, options),
        _span(given[0], options[given[0]]),
        _offset_ms(options.get("offset", 0)),
        _text(type_name, "format", options),
        _text(type_name, "time_zone", options),
        read_count(type_name, "min_doc_count", options.get("min_doc_count", 0), 0),
        _extended_bounds(type_name, options),
        read_flag(type_name, "keyed", options.get("keyed", False)),
        read_orders(type_name, options.get("order", {"_key": "asc"})),
        single_value(type_name, "missing", options.get("missing")),
    )


def _span(name: str, value: Any) -> CalendarUnit | int:
    unit = _CALENDAR.get(value, value) if isinstance(value, str) else value
    if name != "fixed_interval" and unit in _CALENDAR.values():
        return cast("CalendarUnit", unit)
    span = 0 if name == "calendar_interval" else _span_ms(value)
    if span <= 0:
        raise bad_request(f"The supplied {name} [{value}] could not be parsed as an interval.")
    return span


def _span_ms(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value < 1 << 53 else 0
    match = re.fullmatch(r"(\d{1,9})(ms|s|m|h|d)", value, re.ASCII) if isinstance(value, str) else None
    return int(match[1]) * _UNITS_MS[match[2]] if match else 0


def _offset_ms(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53:
        return value
    text = str(value)
    length = _span_ms(text.lstrip("+-"))
    if not length or not re.match(r"[+-]?\d", text):
        raise bad_request(f"[date_histogram] [offset] could not be parsed: [{value}]")
    return -length if text.startswith("-") else length


def _text(type_name: str, name: str, options: Mapping[str, Any]) -> str | None:
    value = options.get(name)
    if not isinstance(value, str | None):
        raise bad_request(f"[{type_name}] [{name}] must be a text")
    return value


def _read_ranges(type_name: str, content: Any) -> Kind:
    is_date = type_name == "date_range"
    dated = ("format", "time_zone") if is_date else ()
    options = check_options(type_name, content, ("field", "ranges", "keyed", "missing", *dated))
    ranges = options.get("ranges")
    if not isinstance(ranges, list) or not ranges:
        raise bad_request(f"No [ranges] specified for the [{type_name}] aggregation")
    if len(ranges) > MAX_RANGES:
        raise bad_request(f"[{type_name}] has too many ranges: at most [{MAX_RANGES}] are allowed")
    return Ranges(
        field_of(type_name, options),
        tuple(_range(type_name, item) for item in ranges),
        is_date,
        _text(type_name, "format", options),
        _text(type_name, "time_zone", options),
        read_flag(type_name, "keyed", options.get("keyed", False)),
        single_value(type_name, "missing", options.get("missing")),
    )


def _range(type_name: str, item: Any) -> RangeSpec:
    options = check_options(type_name, item, ("from", "to", "key"))
    low, high = (single_value(type_name, name, options.get(name)) for name in ("from", "to"))
    if isinstance(low, bool) or isinstance(high, bool):
        raise bad_request(f"[{type_name}] bounds cannot be booleans")
    if type_name == "range":
        low, high = (None if bound is None else _finite(type_name, "ranges", bound) for bound in (low, high))
    return RangeSpec(low, high, _text(type_name, "key", options))


def _read_filter(_type_name: str, content: Any) -> Kind:
    return FilterBucket(parse_query(content))


def _read_filters(type_name: str, content: Any) -> Kind:
    options = check_options(type_name, content, ("filters", "other_bucket", "other_bucket_key"))
    filters = options.get("filters")
    if not isinstance(filters, dict | list) or not filters:
        raise bad_request("[filters] cannot be empty: an object or a list of queries is needed")
    if len(filters) > MAX_FILTERS:
        raise bad_request(f"[{type_name}] has too many filters: at most [{MAX_FILTERS}] are allowed")
    named = filters.items() if isinstance(filters, dict) else [(str(place), one) for place, one in enumerate(filters)]
    other = _text(type_name, "other_bucket_key", options)
    has_other = read_flag(type_name, "other_bucket", options.get("other_bucket", other is not None))
    queries = tuple((name, parse_query(query)) for name, query in named)
    return FilterBuckets(queries, isinstance(filters, dict), (other or "_other_") if has_other else None)


def _read_missing(type_name: str, content: Any) -> Kind:
    return FilterBucket(Bool(must_not=(Exists(field_of(type_name, check_options(type_name, content, ("field",)))),)))


def _read_global(type_name: str, content: Any) -> Kind:
    check_options(type_name, content, ())
    return GlobalBucket()


def _read_percentiles(type_name: str, content: Any) -> Kind:
    options = check_options(type_name, content, ("field", "percents", "keyed", "missing", "tdigest", "hdr"))
    percents = options.get("percents", [1, 5, 25, 50, 75, 95, 99])
    if not isinstance(percents, list) or not 0 < len(percents) <= MAX_PERCENTS:
        raise bad_request(f"[percents] must be a list of 1 to {MAX_PERCENTS} numbers in [{type_name}]")
    numbers = tuple(sorted(read_number(type_name, "percents", percent) for percent in percents))
    if numbers[0] < 0 or numbers[-1] > 100:
        raise bad_request(f"percent must be in [0,100] in [{type_name}]")
    return Percentiles(
        field_of(type_name, options),
        numbers,
        read_flag(type_name, "keyed", options.get("keyed", True)),
        single_value(type_name, "missing", options.get("missing")),
    )


BUCKET_READERS: Final[Mapping[str, Callable[[str, Any], Kind]]] = {
    "histogram": _read_histogram,
    "date_histogram": _read_date_histogram,
    "range": _read_ranges,
    "date_range": _read_ranges,
    "filter": _read_filter,
    "filters": _read_filters,
    "missing": _read_missing,
    "global": _read_global,
    "percentiles": _read_percentiles,
}
