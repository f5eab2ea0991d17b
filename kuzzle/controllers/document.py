"""Documents: create, read, change, search."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from kuzzle.api.results import DeletedDocuments, DocumentBatch, DocumentCount, FetchedDocuments, RefusedEntry
from kuzzle.controllers.arguments import number, waits_for_refresh
from kuzzle.controllers.auto_refresh import AutoRefresh
from kuzzle.controllers.base import Controller, action
from kuzzle.controllers.deletion import delete_matching
from kuzzle.controllers.entries import read_documents, read_ids
from kuzzle.controllers.lifetimes import read_lifetime
from kuzzle.errors import KuzzleError
from kuzzle.realtime.subscriptions import Realtime
from kuzzle.request import Request
from kuzzle.specifications.store import ContentReport, Specifications
from kuzzle.storage.base import DocumentWrite, Source, Storage, StoredDocument, WriteKind, WrittenDocument
from kuzzle.storage.errors import (
    DocumentInTrashError,
    DocumentNotFoundError,
    UnknownIndexError,
    UnknownIndexOrCollectionError,
)
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.query import parse_query, parse_search


class DocumentController(Controller):
    """Documents: create, read, change, search."""

    name = "document"

    def __init__(
        self,
        storage: Storage,
        realtime: Realtime,
        auto_refresh: AutoRefresh,
        specifications: Specifications,
        limits: Mapping[str, Any],
    ) -> None:
        """`limits` holds `documentsFetchCount`, `documentsWriteCount` and `scrollDuration`."""
        self._storage = storage
        self._realtime = realtime
        self._auto_refresh = auto_refresh
        self._specifications = specifications
        self._fetch_limit: int = limits["documentsFetchCount"]
        self._write_limit: int = limits["documentsWriteCount"]
        self._scroll_limit_ms: int = limits["scrollDuration"]

    # --- one document

    @action("create")
    async def create(self, request: Request) -> WrittenDocument:
        """Store a new document and tell its subscribers."""
        return await self._write(request, WriteKind.CREATE)

    @action("createOrReplace")
    async def create_or_replace(self, request: Request) -> WrittenDocument:
        """Store a document in place of what was there."""
        return await self._write(request, WriteKind.CREATE_OR_REPLACE)

    @action("replace")
    async def replace(self, request: Request) -> WrittenDocument:
        """Store a content in place of an existing one."""
        return await self._write(request, WriteKind.REPLACE)

    @action("update")
    async def update(self, request: Request) -> WrittenDocument:
        """Merge changes into a document."""
        return await self._write(request, WriteKind.UPDATE)

    @action("delete")
    async def delete(self, request: Request) -> WrittenDocument:
        """Delete a document."""
        return await self._write(request, WriteKind.DELETE)

    @action("get")
    async def get(self, request: Request) -> StoredDocument:
        """Return a document."""
        return await self._storage.get_document(
            *request.target(), request.required("_id"), include_trash=bool(request.argument("includeTrash"))
        )

    @action("exists")
    async def exists(self, request: Request) -> bool:
        """Tell whether a document exists."""
        try:
            await self.get(request)
        except (DocumentNotFoundError, DocumentInTrashError):
            return False
        return True

    @action("validate")
    async def validate(self, request: Request) -> ContentReport:
        """Tell what the specification of a collection says of a content; nothing is stored."""
        return self._specifications.report(request.target(), request.document_id, request.body)

    async def _write(self, request: Request, kind: WriteKind) -> WrittenDocument:
        target, document_id = request.target(), request.document_id or None
        content: Source | None = None
        check = None
        if kind is WriteKind.UPDATE:
            content, check = self._specifications.prepare_update(target, document_id, request.body)
        elif kind is not WriteKind.DELETE:
            content = self._specifications.prepare(target, document_id, request.body)
        if kind is not WriteKind.UPDATE:
            self._realtime.news.pending(request, kind.value, document_id, content or {})
        return await self._storage.write_document(
            *target,
            kind,
            DocumentWrite(document_id, request.api.stamp(kind, content, request), check=check),
            refresh=self._refreshes(request),
            after_commit=self._realtime.news.documents_written(request),
        )

    def _refreshes(self, request: Request) -> bool:
        return self._auto_refresh.waits(request, request.required("index"))

    # --- several documents

    @action("mCreate")
    async def m_create(self, request: Request) -> DocumentBatch:
        """Store new documents."""
        return await self._write_documents(request, WriteKind.CREATE)

    @action("mCreateOrReplace")
    async def m_create_or_replace(self, request: Request) -> DocumentBatch:
        """Store documents in place of what was there."""
        return await self._write_documents(request, WriteKind.CREATE_OR_REPLACE)

    @action("mReplace")
    async def m_replace(self, request: Request) -> DocumentBatch:
        """Store contents in place of existing ones."""
        return await self._write_documents(request, WriteKind.REPLACE, needs_id=True)

    @action("mUpdate")
    async def m_update(self, request: Request) -> DocumentBatch:
        """Merge changes into documents."""
        return await self._write_documents(request, WriteKind.UPDATE, needs_id=True)

    @action("mDelete")
    async def m_delete(self, request: Request) -> DocumentBatch:
        """Delete documents by their ids."""
        if len(request.body["ids"]) > self._write_limit:
            raise KuzzleError("services.storage.write_limit_exceeded", self._write_limit)
        return await self._write_batch(request, WriteKind.DELETE, *read_ids(request))

    @action("mGet")
    async def m_get(self, request: Request) -> FetchedDocuments:
        """Return documents by their ids."""
        ids: list[str] = request.body["ids"]
        if len(ids) > self._fetch_limit:
            raise KuzzleError("services.storage.get_limit_exceeded", self._fetch_limit)
        return FetchedDocuments(list(zip(ids, await self._storage.get_documents(*request.target(), ids), strict=True)))

    async def _write_documents(self, request: Request, kind: WriteKind, *, needs_id: bool = False) -> DocumentBatch:
        return await self._write_batch(request, kind, *read_documents(request, kind, needs_id=needs_id))

    async def _write_batch(
        self, request: Request, kind: WriteKind, writes: list[DocumentWrite], refused: list[RefusedEntry]
    ) -> DocumentBatch:
        if len(writes) > self._write_limit:
            raise KuzzleError("services.storage.write_limit_exceeded", self._write_limit)
        index, collection = request.target()
        if not await self._storage.collection_exists(index, collection):
            raise UnknownIndexOrCollectionError()
        try:
            outcomes = await self._storage.write_documents(
                index,
                collection,
                kind,
                writes,
                refresh=waits_for_refresh(request),
                after_commit=self._realtime.news.documents_written(request),
            )
        except UnknownIndexError:  # somebody deleted it meanwhile
            raise UnknownIndexOrCollectionError() from None
        return DocumentBatch(kind, index, collection, outcomes, refused)

    # --- whatever matches a query

    @action("count")
    async def count(self, request: Request) -> DocumentCount:
        """Count the documents that match."""
        query = request.api.visible(parse_query(request.body_member("query")), request)
        return DocumentCount(await self._storage.count(*request.target(), query))

    @action("search")
    async def search(self, request: Request) -> SearchPage:
        """Return a page of the documents that match."""
        offset, size = number(request, "from"), number(request, "size")
        if size is not None and size - (offset or 0) > self._fetch_limit:
            raise KuzzleError("services.storage.get_limit_exceeded", self._fetch_limit)
        search = parse_search(request.body, offset=offset, size=size)
        search = dataclasses.replace(
            search,
            query=request.api.visible(search.query, request),
            visible=request.api.visible(search.visible, request),
        )
        scroll = request.argument("scroll")
        if scroll is None:
            return await self._storage.search(*request.target(), search)
        lifetime_ms = read_lifetime(scroll, self._scroll_limit_ms)
        return await self._storage.open_scroll(*request.target(), search, lifetime_ms, owner=request.user.id)

    @action("scroll")
    async def scroll(self, request: Request) -> SearchPage:
        """Return the next page of a search that is kept open."""
        lifetime_ms = read_lifetime(request.argument("scroll"), self._scroll_limit_ms)
        scroll_id = request.required("scrollId")
        return await self._storage.next_scroll_page(scroll_id, lifetime_ms, owner=request.user.id)

    @action("deleteByQuery")
    async def delete_by_query(self, request: Request) -> DeletedDocuments:
        """Delete the documents that match."""
        query = parse_query(request.body["query"])
        told = self._realtime.news.documents_written(request)
        return DeletedDocuments(
            await delete_matching(self._storage, request, query, told, refresh=self._refreshes(request))
        )
