"""The query language as a tree that knows no engine.

`parse_query` and `parse_search` read what clients write (the Elasticsearch DSL that Kuzzle forwards);
backends translate the tree. What is not understood is refused by name, never ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class MatchAll:
    """Every document."""

    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class MatchNone:
    """No document."""


@dataclass(frozen=True, slots=True)
class Term:
    """The field holds exactly this value (on text: this token)."""

    field: str
    value: Scalar
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Terms:
    """The field holds one of these values."""

    field: str
    values: tuple[Scalar, ...]
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Range:
    """The field holds a value between two bounds; None is open. `format` is that of date bounds."""

    field: str
    lower: Scalar = None
    upper: Scalar = None
    includes_lower: bool = True
    includes_upper: bool = True
    format: str | None = None
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Exists:
    """The field (or one below it) holds a value other than null and the empty list."""

    field: str
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Ids:
    """The document has one of these ids."""

    values: tuple[str, ...]
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Bool:
    """`must` and `filter` all hold, `must_not` none, of `should` at least `minimum_should_match`
    (None: 1 without must and filter, else 0). `filter` and `must_not` do not score."""

    must: tuple[Query, ...] = ()
    filter: tuple[Query, ...] = ()
    should: tuple[Query, ...] = ()
    must_not: tuple[Query, ...] = ()
    minimum_should_match: int | None = None
    boost: float = 1.0


Query = MatchAll | MatchNone | Term | Terms | Range | Exists | Ids | Bool
MATCH_ALL: Final = MatchAll()


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key: a field path, `_score`, `_doc`, `_id` or `_uid`."""

    field: str
    order: Literal["asc", "desc"] = "asc"
    mode: Literal["min", "max"] | None = None
    missing: Scalar = "_last"
    unmapped_type: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A whole search.

    Attributes:
        sources: None: whole content; otherwise what to include and exclude (patterns).
    """

    query: Query = MATCH_ALL
    offset: int = 0
    size: int = 10
    sort: tuple[Sort, ...] = ()
    source: Any = None
