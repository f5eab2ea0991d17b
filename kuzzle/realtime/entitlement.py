"""Ends subscriptions whose user has lost the right to them.

A change of rights is looked at soon after it, in a task of its own: all changes until then are looked at
together, and many subscriptions in turns, so that others get theirs. Nobody is told more than the others in
a room are when somebody leaves it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from kuzzle.realtime.subscriptions import Realtime

# Connections that are looked at before others get their turn: less than a millisecond of work.
_CONNECTIONS_PER_TURN: Final = 200

MayListen = Callable[[str, str, str], Awaitable[bool]]
"""Tells whether a user, by its id, may subscribe to an index and a collection, as rights are now."""

logger = logging.getLogger(__name__)


class Entitlement:
    """Watches over the subscriptions of a server."""

    def __init__(self, realtime: Realtime, may_listen: MayListen) -> None:
        self._realtime = realtime
        self._may_listen = may_listen
        self._changed: set[str | None] = set()
        self._task: asyncio.Task[None] | None = None

    def rights_changed(self, kuid: str | None) -> None:
        """Take note that the rights of a user have changed, or of anybody (None)."""
        if not self._realtime.subscriptions or (kuid is not None and not self._realtime.holders.tokens_of(kuid)):
            return
        self._changed.add(kuid)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._look())

    async def stop(self) -> None:
        """Look no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _look(self) -> None:
        try:
            while self._changed:
                changed, self._changed = self._changed, set()
                await self._end_lost(None if None in changed else {kuid for kuid in changed if kuid is not None})
        except Exception:  # a task nobody waits for: only the log can tell
            logger.exception("Subscriptions were not held against changed rights")
        finally:
            self._task = None

    async def _end_lost(self, kuids: set[str] | None) -> None:
        """End what users have lost; None: all users."""
        verdicts: dict[tuple[str, str, str], bool] = {}
        for number, connection_id in enumerate(self._realtime.connections_of(kuids), 1):
            if number % _CONNECTIONS_PER_TURN == 0:
                await asyncio.sleep(0)
            for room_id, kuid, index, collection in self._realtime.subscriptions_of(connection_id):
                if kuids is not None and kuid not in kuids:
                    continue
                asked = kuid, index, collection
                if asked not in verdicts:
                    verdicts[asked] = await self._may_listen(*asked)
                if not verdicts[asked]:
                    self._realtime.end_subscription(connection_id, room_id, kuid)
