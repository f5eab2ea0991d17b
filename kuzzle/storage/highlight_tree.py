"""What a search shows of the places where it found something."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HighlightField:
    """How the fields of a path or pattern are shown.

    Attributes:
        fragment_size: Characters of a fragment, about.
        number_of_fragments: How many fragments at most; 0: the whole value.
        requires_field_match: Show only what a clause on the same field looked for.
    """

    pattern: str
    pre_tag: str = "<em>"
    post_tag: str = "</em>"
    fragment_size: int = 100
    number_of_fragments: int = 5
    requires_field_match: bool = True
