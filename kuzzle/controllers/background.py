"""Work that goes on after its request was answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from kuzzle.errors import KuzzleError

# Each holds the body of its request; beyond this number a request waits for its work instead.
MAX_AT_WORK: Final = 8

logger = logging.getLogger(__name__)


class Background:
    """The works under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Let a work go on by itself; its failure is only logged.

        Where too many are at work already, return when it is done.
        """
        task = asyncio.get_running_loop().create_task(_watch(name, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if len(self._tasks) > MAX_AT_WORK:
            await task

    async def finish(self, timeout_s: float) -> None:
        """Wait for the works; those that take longer are ended."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)


async def _watch(name: str, work: Callable[[], Awaitable[object]]) -> None:
    try:
        await work()
    except KuzzleError as error:
        # What a client asked wrongly is no reason to warn the operator.
        logger.log(logging.ERROR if error.status >= 500 else logging.INFO, "%s failed: %s", name, error.message)
    except Exception:
        logger.exception("%s failed unexpectedly", name)
