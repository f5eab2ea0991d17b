"""Which documents match, and which of them make a page.

A page is found in one of two ways, with the same answer:

- along the index: one sort key on a field that many documents match; the table of values is walked in
  its order until the page is full, so that the first ten of a million cost little more than ten steps;
- by keys: everything else; the sort keys of all matches are gathered and sorted. Of those that a first key on a
  field puts far behind the page, none is.

Documents with equal keys, or without a sort equal scores, keep the order in which they came to be.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw
import orjson

from kuzzle.storage.sqlite.after import after_condition
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.expressions import EVERYTHING
from kuzzle.storage.sqlite.leading import MANY, asks_document, counted, find_leading, is_kept, is_met_soon
from kuzzle.storage.sqlite.lookups import MOST_KEPT
from kuzzle.storage.sqlite.nested import root_of
from kuzzle.storage.sqlite.sort_columns import key_column, of_values, order_by, values_of
from kuzzle.storage.sqlite.sorting import Key
from kuzzle.storage.sqlite.translation import Translation
from kuzzle.storage.tree import Query
from kuzzle.storage.values import IndexedValue

After = Sequence[IndexedValue | None]
"""A value of each sort key; None: of a document without value."""


# What a step takes, counted in rows that are met on the way along an index and looked for in a set: to put a row into
# the set, to ask about a document, to read a sort key and sort by it.
_GATHERING: Final = 2
_ASKING: Final = 25
_SORTING: Final = 25


@dataclass(frozen=True, slots=True)
class PageRow:
    """A document of a page; `sort` holds its sort keys, None without a sort."""

    rid: int
    score: float | None
    sort: list[Any] | None = None


class Matches:
    """The documents that match a query, within one read transaction."""

    def __init__(self, connection: apsw.Connection, state: CollectionState, query: Query, now_ms: int) -> None:
        """Translate the query.

        Raises:
            KuzzleError: 400 `services.storage.unexpected_bad_request`.
        """
        self._connection = connection
        self._state = state
        self._translation = Translation(connection, state, now_ms)
        self._query = query
        self._condition = self._translation.condition(query)
        self._score = self._translation.score(query)
        self._matching = f"FROM {state.documents_table} AS d WHERE {self._condition}"
        self._leading = find_leading(self._translation, state, self._condition, self._score)
        self._source = self._matching if self._leading is None else self._leading.source
        # Asking what few documents match takes longer than keeping the answer for both, the page and the count.
        self._is_small = is_kept(self._translation, self._condition, MANY)
        self._total: int | None = None
        self._may_be_kept = is_kept(self._translation, self._condition, MOST_KEPT)

    @property
    def translation(self) -> Translation:
        """That of the query."""
        return self._translation

    def _rows(self, statement: str) -> Iterator[Any]:
        return self._connection.execute(statement, self._translation.values)

    def _value(self, statement: str) -> Any:
        ((value,),) = self._rows(statement)
        return value

    def count(self) -> int:
        """Return how many match."""
        if self._total is not None:
            return self._total
        if self._is_kept:
            return len(self._few)
        source = counted(self._translation, self._state, self._condition) or self._source
        count: int = self._value(f"SELECT count(*) {source}")
        return count

    @property
    def kept(self) -> Sequence[int] | None:
        """The rids of all matches in their order, None where they are not kept."""
        return self._few if self._is_kept else None

    @functools.cached_property
    def _few(self) -> Sequence[int]:
        """The rids of all matches, in their order.

        They come as one text: each row that Python sees costs waiting for the interpreter's lock.
        """
        text = self._value(f"SELECT group_concat(rid) FROM (SELECT d.rid AS rid {self._source} ORDER BY d.rid)")
        return orjson.loads(f"[{text or ''}]")  # type: ignore[no-any-return]

    @functools.cached_property
    def _set(self) -> str | None:
        """The statement on the rids of all matches, where they are kept or the rows of one look-up."""
        if self._may_be_kept:
            return self._translation.list_of(self._few) if self._few else None
        led = self._translation.lookups.lead(self._condition)
        return None if led is None or not led.is_alone else f"({self._translation.lookups.rids(led)})"

    @property
    def _is_kept(self) -> bool:
        return self._is_small or "_few" in self.__dict__

    def best_score(self) -> float | None:
        """Return the highest score, None when nothing matches."""
        if isinstance(self._score, float):
            return self._score
        score, matching = self._scored()
        best: float | None = self._value(f"SELECT max({score}) {matching}")
        return best

    def _scored(self) -> tuple[str, str]:
        """Return the expression of the score, and the rest of a statement that knows it."""
        if self._leading is not None and self._leading.score is not None:
            return self._leading.score, self._leading.scored
        return str(self._score), self._matching

    def score_of(self, rid: int) -> float:
        """Return the score of a match."""
        if isinstance(self._score, float):
            return self._score
        statement = f"SELECT {self._score} FROM {self._state.documents_table} AS d WHERE d.rid = :rid"
        ((score,),) = self._connection.execute(statement, {**self._translation.values, "rid": rid})
        found: float = score
        return found

    def names_of(self, rid: int, named: Sequence[tuple[str, Query]]) -> list[str]:
        """Return the names of those queries that a document matches."""
        conditions = ", ".join(self._translation.question(query) for _name, query in named)
        statement = f"SELECT {conditions} FROM {self._state.documents_table} AS d WHERE d.rid = :rid"
        (row,) = self._connection.execute(statement, {**self._translation.values, "rid": rid})
        return list(dict.fromkeys(name for (name, _query), is_found in zip(named, row, strict=True) if is_found))

    def ids(self) -> list[str]:
        """Return the ids of all matches."""
        return [row[0] for row in self._rows(f"SELECT d.id {self._matching}")]

    def page(self, keys: list[Key], offset: int, size: int, total: int, after: After | None = None) -> list[PageRow]:
        """Return the rows of a page in the order of sort keys.

        Args:
            total: How many match.
            after: A value per key: the rows come strictly after these.
        """
        if not size or offset >= total:
            return []
        asked = self._asked_on_the_way(offset + size, total) if keys[0].is_index_order else None
        if asked is not None:
            if len(keys) == 1:
                return self._along_index(keys[0], offset, size, after, asked)
            part = self._part_with(keys[0], offset + size, after, asked)
            if part is not None:
                return list(self._by_keys(keys, offset, size, after, matching=part))
        return list(self._by_keys(keys, offset, size, after))

    def by_score(self, offset: int, size: int) -> list[PageRow]:
        """Return the rows of a page, the best scores first."""
        if not size:
            return []
        if isinstance(self._score, float):
            if self._is_small:
                return [PageRow(rid, self._score) for rid in self._few[offset : offset + size]]
            source = self._source
            is_in_order = self._leading is not None and self._leading.is_in_order
            if not is_in_order and is_met_soon(self._translation, self._condition):
                asked = self._translation.question(self._query)
                source = f"FROM {self._state.documents_table} AS d WHERE {asked}"
            statement = f"SELECT d.rid {source} ORDER BY d.rid LIMIT {size} OFFSET {offset}"
            return [PageRow(rid, self._score) for (rid,) in self._rows(statement)]
        score, matching = self._scored()
        found = f"SELECT d.rid AS rid, {score} AS score {matching}"
        page = f"ORDER BY score DESC, rid LIMIT {size} OFFSET {offset}"
        if not self._may_be_kept:
            return [PageRow(rid, score) for rid, score in self._rows(f"{found} {page}")]
        # Asking a second time, to count them, would take as long again.
        (self._total, _), *rows = self._rows(
            f"WITH matches AS MATERIALIZED ({found}) SELECT count(*), NULL FROM matches "
            f"UNION ALL SELECT * FROM (SELECT * FROM matches {page})"
        )
        return [PageRow(rid, score) for rid, score in rows]

    def stream(self, keys: list[Key]) -> Iterator[PageRow]:
        """Find all matches in order, one when it is asked for."""
        if keys:
            return self._by_keys(keys, 0, -1, None)
        if isinstance(self._score, float):
            score = self._score
            return (PageRow(rid, score) for (rid,) in self._rows(f"SELECT d.rid {self._matching} ORDER BY d.rid"))
        statement = f"SELECT d.rid, {self._score} AS score {self._matching} ORDER BY score DESC, d.rid"
        return (PageRow(rid, score) for rid, score in self._rows(statement))

    def stream_with(self, column: str, keys: list[Key]) -> Iterator[Any]:
        """Find all matches in order, each as its rid, a column, and its sort keys as the index has them."""
        selected = [f"{self._key_column(key)} AS k{position}" for position, key in enumerate(keys)]
        order = f"ORDER BY {order_by(keys)}, d.rid"
        return self._rows(f"SELECT d.rid, {column}, {', '.join(selected)} {self._matching} {order}")

    def _asked_on_the_way(self, wanted: int, total: int) -> str | None:
        """Return what to ask of each `{rid}` on the way along an index; None: sorting all matches takes less time."""
        last: int = self._value(f"SELECT max(rid) FROM {self._state.documents_table}")
        steps = last * wanted // total
        sorting, asking = _SORTING * total, _ASKING * steps
        if self._condition == EVERYTHING:
            return "1" if steps <= sorting else None
        probing = _GATHERING * total + steps
        if self._may_be_kept and not self._is_kept:
            probing += _GATHERING * (self._translation.lookups.size(self._condition, MOST_KEPT) or 0)
        if probing < min(asking, sorting) and self._set is not None:
            return f"{{rid}} IN {self._set}"
        if asking > sorting:
            return None
        question = self._translation.question(self._query)
        return f"EXISTS (SELECT 1 FROM {self._state.documents_table} AS d WHERE d.rid = {{rid}} AND {question})"

    def _along_index(self, key: Key, offset: int, size: int, after: After | None, asked: str) -> list[PageRow]:
        if not key.sort.nested and key.field is not None and self._translation.lookups.is_single(key.field):
            rows = self._met_once(key, offset, size, after, asked)
            if len(rows) == size:
                return rows
        with_value = self._with_value(self._walk(key, None if after is None else after[0], asked), key)
        without_value = self._without_value(key)
        if key.sort.missing == "_first":
            found = with_value if after is not None else itertools.chain(without_value, with_value)
        elif after is not None and after[0] is None:
            return []
        else:
            found = itertools.chain(with_value, without_value)
        return list(itertools.islice(found, offset, offset + size))

    def _met_once(self, key: Key, offset: int, size: int, after: After | None, asked: str) -> list[PageRow]:
        """Return the rows of a page as far as they have a value of a field of which no document has several."""
        if (after is not None and after[0] is None) or (after is None and key.sort.missing == "_first"):
            return []
        statement = f"{self._walk(key, None if after is None else after[0], asked)} LIMIT {size} OFFSET {offset}"
        return [PageRow(rid, None, [key.shown(value)]) for rid, value in self._rows(statement)]

    def _with_value(self, walk: str, key: Key) -> Iterator[PageRow]:
        seen = set()
        for rid, value in self._rows(walk):
            # Of several values of a document the first on the way is the one that counts.
            if rid not in seen:
                seen.add(rid)
                yield PageRow(rid, None, [key.shown(value)])

    def _walk(self, key: Key, after: IndexedValue | None, asked: str) -> str:
        """Return the statement that gives `(rid, value)` in the order of a key, if what is asked holds."""
        rid = _document_of(key, "v.rid")
        conditions = of_values(key, "v.value")
        if after is not None:
            # A document may have values on both sides: only the one that counts tells where it stands.
            counts = f"(SELECT {key.picked('value')} {values_of(self._translation, self._state, key, rid)})"
            beyond = ">" if key.sort.order == "asc" else "<"
            conditions += f" AND v.value {beyond} {self._translation.bind(after)} AND v.value = {counts}"
        if asked != EVERYTHING:
            conditions += f" AND {asked.replace('{rid}', rid)}"
        return (
            f"SELECT {rid}, v.value FROM {self._state.values_table} AS v WHERE v.field = {key.number} "
            f"{conditions} ORDER BY v.value {key.direction}, {rid}"
        )

    def _part_with(self, key: Key, wanted: int, after: After | None, asked: str) -> str | None:
        """Return the rest of a statement on a part of the matches, in which the first of all by a key are.

        The index is walked by the first key alone until so many are met; whatever the other keys say, none of
        these documents has a value beyond the last one. None: too few have a value.
        """
        start = None if after is None else after[0]
        if (after is not None and start is None) or (after is None and key.sort.missing == "_first"):
            return None
        met: set[int] = set()
        end: IndexedValue | None = None
        for rid, value in self._rows(self._walk(key, start, asked)):
            met.add(rid)
            if len(met) == wanted:
                end = value
                break
        if end is None:
            return None
        first, last = (start, end) if key.sort.order == "asc" else (end, start)
        limits = [f"value >= {self._translation.bind(first)}"] if first is not None else []
        limits += [f"value <= {self._translation.bind(last)}"] if last is not None else []
        question = self._translation.question(self._query)
        values, documents = self._state.values_table, self._state.documents_table
        part = f"SELECT {_document_of(key, 'rid')} FROM {values} WHERE field = {key.number} AND {' AND '.join(limits)}"
        return f"FROM {documents} AS d WHERE d.rid IN ({part}) AND {question}"

    def _without_value(self, key: Key) -> Iterator[PageRow]:
        value = self._key_column(key)
        for (rid,) in self._rows(f"SELECT d.rid {self._matching} AND {value} IS NULL ORDER BY d.rid"):
            yield PageRow(rid, None, [None])

    def _by_keys(
        self, keys: list[Key], offset: int, size: int, after: After | None, *, matching: str | None = None
    ) -> Iterator[PageRow]:
        """Yield the rows of a page; a size of -1 stands for all there are."""
        columns = [self._key_column(key) for key in keys]
        names = [f"k{position}" for position in range(len(keys))]
        selected = [f"{column} AS {name}" for column, name in zip(columns, names, strict=True)]
        matching = matching or self._found_again(columns)
        later = "" if after is None else f"AND {after_condition(keys, names, after, self._translation.bind)}"
        statement = (
            f"SELECT d.rid, {', '.join(selected)} {matching} {later} "
            f"ORDER BY {order_by(keys)}, d.rid LIMIT {size} OFFSET {offset}"
        )
        scored = [position for position, key in enumerate(keys) if key.sort.field == "_score"]
        for rid, *values in self._rows(statement):
            shown = [key.shown(value) for key, value in zip(keys, values, strict=True)]
            yield PageRow(rid, values[scored[0]] if scored else None, shown)

    def _found_again(self, columns: Sequence[str]) -> str:
        """Return the rest of a statement on all that match, without their documents where columns need only rids."""
        needs_documents = any(map(asks_document, columns))
        if self._may_be_kept and self._set is not None:
            if needs_documents:
                return f"FROM {self._state.documents_table} AS d WHERE d.rid IN {self._set}"
            return f"FROM (SELECT value AS rid FROM {self._set}) AS d WHERE 1"
        if self._leading is None or needs_documents:
            return self._matching
        return f"FROM (SELECT d.rid AS rid {self._leading.source}) AS d WHERE 1"

    def _key_column(self, key: Key) -> str:
        return key_column(self._translation, self._state, key, self._score)


def _document_of(key: Key, rid: str) -> str:
    """Return the expression of the rid of the document whose sort key a row of values is."""
    return root_of(rid) if key.sort.nested else rid
