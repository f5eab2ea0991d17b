"""The rows of documents: reading one, storing, replacing and removing it together with its index rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import apsw
import orjson

from kuzzle.storage.base import InvalidDocumentError, Source
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.extraction import IndexRow

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


def update_document(
    connection: apsw.Connection, state: CollectionState, current: StoredRow, body: str, rows: set[IndexRow]
) -> None:
    """Put a new content in place of a document's."""
    connection.execute(
        f"UPDATE {state.documents_table} SET version = ?, body = jsonb(?) WHERE rid = ?",
        (current.version + 1, body, current.rid),
    )
    before = _stored_rows(connection, state, current.rid)
    _delete_rows(connection, state, before - rows, current.rid)
    _insert_rows(connection, state, rows - before, current.rid)


def delete_document(connection: apsw.Connection, state: CollectionState, current: StoredRow) -> None:
    """Remove a document."""
    connection.execute(f"DELETE FROM {state.documents_table} WHERE rid = ?", (current.rid,))
    connection.execute(f"DELETE FROM {state.values_table} WHERE rid = ?", (current.rid,))


def _stored_rows(connection: apsw.Connection, state: CollectionState, rid: int) -> set[IndexRow]:
    return set(connection.execute(f"SELECT field, value FROM {state.values_table} WHERE rid = ?", (rid,)))


def _insert_rows(connection: apsw.Connection, state: CollectionState, rows: Iterable[IndexRow], rid: int) -> None:
    for count, values in _portions(rows, rid):
        marks = ",".join(["(?,?,?)"] * count)
        connection.execute(f"INSERT INTO {state.values_table} VALUES {marks}", values)


def _delete_rows(connection: apsw.Connection, state: CollectionState, rows: Iterable[IndexRow], rid: int) -> None:
    for count, values in _portions(rows, rid):
        marks = ",".join(["(?,?,?)"] * count)
        connection.execute(f"DELETE FROM {state.values_table} WHERE (field, value, rid) IN (VALUES {marks})", values)


def _portions(rows: Iterable[IndexRow], rid: int) -> Iterable[tuple[int, list[Any]]]:
    values = [part for number, value in rows for part in (number, value, rid)]
    start = 0
    for count in _ROWS_PER_STATEMENT:
        while len(values) - start >= 3 * count:
            yield count, values[start : start + 3 * count]
            start += 3 * count
