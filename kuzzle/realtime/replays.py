"""Replays: a client that comes back gets what it missed after its answer and before anything newer.

From the moment its subscription is made until its answer is on the way, a connection does not follow the channel:
what the channel says meanwhile waits behind what was missed.

No I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kuzzle.notification import Notification

if TYPE_CHECKING:
    from kuzzle.realtime.notifications import Outlet

# What may be said while an answer waits for `after` pipes; whose answer takes longer is let go, and may come again.
# The same in bytes is an option: as much as a replay may have itself.
MAX_WAITING: Final = 1000
_TOO_SLOW: Final = "Too many notifications while the subscription was being answered"


@dataclass(slots=True, eq=False)
class Replay:
    """What a connection is about to get on a channel."""

    channel: str
    connection_id: str
    missed: Sequence[Notification]
    waiting: list[Notification] = field(default_factory=list)
    waiting_bytes: int = 0


class Replays:
    """The replays that wait for their answer."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` bounds what may wait behind each."""
        self._max_bytes = max_bytes
        self._held: dict[str, dict[str, Replay]] = {}

    def __bool__(self) -> bool:
        """Tell whether any is waiting."""
        return bool(self._held)

    def has(self, channel: str, connection_id: str) -> bool:
        """Tell whether a connection is about to get a replay on a channel."""
        return connection_id in self._held.get(channel, ())

    def hold(self, channel: str, connection_id: str, missed: Sequence[Notification], outlet: Outlet) -> Replay:
        """Let a connection hear nothing on a channel until `release`."""
        replay = Replay(channel, connection_id, missed)
        self._held.setdefault(channel, {})[connection_id] = replay
        outlet.hold_channel(channel, connection_id)
        return replay

    def catch(self, channels: Sequence[str], notification: Notification, outlet: Outlet) -> None:
        """Take note of what channels say now."""
        for channel in channels:
            for replay in tuple(self._held.get(channel, {}).values()):
                replay.waiting.append(notification)
                replay.waiting_bytes += len(notification.encode())
                if len(replay.waiting) > MAX_WAITING or replay.waiting_bytes > self._max_bytes:
                    self.cancel(channel, replay.connection_id)
                    outlet.disconnect(replay.connection_id, _TOO_SLOW)

    def cancel(self, channel: str, connection_id: str) -> None:
        """Give up a replay, if there is one: the connection has left the channel."""
        held = self._held.get(channel)
        if held is None or held.pop(connection_id, None) is None:
            return
        if not held:
            del self._held[channel]

    def release(self, replay: Replay, outlet: Outlet) -> None:
        """Send a replay, unless it was given up, and let the connection follow the channel from now on."""
        if self._held.get(replay.channel, {}).get(replay.connection_id) is replay:
            self.cancel(replay.channel, replay.connection_id)
            outlet.replay(replay.channel, replay.connection_id, (*replay.missed, *replay.waiting))
