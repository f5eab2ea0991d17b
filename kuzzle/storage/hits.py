"""What a search finds, in values of the domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kuzzle.storage.stored_content import StoredContent


@dataclass(slots=True)
class Explanation:
    """A score, what it is, and what it is made of."""

    value: float
    description: str
    details: list[Explanation]


@dataclass(slots=True)
class Hit:
    """A found document.

    Attributes:
        content: What is shown of its content; None when nothing is.
        sort: The values it was sorted by, when a sort was asked for.
        highlight: Fragments by field, when something was found in fields to highlight.
        inner_hits: Which of its nested objects matched, by the names that were asked for.
        nested: Where in the document it stands, when it is a nested object: field and place in its list, from the
            document inwards.
        version: Its version, when that was asked for.
        fields: Values of fields, by name.
        matched: The names of queries that it matches.
        explanation: Why it has its score.
        groups: Pages of the documents that the hit stands for, by name, when hits are collapsed.
    """

    index: str
    collection: str
    id: str
    score: float | None
    content: StoredContent | None
    sort: list[Any] | None = None
    highlight: dict[str, list[str]] | None = None
    inner_hits: dict[str, SearchPage] | None = None
    version: int | None = None
    fields: dict[str, list[Any]] | None = None
    matched: list[str] | None = None
    explanation: Explanation | None = None
    groups: dict[str, SearchPage] | None = None
    nested: list[tuple[str, int]] | None = None

    @property
    def source(self) -> dict[str, Any] | None:
        """What is shown of the content, as an object; None when nothing is."""
        return None if self.content is None else self.content.source


@dataclass(slots=True)
class SearchPage:
    """A page of hits. `total` counts all matches; `took_ms` is how long the backend worked; `scroll_id` gives the
    next page when the search is a scroll; `aggregations` are results by name, None when none were asked for: each as
    Elasticsearch shows it, but that `hits` of a `top_hits` is a page; `has_top_hits` tells that there are some.
    `is_timed_out` tells that the search ended because its time was over, with nothing found."""

    hits: list[Hit]
    total: int
    max_score: float | None
    took_ms: int
    scroll_id: str | None = None
    aggregations: dict[str, Any] | None = None
    has_top_hits: bool = False
    is_timed_out: bool = False
