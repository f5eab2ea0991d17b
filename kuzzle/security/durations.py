"""How long a token lives, as clients and the configuration write it: `1h`, `90 minutes`, `3600000`."""

from __future__ import annotations

import re
from typing import Any, Final

_UNITS_MS: Final = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_557_600_000,
}
_DURATION: Final = re.compile(
    r"(?P<number>\d{1,15}(?:\.\d{1,15})?|\.\d{1,15}) ?(?:(?P<ms>milliseconds?|msecs?|ms)|(?P<s>seconds?|secs?|s)"
    r"|(?P<m>minutes?|mins?|m)|(?P<h>hours?|hrs?|h)|(?P<d>days?|d)|(?P<w>weeks?|w)|(?P<y>years?|yrs?|y))?",
    re.ASCII | re.IGNORECASE,
)
# The last moment that clients can hold as a number of milliseconds (RFC 8259: integers up to 2**53).
MAX_MOMENT_MS: Final = 2**53 - 1


def read_duration_ms(value: Any) -> int | None:
    """Return a duration in whole milliseconds, None when it cannot be read; a bare number is milliseconds."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if 0 <= value <= MAX_MOMENT_MS else None
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    duration_ms = float(found["number"]) * _UNITS_MS[(found.lastgroup or "ms") if found.lastgroup != "number" else "ms"]
    return int(duration_ms) if duration_ms <= MAX_MOMENT_MS else None
