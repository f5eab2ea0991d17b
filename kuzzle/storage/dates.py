"""Dates as Elasticsearch reads them: formats joined by `||`, and date mathematics (`now-1d/d`).

A date is a count of milliseconds since 1970 in UTC. A text that leaves parts of the time out (`2020-03-01`) names
a span: its first millisecond, or its last when rounded up. No clock is read here: `now` is passed in.
"""

from __future__ import annotations

import calendar
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DEFAULT_FORMAT: Final = "strict_date_optional_time||epoch_millis"


class DateError(ValueError):
    """A text is no date of its format, or a format is unknown."""


@dataclass(frozen=True, slots=True)
class DateParts:
    """What a text says; None where it says nothing."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None
    milli: int | None = None
    zone: tzinfo | None = None

    def to_millis(self, zone: tzinfo, *, round_up: bool) -> int:
        """Return the first millisecond of the span, or the last.

        The span is within a day: a month or a day that is not said is the first one, as Elasticsearch has it.
        """
        low = (0, 0, 0, 0) if not round_up else (23, 59, 59, 999)
        given = (self.hour, self.minute, self.second, self.milli)
        hour, minute, second, milli = (
            least if value is None else value for value, least in zip(given, low, strict=True)
        )
        year = 1970 if self.year is None else self.year
        moment = datetime(
            year, self.month or 1, self.day or 1, hour, minute, second, milli * 1000, tzinfo=self.zone or zone
        )
        return to_millis(moment)


def to_millis(moment: datetime) -> int:
    """Return the milliseconds since 1970 of a moment with a zone."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE: Final = r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)"

_STRICT_OPTIONAL_TIME: Final = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
    r"(?:T(?:(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<milli>\d{1,9}))?)?)?)?" + _ZONE + "?)?",
    re.ASCII,
)
_OPTIONAL_TIME: Final = re.compile(
    r"(?P<year>\d{1,4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?"
    r"(?:T(?:(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:[.,](?P<milli>\d{1,9}))?)?)?)?"
    + _ZONE
    + "?)?",
    re.ASCII,
)

# Elasticsearch's names for patterns; each also as `strict_...`.
NAMED_PATTERNS: Final = {
    "basic_date": "yyyyMMdd",
    "basic_date_time": "yyyyMMdd'T'HHmmss.SSSZ",
    "basic_date_time_no_millis": "yyyyMMdd'T'HHmmssZ",
    "date": "yyyy-MM-dd",
    "date_hour": "yyyy-MM-dd'T'HH",
    "date_hour_minute": "yyyy-MM-dd'T'HH:mm",
    "date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
    "date_hour_minute_second_fraction": "yyyy-MM-dd'T'HH:mm:ss.SSS",
    "date_hour_minute_second_millis": "yyyy-MM-dd'T'HH:mm:ss.SSS",
    "date_time": "yyyy-MM-dd'T'HH:mm:ss.SSSZZ",
    "date_time_no_millis": "yyyy-MM-dd'T'HH:mm:ssZZ",
    "hour": "HH",
    "hour_minute": "HH:mm",
    "hour_minute_second": "HH:mm:ss",
    "hour_minute_second_fraction": "HH:mm:ss.SSS",
    "hour_minute_second_millis": "HH:mm:ss.SSS",
    "time": "HH:mm:ss.SSSZZ",
    "time_no_millis": "HH:mm:ssZZ",
    "year": "yyyy",
    "year_month": "yyyy-MM",
    "year_month_day": "yyyy-MM-dd",
}

_LETTERS: Final = {
    "y": ("year", r"\d{1,4}"),
    "M": ("month", r"\d{1,2}"),
    "d": ("day", r"\d{1,2}"),
    "H": ("hour", r"\d{1,2}"),
    "m": ("minute", r"\d{1,2}"),
    "s": ("second", r"\d{1,2}"),
    "S": ("milli", r"\d{1,9}"),
}
_MONTHS: Final = tuple(name.lower() for name in calendar.month_abbr[1:])

_Parser = Callable[[str, tzinfo, bool], int | None]


@dataclass(frozen=True, slots=True)
class DateFormat:
    """One or more formats, tried in order."""

    parsers: tuple[_Parser, ...]
    text: str

    def parse(self, value: str | float, *, round_up: bool = False, zone: tzinfo = UTC) -> int:
        """Read a date, given as text or number.

        Raises:
            DateError
        """
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        for parser in self.parsers:
            try:
                millis = parser(text, zone, round_up)
            except (ValueError, OverflowError):
                continue
            if millis is not None:
                return millis
        raise DateError(f"failed to parse date field [{text}] with format [{self.text}]")

    def parse_math(self, value: str | float, *, now_ms: int, round_up: bool = False, zone: tzinfo = UTC) -> int:
        """Read a date or a calculation: `now-1d/d`, `2020-01-01||+1M`.

        Raises:
            DateError
        """
        if not isinstance(value, str):
            return self.parse(value, round_up=round_up, zone=zone)
        if value.startswith("now"):
            return _calculate(now_ms, value[3:], value, round_up, zone)
        base, separator, operations = value.partition("||")
        if not separator:
            return self.parse(value, round_up=round_up, zone=zone)
        return _calculate(self.parse(base, zone=zone), operations, value, round_up, zone)


@functools.lru_cache(maxsize=256)
def date_format(text: str) -> DateFormat:
    """Compile a format: names and patterns joined by `||`.

    Raises:
        DateError: One of them is unknown.
    """
    return DateFormat(tuple(_parser(part.strip()) for part in text.split("||")), text)


@functools.lru_cache(maxsize=256)
def time_zone(name: str) -> tzinfo:
    """Return the zone of an offset (`+01:00`) or of a name (`Europe/Paris`).

    Raises:
        DateError
    """
    if re.fullmatch(r"Z|[+-]\d\d(?::?\d\d)?", name, re.ASCII):
        return _offset(name)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DateError(f"The datetime zone id '{name}' is not recognised") from None


def _parser(name: str) -> _Parser:
    if name == "epoch_millis":
        return lambda text, _zone, _round_up: int(text) if re.fullmatch(r"-?\d{1,16}", text, re.ASCII) else None
    if name == "epoch_second":
        return lambda text, _zone, _round_up: int(text) * 1000 if re.fullmatch(r"-?\d{1,13}", text, re.ASCII) else None
    if name == "strict_date_optional_time":
        return functools.partial(_parse_by, _STRICT_OPTIONAL_TIME)
    if name in ("date_optional_time", "dateOptionalTime"):
        return functools.partial(_parse_by, _OPTIONAL_TIME)
    return functools.partial(_parse_by, _compile(NAMED_PATTERNS.get(name.removeprefix("strict_"), name)))


def _compile(pattern: str) -> re.Pattern[str]:
    expression = []
    position = 0
    seen = set()
    for match in re.finditer(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']", pattern):
        if match.start() != position:
            break
        position = match.end()
        letter, length = match[2], len(match[0])
        if match[1] is not None:
            expression.append(re.escape(match[1].replace("''", "'") or "'"))
        elif letter is None:
            expression.append(re.escape(match[0]))
        elif letter in ("Z", "X") and "zone" not in seen:
            expression.append(_ZONE)
            seen.add("zone")
        elif letter in _LETTERS and _LETTERS[letter][0] not in seen:
            name, digits = _LETTERS[letter]
            seen.add(name)
            if letter == "M" and length >= 3:
                digits = "[A-Za-z]{3}"
            # Without a separator the digits must be counted, or `yyyyMMdd` could not be told apart.
            elif re.match(r"[A-Za-z]", pattern[position:]) or (expression and expression[-1].endswith(")")):
                digits = rf"\d{{{length}}}"
            expression.append(f"(?P<{name}>{digits})")
        else:
            raise DateError(f"Invalid format: [{pattern}]")
    if position != len(pattern) or not seen:
        raise DateError(f"Invalid format: [{pattern}]")
    return re.compile("".join(expression), re.ASCII)


def _parse_by(expression: re.Pattern[str], text: str, zone: tzinfo, round_up: bool) -> int | None:
    match = expression.fullmatch(text)
    if match is None:
        return None
    found = match.groupdict()
    month = found.get("month")
    if month is not None and not month.isdigit():
        found["month"] = str(_MONTHS.index(month.lower()) + 1)
    numbers = {
        name: int(found[name])
        for name in ("year", "month", "day", "hour", "minute", "second")
        if found.get(name) is not None
    }
    if any(numbers.get(name) == 0 for name in ("year", "month", "day")):
        return None
    milli = found.get("milli")
    parts = DateParts(
        **numbers,
        milli=None if milli is None else int(milli[:3].ljust(3, "0")),
        zone=_offset(found["zone"]) if found.get("zone") else None,
    )
    return parts.to_millis(zone, round_up=round_up)


def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        raise DateError(f"The datetime zone id '{text}' is not recognised")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


_OPERATION: Final = re.compile(r"([+-])(\d{0,9})([yMwdhHms])|/([yMwdhHms])", re.ASCII)


def _calculate(start_ms: int, operations: str, text: str, round_up: bool, zone: tzinfo) -> int:
    try:
        moment = (_EPOCH + timedelta(milliseconds=start_ms)).astimezone(zone)
        position = 0
        while position < len(operations):
            match = _OPERATION.match(operations, position)
            if match is None:
                raise DateError(f"operator not supported for date math [{text}]")
            position = match.end()
            if match[4]:
                moment = _floor(moment, match[4])
                if round_up:
                    moment = _later(_add(moment, 1, match[4]), timedelta(milliseconds=-1))
            else:
                amount = int(match[2] or 1)
                moment = _add(moment, -amount if match[1] == "-" else amount, match[3])
        return to_millis(moment)
    except (OverflowError, ValueError) as error:
        raise DateError(f"failed to parse date math [{text}]") from error


def _add(moment: datetime, amount: int, unit: str) -> datetime:
    if unit in "yM":
        months = moment.year * 12 + moment.month - 1 + amount * (12 if unit == "y" else 1)
        year, month = divmod(months, 12)
        day = min(moment.day, calendar.monthrange(year, month + 1)[1])
        return moment.replace(year=year, month=month + 1, day=day)
    span = {
        "w": timedelta(weeks=1),
        "d": timedelta(days=1),
        "h": timedelta(hours=1),
        "H": timedelta(hours=1),
        "m": timedelta(minutes=1),
        "s": timedelta(seconds=1),
    }
    if unit in "wd":
        return moment + amount * span[unit]
    return _later(moment, amount * span[unit])


def _later(moment: datetime, span: timedelta) -> datetime:
    """Return the moment after a span, whatever the clocks of its zone do meanwhile."""
    return (moment.astimezone(UTC) + span).astimezone(moment.tzinfo)


def _floor(moment: datetime, unit: str) -> datetime:
    if unit == "w":
        moment -= timedelta(days=moment.weekday())
    keep = {"y": 1, "M": 2, "w": 3, "d": 3, "h": 4, "H": 4, "m": 5, "s": 6}[unit]
    year, month, day, hour, minute, second = (
        value if position < keep else least
        for position, (value, least) in enumerate(
            zip(moment.timetuple()[:6], (0, 1, 1, 0, 0, 0), strict=True),
        )
    )
    return datetime(year, month, day, hour, minute, second, tzinfo=moment.tzinfo, fold=moment.fold)
