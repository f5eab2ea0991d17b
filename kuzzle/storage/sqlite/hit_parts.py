"""What hits show besides their content: scores, values of fields, names of queries that they match."""

from __future__ import annotations

from typing import Any, Final

import apsw

from kuzzle.storage.doc_values import check_doc_values, shown_value
from kuzzle.storage.fields import Field
from kuzzle.storage.hits import Hit
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.explaining import Explainer
from kuzzle.storage.sqlite.pages import Matches
from kuzzle.storage.stored_content import StoredContent
from kuzzle.storage.stored_fields import StoredFields
from kuzzle.storage.tree import Search

_OF_DOCUMENTS: Final = frozenset({"_id", "_uid", "_type", "_index", "_source", "_score", "_all"})
_VALUELESS: Final = frozenset({"geo_shape", "binary"})


class PartsFinder:
    """Adds to the hits of one search what it asked for."""

    def __init__(self, connection: apsw.Connection, state: CollectionState, search: Search, matches: Matches) -> None:
        """Find what the search names.

        Raises:
            KuzzleError: 400 `services.storage.unexpected_bad_request`: a field that has no values to show.
        """
        self._connection = connection
        self._parts = search.parts
        self._matches = matches
        self._named = search.named
        self._fields = [
            (field, state.field_numbers[field.key])
            for path in search.parts.fields
            if (field := _find(state, path)) is not None
        ]
        self._explainer: Explainer | None = None
        if search.parts.has_explanation:
            self._explainer = Explainer(connection, state, matches.translation, search.query)
        self._stored = StoredFields(state.mapping, search.parts.stored)
        self._statement = (
            f"SELECT value FROM {state.values_table} INDEXED BY {state.values_index} "
            "WHERE rid = ? AND field = ? ORDER BY value"
        )

    def add(self, hit: Hit, rid: int, content: StoredContent | None) -> None:
        """Add the parts of one hit; `content` is there when stored fields were asked for, and only then looked into."""
        if self._parts.has_score and hit.score is None:
            hit.score = self._matches.score_of(rid)
        if self._named:
            hit.matched = self._matches.names_of(rid, self._named)
        if self._explainer is not None:
            hit.explanation = self._explainer.explain(rid)
        if self._fields:
            values = {field.path: self._values(rid, field, number) for field, number in self._fields}
            hit.fields = {path: found for path, found in values.items() if found}
        if self._parts.stored and content is not None:
            hit.fields = {**(hit.fields or {}), **self._stored.values(content.source)}

    def _values(self, rid: int, field: Field, number: int) -> list[Any]:
        rows = self._connection.execute(self._statement, (rid, number))
        return [
            shown_value(field, value) for (value,) in rows if not (field.type == "text" and isinstance(value, bytes))
        ]


def _find(state: CollectionState, path: str) -> Field | None:
    """Return the field of a path; None when documents themselves have none."""
    if path in _OF_DOCUMENTS:
        raise bad_request(f"Fielddata is not supported on field [{path}] of type [{path}]")
    field = state.mapping.find_field(path, "")
    if field is None:
        return None
    check_doc_values(field)
    if field.type in _VALUELESS:
        raise bad_request(f"Fielddata is not supported on field [{path}] of type [{field.type}]")
    return field
