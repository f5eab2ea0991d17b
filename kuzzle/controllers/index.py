"""Indexes: create, delete, list."""

from __future__ import annotations

from kuzzle.api.results import Acknowledged, CreatedIndex
from kuzzle.controllers.base import Controller, action
from kuzzle.request import Request
from kuzzle.storage.base import Storage


class IndexController(Controller):
    """Indexes: create, delete, list."""

    name = "index"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @action("create")
    async def create(self, request: Request) -> CreatedIndex:
        """Make an empty index."""
        index = request.required("index")
        await self._storage.create_index(index)
        return CreatedIndex(index)

    @action("delete")
    async def delete(self, request: Request) -> Acknowledged:
        """Remove an index with all its collections."""
        await self._storage.delete_index(request.required("index"))
        return Acknowledged()

    @action("exists")
    async def exists(self, request: Request) -> bool:
        """Tell whether an index exists."""
        return await self._storage.index_exists(request.required("index"))

    @action("list")
    async def list(self, request: Request) -> dict[str, list[str]]:
        """Return the names of all indexes."""
        return {"indexes": await self._storage.list_indexes()}
