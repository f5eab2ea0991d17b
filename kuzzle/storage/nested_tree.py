"""Nodes of the tree about nested objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from kuzzle.storage.hit_tree import HitPage

if TYPE_CHECKING:
    from kuzzle.storage.tree import Query

NestedScore = Literal["avg", "sum", "min", "max", "none"]


@dataclass(frozen=True, slots=True)
class InnerHits:
    """That hits tell which of their nested objects matched.

    Attributes:
        name: Under which they do.
        page: Which of them, and what of them.
    """

    name: str
    page: HitPage = field(default_factory=HitPage)


@dataclass(frozen=True, slots=True)
class NestedLevel:
    """The nested objects of a path whose values a sort is about.

    Attributes:
        filter: Only of those that match; None: of all.
    """

    path: str
    filter: Query | None = None


@dataclass(frozen=True, slots=True)
class Nested:
    """One nested object of the path matches `query` by itself.

    Attributes:
        score_mode: What of the scores of the objects that match is the score.
        ignore_unmapped: Without it a path that is not mapped as nested is an error.
    """

    path: str
    query: Query
    score_mode: NestedScore = "avg"
    ignore_unmapped: bool = False
    inner_hits: InnerHits | None = None
    boost: float = 1.0
