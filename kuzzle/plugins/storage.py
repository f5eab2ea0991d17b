"""What plugins keep: collections of an internal index each, which the API refuses to name."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kuzzle.encoding import JsonError, copy_json
from kuzzle.errors import KuzzleError
from kuzzle.plugins.services import PluginStorage, PrivateDocument, PrivatePage, Repository
from kuzzle.storage.base import DocumentWrite, Storage, StoredDocument, WriteKind, WrittenDocument
from kuzzle.storage.errors import DocumentNotFoundError, IndexAlreadyExistsError, InvalidDocumentError
from kuzzle.storage.internal import InternalCollection
from kuzzle.storage.query import parse_search
from kuzzle.storage.reading import bad_request

# Others change what a page is made of, which is whole documents and their number.
_SEARCH_KEYS: Final = frozenset({"query", "sort", "search_after"})
_METADATA: Final = "_kuzzle_info"


class PrivateStorage(PluginStorage):
    """The collections of one plugin."""

    def __init__(self, storage: Storage, plugin: str, limits: Mapping[str, Any]) -> None:
        """`limits` holds `documentsFetchCount`."""
        self._storage = storage
        self._index = f"%plugin:{plugin.lower()}"
        self._fetch_limit: int = limits["documentsFetchCount"]

    async def create_collection(self, name: str, mappings: Mapping[str, Any] | None = None) -> None:
        """Make a collection, or add mappings to one that is there."""
        if not await self._storage.index_exists(self._index):
            with contextlib.suppress(IndexAlreadyExistsError):  # another call of the plugin was faster
                await self._storage.create_index(self._index)
        await self._storage.create_collection(self._index, name, None if mappings is None else _copied(mappings))

    async def bootstrap(self, mappings: Mapping[str, Mapping[str, Any]]) -> None:
        """Make collections, or add mappings to those that are there."""
        for name, mapping in mappings.items():
            await self.create_collection(name, mapping)

    def repository(self, collection: str) -> Repository:
        """Return the documents of a collection."""
        documents = InternalCollection(self._storage, collection, {}, dynamic="true", index=self._index)
        return PrivateRepository(documents, self._fetch_limit)


class PrivateRepository(Repository):
    """The documents of one collection."""

    def __init__(self, documents: InternalCollection, fetch_limit: int) -> None:
        self._documents = documents
        self._fetch_limit = fetch_limit

    # --- writing

    async def create(self, content: Mapping[str, Any], document_id: str | None = None) -> PrivateDocument:
        """Store a new document."""
        return await self._write(WriteKind.CREATE, document_id, content)

    async def create_or_replace(self, document_id: str, content: Mapping[str, Any]) -> PrivateDocument:
        """Store a document, whatever was there."""
        return await self._write(WriteKind.CREATE_OR_REPLACE, document_id, content)

    async def replace(self, document_id: str, content: Mapping[str, Any]) -> PrivateDocument:
        """Store a document in place of one."""
        return await self._write(WriteKind.REPLACE, document_id, content)

    async def update(self, document_id: str, changes: Mapping[str, Any]) -> PrivateDocument:
        """Merge changes deeply into a document."""
        return await self._write(WriteKind.UPDATE, document_id, changes)

    async def delete(self, document_id: str) -> None:
        """Remove a document for good."""
        if not await self._documents.remove(document_id):
            raise _missing(document_id)

    async def _write(self, kind: WriteKind, document_id: str | None, content: Mapping[str, Any]) -> PrivateDocument:
        source = _copied(content)
        source.pop(_METADATA, None)
        try:
            written = await self._documents.write(kind, DocumentWrite(document_id, source, allow_trashed=True))
        except DocumentNotFoundError as error:
            raise _missing(str(document_id)) from error
        return _shown(written)

    # --- reading

    async def get(self, document_id: str) -> PrivateDocument:
        """Return a document."""
        (found,) = await self._documents.read([document_id])
        if found is None:
            raise _missing(document_id)
        return _shown(found)

    async def m_get(self, document_ids: Sequence[str]) -> list[PrivateDocument]:
        """Return those of some documents that there are."""
        self._check_count(len(document_ids))
        return [_shown(found) for found in await self._documents.read(document_ids) if found is not None]

    async def search(self, body: Mapping[str, Any], *, offset: int = 0, size: int = 10) -> PrivatePage:
        """Find documents."""
        self._check_count(size)
        for key in body:
            if key not in _SEARCH_KEYS:
                raise bad_request(f"[{key}] of a search in a plugin's storage is not supported")
        page = await self._documents.search(parse_search({**_copied(body), "version": True}, offset=offset, size=size))
        hits = [PrivateDocument(hit.id, hit.source or {}, hit.version or 0) for hit in page.hits]
        return PrivatePage(hits, page.total)

    def _check_count(self, count: int) -> None:
        if count > self._fetch_limit:
            raise KuzzleError("services.storage.get_limit_exceeded", self._fetch_limit)


def _copied(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a content that the plugin cannot change while the store writes it."""
    try:
        copied: dict[str, Any] = copy_json(dict(content))
    except JsonError as error:
        raise InvalidDocumentError(f"the content is no JSON: {error}") from error
    return copied


def _shown(document: StoredDocument | WrittenDocument) -> PrivateDocument:
    return PrivateDocument(document.id, document.source, document.version)


def _missing(document_id: str) -> KuzzleError:
    return KuzzleError("services.storage.not_found", document_id)
