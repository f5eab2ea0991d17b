"""Nodes of the tree that query strings are read into, beside those that all clauses share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from kuzzle.storage.text_tree import Match, MatchBoolPrefix, MatchPhrase, Prefix, Regexp, Wildcard

if TYPE_CHECKING:
    from kuzzle.storage.tree import Exists, Query, Range


FieldQuery: TypeAlias = "Match | MatchPhrase | MatchBoolPrefix | Prefix | Wildcard | Regexp | Range | Exists"
"""A query about one field."""
Fields = tuple[tuple[str, float], ...]
"""Paths and their boosts; `*` in a path stands for any text."""


@dataclass(frozen=True, slots=True)
class AnyField:
    """One of several fields matches a query.

    Attributes:
        fields: Of what a path with `*` finds, fields that cannot take the query are left out.
        query: About a field without name: each field is put in.
        tie_breaker: How much of the other scores is added to the best one.
        is_lenient: A value that a field's type does not know matches nothing, instead of being an error.
    """

    fields: Fields
    query: FieldQuery
    tie_breaker: float = 0.0
    is_lenient: bool = False
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class QueryText:
    """What a query string says.

    Texts without words do not count in it, as if they were not written. Prefixes, patterns and bounds are compared
    in the case that the analyser of a field writes words in.

    Attributes:
        query: Made of `AnyField`, `Bool`, `MatchAll` and `MatchNone`.
        minimum_should_match: How many of the optional parts are enough, in any form that a bool takes. None: one.
    """

    query: Query
    minimum_should_match: int | str | None = None
    boost: float = 1.0


QueryStrings = AnyField | QueryText
