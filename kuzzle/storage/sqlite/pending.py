"""Index rows of new documents, kept until their transaction ends.

Writes that share a transaction share its statements too: each statement gives up and takes back the interpreter's
lock, which under load costs more than the rows. Whoever reads or changes rows in the transaction has those that wait
stored first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import apsw

from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.values import IndexedValue

IndexedRow = tuple[int, IndexedValue, int, int, Any]
"""A row of the table of values: field, value, rid, weight, places."""

# Sizes are fixed so that the statements are prepared once.
_ROWS_PER_STATEMENT: Final = (64, 16, 4, 1)
# Rows that wait at most: an import has as many in a batch of its own.
_MOST_ROWS: Final = 4096


class PendingRows:
    """The rows that wait, by table, how many more texts and words there are with them, and what several are of."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._rows: dict[str, list[IndexedRow]] = {}
        self._lengths: dict[str, dict[int, tuple[int, int]]] = {}
        self._several: dict[str, set[int]] = {}
        self._count = 0

    def add(
        self,
        state: CollectionState,
        rows: Iterable[IndexedRow],
        lengths: Mapping[int, tuple[int, int]],
        several: Iterable[int],
    ) -> None:
        """Let rows wait that no other row has the key of.

        Args:
            lengths: Of each field how many texts these are, and how many words they have together.
            several: The fields that a document has several values of.
        """
        waiting = self._rows.setdefault(state.values_table, [])
        before = len(waiting)
        waiting.extend(rows)
        self._count += len(waiting) - before
        totals = self._lengths.setdefault(state.lengths_table, {})
        for number, (texts, words) in lengths.items():
            known_texts, known_words = totals.get(number, (0, 0))
            totals[number] = (known_texts + texts, known_words + words)
        self._several.setdefault(state.several_table, set()).update(several)
        if self._count >= _MOST_ROWS:
            self.store()

    def store(self) -> None:
        """Store what waits."""
        if not self._rows:
            return
        rows, lengths, several = self._rows, self._lengths, self._several
        self.discard()
        for table, waiting in rows.items():
            insert_values(self._connection, table, waiting)
        for table, totals in lengths.items():
            change_lengths(self._connection, table, totals)
        for table, numbers in several.items():
            mark_several(self._connection, table, numbers)

    def discard(self) -> None:
        """Forget what waits: the transaction is undone."""
        self._rows, self._lengths, self._several, self._count = {}, {}, {}, 0


def insert_values(connection: apsw.Connection, table: str, rows: Iterable[IndexedRow]) -> None:
    """Store rows that no other row has the key of."""
    values = [part for row in rows for part in row]
    for count, portion in portions(values, 5):
        marks = ",".join(["(?,?,?,?,?)"] * count)
        # OR FAIL: whatever fails undoes the whole transaction here, and a statement that must be able to undo itself
        # alone keeps a journal of its own, which takes longer than the rows.
        connection.execute(f"INSERT OR FAIL INTO {table} VALUES {marks}", portion)


def change_lengths(connection: apsw.Connection, table: str, changes: Mapping[int, tuple[int, int]]) -> None:
    """Count texts and words of fields in, or out."""
    for number, (texts, words) in changes.items():
        if texts or words:
            connection.execute(
                f"INSERT INTO {table} VALUES (?, ?, ?) ON CONFLICT (field) DO UPDATE SET "
                "texts = texts + excluded.texts, words = words + excluded.words",
                (number, texts, words),
            )


def mark_several(connection: apsw.Connection, table: str, numbers: Iterable[int]) -> None:
    """Keep in mind of which fields a document has several values."""
    for number in numbers:
        connection.execute(f"INSERT INTO {table} VALUES (?) ON CONFLICT (field) DO NOTHING", (number,))


def portions(values: list[Any], width: int) -> Iterable[tuple[int, list[Any]]]:
    """Cut the values of rows of a width into those of few statements; yields how many rows, and their values."""
    start = 0
    for count in _ROWS_PER_STATEMENT:
        while len(values) - start >= width * count:
            yield count, values[start : start + width * count]
            start += width * count
