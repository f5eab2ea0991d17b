"""Nested queries as SQL.

Inside of one the name `d`, which conditions speak of, stands for nested objects instead of documents
(`nested_rows.py`), so that every clause works there as it does outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kuzzle.storage.nested_tree import Nested, NestedLevel
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.expressions import NOTHING, Score
from kuzzle.storage.sqlite.nested_rows import LAST_NUMBER, NUMBER_BITS

if TYPE_CHECKING:
    from kuzzle.storage.sqlite.translation import Translation


class Scopes:
    """Where in the nested objects of a collection a translation is.

    Attributes:
        scope: Path of the nested objects that conditions are about, empty for documents.
        inner_hits: Queries on documents that asked for them.
    """

    def __init__(self, state: CollectionState) -> None:
        self.scope = ""
        self.inner_hits: list[Nested] = []
        self._state = state

    def condition(self, translation: Translation, query: Nested) -> str:
        """Return the condition that documents, or the nested objects around, match.

        Raises:
            KuzzleError: 400 `services.storage.unexpected_bad_request`: no such path.
        """
        marker = self._marker(query)
        if marker is None:
            return NOTHING
        if query.inner_hits is not None:
            self._ask_inner_hits(query)
        with self.inside(query.path):
            inner = translation.condition(query.query)
        around = root_of("d.rid")
        if self.scope:
            around = object_rid(around, "d.value")
        return f"d.rid IN (SELECT {around} FROM {self._state.values_table} AS d WHERE d.field = {marker} AND {inner})"

    def score(self, translation: Translation, query: Nested) -> Score:
        """Return the score of the documents, or of the nested objects around, that match."""
        marker = self._marker(query)
        if marker is None or query.score_mode == "none":
            return 0.0
        with self.inside(query.path):
            score = translation.score(query.query)
            if isinstance(score, float) and query.score_mode != "sum":
                return score * query.boost
            number, inner = translation.number(score), translation.question(query.query)
        boost = translation.bind(query.boost)
        table = f"{self._state.values_table} AS d"
        if not self.scope:
            table += f" INDEXED BY {self._state.values_index}"
        return (
            f"(SELECT coalesce({query.score_mode}({number}), 0.0) * {boost} FROM (SELECT d.rid AS rid) AS around "
            f"CROSS JOIN {table} WHERE {self._is_inside('around.rid')} AND d.field = {marker} AND {inner})"
        )

    def objects(self, translation: Translation, query: Nested) -> tuple[str, Score]:
        """Return the rest of a statement on the nested objects that match, and their score.

        They are those of one document, between the rids `:first` and `:last`.
        """
        marker = self._marker(query)
        with self.inside(query.path):
            inner, score = translation.question(query.query), translation.score(query.query)
        table = f"{self._state.values_table} AS d INDEXED BY {self._state.values_index}"
        return f"FROM {table} WHERE d.rid BETWEEN :first AND :last AND d.field = {marker} AND {inner}", score

    @property
    def place_column(self) -> str:
        """The expression by which documents, or nested objects, stand in the order in which they came to be."""
        # Objects are numbered downwards.
        return "-d.rid" if self.scope else "d.rid"

    def rows_below(self, translation: Translation, levels: Sequence[NestedLevel], rid: str) -> str:
        """Return the condition that a row of the table of values is one of nested objects of a document.

        Args:
            levels: Which objects, the outermost first; none: the row is one of the document itself.
            rid: The expression of the rid of the document.
        """
        if not levels:
            return f"rid = {rid}"
        condition = objects_in(rid, "rid")
        if all(level.filter is None for level in levels):
            return condition
        # The sign keeps the index for the rows of the document: there are few, and many that match.
        return f"{condition} AND +rid IN ({self._chosen(translation, levels)})"

    def _chosen(self, translation: Translation, levels: Sequence[NestedLevel]) -> str:
        """Return the statement that gives the nested objects of the last level that match, and those around them."""
        *around, level = levels
        conditions = [f"d.field = {self._state.field_numbers[level.path]}"]
        if level.filter is not None:
            with self.inside(level.path):
                conditions.append(translation.condition(level.filter))
        if any(outer.filter is not None for outer in around):
            parent = object_rid(root_of("d.rid"), "d.value")
            conditions.append(f"{parent} IN ({self._chosen(translation, around)})")
        return f"SELECT d.rid FROM {self._state.values_table} AS d WHERE {' AND '.join(conditions)}"

    @property
    def id_column(self) -> str:
        """The expression of the id of the document, or of the one around the nested object."""
        if not self.scope:
            return "d.id"
        return f"(SELECT id FROM {self._state.documents_table} WHERE rid = {root_of('d.rid')})"

    @contextmanager
    def inside(self, path: str) -> Iterator[None]:
        """Let conditions be about the nested objects of a path."""
        before, self.scope = self.scope, path
        try:
            yield
        finally:
            self.scope = before

    def _is_inside(self, around: str) -> str:
        """Return the condition that `d` stands inside of a document, or of a nested object."""
        if not self.scope:
            return objects_in(around, "d.rid")
        return f"{objects_in(root_of(around), 'd.rid')} AND d.value = {number_in_document(around)}"

    def _marker(self, query: Nested) -> int | None:
        """Return the number of the path; None: it is not mapped, and that is allowed, or nothing has it."""
        mapping = self._state.mapping
        if query.path not in mapping.nested and query.ignore_unmapped:
            return None
        mapping.check_nested(query.path)
        if self.scope and mapping.nested_around(query.path) != self.scope:
            raise bad_request(f"[nested] the path [{query.path}] does not stand directly in [{self.scope}]")
        return self._state.field_numbers.get(query.path)

    def _ask_inner_hits(self, query: Nested) -> None:
        if self.scope:
            raise bad_request("[inner_hits] of a nested query inside of another are not supported")
        if query in self.inner_hits:
            return
        if any(asked.inner_hits and query.inner_hits and asked.inner_hits.name == query.inner_hits.name
               for asked in self.inner_hits):  # fmt: skip
            name = query.inner_hits.name if query.inner_hits else ""
            raise bad_request(f"[inner_hits] already contains an entry for key [{name}]")
        self.inner_hits.append(query)


def root_of(rid: str) -> str:
    """Return the expression of the rid of the document that a nested object is part of."""
    return f"((-{rid}) >> {NUMBER_BITS})"


def number_in_document(rid: str) -> str:
    """Return the expression of the number of a nested object."""
    return f"((-{rid}) & {LAST_NUMBER})"


def object_rid(root: str, number: str) -> str:
    """Return the expression of the rid of a nested object of a document."""
    return f"-(({root} << {NUMBER_BITS}) + {number})"


def objects_in(root: str, rid: str) -> str:
    """Return the condition that a nested object is part of a document."""
    return f"{rid} BETWEEN {object_rid(root, str(LAST_NUMBER))} AND {object_rid(root, '1')}"
