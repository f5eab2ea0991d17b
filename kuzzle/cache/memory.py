"""The cache of a server alone: tables in its memory, gone with the process.

Nothing here waits: a method runs to its end before anybody else does anything. Entries whose time is over are found
when they are asked for, and swept from the front of the table whenever one is written: no timers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import kuzzle
from kuzzle.cache.base import Cache, Table, TableBounds


class MemoryTable(Table):
    """One table, its entries in the order they were written."""

    def __init__(self, bounds: TableBounds, clock: Callable[[], float]) -> None:
        """`clock` tells seconds from any start."""
        self._bounds = bounds
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        return [self._get(key) for key in keys]

    async def put(self, key: str, value: bytes, ttl_ms: int) -> None:
        self._bounds.check(key, value, ttl_ms)
        self._put(key, value, ttl_ms)

    async def replace(self, key: str, old: bytes | None, new: bytes, ttl_ms: int) -> bool:
        self._bounds.check(key, new, ttl_ms)
        if self._get(key) != old:
            return False
        self._put(key, new, ttl_ms)
        return True

    async def take(self, key: str) -> bytes | None:
        value = self._get(key)
        self._entries.pop(key, None)
        return value

    async def newest(self, limit: int) -> list[bytes]:
        now = self._clock()
        good = (value for ends_at, value in reversed(self._entries.values()) if ends_at > now)
        return list(islice(good, limit))[::-1]

    def clear(self) -> None:
        """Remove all entries."""
        self._entries.clear()

    def _get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] <= self._clock():
            del self._entries[key]
            return None
        return entry[1]

    def _put(self, key: str, value: bytes, ttl_ms: int) -> None:
        now = self._clock()
        entries = self._entries
        entries.pop(key, None)
        while entries and next(iter(entries.values()))[0] <= now:
            entries.popitem(last=False)
        entries[key] = (now + ttl_ms / 1000, value)
        if len(entries) > self._bounds.max_entries:
            entries.popitem(last=False)


class MemoryCache(Cache):
    """Tables in memory."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` tells seconds from any start, and does not go back."""
        self._clock = clock
        self._tables: dict[str, MemoryTable] = {}

    async def open(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Forget everything."""
        await self.clear()

    def table(self, bounds: TableBounds) -> MemoryTable:
        table = self._tables.get(bounds.name)
        if table is None:
            table = self._tables[bounds.name] = MemoryTable(bounds, self._clock)
        return table

    async def clear(self) -> None:
        for table in self._tables.values():
            table.clear()

    def now_s(self) -> float:
        return self._clock()

    async def describe(self) -> dict[str, Any]:
        """Return what it is; its memory is that of the process."""
        return {"type": "memory", "mode": "standalone", "version": kuzzle.__version__}

    async def is_healthy(self) -> bool:
        return True
