"""What a search shows of its hits: which values beside the content, and one hit for each value of a field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from kuzzle.storage.highlight_tree import HighlightField
from kuzzle.storage.source_filter import SourceFilter

if TYPE_CHECKING:
    from kuzzle.storage.tree import Search, Sort


@dataclass(frozen=True, slots=True)
class HitParts:
    """What hits carry besides id, content and what they were found by.

    Attributes:
        has_version: The version of the document.
        has_score: The score, though the hits are sorted by something else.
        fields: Fields whose values are shown as the index has them.
        stored: Patterns of fields whose values are shown as they were written, where the mapping says `store`.
        has_explanation: Why a hit has its score.
    """

    has_version: bool = False
    has_score: bool = False
    fields: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()
    has_explanation: bool = False


NO_PARTS: Final = HitParts()


@dataclass(frozen=True, slots=True)
class HitPage:
    """Some of the hits that belong to a hit or a bucket.

    Attributes:
        sort: Empty: best score first, then in a stable order.
        source: Which parts of the content they show; None: all, False: nothing.
        highlight: Which fields are shown with what was found in them.
    """

    offset: int = 0
    size: int = 3
    sort: tuple[Sort, ...] = ()
    source: SourceFilter | Literal[False] | None = None
    highlight: tuple[HighlightField, ...] = ()
    parts: HitParts = NO_PARTS


@dataclass(frozen=True, slots=True)
class Collapse:
    """Only the first hit of each value of a field is shown; documents without a value are one group.

    Attributes:
        inner: What is shown of each group besides, by name: a page of the documents of the group, whose
            query is left open.
    """

    field: str
    inner: tuple[tuple[str, Search], ...] = ()
