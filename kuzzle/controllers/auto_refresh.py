"""Indexes of which every single write is visible to searches at once (`index:setAutoRefresh`)."""

from __future__ import annotations

from collections.abc import Iterable

from kuzzle.controllers.arguments import waits_for_refresh
from kuzzle.request import Request
from kuzzle.storage.base import Storage
from kuzzle.storage.internal import InternalCollection


class AutoRefresh:
    """The flags, kept in the store and read from memory.

    They act on single writes, `deleteByQuery`, `truncate` and `bulk:import`, not on m* actions.
    """

    def __init__(self, storage: Storage) -> None:
        self._stored = InternalCollection(storage, "autoRefresh", {})
        self._indexes: set[str] = set()

    async def load(self) -> None:
        """Read the flags from the store, which is open."""
        self._indexes = set(await self._stored.ids())

    def is_on(self, index: str) -> bool:
        """Tell whether an index has the flag."""
        return index in self._indexes

    def waits(self, request: Request, *indexes: str) -> bool:
        """Tell whether an answer must wait until searches see the change: the client or an index wants it."""
        return waits_for_refresh(request) or not self._indexes.isdisjoint(indexes)

    async def set(self, index: str, *, is_on: bool) -> None:
        """Set or clear the flag of an index, which need not exist.

        Raises:
            InvalidDocumentError: The name is longer than any index may have.
        """
        if is_on:
            await self._stored.put(index, {})
            self._indexes.add(index)
        else:
            await self.forget([index])

    async def forget(self, indexes: Iterable[str]) -> None:
        """Clear the flags of indexes that are gone."""
        for index in set(indexes) & self._indexes:
            await self._stored.remove(index)
            self._indexes.discard(index)
