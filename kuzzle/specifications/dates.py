"""The date formats of specifications: those of Elasticsearch, by name. No clock is read here.

A date is a count of milliseconds since 1970 in UTC. A time without a date belongs to the current day.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, Final

DEFAULT_FORMATS: Final = ("epoch_millis",)

_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Parts of formats: name of the group, digits in strict formats, digits in the others.
_PARTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "Y": ("year", r"\d{4}", r"\d{1,4}"),
    "M": ("month", r"\d\d", r"\d{1,2}"),
    "D": ("day", r"\d\d", r"\d{1,2}"),
    "O": ("ordinal", r"\d{3}", r"\d{1,3}"),
    "G": ("weekyear", r"\d{4}", r"\d{1,4}"),
    "K": ("week", r"\d\d", r"\d{1,2}"),
    "E": ("weekday", r"[1-7]", r"[1-7]"),
    "h": ("hour", r"\d\d", r"\d{1,2}"),
    "m": ("minute", r"\d\d", r"\d{1,2}"),
    "s": ("second", r"\d\d", r"\d{1,2}"),
    "f": ("fraction", r"\d{1,9}", r"\d{1,9}"),
    "z": ("zone", r"Z|[+-]\d\d:?\d\d", r"Z|[+-]\d\d:?\d\d"),
}
_ISO_8601: Final = r"{Y}(?:-{M}(?:-{D}(?:T(?:{h}(?::{m}(?::{s}(?:[.,]{f})?)?)?)?{z}?)?)?)?"


def _with_times(name: str, day: str, hour: str) -> Iterator[tuple[str, str]]:
    yield name, day
    yield f"{name}_time", rf"{day}T{hour}\.{{f}}{{z}}"
    yield f"{name}_time_no_millis", rf"{day}T{hour}{{z}}"


def _times(name: str, before: str, hour: str) -> Iterator[tuple[str, str]]:
    yield name, rf"{before}{hour}\.{{f}}{{z}}"
    yield f"{name}_no_millis", rf"{before}{hour}{{z}}"


# Without separators the digits are counted, so these formats are strict by themselves.
_BASIC: Final[Mapping[str, str]] = {
    **dict(_with_times("basic_date", "{Y}{M}{D}", "{h}{m}{s}")),
    **dict(_with_times("basic_ordinal_date", "{Y}{O}", "{h}{m}{s}")),
    **dict(_with_times("basic_week_date", "{G}W{K}{E}", "{h}{m}{s}")),
    **dict(_times("basic_time", "", "{h}{m}{s}")),
    **dict(_times("basic_t_time", "T", "{h}{m}{s}")),
}
_SEPARATED: Final[Mapping[str, str]] = {
    **dict(_with_times("date", "{Y}-{M}-{D}", "{h}:{m}:{s}")),
    **dict(_with_times("ordinal_date", "{Y}-{O}", "{h}:{m}:{s}")),
    **dict(_with_times("week_date", "{G}-W{K}-{E}", "{h}:{m}:{s}")),
    **dict(_times("time", "", "{h}:{m}:{s}")),
    **dict(_times("t_time", "T", "{h}:{m}:{s}")),
    **{
        f"{day}{name}": f"{before}{hour}"
        for day, before in (("date_", "{Y}-{M}-{D}T"), ("", ""))
        for name, hour in (
            ("hour", "{h}"),
            ("hour_minute", "{h}:{m}"),
            ("hour_minute_second", "{h}:{m}:{s}"),
            ("hour_minute_second_fraction", r"{h}:{m}:{s}\.{f}"),
            ("hour_minute_second_millis", r"{h}:{m}:{s}\.{f}"),
        )
    },
    "year": "{Y}",
    "year_month": "{Y}-{M}",
    "year_month_day": "{Y}-{M}-{D}",
    "weekyear": "{G}",
    "weekyear_week": "{G}-W{K}",
    "weekyear_week_day": "{G}-W{K}-{E}",
}
_NUMBERS: Final[Mapping[str, int]] = {"epoch_millis": 1, "epoch_second": 1000}

FORMATS: Final = frozenset(
    {
        *_NUMBERS,
        "strict_date_optional_time",
        *_BASIC,
        *(f"strict_{name}" for name in _BASIC if "week" in name),
        *_SEPARATED,
        *(f"strict_{name}" for name in _SEPARATED),
    }
)
"""Names of all formats."""


def parse_date(value: Any, formats: tuple[str, ...], now_ms: int) -> int | None:
    """Read a date by the first of some formats that fits; None: it is no date of these.

    Args:
        value: A text or a number.
        formats: Names out of FORMATS.
        now_ms: Tells the current day.
    """
    for name in formats:
        unit = _NUMBERS.get(name)
        found = _by_pattern(value, name, now_ms) if unit is None else _by_number(value, unit)
        if found is not None:
            return found
    return None


def parse_bound(value: Any, now_ms: int) -> int | None:
    """Read a bound of a range: ISO 8601, a time of the current day, `NOW`, or milliseconds; None: it is none."""
    if value == "NOW":
        return now_ms
    if isinstance(value, str):
        found = _by_expression(_time_of_day(), value, now_ms)
        return _by_pattern(value, "strict_date_optional_time", now_ms) if found is None else found
    return _by_number(value, 1)


def is_relative(bound: Any) -> bool:
    """Tell whether a bound moves with the time: `NOW`, and a time of the current day."""
    return isinstance(bound, str) and bound.startswith(("NOW", "T"))


def _by_number(value: Any, unit: int) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,16}", value, re.ASCII):
        return int(value) * unit
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > 1e19:
        return None
    return int(value * unit)


def _by_pattern(value: Any, name: str, now_ms: int) -> int | None:
    return _by_expression(_expression(name), value, now_ms) if isinstance(value, str) else None


def _by_expression(expression: re.Pattern[str], text: str, now_ms: int) -> int | None:
    match = expression.fullmatch(text)
    if match is None:
        return None
    found = match.groupdict()
    try:
        moment = datetime.combine(_day(found, now_ms), _time(found), tzinfo=_zone(found.get("zone")))
        return (moment - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):  # no such day or hour
        return None


def _day(found: Mapping[str, str | None], now_ms: int) -> date:
    if found.get("weekyear"):
        week, weekday = found.get("week"), found.get("weekday")
        return date.fromisocalendar(int(found["weekyear"] or 0), int(week or 1), int(weekday or 1))
    if not found.get("year"):
        return (_EPOCH + timedelta(milliseconds=now_ms)).date()
    year = int(found["year"] or 0)
    if found.get("ordinal"):
        day = date(year, 1, 1) + timedelta(days=int(found["ordinal"] or 0) - 1)
        if day.year != year:
            raise ValueError("no such day of the year")
        return day
    return date(year, int(found.get("month") or 1), int(found.get("day") or 1))


def _time(found: Mapping[str, str | None]) -> time:
    fraction = (found.get("fraction") or "0")[:6].ljust(6, "0")
    hour, minute, second = (int(found.get(name) or 0) for name in ("hour", "minute", "second"))
    return time(hour, minute, second, int(fraction))


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)


@functools.cache
def _expression(name: str) -> re.Pattern[str]:
    """Compile a format; there are as many as names."""
    if name == "strict_date_optional_time":
        return _compiled(_ISO_8601, is_strict=True)
    plain = name.removeprefix("strict_")
    if plain in _BASIC:
        return _compiled(_BASIC[plain], is_strict=True)
    return _compiled(_SEPARATED[plain], is_strict=plain != name)


@functools.cache
def _time_of_day() -> re.Pattern[str]:
    return _compiled(r"T{h}:{m}(?::{s}(?:[.,]{f})?)?{z}?", is_strict=True)


def _compiled(pattern: str, *, is_strict: bool) -> re.Pattern[str]:
    parts = {
        letter: f"(?P<{name}>{strict if is_strict else lenient})" for letter, (name, strict, lenient) in _PARTS.items()
    }
    return re.compile(re.sub(r"\{([A-Za-z])\}", lambda match: parts[match[1]], pattern), re.ASCII)
