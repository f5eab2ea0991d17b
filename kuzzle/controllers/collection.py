"""Collections: create, list, empty, their mappings and specifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kuzzle.api.results import Acknowledged
from kuzzle.controllers.arguments import number
from kuzzle.controllers.auto_refresh import AutoRefresh
from kuzzle.controllers.base import Controller, action
from kuzzle.controllers.deletion import delete_matching
from kuzzle.controllers.lifetimes import read_lifetime
from kuzzle.controllers.specifications import parse_specification_search, written_specifications
from kuzzle.errors import KuzzleError
from kuzzle.realtime.subscriptions import Realtime
from kuzzle.request import Request
from kuzzle.security.rights import Rights
from kuzzle.specifications.store import FoundSpecifications, Specifications
from kuzzle.storage.base import CollectionMapping, Storage
from kuzzle.storage.query import MATCH_ALL


class CollectionController(Controller):
    """Collections: create, list, empty, their mappings and specifications."""

    name = "collection"

    def __init__(
        self,
        storage: Storage,
        realtime: Realtime,
        auto_refresh: AutoRefresh,
        specifications: Specifications,
        rights: Rights,
        limits: Mapping[str, Any],
    ) -> None:
        """`limits` holds `documentsFetchCount` and `scrollDuration`."""
        self._storage = storage
        self._realtime = realtime
        self._auto_refresh = auto_refresh
        self._specifications = specifications
        self._rights = rights
        self._fetch_limit: int = limits["documentsFetchCount"]
        self._scroll_limit_ms: int = limits["scrollDuration"]

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

    # --- specifications

    @action("getSpecifications")
    async def get_specifications(self, request: Request) -> dict[str, Any]:
        """Return what content must be like."""
        return await self._specifications.get(request.target())

    @action("updateSpecifications")
    async def update_specifications(self, request: Request) -> Any:
        """Store specifications; they are in force at once."""
        written = written_specifications(request)
        for index, collections in written.items():
            for collection in collections if isinstance(collections, dict) else ():
                self._rights.check(request.user, "collection", "updateSpecifications", index, collection)
        await self._specifications.save(written)
        return request.body

    @action("validateSpecifications")
    async def validate_specifications(self, request: Request) -> dict[str, Any]:
        """Tell what is wrong with specifications; nothing is stored."""
        faults = self._specifications.faults(written_specifications(request))
        if not faults:
            return {"valid": True}
        return {"valid": False, "details": faults, "description": "Some errors with provided specifications."}

    @action("deleteSpecifications")
    async def delete_specifications(self, request: Request) -> Acknowledged:
        """Remove a specification."""
        await self._specifications.delete(request.target())
        return Acknowledged()

    @action("searchSpecifications")
    async def search_specifications(self, request: Request) -> FoundSpecifications:
        """Find stored specifications."""
        offset, size = number(request, "from"), number(request, "size")
        if size is not None and size - (offset or 0) > self._fetch_limit:
            raise KuzzleError("services.storage.get_limit_exceeded", self._fetch_limit)
        search = parse_specification_search(request, offset, size)
        scroll = request.argument("scroll")
        if scroll is None:
            return await self._specifications.search(search)
        lifetime_ms = read_lifetime(scroll, self._scroll_limit_ms)
        return await self._specifications.open_scroll(search, lifetime_ms, request.user.id)

    @action("scrollSpecifications")
    async def scroll_specifications(self, request: Request) -> FoundSpecifications:
        """Return the next page of found specifications."""
        lifetime_ms = read_lifetime(request.argument("scroll"), self._scroll_limit_ms)
        return await self._specifications.next_scroll_page(request.required("scrollId"), lifetime_ms, request.user.id)
