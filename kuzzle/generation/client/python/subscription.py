"""A subscription: notifications as an asynchronous iterator, for as long as the client lives."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Self, TypeVar, cast

from .failures import SubscriberTooSlowError
from .transport import Call

Notification = TypeVar("Notification")


class Subscription(Generic[Notification]):
    """Notifications of one subscription, in the order they came.

    Use it as `async with await client.realtime.subscribe(...) as news:` and `async for notification in news:`.
    It outlives lost connections: the client subscribes again, and what happened meanwhile is not told. The iteration
    ends when the subscription is closed or the client logs out, and raises

    - TokenExpiredError after the notification that says so;
    - SubscriberTooSlowError after `max_queue` notifications, when more waited than that;
    - the KuzzleError with which the server refused to subscribe again.

    Attributes:
        room_id, channel: As the server named them, at the last connection.
    """

    def __init__(self, call: Call, max_queue: int, leave: Callable[[Subscription[Any]], Awaitable[None]]) -> None:
        self.room_id = ""
        self.channel = ""
        self.call = call
        self._max_queue = max_queue
        self._leave = leave
        self._arrived: deque[Notification] = deque()
        self._news = asyncio.Event()
        self._is_ended = False
        self._failure: Exception | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Notification:
        while not self._arrived:
            if self._failure is not None:
                raise self._failure
            if self._is_ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._arrived.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *details: object) -> None:
        await self.close()

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will arrive."""
        return self._is_ended

    async def close(self) -> None:
        """Unsubscribe; what has arrived can still be read."""
        if not self._is_ended:
            self.end()
            await self._leave(self)

    def place(self, result: Mapping[str, Any]) -> None:
        """Note where the server sends the notifications."""
        self.room_id, self.channel = str(result["roomId"]), str(result["channel"])

    def take(self, message: Mapping[str, Any]) -> None:
        """Queue a notification."""
        if self._is_ended:
            return
        if len(self._arrived) >= self._max_queue:
            self.end(SubscriberTooSlowError(f"{self._max_queue} notifications waited to be read"))
            return
        self._arrived.append(cast(Notification, message))
        self._news.set()

    def end(self, failure: Exception | None = None) -> None:
        """Let the iteration end once all that has arrived is read."""
        self._is_ended = True
        self._failure = failure
        self._news.set()
