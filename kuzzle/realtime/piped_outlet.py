"""Notifications on their way through pipes: `notify:document`, `user` or `server`, then `notify:dispatch`.

The order of notifications is that of commits, whatever pipes do: some notifications are in pipes at the same time, but
each leaves after those before it, and what changes who hears (joining, leaving, a replay) waits for its turn among
them. Where nobody listens, all goes straight to the clients.

A replay passes the pipes anew: rooms keep what was said, not what pipes have made of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from kuzzle.errors import KuzzleError
from kuzzle.events import Events
from kuzzle.notification import Notification
from kuzzle.realtime.notifications import Outlet

# How many notifications are in pipes at the same time; the others wait.
_AT_WORK: Final = 64
# What may wait for pipes; of a plugin that is too slow, what comes beyond is dropped and counted.
MAX_WAITING: Final = 10_000
MAX_WAITING_BYTES: Final = 64 << 20

_DISPATCH: Final = "notify:dispatch"
_BY_TYPE: Final = {"document": "notify:document", "user": "notify:user"}
_SERVER: Final = "notify:server"
_ALL: Final = (*_BY_TYPE.values(), _SERVER, _DISPATCH)

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Turn:
    """Something that happens in its turn; `notification` becomes None where a pipe drops it."""

    act: Callable[[Notification], None]
    event: str
    notification: Notification | None
    size: int
    is_ready: bool


class PipedOutlet:
    """An outlet in front of another one.

    Attributes:
        dropped: Number of notifications that found too many waiting.
    """

    def __init__(self, events: Events, outlet: Outlet) -> None:
        self.dropped = 0
        self._events = events
        self._outlet = outlet
        self._turns: deque[_Turn] = deque()
        self._unstarted: deque[_Turn] = deque()
        self._size = 0
        self._is_dropping = False
        self._tasks: set[asyncio.Task[None]] = set()

    # --- the outlet

    def broadcast(self, channels: Iterable[str], notification: Notification) -> None:
        """Push to everyone who follows one of these channels, once per channel."""
        self._say(notification, lambda piped: self._outlet.broadcast(channels, piped))

    def notify(self, connection_id: str, channels: Iterable[str], notification: Notification) -> None:
        """Push to one connection, once per channel."""
        self._say(notification, lambda piped: self._outlet.notify(connection_id, channels, piped))

    def join_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection follow a channel."""
        self._do(lambda: self._outlet.join_channel(channel, connection_id))

    def hold_channel(self, channel: str, connection_id: str) -> None:
        """Let a connection hear nothing on a channel until `replay`, `join_channel` or `leave_channel`."""
        self._do(lambda: self._outlet.hold_channel(channel, connection_id))

    def replay(self, channel: str, connection_id: str, notifications: Sequence[Notification]) -> None:
        """Push what a connection has missed on a channel, then make it follow the channel."""
        if not self._turns and not self._events.has_any_listeners(_ALL):
            self._outlet.replay(channel, connection_id, notifications)
            return
        for notification in notifications:
            self.notify(connection_id, (channel,), notification)
        self.join_channel(channel, connection_id)

    def disconnect(self, connection_id: str, message: str) -> None:
        """Close a client's connection."""
        self._outlet.disconnect(connection_id, message)

    def leave_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection leave a channel."""
        self._do(lambda: self._outlet.leave_channel(channel, connection_id))

    # --- turns

    def _do(self, act: Callable[[], None]) -> None:
        if self._turns:
            self._turns.append(_Turn(lambda _: act(), "", _NOTHING, 0, True))
        else:
            act()

    def _say(self, notification: Notification, send: Callable[[Notification], None]) -> None:
        if not self._turns and not self._events.has_any_listeners(_ALL):
            send(notification)
            return
        event = _event_of(notification)
        if self._events.has_pipes(event) or self._events.has_pipes(_DISPATCH):
            self._queue(_Turn(send, event, notification, len(notification.encode()), False))
            return
        for fired in (event, _DISPATCH):
            if self._events.has_listeners(fired):
                self._events.notify(fired, _copy(notification))
        self._do(lambda: send(notification))

    def _queue(self, turn: _Turn) -> None:
        if len(self._turns) >= MAX_WAITING or self._size + turn.size > MAX_WAITING_BYTES:
            self.dropped += 1
            if not self._is_dropping:
                self._is_dropping = True
                logger.warning("Notifications are dropped: %d wait for pipes", len(self._turns))
            return
        self._size += turn.size
        self._turns.append(turn)
        self._unstarted.append(turn)
        self._start()

    def _start(self) -> None:
        while self._unstarted and len(self._tasks) < _AT_WORK:
            task = asyncio.get_running_loop().create_task(self._pass(self._unstarted.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._start()

    async def _pass(self, turn: _Turn) -> None:
        assert turn.notification is not None
        piped: Notification | None = None
        try:
            content: Any = await self._events.fire(turn.event, _copy(turn.notification))
            content = await self._events.fire(_DISPATCH, content)
            piped = Notification(content)
            piped.encode()
        except (KuzzleError, TypeError) as error:  # the latter: a pipe has left what is no JSON
            piped = None
            logger.warning("A notification was dropped by a pipe on %s: %s", turn.event, error)
        finally:
            turn.notification, turn.is_ready = piped, True
            self._release()

    def _release(self) -> None:
        """Let happen whatever has its turn now."""
        while self._turns and self._turns[0].is_ready:
            turn = self._turns.popleft()
            self._size -= turn.size
            if turn.notification is not None:
                turn.act(turn.notification)
        if self._is_dropping and not self._turns:
            self._is_dropping = False
            logger.warning("Notifications are no longer dropped; %d were, since the start", self.dropped)


_NOTHING: Final = Notification({})


def _event_of(notification: Notification) -> str:
    return _BY_TYPE.get(notification.content.get("type", ""), _SERVER)


def _copy(notification: Notification) -> dict[str, Any]:
    """Return the content for listeners to change: the notification's own is shared."""
    content: dict[str, Any] = orjson.loads(notification.encode())
    return content
