"""Changes of documents: what each kind of write does to the document of its id. They run on the writer's thread."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from kuzzle.errors import KuzzleError
from kuzzle.randomness import random_bytes
from kuzzle.storage.base import DocumentWrite, FailedWrite, Operation, Source, WriteKind, WriteOutcome, WrittenDocument
from kuzzle.storage.errors import (
    DocumentAlreadyExistsError,
    DocumentInTrashError,
    DocumentNotFoundError,
    DocumentToReplaceNotFoundError,
    InvalidDocumentError,
    UnknownIndexError,
    UnknownIndexOrCollectionError,
    VersionConflictError,
)
from kuzzle.storage.names import check_document_id
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.definitions import save_collection
from kuzzle.storage.sqlite.documents import (
    StoredRow,
    delete_document,
    find_row,
    insert_document,
    stored_body,
    update_document,
)
from kuzzle.storage.sqlite.extraction import Extraction, IndexRow
from kuzzle.storage.sqlite.writer import Transaction
from kuzzle.storage.stored_content import is_trashed


def write_documents(
    transaction: Transaction, index: str, collection: str, kind: WriteKind, writes: Sequence[DocumentWrite]
) -> list[WriteOutcome]:
    """Make several changes, each by itself.

    Raises:
        UnknownIndexOrCollectionError, UnknownIndexError
    """
    if kind in (WriteKind.UPDATE, WriteKind.DELETE):
        if transaction.catalogue.find_index(index) is None:
            raise UnknownIndexError(index)
        if transaction.catalogue.find_collection(index, collection) is None:
            return [FailedWrite(write, DocumentNotFoundError()) for write in writes]
    elif transaction.catalogue.find_collection(index, collection) is None:
        raise UnknownIndexOrCollectionError
    outcomes: list[WriteOutcome] = []
    for write in writes:
        try:
            outcomes.append(_Write(transaction, index, collection, kind, write).make())
        except KuzzleError as error:
            outcomes.append(FailedWrite(write, error))
    return outcomes


def write_operations(transaction: Transaction, operations: Sequence[Operation]) -> list[WriteOutcome]:
    """Make changes of several kinds and collections in order, each by itself."""
    outcomes: list[WriteOutcome] = []
    for operation in operations:
        index, collection, write = operation.index, operation.collection, operation.write
        try:
            if transaction.catalogue.find_collection(index, collection) is None:
                raise UnknownIndexOrCollectionError
            outcomes.append(_Write(transaction, index, collection, operation.kind, write).make())
        except KuzzleError as error:
            outcomes.append(FailedWrite(write, error))
    return outcomes


class _Write:
    """One change. Whatever can refuse it is asked before anything is written."""

    def __init__(
        self, transaction: Transaction, index: str, collection: str, kind: WriteKind, write: DocumentWrite
    ) -> None:
        self._transaction = transaction
        self._index = index
        self._collection = collection
        self._kind = kind
        self._write = write
        self._id = generate_id() if write.id is None else write.id

    def make(self) -> WrittenDocument:
        """Make the change.

        Raises:
            KuzzleError: Why it was not made; nothing was written then.
        """
        try:
            check_document_id(self._id)
        except InvalidDocumentError:
            self._check(None)  # what needs a document does not find one of such an id
            raise
        state = self._state()
        current = None if self._write.id is None else find_row(self._transaction.connection, state, self._id)
        self._check(current)
        if self._write.source is None:
            return self._remove(state, current)
        source = self._new_source(current)
        if self._write.check is not None:
            self._write.check(source)
        body = stored_body(source)
        mapped, rows = self._read(state, source)
        if mapped is not state:
            save_collection(self._transaction, self._index, mapped)
        if current is None:
            insert_document(self._transaction.connection, self._transaction.pending, mapped, self._id, body, rows)
        else:
            self._transaction.pending.store()
            update_document(self._transaction.connection, mapped, current, body, rows)
        return self._written(source, 1 if current is None else current.version + 1, current)

    def _state(self) -> CollectionState:
        return self._transaction.catalogue.indexes[self._index].collections[self._collection]

    def _check(self, current: StoredRow | None) -> None:
        kind, write = self._kind, self._write
        if current is None:
            if kind is WriteKind.REPLACE:
                raise DocumentToReplaceNotFoundError(self._id)
            if kind is WriteKind.DELETE or (kind is WriteKind.UPDATE and write.upsert is None):
                raise DocumentNotFoundError
            return
        is_in_trash = is_trashed(current.source)
        if kind is WriteKind.CREATE and not is_in_trash:
            raise DocumentAlreadyExistsError
        if kind in (WriteKind.UPDATE, WriteKind.DELETE) and is_in_trash and not write.allow_trashed:
            raise DocumentInTrashError(self._id, self._index, self._collection)
        if write.version is not None and write.version != current.version:
            raise VersionConflictError(self._id)

    def _new_source(self, current: StoredRow | None) -> Source:
        if current is None and self._write.upsert is not None:
            return self._write.upsert
        wanted = self._write.source or {}
        if current is not None and self._kind in (WriteKind.UPDATE, WriteKind.DELETE):
            return merge_deeply(current.source, wanted)
        return wanted

    def _read(self, state: CollectionState, source: Source) -> tuple[CollectionState, set[IndexRow]]:
        """Return the index rows of a content, and the collection with the fields that it brings."""
        while True:
            extraction = Extraction(state.mapping, state.field_numbers, self._collection)
            extraction.read(source)
            if not extraction.unknown:
                return state, extraction.rows
            state.mapping.mark_nested(extraction.unknown)
            state = state.with_mapping(state.mapping.merge({"properties": extraction.unknown}))

    def _remove(self, state: CollectionState, current: StoredRow | None) -> WrittenDocument:
        if current is None or self._kind is not WriteKind.DELETE:
            raise ValueError("only a DELETE may come without a content")
        self._transaction.pending.store()
        delete_document(self._transaction.connection, state, current)
        return self._written(current.source, current.version + 1, current)

    def _written(self, source: Source, version: int, current: StoredRow | None) -> WrittenDocument:
        is_change = self._kind in (WriteKind.UPDATE, WriteKind.DELETE)
        return WrittenDocument(
            self._index,
            self._collection,
            self._id,
            version,
            source,
            kind=self._kind,
            created=current is None or self._kind is WriteKind.CREATE,
            changes=self._write.source if is_change else None,
        )


def merge_deeply(current: Source, changes: Source) -> Source:
    """Return a content with changes merged into it: objects merge, everything else is replaced."""
    merged: dict[str, Any] = dict(current)
    for name, value in changes.items():
        before = merged.get(name)
        merged[name] = merge_deeply(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def generate_id() -> str:
    """Return a new id: 20 URL-safe characters that begin with the time, so that ids made together lie together."""
    milliseconds = time.time_ns() // 1_000_000
    return urlsafe_b64encode(milliseconds.to_bytes(6, "big") + random_bytes()[:9]).decode()
