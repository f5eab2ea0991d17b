"""A search as a tree that knows no engine: what readers of a query language build and backends translate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from kuzzle.storage.compound_tree import Compound
from kuzzle.storage.geo_tree import Distance, GeoWithin
from kuzzle.storage.highlight_tree import HighlightField
from kuzzle.storage.hit_tree import NO_PARTS, Collapse, HitParts
from kuzzle.storage.nested_tree import Nested, NestedLevel
from kuzzle.storage.query_string_tree import QueryStrings
from kuzzle.storage.source_filter import SourceFilter
from kuzzle.storage.text_tree import Text

if TYPE_CHECKING:
    from kuzzle.storage.aggregations import Aggregation

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
    """The field holds a value between two bounds; None is open.

    Attributes:
        format: That of date bounds; None: that of the field.
        time_zone: Of date bounds that name none: `+01:00` or a zone's name. None: UTC.
    """

    field: str
    lower: Scalar = None
    upper: Scalar = None
    includes_lower: bool = True
    includes_upper: bool = True
    format: str | None = None
    time_zone: str | None = None
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

    @property
    def required_should(self) -> int:
        """How many of `should` must hold."""
        if self.minimum_should_match is not None:
            return max(0, self.minimum_should_match)
        return 1 if self.should and not self.must and not self.filter else 0


Query = (
    MatchAll
    | MatchNone
    | Term
    | Terms
    | Range
    | Exists
    | Ids
    | Bool
    | Compound
    | GeoWithin
    | Nested
    | Text
    | QueryStrings
)
MATCH_ALL: Final = MatchAll()

Order = Literal["asc", "desc"]
SortMode = Literal["min", "max", "sum", "avg", "median"]


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort key: a field path, `_score`, `_doc`, `_id` or `_uid`, or the distance of a field's places.

    Attributes:
        mode: Which of several values counts, or what is made of them; None: the least going up, the greatest going
            down.
        missing: `_last`, `_first`, or the value of documents that have none.
        unmapped_type: None makes a field without mapping an error.
        distance: Sort by how far the field's places are.
        nested: Which nested objects hold the field, the outermost first; empty: the document does.
    """

    field: str
    order: Order = "asc"
    mode: SortMode | None = None
    missing: Scalar = "_last"
    unmapped_type: str | None = None
    distance: Distance | None = None
    nested: tuple[NestedLevel, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """A whole search.

    Attributes:
        sort: Empty: best score first, then in a stable order.
        source: Which parts of the content hits carry; None: all of it, False: nothing.
        highlight: Which fields of hits are shown with what was found in them.
        after: A value per sort key: hits come strictly after these. None: from the beginning.
        post_filter: What hits must match besides; aggregations do not see it.
        aggregations: What to compute about all matches, by name; None: nothing was asked for.
        visible: The documents that a `global` aggregation is about.
        collapse: Show one hit for each value of a field; the total and aggregations stay those of all matches.
        parts: What hits carry besides.
        named: Queries by their names: hits tell which of them they match.
        timeout_ms: How long the search may take; None: as long as it does.
    """

    query: Query = MATCH_ALL
    offset: int = 0
    size: int = 10
    sort: tuple[Sort, ...] = ()
    source: SourceFilter | Literal[False] | None = None
    after: tuple[Scalar, ...] | None = None
    post_filter: Query | None = None
    aggregations: Mapping[str, Aggregation] | None = None
    visible: Query = MATCH_ALL
    highlight: tuple[HighlightField, ...] = ()
    collapse: Collapse | None = None
    parts: HitParts = NO_PARTS
    named: tuple[tuple[str, Query], ...] = ()
    timeout_ms: int | None = None
