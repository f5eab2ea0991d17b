"""The rooms that are there: by id, and by what their filters match."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kuzzle.errors import KuzzleError
from kuzzle.realtime.filters import room_identifier
from kuzzle.realtime.history import Histories
from kuzzle.realtime.matcher import CollectionMatcher, Matcher
from kuzzle.realtime.normal_form import NormalForm
from kuzzle.realtime.rooms import Room


class OpenRooms:
    """Every room of a server.

    A room without connections is one that only lives on for its history; nobody but those who come back sees it.

    Attributes:
        histories: What rooms have said.
        on_opened, on_closed: Called with each room that is new, and with each that is gone.
    """

    def __init__(self, max_rooms: int, histories: Histories) -> None:
        """Start without rooms; `max_rooms` 0 bounds nothing."""
        self.histories = histories
        self.on_opened: Callable[[Room], None] = lambda _: None
        self.on_closed: Callable[[Room], None] = lambda _: None
        self._matcher: Matcher[Room] = Matcher()
        self._max_rooms = max_rooms
        self._rooms: dict[str, Room] = {}

    def __len__(self) -> int:
        """Return the number of rooms that have connections."""
        return len(self._rooms) - self.histories.idle_rooms

    def open(self, index: str, collection: str, form: NormalForm) -> Room:
        """Return the room of a filter; a new one when there is none.

        Raises:
            KuzzleError: 413 `core.realtime.too_many_rooms`.
        """
        self._sweep()
        identifier = room_identifier(index, collection, form)
        room = self._rooms.get(identifier)
        if room is None:
            if self._max_rooms and len(self._rooms) >= self._max_rooms:
                self._make_place()
            room = self._rooms[identifier] = Room(identifier, index, collection, form)
            room.history = self.histories.open(index, collection)
            self._matcher.add(index, collection, form, room)
            self.on_opened(room)
        return room

    def entered(self, room: Room) -> None:
        """Take note that the first connection has come into a room."""
        if room.history is not None:
            self.histories.revive(room, room.history)

    def left(self, room: Room) -> None:
        """Forget a room that its last connection has left, now or when the time of its history is over."""
        if room.history is None:
            self._close(room)
            return
        self.histories.idle(room, room.history)
        excess = self.histories.find_excess()
        if excess is not None:
            self._close(excess)

    def _make_place(self) -> None:
        idle = self.histories.find_excess(needs_room=True)
        if idle is None:
            raise KuzzleError("core.realtime.too_many_rooms")
        self._close(idle)

    def _close(self, room: Room) -> None:
        if room.history is not None:
            self.histories.close(room, room.history)
        del self._rooms[room.id]
        self._matcher.remove(room.index, room.collection, room.filters, room)
        self.on_closed(room)

    def _sweep(self) -> None:
        if self.histories:
            for room in self.histories.sweep():
                self._close(room)

    def find_matcher(self, index: str, collection: str) -> CollectionMatcher[Room] | None:
        """Return the filters on a collection, None when there are none."""
        self._sweep()
        return self._matcher.find(index, collection)

    def match(self, index: str, collection: str, document_id: str | None, source: Mapping[str, Any]) -> list[Room]:
        """Return the rooms whose filter a document matches, each once, in no particular order."""
        self._sweep()
        return self._matcher.match(index, collection, document_id, source)

    def find(self, room_id: str) -> Room | None:
        """Return a room by its id, None when there is none."""
        return self._rooms.get(room_id)

    def get(self, room_id: str) -> Room:
        """Return a room by its id.

        Raises:
            KuzzleError: 404 `core.realtime.room_not_found`.
        """
        self._sweep()
        room = self._rooms.get(room_id)
        if room is None:
            raise KuzzleError("core.realtime.room_not_found", room_id)
        return room

    def sizes(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return the number of connections of every room, by index, collection and room id."""
        listed: dict[str, dict[str, dict[str, int]]] = {}
        for room in self._rooms.values():
            if room.members:
                listed.setdefault(room.index, {}).setdefault(room.collection, {})[room.id] = len(room.members)
        return listed

    def collections(self, index: str) -> list[str]:
        """Return the names of the collections that have rooms with connections, sorted."""
        if self.histories.idle_rooms:
            return sorted(self.sizes().get(index, ()))
        return sorted(collection for owner, collection in self._matcher if owner == index)
