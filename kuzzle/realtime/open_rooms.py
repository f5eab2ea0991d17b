"""The rooms that are there: by id, and by what their filters match."""

from __future__ import annotations

from kuzzle.errors import KuzzleError
from kuzzle.realtime.filters import room_identifier
from kuzzle.realtime.matcher import Matcher
from kuzzle.realtime.normal_form import NormalForm
from kuzzle.realtime.rooms import Room


class OpenRooms:
    """Every room of a server.

    Attributes:
        matcher: Finds the rooms that a document matches.
    """

    def __init__(self, max_rooms: int) -> None:
        """Start without rooms; `max_rooms` 0 bounds nothing."""
        self.matcher: Matcher[Room] = Matcher()
        self._max_rooms = max_rooms
        self._rooms: dict[str, Room] = {}

    def __len__(self) -> int:
        """Return the number of rooms."""
        return len(self._rooms)

    def open(self, index: str, collection: str, form: NormalForm) -> Room:
        """Return the room of a filter; a new one when there is none.

        Raises:
            KuzzleError: 413 `core.realtime.too_many_rooms`.
        """
        identifier = room_identifier(index, collection, form)
        room = self._rooms.get(identifier)
        if room is None:
            if self._max_rooms and len(self._rooms) >= self._max_rooms:
                raise KuzzleError("core.realtime.too_many_rooms")
            room = self._rooms[identifier] = Room(identifier, index, collection, form)
            self.matcher.add(index, collection, form, room)
        return room

    def close(self, room: Room) -> None:
        """Forget a room."""
        del self._rooms[room.id]
        self.matcher.remove(room.index, room.collection, room.filters, room)

    def find(self, room_id: str) -> Room | None:
        """Return a room by its id, None when there is none."""
        return self._rooms.get(room_id)

    def get(self, room_id: str) -> Room:
        """Return a room by its id.

        Raises:
            KuzzleError: 404 `core.realtime.room_not_found`.
        """
        room = self._rooms.get(room_id)
        if room is None:
            raise KuzzleError("core.realtime.room_not_found", room_id)
        return room

    def sizes(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return the number of connections of every room, by index, collection and room id."""
        listed: dict[str, dict[str, dict[str, int]]] = {}
        for room in self._rooms.values():
            listed.setdefault(room.index, {}).setdefault(room.collection, {})[room.id] = len(room.members)
        return listed

    def collections(self, index: str) -> list[str]:
        """Return the names of the collections that have rooms, sorted."""
        return sorted(collection for owner, collection in self.matcher if owner == index)
