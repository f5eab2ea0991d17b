"""What there is to hear: the notifications that writes, messages and users cause.

The rules, all from the protocol's notes on notifications:

- A write tells the rooms that its document matches now (`in`), then the rooms it matched before and no
  longer does (`out`); a deletion tells `out` to the rooms the deleted document matched.
- What happens to a document is worded once per API generation, serialised once, and handed to the
  outlet once with all its channels.
- Everything is synchronous: notifications of writes are handed over inside the callable that storage
  calls in commit order, so they leave in that order and before the writer's own answer.

No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from kuzzle.notification import Notification
from kuzzle.realtime.notifications import DocumentEvent, Outlet, UserEvent
from kuzzle.realtime.open_rooms import OpenRooms
from kuzzle.realtime.remembered import RememberedRooms
from kuzzle.realtime.replays import Replays
from kuzzle.realtime.rooms import Audience, Member, Movement, Room, document_audience
from kuzzle.request import Request
from kuzzle.storage.base import AfterCommit, WriteKind, WrittenDocument

if TYPE_CHECKING:
    from kuzzle.api.generation import ApiGeneration

# Actions that write one document and tell its metadata; all others write several.
_SINGLE_ACTIONS: Final = frozenset({*(kind.value for kind in WriteKind), "write"})


class News:
    """Tells the rooms of a server what concerns them.

    Attributes:
        outlet: The way to the clients; set before the server takes requests.
        replays: What goes to clients that have come back.
        on_document: Called with what rooms are about to be told of a document or a message, and these rooms.
        on_user: Called likewise with somebody who has come or gone, and the room.
    """

    outlet: Outlet

    def __init__(self, rooms: OpenRooms, remembered: RememberedRooms) -> None:
        self.replays = Replays(rooms.histories.max_replay_bytes)
        self.on_document: Callable[[Sequence[Room], DocumentEvent], None] = lambda _rooms, _event: None
        self.on_user: Callable[[Room, UserEvent], None] = lambda _room, _event: None
        self._rooms = rooms
        self._remembered = remembered

    def publish(self, request: Request, document_id: str | None, source: dict[str, Any]) -> None:
        """Send a message, as it stands, to the rooms it matches."""
        rooms = self._rooms.match(*request.target(), document_id, source)
        self._tell_of_document(rooms, DocumentEvent(request, "publish", "in", "done", document_id, source))

    def pending(self, request: Request, action: str, document_id: str | None, source: dict[str, Any]) -> None:
        """Announce a write that is about to be tried, to the rooms its content matches."""
        rooms = self._rooms.match(*request.target(), document_id, source)
        self._tell_of_document(rooms, DocumentEvent(request, action, "unknown", "pending", document_id, source))

    def documents_written(self, request: Request) -> AfterCommit:
        """Return the callable that tells subscribers of the writes of a request.

        It looks for rooms when it is called, with the documents in the order of their commits.
        """

        def tell(documents: Sequence[WrittenDocument]) -> None:
            self._tell_of_writes(request, documents)

        return tell

    def _tell_of_writes(self, request: Request, documents: Sequence[WrittenDocument]) -> None:
        index, collection = request.target()
        matcher = self._rooms.find_matcher(index, collection)
        if matcher is None:
            if self._remembered:
                for document in documents:
                    self._remembered.forget(index, collection, document.id)
            return
        for document in documents:
            rooms = matcher.match(document.id, document.source)
            if document.kind is WriteKind.DELETE:
                self._remembered.forget(index, collection, document.id)
                self._tell_of_document(rooms, _deletion(request, document))
                continue
            matched = {room.id: room for room in rooms}
            before = self._remembered.replace(index, collection, document.id, tuple(matched))
            event = _write(request, document)
            self._tell_of_document(rooms, event)
            left = [room for one in before if one not in matched and (room := self._rooms.find(one)) is not None]
            if left and not document.created:
                out = DocumentEvent(request, event.action, "out", "done", document.id, None)
                self._tell_of_document(left, out)

    def _tell_of_document(self, rooms: Sequence[Room], event: DocumentEvent) -> None:
        if rooms:
            self.on_document(rooms, event)
        if rooms and rooms[0].history is not None:  # all are of one collection
            self._tell_and_keep(rooms, event)
            return
        for api, channels in document_audience(rooms, event.scope, event.state).items():
            self._broadcast(channels, Notification(api.document_notification(event)))

    def _tell_and_keep(self, rooms: Iterable[Room], event: DocumentEvent) -> None:
        """Tell rooms that number and keep what they say; it is worded and serialised once all the same."""
        worded: dict[ApiGeneration, Notification] = {}
        texts: dict[ApiGeneration, bytes] = {}
        for room in rooms:
            history = room.history
            if history is None or (event.state == "pending" and history.pending_since is None):
                continue
            for api in history.since:
                if api not in worded:
                    worded[api] = Notification(api.document_notification(event))
                    texts[api] = worded[api].encode()
            self._rooms.histories.keep(history, event.scope, event.state, texts)
            epoch, offset = history.epoch, history.offset
            for api, channels in document_audience((room,), event.scope, event.state).items():
                self._broadcast(channels, worded[api].numbered(epoch, offset))

    def _broadcast(self, channels: Sequence[str], notification: Notification) -> None:
        if self.replays:
            self.replays.catch(channels, notification, self.outlet)
        self.outlet.broadcast(channels, notification)

    def tell_of_user(
        self,
        audience: Audience,
        room: Room,
        member: Member,
        movement: Movement,
        action: Literal["subscribe", "join", "unsubscribe"],
        timestamp: int,
    ) -> None:
        """Tell channels of a room that a member of it has come or gone."""
        if not audience:
            return
        event = UserEvent(
            action=action,
            movement=movement,
            index=room.index,
            collection=room.collection,
            volatile=member.volatile,
            protocol=member.protocol,
            count=len(room.members),
            timestamp=timestamp,
        )
        self.on_user(room, event)
        for api, channels in audience.items():
            self._broadcast(channels, Notification(api.user_notification(event)))


def _write(request: Request, document: WrittenDocument) -> DocumentEvent:
    """Return what to tell of a document that is there after the write."""
    is_single = request.action in _SINGLE_ACTIONS
    if document.created:
        action = "create"
    elif document.kind is WriteKind.CREATE_OR_REPLACE and is_single:
        action = "replace"
    else:
        action = request.action or document.kind.value
    event = DocumentEvent(request, action, "in", "done", document.id, document.source)
    if is_single:
        event.metadata = _metadata_of(document)
        if document.kind is WriteKind.UPDATE:
            event.updated_fields = [name for name in document.changes or () if name != "_kuzzle_info"]
    return event


def _deletion(request: Request, document: WrittenDocument) -> DocumentEvent:
    return DocumentEvent(request, "delete", "out", "done", document.id, None, _metadata_of(document))


def _metadata_of(document: WrittenDocument) -> dict[str, Any]:
    """Return the metadata of a document; a bulk write may have stored something else in their place."""
    metadata = document.source.get("_kuzzle_info")
    return metadata if isinstance(metadata, dict) else {}
