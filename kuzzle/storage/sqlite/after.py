"""Where a page begins: strictly after a tuple of sort values (`search_after`).

Clients take the tuple from the last hit, either from its `sort` or from its content. So a value means
what it would mean in a document: text of a date, a number that its type rounds, a text too long to be
indexed. null stands for a document without value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from kuzzle.errors import KuzzleError
from kuzzle.storage.reading import bad_request, read_number
from kuzzle.storage.sqlite.sorting import Key
from kuzzle.storage.tree import Scalar
from kuzzle.storage.values import IndexedValue, ValueProblem, exact_number, index_value


def resolve_after(keys: Sequence[Key], values: Sequence[Scalar]) -> list[IndexedValue | None]:
    """Return the values as the index has them, one per sort key; None: a document without value.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: a value that is none of its key.
    """
    return [_resolve(key, value) for key, value in zip(keys, values, strict=True)]


def _resolve(key: Key, value: Scalar) -> IndexedValue | None:
    name = key.sort.field
    if key.sort.distance is not None:
        if value in (None, "Infinity"):
            return None if key.field is None else math.inf
        return read_number("search_after", name, value)
    if key.field is not None:
        if value is None:
            return key.missing
        if key.is_calculated:
            return _calculated(key, value)
        try:
            found = str(value) if key.field.type == "text" else index_value(key.field, value)
        except KuzzleError:
            raise bad_request(f"Failed to parse search_after value for field [{name}].") from None
        return key.missing if found is None else found
    if name in ("_id", "_uid"):
        if not isinstance(value, str):
            raise bad_request(f"Failed to parse search_after value for field [{name}].")
        return value
    if name in ("_score", "_doc"):
        return read_number("search_after", name, value)
    return value


def _calculated(key: Key, value: Scalar) -> IndexedValue:
    """Return a value that none of the field need be: a sum is in no bounds."""
    try:
        number = exact_number(value)
    except (ValueProblem, OverflowError):
        raise bad_request(f"Failed to parse search_after value for field [{key.sort.field}].") from None
    if key.is_real or not -(1 << 63) <= number < 1 << 63:
        return float(number)
    return number


def after_condition(
    keys: Sequence[Key], columns: Sequence[str], values: Sequence[IndexedValue | None], bind: Callable[[Any], str]
) -> str:
    """Return the condition that the columns of the sort keys come after the values."""
    condition = ""
    for key, column, value in reversed(list(zip(keys, columns, values, strict=True))):
        is_missing_last = key.nulls == "NULLS LAST"
        if value is None:
            equal, later = f"{column} IS NULL", "0" if is_missing_last else f"{column} IS NOT NULL"
        else:
            parameter = bind(value)
            equal = f"{column} = {parameter}"
            later = f"{column} {'>' if key.sort.order == 'asc' else '<'} {parameter}"
            if is_missing_last:
                later = f"({later} OR {column} IS NULL)"
        condition = f"({later} OR ({equal} AND {condition}))" if condition else later
    return condition
