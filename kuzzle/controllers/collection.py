"""Collections: create, list, empty, and their mappings."""

from __future__ import annotations

from typing import Any

from kuzzle.api.results import Acknowledged
from kuzzle.controllers.arguments import number
from kuzzle.controllers.auto_refresh import AutoRefresh
from kuzzle.controllers.base import Controller, action
from kuzzle.controllers.deletion import delete_matching
from kuzzle.realtime.subscriptions import Realtime
from kuzzle.request import Request
from kuzzle.storage.base import CollectionMapping, Storage
from kuzzle.storage.query import MATCH_ALL


class CollectionController(Controller):
    """Collections: create, list, empty, and their mappings."""

    name = "collection"

    def __init__(self, storage: Storage, realtime: Realtime, auto_refresh: AutoRefresh) -> None:
        self._storage = storage
        self._realtime = realtime
        self._auto_refresh = auto_refresh

    @action("create")
    async def create(self, request: Request) -> Acknowledged:
        """Make a collection, or merge a mapping into that of an existing one."""
        await self._storage.create_collection(*request.target(), request.body)
        return Acknowledged()

    @action("exists")
    async def exists(self, request: Request) -> bool:
        """Tell whether a collection exists."""
        return await self._storage.collection_exists(*request.target())

    @action("list")
    async def list(self, request: Request) -> dict[str, Any]:
        """Return the names of stored collections and of those that have subscribers."""
        index, kind = request.required("index"), request.argument("type")
        found: list[tuple[str, str]] = []
        if kind != "realtime":
            found += [(name, "stored") for name in await self._storage.list_collections(index)]
        if kind != "stored":
            found += [(name, "realtime") for name in self._realtime.realtime_collections(index)]
        found.sort(key=lambda entry: entry[0])
        start, size = number(request, "from") or 0, number(request, "size") or 0
        page = found[start : start + size] if size else found[start:]
        return {
            "type": kind,
            "collections": [{"name": name, "type": origin} for name, origin in page],
            **({"from": start} if start or size else {}),
            **({"size": size} if size else {}),
        }

    @action("truncate")
    async def truncate(self, request: Request) -> Acknowledged:
        """Delete every document, and tell nobody."""
        refresh = self._auto_refresh.waits(request, request.required("index"))
        await delete_matching(self._storage, request, MATCH_ALL, None, refresh=refresh)
        return Acknowledged()

    @action("getMapping")
    async def get_mapping(self, request: Request) -> CollectionMapping:
        """Return how documents are indexed."""
        return await self._storage.get_mapping(*request.target())

    @action("updateMapping")
    async def update_mapping(self, request: Request) -> Acknowledged:
        """Merge a mapping into that of a collection."""
        await self._storage.update_mapping(*request.target(), request.body)
        return Acknowledged()
