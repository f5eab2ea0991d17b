"""Which nested objects of a found document matched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw

from kuzzle.storage.hit_tree import HitPage
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.nested_tree import Nested
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.hits import HitReader
from kuzzle.storage.sqlite.nested_rows import nested_rids
from kuzzle.storage.sqlite.sort_columns import key_column, order_by
from kuzzle.storage.sqlite.sorting import Key, resolve_keys
from kuzzle.storage.sqlite.translation import Translation


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one query asked for.

    Attributes:
        statement: Gives rid, score and sort keys of the objects that matched, in order.
    """

    name: str
    page: HitPage
    keys: list[Key]
    statement: str
    reader: HitReader

    @property
    def has_score(self) -> bool:
        """True when hits show their score."""
        return not self.keys or self.page.parts.has_score or any(key.sort.field == "_score" for key in self.keys)


class InnerHitFinder:
    """Finds the inner hits that a query asks for, document by document."""

    def __init__(
        self, connection: apsw.Connection, index: str, state: CollectionState, translation: Translation
    ) -> None:
        self._connection = connection
        self._index = index
        self._state = state
        self._translation = translation
        self._asked = [self._prepared(query) for query in translation.scopes.inner_hits]
        self._values = dict(translation.values)

    def _prepared(self, query: Nested) -> _Asked:
        if query.inner_hits is None:
            raise ValueError("only queries that ask for inner hits may be listed")
        translation, page = self._translation, query.inner_hits.page
        rest, score = translation.scopes.objects(translation, query)
        keys = resolve_keys(page.sort, self._state, query.path)
        with translation.scopes.inside(query.path):
            columns = [key_column(translation, self._state, key, score) for key in keys]
            tie = translation.scopes.place_column
        selected = "".join(f", {column} AS k{position}" for position, column in enumerate(columns))
        statement = (
            f"SELECT d.rid, {translation.number(score)} AS score{selected} {rest} "
            f"ORDER BY {order_by(keys) if keys else 'score DESC'}, {tie}"
        )
        reader = HitReader(self._connection, self._index, self._state, page, query.query, query.path)
        return _Asked(query.inner_hits.name, page, keys, statement, reader)

    @property
    def is_asked(self) -> bool:
        """False when the query wants no inner hits."""
        return bool(self._asked)

    def find(self, rid: int) -> dict[str, SearchPage]:
        """Return the inner hits of a document by their names."""
        first, last = nested_rids(rid)
        values = {**self._values, "first": first, "last": last}
        return {asked.name: self._page(asked, values) for asked in self._asked}

    def _page(self, asked: _Asked, values: dict[str, Any]) -> SearchPage:
        rows: list[Any] = self._connection.execute(asked.statement, values).fetchall()
        hits = []
        for rid, score, *found in rows[asked.page.offset : asked.page.offset + asked.page.size]:
            sort = [key.shown(value) for key, value in zip(asked.keys, found, strict=True)] if asked.keys else None
            hit = asked.reader.read(rid, score if asked.has_score else None, sort)
            if hit is not None:
                hits.append(hit)
        best = max((row[1] for row in rows), default=None) if asked.has_score else None
        return SearchPage(hits, len(rows), best, 0)
