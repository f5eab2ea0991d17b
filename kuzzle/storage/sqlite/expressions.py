"""Small pieces of SQL that translations are made of."""

from __future__ import annotations

import array
from collections.abc import Callable, Sequence
from typing import Any, Final

import apsw

from kuzzle.storage.values import IndexedValue

Score = float | str
"""The score of a matching document: a number when it is the same for all, else an SQL expression."""

NOTHING: Final = "0"
EVERYTHING: Final = "1"


def joined(parts: Sequence[str], operator: str) -> str:
    """Join by an operator as a balanced tree: SQLite limits how deep an expression is, not how long."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({joined(parts[:middle], operator)} {operator} {joined(parts[middle:], operator)})"


def list_of(bind: Callable[[Any], str], values: Sequence[IndexedValue]) -> str:
    """Return a set of values of one kind, bound as one array."""
    kind = type(values[0])
    bound: Any = array.array("q" if kind is int else "d", values) if kind in (int, float) else tuple(values)
    if kind is str and any("\0" in str(value) for value in values):
        # An array of texts ends each at its first NUL; as bytes they are whole.
        encoded = bind(apsw.carray(tuple(str(value).encode() for value in values)))
        return f"(SELECT CAST(value AS TEXT) FROM carray({encoded}))"
    return f"(SELECT value FROM carray({bind(apsw.carray(bound))}))"
