"""What rooms have said lately, for clients that come back after a lost connection.

The rules:

- A room of a collection with history numbers every document notification it says, whoever hears it: its
  `offset`, from 1. Writes that are pending count from when somebody in the room first asks for them. Its
  `epoch` names this life of the room; a room that dies, and every room at a restart, gets another one.
  Notifications of users and of the server have no number and are not kept.
- Kept are the last `size` notifications of a room, each for `time`; a room without connections lives on for
  `time`. All rooms together keep at most `maxBytes`, and `maxIdleRooms` rooms live on; beyond either bound
  what is oldest goes first.
- More than `maxReplayBytes` are not replayed: it is sent at once, and must not exceed what may wait for a client.
- A room knows what it no longer keeps, so what it gives back is whole: everything after an offset, or nothing.

Time is swept whenever a room of a collection with history is touched: there are no timers. Nothing here does I/O.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from kuzzle.notification import Notification
from kuzzle.realtime.rooms import ChannelOptions, Room, Scope, State

if TYPE_CHECKING:
    from kuzzle.api.generation import ApiGeneration

ANY_NAME: Final = "*"
"""Stands for every index or collection in the options."""

# What an entry costs beside its texts, roughly: the object, its places in a deque and an ordered dict, a share of
# the table of texts.
_OVERHEAD_BYTES: Final = 600


@dataclass(frozen=True, slots=True)
class Recovery:
    """The last a client has seen of a room.

    Attributes:
        epoch: The life of the room.
        offset: Number of the notification in it.
    """

    epoch: str
    offset: int


@dataclass(slots=True, eq=False)
class Entry:
    """A notification that is kept.

    Attributes:
        home: The history it stands in.
        offset: Its number in the room.
        until: Seconds of the clock when it is kept no longer.
        scope, state: As channels choose by them.
        texts: Its JSON text without `epoch` and `offset`, by API generation; shared between rooms.
        size_bytes: What it counts.
    """

    home: RoomHistory
    offset: int
    until: float
    scope: Scope
    state: State
    texts: Mapping[ApiGeneration, bytes]
    size_bytes: int


@dataclass(slots=True, eq=False)
class _Shelf:
    """What the collections of one rule keep, each queue in the order in which its time is over."""

    size: int
    time_s: float
    entries: OrderedDict[Entry, None] = field(default_factory=OrderedDict)
    idle: OrderedDict[Room, float] = field(default_factory=OrderedDict)


@dataclass(slots=True, eq=False)
class RoomHistory:
    """What one room has said.

    Attributes:
        epoch: Names this life of the room.
        offset: Number of the last notification, 0 before the first.
        since: The offset from which on there are texts of an API generation.
        pending_since: That from which on writes that are pending are numbered too; None where nobody asked for them.
    """

    epoch: str
    shelf: _Shelf
    offset: int = 0
    since: dict[ApiGeneration, int] = field(default_factory=dict)
    pending_since: int | None = None
    entries: deque[Entry] = field(default_factory=deque)

    def follow(self, options: ChannelOptions) -> None:
        """Keep what a channel with these options may hear from now on."""
        self.since.setdefault(options.api, self.offset)
        if self.pending_since is None and options.wants_document("unknown", "pending"):
            self.pending_since = self.offset

    def find_after(self, last: Recovery, options: ChannelOptions) -> list[Entry] | None:
        """Return everything said after `last`, the oldest first; None where something for the channel is not kept.

        The channel must have been followed.
        """
        first_kept = self.offset - len(self.entries)
        if last.epoch != self.epoch or last.offset > self.offset:
            return None
        if last.offset < max(first_kept, self.since[options.api]):
            return None
        if options.wants_document("unknown", "pending") and last.offset < (self.pending_since or 0):
            return None
        return list(islice(self.entries, last.offset - first_kept, None))


@dataclass(frozen=True, slots=True)
class Missed:
    """What a channel has said since a client heard it last.

    Attributes:
        offset: Number of the last notification before these.
        notifications: The oldest first.
    """

    offset: int
    notifications: Sequence[Notification]


class Histories:
    """The histories of a server's rooms.

    Attributes:
        size_bytes: What all entries count.
        idle_rooms: Number of rooms that live on without connections.
        max_replay_bytes: What is sent again at once at most.
    """

    def __init__(self, options: Mapping[str, Any], clock: Callable[[], float], make_epoch: Callable[[], str]) -> None:
        """Start empty.

        Args:
            options: `collections` (index to collection to `size` and `time` in ms; `*`: any), `maxBytes`,
                `maxReplayBytes`, `maxIdleRooms`.
            clock: Gives seconds.
            make_epoch: Gives a text that no other room has had, before a restart neither.
        """
        self.size_bytes = 0
        self.idle_rooms = 0
        self._clock = clock
        self._make_epoch = make_epoch
        self._max_bytes: int = options["maxBytes"]
        self.max_replay_bytes: int = options["maxReplayBytes"]
        self._max_idle_rooms: int = options["maxIdleRooms"]
        self._shelves = {
            (index, collection): _Shelf(rule["size"], rule["time"] / 1000)
            for index, collections in options["collections"].items()
            for collection, rule in collections.items()
        }

    def __bool__(self) -> bool:
        """Tell whether any collection has history."""
        return bool(self._shelves)

    def open(self, index: str, collection: str) -> RoomHistory | None:
        """Return the history of a new room, None where there is none: the rule that names most is taken."""
        for place in ((index, collection), (index, ANY_NAME), (ANY_NAME, collection), (ANY_NAME, ANY_NAME)):
            shelf = self._shelves.get(place)
            if shelf is not None:
                return RoomHistory(self._make_epoch(), shelf)
        return None

    def keep(self, history: RoomHistory, scope: Scope, state: State, texts: Mapping[ApiGeneration, bytes]) -> None:
        """Number and keep what a room says now."""
        shelf = history.shelf
        history.offset += 1
        size_bytes = sum(map(len, texts.values())) + _OVERHEAD_BYTES
        until = self._clock() + shelf.time_s
        entry = Entry(history, history.offset, until, scope, state, texts, size_bytes)
        history.entries.append(entry)
        shelf.entries[entry] = None
        self.size_bytes += size_bytes
        if len(history.entries) > shelf.size:
            self._drop(history.entries[0])
        while self.size_bytes > self._max_bytes:
            self._drop(min(self._oldest_entries(), key=lambda oldest: oldest.until))

    def find_missed(self, history: RoomHistory, last: Recovery, options: ChannelOptions) -> Missed | None:
        """Return what a channel has said since `last`; None where it is not whole, or too much to be sent at once."""
        entries = history.find_after(last, options)
        if entries is None:
            return None
        heard = [entry for entry in entries if options.wants_document(entry.scope, entry.state)]
        if sum(len(entry.texts[options.api]) for entry in heard) > self.max_replay_bytes:
            return None
        notifications = [
            Notification.of_text(entry.texts[options.api]).numbered(history.epoch, entry.offset) for entry in heard
        ]
        return Missed(heard[0].offset - 1 if heard else history.offset, notifications)

    def idle(self, room: Room, history: RoomHistory) -> None:
        """Let a room whose last connection has left live on."""
        history.shelf.idle[room] = self._clock() + history.shelf.time_s
        self.idle_rooms += 1

    def revive(self, room: Room, history: RoomHistory) -> None:
        """Take note that a room, idle or new, has a connection."""
        if history.shelf.idle.pop(room, None) is not None:
            self.idle_rooms -= 1

    def find_excess(self, *, needs_room: bool = False) -> Room | None:
        """Return the idle room to be closed first when there are too many, or when one of them has to go."""
        if not self.idle_rooms or (self.idle_rooms <= self._max_idle_rooms and not needs_room):
            return None
        heads = (next(iter(shelf.idle.items())) for shelf in self._shelves.values() if shelf.idle)
        return min(heads, key=lambda head: head[1])[0]

    def sweep(self) -> Iterable[Room]:
        """Drop what is too old; return the rooms whose time is over, to be closed."""
        now = self._clock()
        over: list[Room] = []
        for shelf in self._shelves.values():
            while shelf.entries and (entry := next(iter(shelf.entries))).until <= now:
                self._drop(entry)
            for room, until in shelf.idle.items():
                if until > now:
                    break
                over.append(room)
        return over

    def close(self, room: Room, history: RoomHistory) -> None:
        """Forget what a room that is closed has said."""
        self.revive(room, history)
        while history.entries:
            self._drop(history.entries[0])

    def _oldest_entries(self) -> Iterator[Entry]:
        return (next(iter(shelf.entries)) for shelf in self._shelves.values() if shelf.entries)

    def _drop(self, entry: Entry) -> None:
        """Drop the oldest entry of a room."""
        del entry.home.shelf.entries[entry]
        entry.home.entries.popleft()
        self.size_bytes -= entry.size_bytes
