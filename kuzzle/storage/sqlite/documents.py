"""The rows of documents: reading one, storing, replacing and removing it together with its index rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import apsw
import orjson

from kuzzle.storage.base import Source
from kuzzle.storage.errors import InvalidDocumentError
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.extraction import FREQUENCY_BITS, IndexRow
from kuzzle.storage.sqlite.nested_rows import nested_rid, nested_rids
from kuzzle.storage.sqlite.pending import (
    IndexedRow,
    PendingRows,
    change_lengths,
    insert_values,
    mark_several,
    portions,
)
from kuzzle.storage.stored_content import encode_content


@dataclass(slots=True)
class StoredRow:
    """A document as it lies in its table."""

    rid: int
    version: int
    source: Source


def find_row(connection: apsw.Connection, state: CollectionState, document_id: str) -> StoredRow | None:
    """Read the document of an id, None if there is none."""
    for rid, version, body in connection.execute(
        f"SELECT rid, version, body FROM {state.documents_table} WHERE id = ?", (document_id,)
    ):
        return StoredRow(rid, version, orjson.loads(body))
    return None


Body = tuple[bytes, int | None, int | None]
"""A content as it is stored: `encode_content`."""


def stored_body(source: Source) -> Body:
    """Return what is stored of a content.

    Raises:
        InvalidDocumentError: It cannot be written: nested too deep, or a number beyond 64 bits.
    """
    try:
        return encode_content(source)
    except (orjson.JSONEncodeError, TypeError) as error:
        raise InvalidDocumentError(f"The document cannot be stored: {error}") from None


def insert_document(
    connection: apsw.Connection,
    pending: PendingRows,
    state: CollectionState,
    document_id: str,
    body: Body,
    rows: set[IndexRow],
) -> None:
    """Store a new document, as version 1; its index rows wait for the end of the transaction."""
    connection.execute(
        f"INSERT INTO {state.documents_table} (id, version, body, metadata_start, metadata_size) "
        "VALUES (?, 1, ?, ?, ?)",
        (document_id, *body),
    )
    placed = _placed(connection.last_insert_rowid(), rows)
    pending.add(state, placed, _lengths(placed), _several(placed))


def update_document(
    connection: apsw.Connection, state: CollectionState, current: StoredRow, body: Body, rows: set[IndexRow]
) -> None:
    """Put a new content in place of a document's."""
    connection.execute(
        f"UPDATE {state.documents_table} SET version = ?, body = ?, metadata_start = ?, metadata_size = ? "
        "WHERE rid = ?",
        (current.version + 1, *body, current.rid),
    )
    before, after = _stored_rows(connection, state, current.rid), _placed(current.rid, rows)
    # The rows of words that only weigh otherwise now have the same keys: first out, then in.
    _delete_rows(connection, state, before - after)
    insert_values(connection, state.values_table, after - before)
    mark_several(connection, state.several_table, _several(after))
    _change_lengths(connection, state, before, after)


def delete_document(connection: apsw.Connection, state: CollectionState, current: StoredRow) -> None:
    """Remove a document."""
    _change_lengths(connection, state, _stored_rows(connection, state, current.rid), ())
    connection.execute(f"DELETE FROM {state.documents_table} WHERE rid = ?", (current.rid,))
    condition, rids = _rids_of(state, current.rid)
    connection.execute(f"DELETE FROM {state.values_table} WHERE {condition}", rids)


def insert_rows(connection: apsw.Connection, state: CollectionState, rid: int, rows: set[IndexRow]) -> None:
    """Store the index rows of a document that has none."""
    placed = _placed(rid, rows)
    insert_values(connection, state.values_table, placed)
    mark_several(connection, state.several_table, _several(placed))
    _change_lengths(connection, state, (), placed)


def _placed(rid: int, rows: Iterable[IndexRow]) -> set[IndexedRow]:
    return {
        (number, value, nested_rid(rid, holder) if holder else rid, weight, places)
        for number, value, holder, weight, places in rows
    }


def _rids_of(state: CollectionState, rid: int) -> tuple[str, tuple[int, ...]]:
    """Return the condition that a row is of a document or its nested objects, and what it is bound to."""
    if not state.mapping.nested:
        return "rid = ?", (rid,)
    return "(rid = ? OR rid BETWEEN ? AND ?)", (rid, *nested_rids(rid))


def _stored_rows(connection: apsw.Connection, state: CollectionState, rid: int) -> set[IndexedRow]:
    condition, rids = _rids_of(state, rid)
    columns = "field, value, rid, weight, places"
    return set(connection.execute(f"SELECT {columns} FROM {state.values_table} WHERE {condition}", rids))


def _change_lengths(
    connection: apsw.Connection, state: CollectionState, before: Iterable[IndexedRow], after: Iterable[IndexedRow]
) -> None:
    """Keep count of the texts of each field and of their words."""
    old, new = _lengths(before), _lengths(after)
    changes = {}
    for number in old.keys() | new.keys():
        old_texts, old_words = old.get(number, (0, 0))
        new_texts, new_words = new.get(number, (0, 0))
        changes[number] = (new_texts - old_texts, new_words - old_words)
    change_lengths(connection, state.lengths_table, changes)


def _lengths(rows: Iterable[IndexedRow]) -> dict[int, tuple[int, int]]:
    """Return how many texts each field has in these rows, and how many words they have together."""
    lengths = {(number, rid): weight >> FREQUENCY_BITS for number, _, rid, weight, _ in rows if weight}
    found: dict[int, tuple[int, int]] = {}
    for (number, _), length in lengths.items():
        texts, words = found.get(number, (0, 0))
        found[number] = (texts + 1, words + length)
    return found


def _several(rows: Iterable[IndexedRow]) -> set[int]:
    """Return the fields, but for texts, that a document or nested object has several values of."""
    seen: set[tuple[int, int]] = set()
    found = set()
    for number, _, rid, weight, _ in rows:
        if not weight:
            key = number, rid
            if key in seen:
                found.add(number)
            seen.add(key)
    return found


def _delete_rows(connection: apsw.Connection, state: CollectionState, rows: Iterable[IndexedRow]) -> None:
    values = [part for row in rows for part in row[:3]]
    for count, portion in portions(values, 3):
        marks = ",".join(["(?,?,?)"] * count)
        connection.execute(f"DELETE FROM {state.values_table} WHERE (field, value, rid) IN (VALUES {marks})", portion)
