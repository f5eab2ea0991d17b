"""Overload protection: a bounded number of requests at work, a bounded number waiting, each in turn.

Requests of one connection wait in order; connections take turns, so one that sends thousands of
requests at once delays the others by one request each, not by thousands.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from kuzzle.connection import Connection
from kuzzle.errors import KuzzleError

_TOLD_EVERY_S: Final = 0.5

logger = logging.getLogger(__name__)


class RequestSlots:
    """The places of requests at work (`limits.concurrentRequests`) and of those that wait
    (`limits.requestsBufferSize`); the log warns when `limits.requestsBufferWarningThreshold` wait.

    Attributes:
        on_overload: Called while more wait, at most every half a second, with how full the buffer is, in percent.
    """

    def __init__(
        self, concurrent_requests: int, requests_buffer_size: int, warning_threshold: int | None = None
    ) -> None:
        self._free = concurrent_requests
        self._concurrent_requests = concurrent_requests
        self._buffer_size = requests_buffer_size
        self._warning_threshold = warning_threshold or requests_buffer_size
        self._has_warned = False
        self._waiting = 0
        self._queues: OrderedDict[str, deque[tuple[Connection, asyncio.Future[bool]]]] = OrderedDict()
        self._idle: asyncio.Future[None] | None = None
        self.on_overload: Callable[[float], None] = lambda _: None
        self._told_at_s: float | None = None

    @property
    def at_work(self) -> int:
        """Number of requests at work."""
        return self._concurrent_requests - self._free

    @property
    def waiting(self) -> int:
        """Number of requests that wait for a place."""
        return self._waiting

    @property
    def is_overloaded(self) -> bool:
        """True while a further request would be refused."""
        return self._free == 0 and self._waiting >= self._buffer_size

    def take_free(self) -> bool:
        """Take a place if one is free."""
        if self._free == 0:
            return False
        self._free -= 1
        return True

    async def take(self, connection: Connection) -> None:
        """Wait for a place.

        Raises:
            KuzzleError: `api.process.overloaded` when too many wait already;
                `api.process.connection_dropped` when the client left meanwhile.
        """
        if self._waiting >= self._buffer_size:
            raise KuzzleError("api.process.overloaded")
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(connection.id, deque()).append((connection, turn))
        self._waiting += 1
        self._warn_of_overload()
        try:
            has_place = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.give_back()
            raise
        if not has_place:
            raise KuzzleError("api.process.connection_dropped")

    def _warn_of_overload(self) -> None:
        """Warn once when many wait, and again only after most of them had their turn; tell listeners meanwhile."""
        if self._waiting > self._warning_threshold:
            now_s = time.monotonic()
            if self._told_at_s is None or now_s - self._told_at_s >= _TOLD_EVERY_S:
                self._told_at_s = now_s
                self.on_overload(round(100 * self._waiting / self._buffer_size, 2))
        if self._waiting * 2 < self._warning_threshold:
            self._has_warned = False
        elif self._waiting >= self._warning_threshold and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "Overload: %d requests wait for one of %d places; beyond %d they are refused",
                self._waiting,
                self._concurrent_requests,
                self._buffer_size,
            )

    def give_back(self) -> None:
        """Hand the place to the next request in turn, or leave it free."""
        while self._queues:
            connection_id, queue = self._queues.popitem(last=False)
            connection, turn = queue.popleft()
            self._waiting -= 1
            if queue:
                self._queues[connection_id] = queue
            if turn.cancelled():
                continue
            if connection.is_open:
                turn.set_result(True)
                return
            turn.set_result(False)
        self._free += 1
        if self._idle is not None and self.at_work == 0:
            self._idle.set_result(None)
            self._idle = None

    async def wait_idle(self, timeout_s: float) -> bool:
        """Wait until no request is at work nor waits; False when the time ran out first."""
        if not self.at_work:
            return True
        if self._idle is None:
            self._idle = asyncio.get_running_loop().create_future()
        done, _ = await asyncio.wait([self._idle], timeout=timeout_s)
        return bool(done)
