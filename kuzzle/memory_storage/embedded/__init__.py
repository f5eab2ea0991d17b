"""The embedded memory storage: fakeredis inside the server's process.

fakeredis and what it needs take 0.2 s to import, so nothing here does before the first command comes; what the file
keeps is read then, too.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import kuzzle
from kuzzle.memory_storage.base import Answer, MemoryStorage, Words

if TYPE_CHECKING:
    from kuzzle.memory_storage.embedded.engine import Engine

logger = logging.getLogger(__name__)

SWEEP_INTERVAL_S: Final = 1.0


class ValueFile(Protocol):
    """Where values are kept; one caller at a time, in any thread."""

    def open(self) -> None:
        """Open it."""

    def load(self) -> list[tuple[bytes, bytes]]:
        """Return all keys with their values."""

    def save(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Set values, and delete those that are None; all or, with an OSError, none."""

    def close(self) -> None:
        """Close it; a second call does nothing."""


class EmbeddedMemoryStorage(MemoryStorage):
    """Keys and values in the memory of this process.

    Commands run on the event loop, one after the other, as they do in Redis.
    """

    def __init__(self, *, max_bytes: int, file: ValueFile | None = None, save_interval_ms: int = 0) -> None:
        """Keep the options.

        Args:
            max_bytes: What keys and values may take before commands that add to them are refused.
            file: Where they are kept over a restart; None: nowhere.
            save_interval_ms: How often changes are written there; 0: when the storage is closed only.
        """
        self._max_bytes = max_bytes
        self._file = file
        self._save_interval_s = save_interval_ms / 1000
        self._engine: Engine | None = None
        self._starting = asyncio.Lock()
        self._saving = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Make sure of the file: it is read when the first command comes.

        Raises:
            StoreOpenError: The file cannot be used; one line that tells the operator why.
        """
        if self._file is not None:
            await asyncio.to_thread(self._file.open)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
            self._tasks.clear()
        if self._engine is not None:
            await self.save()
            self._engine = None
        if self._file is not None:
            await asyncio.to_thread(self._file.close)

    async def execute(self, words: Words) -> Answer:
        engine = self._engine or await self._start()
        return engine.execute(words)

    async def describe(self) -> dict[str, Any]:
        return {"type": "memory", "mode": "standalone", "version": kuzzle.__version__}

    async def is_healthy(self) -> bool:
        return True

    async def save(self) -> None:
        """Write what changed to the file.

        Keys are read a slice at a time, and read again when they change meanwhile: what is written is what the storage
        held at one moment. When the file cannot be written, that is told in the log, and
        the next save tries again.
        """
        if self._file is None or self._engine is None:
            return
        async with self._saving:
            changes: dict[bytes, bytes | None] = {}
            for _ in self._engine.read_changes(changes):
                await asyncio.sleep(0)
            if not changes:
                return
            try:
                await asyncio.to_thread(self._file.save, changes)
            except OSError as error:
                logger.error("The memory storage cannot be saved: %s", error)
                self._engine.keyspace.unsaved.update(changes)

    async def _start(self) -> Engine:
        async with self._starting:
            if self._engine is None:
                module = await asyncio.to_thread(importlib.import_module, f"{__name__}.engine")
                engine: Engine = module.Engine(self._max_bytes)
                if self._file is not None:
                    kept = await asyncio.to_thread(self._file.load)
                    await _by_slices(functools.partial(engine.restore, kept))
                self._engine = engine
                loop = asyncio.get_running_loop()
                self._tasks.append(loop.create_task(self._sweep_at_times(engine)))
                if self._file is not None and self._save_interval_s:
                    self._tasks.append(loop.create_task(self._save_at_times()))
            return self._engine

    async def _sweep_at_times(self, engine: Engine) -> None:
        """Let go of expired keys that nobody asks for any more."""
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            await _by_slices(engine.sweep)

    async def _save_at_times(self) -> None:
        while True:
            await asyncio.sleep(self._save_interval_s)
            await asyncio.shield(self.save())


async def _by_slices(step: Callable[[], bool]) -> None:
    """Take steps until one says that nothing is left, and let others come in between."""
    is_more = True
    while is_more:
        is_more = step()
        await asyncio.sleep(0)
