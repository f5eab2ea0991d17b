"""Dates as texts: the way back from milliseconds, in the formats that `dates` reads."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from kuzzle.storage.dates import NAMED_PATTERNS, DateError

_ISO: Final = "yyyy-MM-dd'T'HH:mm:ss.SSSZZ"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PART: Final = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']")


def date_text(millis: float, text: str, zone: tzinfo = UTC) -> str:
    """Word a date in the first of the formats joined by `||`; a date beyond the calendar as its milliseconds.

    Raises:
        DateError: The format is unknown.
    """
    name = text.split("||")[0].strip()
    whole = int(millis // 1)
    if name == "epoch_millis":
        return str(whole)
    if name == "epoch_second":
        return str(whole // 1000)
    plain = name.removeprefix("strict_")
    is_named = plain in NAMED_PATTERNS or plain in ("date_optional_time", "dateOptionalTime")
    pattern = NAMED_PATTERNS.get(plain, _ISO) if is_named else name
    try:
        moment = (_EPOCH + timedelta(milliseconds=whole)).astimezone(zone)
    except OverflowError:
        return str(whole)
    return "".join(_parts(pattern, moment, is_named))


def _parts(pattern: str, moment: datetime, is_named: bool) -> list[str]:
    found = []
    position = 0
    for match in _PART.finditer(pattern):
        if match.start() != position:
            break
        position = match.end()
        if match[1] is not None:
            found.append(match[1].replace("''", "'") or "'")
        elif match[2] is None:
            found.append(match[0])
        else:
            found.append(_letters(match[2], len(match[0]), moment, is_named, pattern))
    if position != len(pattern) or not found:
        raise DateError(f"Invalid format: [{pattern}]")
    return found


def _letters(letter: str, length: int, moment: datetime, is_named: bool, pattern: str) -> str:
    match letter:
        case "y":
            return f"{moment.year % 100:02d}" if length == 2 else f"{moment.year:0{length}d}"
        case "M" if length >= 3:
            names = calendar.month_abbr if length == 3 else calendar.month_name
            return str(names[moment.month])
        case "S":
            return f"{moment.microsecond // 1000:03d}".ljust(length, "0")[:length]
        case "Z" | "X":
            offset = moment.strftime("%z")[:5]
            if (is_named or letter == "X") and offset == "+0000":
                return "Z"
            return f"{offset[:3]}:{offset[3:]}" if length > 1 else offset
    numbers = {"M": moment.month, "d": moment.day, "H": moment.hour, "m": moment.minute, "s": moment.second}
    if letter not in numbers:
        raise DateError(f"Invalid format: [{pattern}]")
    return f"{numbers[letter]:0{length}d}"
