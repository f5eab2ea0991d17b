"""What a search shows of its hits: which values beside the content, and one hit for each value of a field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kuzzle.storage.tree import Search


@dataclass(frozen=True, slots=True)
class HitParts:
    """What hits carry besides id, content and what they were found by.

    Attributes:
        has_version: The version of the document.
        has_score: The score, though the hits are sorted by something else.
        fields: Fields whose values are shown as the index has them.
        stored: Patterns of fields whose values are shown as they were written, where the mapping says `store`.
    """

    has_version: bool = False
    has_score: bool = False
    fields: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()


NO_PARTS: Final = HitParts()


@dataclass(frozen=True, slots=True)
class Collapse:
    """Only the first hit of each value of a field is shown; documents without a value are one group.

    Attributes:
        inner: What is shown of each group besides, by name: a page of the documents of the group, whose
            query is left open.
    """

    field: str
    inner: tuple[tuple[str, Search], ...] = ()
