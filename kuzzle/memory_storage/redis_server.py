"""The memory storage on a server of Redis or Valkey: its commands are sent as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kuzzle.memory_storage.base import Answer, MemoryStorage, Words, refusal
from kuzzle.redis_link import RedisLink


class RedisMemoryStorage(MemoryStorage):
    """Keys and values on another server."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` is the section `memoryStorage.redis`."""
        self._link = RedisLink("memory storage", options)

    async def open(self) -> None:
        """Do nothing: the first command connects."""

    async def close(self) -> None:
        await self._link.close()

    async def execute(self, words: Words) -> Answer:
        return await self._link.execute(words, refusal)

    async def describe(self) -> dict[str, Any]:
        return dict(await self._link.describe())

    async def is_healthy(self) -> bool:
        return await self._link.is_healthy()
