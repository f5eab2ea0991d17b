"""What the server itself and its plugins keep in the store, in collections of indexes that no client can name."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kuzzle.storage.base import (
    AfterCommit,
    CollectionMapping,
    DocumentWrite,
    FailedWrite,
    Source,
    Storage,
    StoredDocument,
    WriteKind,
    WrittenDocument,
)
from kuzzle.storage.errors import DocumentNotFoundError, IndexAlreadyExistsError, UnknownIndexError
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.tree import Query, Search

INTERNAL_INDEX: Final = "%kuzzle"
# One transaction each: what others write waits for no more than this.
_REMOVED_AT_ONCE: Final = 500


class InternalCollection:
    """One collection of an internal index; both are made with its first document.

    Reading one that does not exist finds nothing.
    """

    def __init__(
        self,
        storage: Storage,
        name: str,
        properties: Mapping[str, Any],
        *,
        dynamic: str = "false",
        index: str = INTERNAL_INDEX,
    ) -> None:
        """`properties` says which fields are searched, as in a mapping; all others are only kept, unless
        `dynamic` lets them grow the mapping."""
        self._storage = storage
        self._index = index
        self.name = name
        self._mapping = {"dynamic": dynamic, "properties": dict(properties)}

    async def write(
        self, kind: WriteKind, write: DocumentWrite, *, after_commit: AfterCommit | None = None
    ) -> WrittenDocument:
        """Make one change, visible to searches at once.

        Raises:
            StorageError: Why it was not made, as `Storage.write_document`.
        """
        await self.make()
        return await self._storage.write_document(
            self._index, self.name, kind, write, refresh=True, after_commit=after_commit
        )

    async def put(self, document_id: str, source: Source) -> None:
        """Store a document, whatever was there.

        Raises:
            InvalidDocumentError: The id or the content cannot be stored.
        """
        await self.put_all({document_id: source})

    async def create(self, document_id: str, source: Source, *, after_commit: AfterCommit | None = None) -> None:
        """Store a new document.

        Raises:
            DocumentAlreadyExistsError: There is one of that id.
            InvalidDocumentError: The id or the content cannot be stored.
        """
        await self.write(WriteKind.CREATE, DocumentWrite(document_id, source), after_commit=after_commit)

    async def put_all(self, documents: Mapping[str, Source], *, after_commit: AfterCommit | None = None) -> None:
        """Store documents by their ids, whatever was there, in one batch.

        Raises:
            InvalidDocumentError: An id or a content cannot be stored; the others are.
        """
        await self.make()
        outcomes = await self._storage.write_documents(
            self._index,
            self.name,
            WriteKind.CREATE_OR_REPLACE,
            [DocumentWrite(document_id, source) for document_id, source in documents.items()],
            refresh=True,
            after_commit=after_commit,
        )
        for outcome in outcomes:
            if isinstance(outcome, FailedWrite):
                raise outcome.error

    async def update(self, document_id: str, changes: Source) -> None:
        """Merge changes into a document.

        Raises:
            DocumentNotFoundError: There is none of that id.
        """
        await self.write(WriteKind.UPDATE, DocumentWrite(document_id, changes, allow_trashed=True))

    async def remove(self, document_id: str, *, after_commit: AfterCommit | None = None) -> bool:
        """Remove a document; False when there was none."""
        if not await self._storage.collection_exists(self._index, self.name):
            return False
        write = DocumentWrite(document_id, None, allow_trashed=True)
        try:
            await self._storage.write_document(
                self._index, self.name, WriteKind.DELETE, write, refresh=True, after_commit=after_commit
            )
        except DocumentNotFoundError:
            return False
        return True

    async def remove_all(self, ids: Sequence[str], *, after_commit: AfterCommit | None = None) -> None:
        """Remove documents, in batches; ids without one are passed over."""
        for start in range(0, len(ids), _REMOVED_AT_ONCE):
            writes = [DocumentWrite(one, None, allow_trashed=True) for one in ids[start : start + _REMOVED_AT_ONCE]]
            await self._storage.write_documents(
                self._index, self.name, WriteKind.DELETE, writes, refresh=True, after_commit=after_commit
            )

    async def find_ids(self, query: Query) -> list[str]:
        """Return the ids of all documents that match, in no particular order."""
        if not await self._storage.collection_exists(self._index, self.name):
            return []
        return await self._storage.find_ids(self._index, self.name, query)

    async def find(self, document_id: str) -> Source | None:
        """Return the content of a document, None if there is none."""
        (found,) = await self.read([document_id])
        return None if found is None else found.source

    async def read(self, ids: Sequence[str]) -> list[StoredDocument | None]:
        """Return the documents of these ids, in order, None for one that is not there."""
        try:
            return await self._storage.get_documents(self._index, self.name, ids)
        except UnknownIndexError:
            return [None] * len(ids)

    async def find_all(self) -> dict[str, Source]:
        """Return the contents of all documents by their ids, sorted."""
        documents = await self.read(await self.ids())
        return {document.id: document.source for document in documents if document is not None}

    async def search(self, search: Search) -> SearchPage:
        """Find documents.

        Raises:
            StorageError: A query that the mapping cannot serve.
        """
        if not await self._storage.collection_exists(self._index, self.name):
            return SearchPage([], 0, None, 0)
        return await self._storage.search(self._index, self.name, search)

    async def open_scroll(self, search: Search, lifetime_ms: int, owner: str) -> SearchPage:
        """Open a search that stays open, for its owner; return its first page.

        Raises:
            StorageError: A query that the mapping cannot serve, or too many scrolls.
        """
        await self.make()
        return await self._storage.open_scroll(self._index, self.name, search, lifetime_ms, owner=owner)

    async def next_scroll_page(self, scroll_id: str, lifetime_ms: int, owner: str) -> SearchPage:
        """Return the next page of a scroll of this collection.

        Raises:
            UnknownScrollIdError: Scrolls of other collections are none of this one.
        """
        target = (self._index, self.name)
        return await self._storage.next_scroll_page(scroll_id, lifetime_ms, within=target, owner=owner)

    async def ids(self) -> list[str]:
        """Return the ids of all documents, sorted."""
        if not await self._storage.collection_exists(self._index, self.name):
            return []
        return sorted(await self._storage.find_ids(self._index, self.name))

    async def get_mapping(self) -> CollectionMapping:
        """Return the mapping, fields that documents have brought included."""
        await self.make()
        return await self._storage.get_mapping(self._index, self.name)

    async def update_mapping(self, mapping: dict[str, Any]) -> None:
        """Merge a mapping, as users write it.

        Raises:
            StorageError: A mapping error.
        """
        await self.make()
        await self._storage.update_mapping(self._index, self.name, mapping)

    async def count(self, query: Query) -> int:
        """Count the documents that match; as `search` otherwise."""
        if not await self._storage.collection_exists(self._index, self.name):
            return 0
        return await self._storage.count(self._index, self.name, query)

    async def make(self) -> None:
        """Make the collection if there is none."""
        if await self._storage.collection_exists(self._index, self.name):
            return
        if not await self._storage.index_exists(self._index):
            with contextlib.suppress(IndexAlreadyExistsError):  # somebody else's request was faster
                await self._storage.create_index(self._index)
        await self._storage.create_collection(self._index, self.name, self._mapping)
