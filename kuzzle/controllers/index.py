"""Indexes: create, delete, list, refresh."""

from __future__ import annotations

from kuzzle.api.results import Acknowledged, CreatedIndex, RefreshedIndex
from kuzzle.controllers.auto_refresh import AutoRefresh
from kuzzle.controllers.base import Controller, action
from kuzzle.request import Request
from kuzzle.security.rights import Rights
from kuzzle.storage.base import Storage
from kuzzle.storage.errors import UnknownIndexError
from kuzzle.storage.internal import INTERNAL_INDEX


class IndexController(Controller):
    """Indexes: create, delete, list, refresh."""

    name = "index"

    def __init__(self, storage: Storage, auto_refresh: AutoRefresh, rights: Rights) -> None:
        self._storage = storage
        self._auto_refresh = auto_refresh
        self._rights = rights

    @action("create")
    async def create(self, request: Request) -> CreatedIndex:
        """Make an empty index."""
        index = request.required("index")
        await self._storage.create_index(index)
        return CreatedIndex(index)

    @action("delete")
    async def delete(self, request: Request) -> Acknowledged:
        """Remove an index with all its collections."""
        index = request.required("index")
        await self._storage.delete_index(index)
        await self._auto_refresh.forget([index])
        return Acknowledged()

    @action("mDelete")
    async def m_delete(self, request: Request) -> dict[str, list[str]]:
        """Remove several indexes; what does not exist, or is not the user's to delete, is passed over."""
        deleted: list[str] = []
        wanted = {name for name in request.body["indexes"] if isinstance(name, str)}
        for index in await self._storage.list_indexes():
            may_delete = index in wanted and self._rights.allows(request.user, "index", "delete", index)
            if may_delete and await self._delete_if_there(index):
                deleted.append(index)
        await self._auto_refresh.forget(deleted)
        return {"deleted": deleted}

    async def _delete_if_there(self, index: str) -> bool:
        try:
            await self._storage.delete_index(index)
        except UnknownIndexError:  # somebody else deleted it meanwhile
            return False
        return True

    @action("exists")
    async def exists(self, request: Request) -> bool:
        """Tell whether an index exists."""
        return await self._storage.index_exists(request.required("index"))

    @action("list")
    async def list(self, request: Request) -> dict[str, list[str]]:
        """Return the names of all indexes."""
        return {"indexes": await self._storage.list_indexes()}

    @action("refresh")
    async def refresh(self, request: Request) -> RefreshedIndex:
        """Make all writes of an index visible to searches."""
        await self._storage.refresh(request.required("index"))
        return RefreshedIndex()

    @action("refreshInternal")
    async def refresh_internal(self, request: Request) -> Acknowledged:
        """Make what the server itself keeps visible to searches."""
        if await self._storage.index_exists(INTERNAL_INDEX):  # it is made with its first document
            await self._storage.refresh(INTERNAL_INDEX)
        return Acknowledged()

    @action("getAutoRefresh")
    async def get_auto_refresh(self, request: Request) -> bool:
        """Tell whether each single write of an index is visible to searches at once."""
        return self._auto_refresh.is_on(request.required("index"))

    @action("setAutoRefresh")
    async def set_auto_refresh(self, request: Request) -> dict[str, bool]:
        """Decide whether each single write of an index is visible to searches at once."""
        is_on: bool = request.body["autoRefresh"]
        await self._auto_refresh.set(request.required("index"), is_on=is_on)
        return {"response": is_on}
