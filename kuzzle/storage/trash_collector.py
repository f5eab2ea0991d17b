"""The collector: erases the documents of the trash by and by, a few at a time between the writes of clients."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.events import Events
from kuzzle.storage.base import Storage
from kuzzle.storage.errors import UnknownIndexError

# Documents that share a change: those of clients wait no longer than some milliseconds behind it.
ERASED_AT_ONCE: Final = 50
# Between two such changes the store belongs to clients.
PAUSE_S: Final = 0.05
# Between two runs while there is more in the trash.
NEXT_RUN_S: Final = 1.0
# The first run: a server that is started anew each night would never come to one a day later.
FIRST_RUN_S: Final = 3600.0

logger = logging.getLogger(__name__)


class TrashCollector:
    """One run after the other, from start to stop."""

    def __init__(self, storage: Storage, events: Events, options: Mapping[str, Any]) -> None:
        """`options` holds `cleanInterval`, in milliseconds (0: no run at all), and `maxDelete`."""
        self._storage = storage
        self._events = events
        self._interval_s: float = options["cleanInterval"] / 1000
        self._max_erased: int = options["maxDelete"]
        self._runs: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Let runs follow each other from now on."""
        if self._interval_s:
            self._runs = asyncio.get_running_loop().create_task(self._run_again_and_again())

    async def stop(self) -> None:
        """Begin nothing more; what the store was asked for is still done."""
        if self._runs is not None:
            self._runs.cancel()
            await asyncio.wait([self._runs])
            self._runs = None

    async def _run_again_and_again(self) -> None:
        pause_s = min(self._interval_s, FIRST_RUN_S)
        while True:
            await asyncio.sleep(pause_s)
            has_more = await self._run_guarded()
            pause_s = min(self._interval_s, NEXT_RUN_S) if has_more else self._interval_s

    async def _run_guarded(self) -> bool:
        try:
            return await self.run()
        except KuzzleError as error:
            logger.warning("The trash is kept until the next run: %s", error.message)
        except Exception:  # the next run may go well
            logger.exception("A run of the collector of the trash failed unexpectedly")
        return False

    async def run(self) -> bool:
        """Erase what is in the trash, `maxDelete` documents at most; tell whether there may be more.

        Raises:
            KuzzleError: A pipe of `gc:start` refused, or the store did not do it. What was erased before is told.
        """
        await self._events.fire("gc:start", None)
        ids: list[str] = []
        try:
            async for erased in self._erase():
                ids += erased
        finally:
            if ids:
                logger.info("Erased %d documents of the trash", len(ids))
            self._events.notify("gc:end", {"ids": ids})
        return len(ids) == self._max_erased

    async def _erase(self) -> AsyncIterator[list[str]]:
        """Erase a few documents at a time, `maxDelete` in all; yield the ids of each time."""
        left = self._max_erased
        for index, collection in await self._collections():
            has_more = True
            while left and has_more:
                wanted = min(left, ERASED_AT_ONCE)
                erased = await self._storage.erase_trash(index, collection, wanted)
                left -= len(erased)
                has_more = len(erased) == wanted
                if erased:
                    yield erased
                    await asyncio.sleep(PAUSE_S)

    async def _collections(self) -> list[tuple[str, str]]:
        """Return all collections by index, those that the server keeps for itself left out: they have no trash."""
        found: list[tuple[str, str]] = []
        for index in await self._storage.list_indexes():
            with contextlib.suppress(UnknownIndexError):  # deleted since
                found += [(index, collection) for collection in await self._storage.list_collections(index)]
        return found
