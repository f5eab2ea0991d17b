"""Moments as clients write them in arguments."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from kuzzle.errors import KuzzleError
from kuzzle.request import Request


def moment_ms(request: Request, name: str) -> float | None:
    """Return an argument that names a moment, in milliseconds since the epoch; None when it is absent.

    It may be a number or its text, an ISO 8601 date, or one as e-mails have them. Without a time zone
    it is UTC.

    Raises:
        KuzzleError: `api.assert.invalid_argument`.
    """
    value = request.argument(name)
    if value is None:
        return None
    found = _read(value)
    if found is None or not math.isfinite(found):
        raise KuzzleError("api.assert.invalid_argument", name, "a date, or milliseconds since the epoch")
    return found


def _read(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        pass
    if not isinstance(value, str):
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
    return None
