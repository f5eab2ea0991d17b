"""An answer that is asked for when it is needed, kept for a while, and shared by those who wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

AnswerType = TypeVar("AnswerType")


class KeptAnswer(Generic[AnswerType]):
    """The latest answer to one question; a question that fails fails for all who wait, and is asked anew later."""

    def __init__(self, ask: Callable[[], Awaitable[AnswerType]], ticks: Callable[[], float]) -> None:
        """`ticks` tells seconds from any start, never going back."""
        self._ask = ask
        self._ticks = ticks
        self._kept: tuple[float, AnswerType] | None = None
        self._asking: asyncio.Task[AnswerType] | None = None

    async def get(self, max_age_s: float) -> AnswerType:
        """Return the answer, asking for it unless the one that is kept is young enough.

        Raises:
            Exception: What asking raises.
        """
        if self._kept is not None and self._ticks() - self._kept[0] <= max_age_s:
            return self._kept[1]
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask_once())
            self._asking.add_done_callback(_take_note)
        return await asyncio.shield(self._asking)  # whoever gives up leaves the others waiting

    async def _ask_once(self) -> AnswerType:
        try:
            answer = await self._ask()
            self._kept = (self._ticks(), answer)
            return answer
        finally:
            self._asking = None


def _take_note(task: asyncio.Task[AnswerType]) -> None:
    """Look at a failure that nobody may wait for any more."""
    if not task.cancelled():
        task.exception()
