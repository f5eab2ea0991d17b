"""Which nested objects of a found document matched."""

from __future__ import annotations

from typing import Any

import apsw

from kuzzle.storage.base import InnerHit, InnerPage, Source
from kuzzle.storage.nested_tree import InnerHits, Nested
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.extraction import Extraction
from kuzzle.storage.sqlite.nested_rows import NestedObject, nested_number, nested_rids
from kuzzle.storage.sqlite.translation import Translation


class InnerHitFinder:
    """Finds the inner hits that a query asks for, document by document."""

    def __init__(self, connection: apsw.Connection, state: CollectionState, translation: Translation) -> None:
        self._connection = connection
        self._state = state
        self._statements: list[tuple[Nested, InnerHits, str, str]] = []
        for query in translation.scopes.inner_hits:
            rest, score = translation.scopes.objects(translation, query)
            if query.inner_hits is not None:
                self._statements.append((query, query.inner_hits, rest, translation.number(score)))
        self._values = dict(translation.values)

    @property
    def is_asked(self) -> bool:
        """False when the query wants no inner hits."""
        return bool(self._statements)

    def find(self, rid: int, source: Source) -> dict[str, InnerPage]:
        """Return the inner hits of a document by their names.

        Args:
            source: The whole content of the document.
        """
        extraction = Extraction(self._state.mapping, self._state.field_numbers, self._state.name, is_lenient=True)
        extraction.read(source)
        first, last = nested_rids(rid)
        values = {**self._values, "first": first, "last": last}
        found = {}
        for query, wanted, rest, score in self._statements:
            # Objects are numbered downwards, so the first of a document has the greatest rid.
            rows: list[Any] = self._connection.execute(
                f"SELECT d.rid, {score} AS score {rest} ORDER BY score DESC, d.rid DESC", values
            ).fetchall()
            page = [
                _inner_hit(extraction.objects, nested_number(number), points, wanted)
                for number, points in rows[wanted.offset : wanted.offset + wanted.size]
                if _is_there(extraction.objects, nested_number(number), query.path)
            ]
            found[wanted.name] = InnerPage(page, len(rows), rows[0][1] if rows else None)
        return found


def _is_there(objects: list[NestedObject], number: int, path: str) -> bool:
    """Tell whether the document, read by the mapping of now, still has an object of that number and path."""
    return number <= len(objects) and objects[number - 1].path == path


def _inner_hit(objects: list[NestedObject], number: int, score: float, wanted: InnerHits) -> InnerHit:
    found = objects[number - 1]
    path: list[tuple[str, int]] = []
    while number:
        standing = objects[number - 1]
        number = standing.parent
        outer = f"{objects[number - 1].path}." if number else ""
        path.insert(0, (standing.path.removeprefix(outer), standing.offset))
    source: dict[str, Any] | None = dict(found.source)
    if wanted.source is False:
        source = None
    elif wanted.source is not None and source is not None:
        source = wanted.source.apply(source)
    return InnerHit(path, score, source)
