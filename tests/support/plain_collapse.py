"""One hit for each value of a field, the obvious way: documents in order, the first of each value kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plain_queries


def groups(ordered: Sequence[str], sources: Mapping[str, Mapping[str, Any]], field: str) -> list[tuple[Any, list[str]]]:
    """Return each value with the ids of the documents that have it, in the order of their first; None: no value."""
    found: dict[Any, list[str]] = {}
    for document_id in ordered:
        values = plain_queries.values_of(sources[document_id], field)
        found.setdefault(values[0] if values else None, []).append(document_id)
    return list(found.items())
