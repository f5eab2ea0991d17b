"""Small pieces of SQL that translations are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

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
