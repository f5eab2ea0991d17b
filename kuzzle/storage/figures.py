"""What a store can tell about its work, for those who watch the server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """A store at one moment.

    Attributes:
        size_bytes: What it takes on disk.
        commits: Transactions committed since it was opened; several writes may share one.
        waiting_writes: Writes that wait for their turn.
        waiting_searches: Searches and counts that wait for their turn.
        scrolls: Searches that are kept open.
    """

    size_bytes: int
    commits: int
    waiting_writes: int
    waiting_searches: int
    scrolls: int
