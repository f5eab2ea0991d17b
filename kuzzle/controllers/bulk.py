"""Low-level writes: documents as they are, and many at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kuzzle.api.results import DocumentBatch, ImportReport
from kuzzle.controllers.arguments import waits_for_refresh
from kuzzle.controllers.base import Controller, action
from kuzzle.controllers.entries import read_documents
from kuzzle.controllers.importing import Importer
from kuzzle.errors import KuzzleError
from kuzzle.realtime.subscriptions import Realtime
from kuzzle.request import Request
from kuzzle.security.rights import Rights
from kuzzle.storage.base import AfterCommit, DocumentWrite, Storage, WriteKind, WrittenDocument
from kuzzle.storage.errors import UnknownIndexOrCollectionError


class BulkController(Controller):
    """Low-level writes: documents as they are, and many at once."""

    name = "bulk"

    def __init__(
        self, storage: Storage, realtime: Realtime, importer: Importer, rights: Rights, limits: Mapping[str, Any]
    ) -> None:
        """`limits` holds `documentsWriteCount`."""
        self._rights = rights
        self._storage = storage
        self._realtime = realtime
        self._importer = importer
        self._write_limit: int = limits["documentsWriteCount"]

    @action("import")
    async def import_documents(self, request: Request) -> ImportReport:
        """Run a list of operations in the format of Elasticsearch, where the user may import."""
        return await self._importer.run(
            request,
            request.body["bulkData"],
            request.index,
            request.collection,
            # Lines may name other places than the request, whose right was asked for at the gate.
            lambda index, collection: self._rights.check(request.user, "bulk", "import", index, collection),
        )

    @action("write")
    async def write(self, request: Request) -> WrittenDocument:
        """Store a document as it is, whatever was there."""
        return await self._storage.write_document(
            *request.target(),
            WriteKind.CREATE_OR_REPLACE,
            DocumentWrite(request.document_id or None, request.body),
            refresh=waits_for_refresh(request),
            after_commit=self._told(request),
        )

    @action("mWrite")
    async def m_write(self, request: Request) -> DocumentBatch:
        """Store several documents as they are, whatever was there."""
        kind = WriteKind.CREATE_OR_REPLACE
        writes, refused = read_documents(request, kind, needs_id=False, is_stamped=False)
        if len(writes) > self._write_limit:
            raise KuzzleError("services.storage.write_limit_exceeded", self._write_limit)
        index, collection = request.target()
        if not await self._storage.collection_exists(index, collection):
            raise UnknownIndexOrCollectionError
        outcomes = await self._storage.write_documents(
            index, collection, kind, writes, refresh=waits_for_refresh(request), after_commit=self._told(request)
        )
        return DocumentBatch(kind, index, collection, outcomes, refused, is_import=True)

    def _told(self, request: Request) -> AfterCommit | None:
        return self._realtime.news.documents_written(request) if request.argument("notify") else None
