"""The embedded memory storage: fakeredis inside the server's process.

fakeredis and what it needs take 0.2 s to import, so nothing here does before the first command comes.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from typing import TYPE_CHECKING, Any

import kuzzle
from kuzzle.memory_storage.base import Answer, MemoryStorage, Words

if TYPE_CHECKING:
    from kuzzle.memory_storage.embedded.engine import Engine

logger = logging.getLogger(__name__)

SWEEP_INTERVAL_S = 1.0


class EmbeddedMemoryStorage(MemoryStorage):
    """Keys and values in the memory of this process.

    Commands run on the event loop, one after the other, as they do in Redis.
    """

    def __init__(self, *, max_bytes: int) -> None:
        """`max_bytes`: what keys and values may take before commands that add to them are refused."""
        self._max_bytes = max_bytes
        self._engine: Engine | None = None
        self._starting = asyncio.Lock()
        self._sweeper: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Do nothing: the first command starts the engine."""

    async def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])
            self._sweeper = None
        self._engine = None

    async def execute(self, words: Words) -> Answer:
        engine = self._engine or await self._start()
        return engine.execute(words)

    async def describe(self) -> dict[str, Any]:
        return {"type": "memory", "mode": "standalone", "version": kuzzle.__version__}

    async def is_healthy(self) -> bool:
        return True

    async def _start(self) -> Engine:
        async with self._starting:
            if self._engine is None:
                module = await asyncio.to_thread(importlib.import_module, f"{__name__}.engine")
                self._engine = module.Engine(self._max_bytes)
                self._sweeper = asyncio.get_running_loop().create_task(self._sweep_at_times(self._engine))
            return self._engine

    async def _sweep_at_times(self, engine: Engine) -> None:
        """Let go of expired keys that nobody asks for any more."""
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            while await _sweep_slice(engine):
                pass


async def _sweep_slice(engine: Engine) -> bool:
    """Sweep, then let others come in; tell whether there is more."""
    is_more = engine.sweep()
    await asyncio.sleep(0)
    return is_more
