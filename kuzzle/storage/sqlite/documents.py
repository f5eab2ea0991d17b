"""The rows of documents: reading one, storing, replacing and removing it together with its index rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import apsw
import orjson

from kuzzle.storage.base import InvalidDocumentError, Source
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.extraction import FREQUENCY_BITS, IndexRow

# Index rows go in with few statements of many rows, not many of one: each statement gives up and takes
# back the interpreter's lock, which under load costs more than the row. Sizes are fixed so that the
# statements are prepared once.
_ROWS_PER_STATEMENT: Final = (64, 16, 4, 1)


@dataclass(slots=True)
class StoredRow:
    """A document as it lies in its table."""

    rid: int
    version: int
    source: Source


def find_row(connection: apsw.Connection, state: CollectionState, document_id: str) -> StoredRow | None:
    """Read the document of an id, None if there is none."""
    for rid, version, body in connection.execute(
        f"SELECT rid, version, json(body) FROM {state.documents_table} WHERE id = ?", (document_id,)
    ):
        return StoredRow(rid, version, orjson.loads(body))
    return None


def body_text(source: Source) -> str:
    """Return the JSON text of a content.

    Raises:
        InvalidDocumentError: It cannot be written: nested too deep, or a number beyond 64 bits.
    """
    try:
        return orjson.dumps(source).decode()
    except (orjson.JSONEncodeError, TypeError) as error:
        raise InvalidDocumentError(f"The document cannot be stored: {error}") from None


def insert_document(
    connection: apsw.Connection, state: CollectionState, document_id: str, body: str, rows: set[IndexRow]
) -> None:
    """Store a new document, as version 1."""
    connection.execute(
        f"INSERT INTO {state.documents_table} (id, version, body) VALUES (?, 1, jsonb(?))", (document_id, body)
    )
    _insert_rows(connection, state, rows, connection.last_insert_rowid())
    _change_lengths(connection, state, (), rows)


def update_document(
    connection: apsw.Connection, state: CollectionState, current: StoredRow, body: str, rows: set[IndexRow]
) -> None:
    """Put a new content in place of a document's."""
    connection.execute(
        f"UPDATE {state.documents_table} SET version = ?, body = jsonb(?) WHERE rid = ?",
        (current.version + 1, body, current.rid),
    )
    before = _stored_rows(connection, state, current.rid)
    # The rows of words that only weigh otherwise now have the same keys: first out, then in.
    _delete_rows(connection, state, before - rows, current.rid)
    _insert_rows(connection, state, rows - before, current.rid)
    _change_lengths(connection, state, before, rows)


def delete_document(connection: apsw.Connection, state: CollectionState, current: StoredRow) -> None:
    """Remove a document."""
    _change_lengths(connection, state, _stored_rows(connection, state, current.rid), ())
    connection.execute(f"DELETE FROM {state.documents_table} WHERE rid = ?", (current.rid,))
    connection.execute(f"DELETE FROM {state.values_table} WHERE rid = ?", (current.rid,))


def _stored_rows(connection: apsw.Connection, state: CollectionState, rid: int) -> set[IndexRow]:
    return set(connection.execute(f"SELECT field, value, weight FROM {state.values_table} WHERE rid = ?", (rid,)))


def _change_lengths(
    connection: apsw.Connection, state: CollectionState, before: Iterable[IndexRow], after: Iterable[IndexRow]
) -> None:
    """Keep count of the texts of each field and of their words."""
    old, new = _lengths(before), _lengths(after)
    for number in old.keys() | new.keys():
        texts = (number in new) - (number in old)
        words = new.get(number, 0) - old.get(number, 0)
        if texts or words:
            connection.execute(
                f"INSERT INTO {state.lengths_table} VALUES (?, ?, ?) ON CONFLICT (field) DO UPDATE SET "
                "texts = texts + excluded.texts, words = words + excluded.words",
                (number, texts, words),
            )


def _lengths(rows: Iterable[IndexRow]) -> dict[int, int]:
    return {number: weight >> FREQUENCY_BITS for number, _, weight in rows if weight}


def _insert_rows(connection: apsw.Connection, state: CollectionState, rows: Iterable[IndexRow], rid: int) -> None:
    values = [part for number, value, weight in rows for part in (number, value, rid, weight)]
    for count, portion in _portions(values, 4):
        marks = ",".join(["(?,?,?,?)"] * count)
        connection.execute(f"INSERT INTO {state.values_table} VALUES {marks}", portion)


def _delete_rows(connection: apsw.Connection, state: CollectionState, rows: Iterable[IndexRow], rid: int) -> None:
    values = [part for number, value, _ in rows for part in (number, value, rid)]
    for count, portion in _portions(values, 3):
        marks = ",".join(["(?,?,?)"] * count)
        connection.execute(f"DELETE FROM {state.values_table} WHERE (field, value, rid) IN (VALUES {marks})", portion)


def _portions(values: list[Any], width: int) -> Iterable[tuple[int, list[Any]]]:
    start = 0
    for count in _ROWS_PER_STATEMENT:
        while len(values) - start >= width * count:
            yield count, values[start : start + width * count]
            start += width * count
