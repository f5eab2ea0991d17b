"""Removing the documents of the trash for good. It runs on the writer's thread."""

from __future__ import annotations

from typing import Any, Final

import apsw

from kuzzle.storage.mapping import METADATA
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.documents import StoredRow, delete_document
from kuzzle.storage.sqlite.writer import Transaction
from kuzzle.storage.stored_content import StoredContent

_ACTIVE: Final = f"{METADATA}.active"
_FALSE: Final = 0  # as the index has it


def erase_trash(transaction: Transaction, index: str, collection: str, limit: int) -> list[str]:
    """Remove documents that are in the trash now, `limit` at most, with their index rows; return their ids."""
    state = transaction.catalogue.find_collection(index, collection)
    if state is None or _ACTIVE not in state.field_numbers:
        return []
    transaction.pending.store()
    erased: list[str] = []
    last_rid = -1
    while len(erased) < limit:
        rids = _inactive(transaction.connection, state, last_rid, limit)
        for rid in rids[: limit - len(erased)]:
            document_id = _remove(transaction.connection, state, rid)
            if document_id is not None:
                erased.append(document_id)
            last_rid = rid
        if len(rids) < limit:
            break
    return erased


def _inactive(connection: apsw.Connection, state: CollectionState, last_rid: int, limit: int) -> list[int]:
    """Return the next documents that the index has as inactive; not all are in the trash."""
    statement = f"SELECT rid FROM {state.values_table} WHERE field = ? AND value = ? AND rid > ? ORDER BY rid LIMIT ?"
    return [rid for (rid,) in connection.execute(statement, (state.field_numbers[_ACTIVE], _FALSE, last_rid, limit))]


def _remove(connection: apsw.Connection, state: CollectionState, rid: int) -> str | None:
    """Remove a document and return its id; None, if it is not in the trash.

    The index has `"false"` and `[false]`, which imported metadata may hold, as inactive too: those documents are read
    like all others.
    """
    columns = "id, version, body, metadata_start, metadata_size"
    statement = f"SELECT {columns} FROM {state.documents_table} WHERE rid = ?"
    found: tuple[Any, ...] | None = connection.execute(statement, (rid,)).fetchone()
    if found is None:
        return None
    document_id, version, body, start, size = found
    if not StoredContent(body, start, size).is_in_trash:
        return None
    delete_document(connection, state, StoredRow(rid, version, {}))
    return str(document_id)
