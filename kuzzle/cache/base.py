"""The contract of the cache: short-lived entries that every server which shares the cache sees.

Entries lie in tables, each bounded by itself, so that what fills one pushes nothing out of another. Where a table is
full, the entry that was written longest ago goes. What is kept here may be lost at any time (a restart, a full
table, somebody who empties it): what must not be lost belongs into the store.

tests/contracts/cache.py holds every backend to it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.errors import KuzzleError

MAX_KEY_BYTES: Final = 256
"""Bytes of a key, as UTF-8. Who has longer ones keeps a digest of them."""


@dataclass(frozen=True, slots=True)
class TableBounds:
    """What a table may take, and no more than the product of both.

    Attributes:
        name: Of the table; letters and hyphens.
        max_entries: Entries, those whose time is over included until they are swept.
        max_value_bytes: Bytes of one value.
    """

    name: str
    max_entries: int
    max_value_bytes: int

    def check(self, key: str, value: bytes, ttl_ms: int) -> None:
        """Make sure that an entry can be kept.

        Raises:
            KuzzleError: `services.cache.write_failed`: the key or the value is too large.
            ValueError: No time to keep it for.
        """
        if len(key.encode()) > MAX_KEY_BYTES or len(value) > self.max_value_bytes:
            raise KuzzleError("services.cache.write_failed", f"an entry of the table {self.name} is too large")
        if ttl_ms < 1:
            raise ValueError(ttl_ms)


class Table(ABC):
    """Entries of one kind: a key, a value, and the time when it ends.

    Every method may raise CacheUnavailableError (nobody knows whether a change was made), and KuzzleError
    `services.cache.read_failed` or `write_failed` with the words of a server that refuses.
    """

    @abstractmethod
    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values of keys, in their order; None where there is none, or its time is over."""

    @abstractmethod
    async def put(self, key: str, value: bytes, ttl_ms: int) -> None:
        """Keep a value for `ttl_ms` from now on, whatever was there.

        Raises:
            KuzzleError: `services.cache.write_failed`: too large for the table.
        """

    @abstractmethod
    async def replace(self, key: str, old: bytes | None, new: bytes, ttl_ms: int) -> bool:
        """Keep a value if the present one is `old` (None: there is none); tell whether it was.

        Of several who replace the same value at once, one does.

        Raises:
            KuzzleError: `services.cache.write_failed`: too large for the table.
        """

    @abstractmethod
    async def take(self, key: str) -> bytes | None:
        """Remove an entry and return its value; of several who ask at once, one gets it."""

    @abstractmethod
    async def newest(self, limit: int) -> list[bytes]:
        """Return the values that were written last, at most `limit`, in the order they were written.

        Entries that are written meanwhile may be among them or not; all others are there once.
        """


class Cache(ABC):
    """The tables."""

    @abstractmethod
    async def open(self) -> None:
        """Make it ready. A server that is not there is no error."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything. A second call does nothing."""

    @abstractmethod
    def table(self, bounds: TableBounds) -> Table:
        """Return the table of a name; who asks for it twice gets the same entries."""

    @abstractmethod
    async def clear(self) -> None:
        """Remove the entries of all tables.

        Raises:
            CacheUnavailableError: The server does not answer; some may be removed.
        """

    @abstractmethod
    def now_s(self) -> float:
        """Return seconds that all count alike who share the cache, from any start."""

    @abstractmethod
    async def describe(self) -> dict[str, Any]:
        """Return `type`, `mode` and `version`, and what it tells of its memory: `memoryUsed`, `memoryPeak`."""

    @abstractmethod
    async def is_healthy(self) -> bool:
        """Tell whether entries can be kept and read."""
