"""How long a cursor lives, as clients write it: `30s`, `1m`."""

from __future__ import annotations

import re
from typing import Any, Final

DEFAULT_LIFETIME_MS: Final = 15_000

_UNITS_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def read_lifetime(value: Any, longest_ms: int) -> int:
    """Return a duration in milliseconds; 15 seconds when it cannot be read, at most `longest_ms`."""
    match = re.fullmatch(r"0*([1-9]\d{0,14})(ms|s|m|h|d)", value, re.ASCII) if isinstance(value, str) else None
    wanted_ms = int(match[1]) * _UNITS_MS[match[2]] if match else DEFAULT_LIFETIME_MS
    return min(wanted_ms, longest_ms)
