"""What the values of queries mean for fields of a type, and the error where they mean nothing."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from kuzzle.storage.dates import DateError, DateFormat, date_format, time_zone
from kuzzle.storage.fields import FLOAT_TYPES, INTEGER_BOUNDS, Field
from kuzzle.storage.reading import bad_request
from kuzzle.storage.tree import Range, Scalar
from kuzzle.storage.values import IndexedValue, ValueProblem, query_value, range_bound


def value_bound(field: Field, value: Scalar) -> IndexedValue:
    """Return what the values of a field other than a date are compared with.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: it is no value of the field's type.
    """
    if field.type in INTEGER_BOUNDS or field.type in FLOAT_TYPES:
        bound: IndexedValue = understood(range_bound, field, value)
        return bound
    found: IndexedValue | None = understood(query_value, field, value)
    if found is None:
        raise bad_request(f"failed to create query: [{field.path}] has no such value")
    return found


def date_bound(field: Field, query: Range, value: Scalar, now_ms: int, *, round_up: bool) -> int:
    """Return the milliseconds since 1970 that the values of a date field are compared with.

    Args:
        query: Says the format and the time zone.
        round_up: A text that names a span means its last millisecond.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: it is no date.
    """
    if isinstance(value, bool) or value is None:
        raise bad_request(f"failed to parse date field [{value}]")
    try:
        reader: DateFormat | None = date_format(query.format) if query.format else field.date_format
        zone = time_zone(query.time_zone) if query.time_zone else UTC
        if reader is None:
            raise DateError(f"[{field.path}] has no date format")
        millis = reader.parse_math(value, now_ms=now_ms, round_up=round_up, zone=zone)
    except DateError as error:
        raise bad_request(str(error)) from None
    return max(-(1 << 63), min(millis, (1 << 63) - 1))


def understood(read: Any, *arguments: Any) -> Any:
    """Call a reader of query values; what it cannot read is the client's fault, what no field holds is None.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`
    """
    try:
        return read(*arguments)
    except ValueProblem as problem:
        raise bad_request(f"failed to create query: {problem}") from None
    except OverflowError:
        return None
