"""Subscriptions, and the notifications that writes, messages and users cause.

The rules, all from the protocol's notes on notifications:

- A write tells the rooms that its document matches now (`in`), then the rooms it matched before and no
  longer does (`out`); a deletion tells `out` to the rooms the deleted document matched.
- What happens to a document is worded once per API generation, serialised once, and handed to the
  outlet once with all its channels.
- Everything is synchronous: notifications of writes are handed over inside the callable that storage
  calls in commit order, so they leave in that order and before the writer's own answer.
- A room dies with its last connection, and nobody is told.
- A connection is in a room by the token of its last subscription to it, and leaves with that token. Where the
  time of the token is over, each channel is told first.

No I/O and no clock of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from kuzzle.errors import KuzzleError
from kuzzle.notification import Notification
from kuzzle.realtime.filters import MAX_TERMS, read_filter, room_identifier
from kuzzle.realtime.holders import Holders
from kuzzle.realtime.matcher import Matcher
from kuzzle.realtime.normal_form import NormalForm
from kuzzle.realtime.notifications import DocumentEvent, Outlet, UserEvent
from kuzzle.realtime.remembered import RememberedRooms
from kuzzle.realtime.rooms import (
    Audience,
    ChannelOptions,
    Member,
    Movement,
    Room,
    document_audience,
    user_audience,
)
from kuzzle.request import Request
from kuzzle.storage.base import AfterCommit, WriteKind, WrittenDocument

if TYPE_CHECKING:
    from kuzzle.api.generation import ApiGeneration
    from kuzzle.security.verified_tokens import Token

# Actions that write one document and tell its metadata; all others write several.
_SINGLE_ACTIONS: Final = frozenset({*(kind.value for kind in WriteKind), "write"})


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a subscriber gets to know.

    Attributes:
        room_id: Names the room to `unsubscribe` and `count`; 32 hexadecimal digits.
        channel: Where its notifications come: the room's id, a dash, 32 digits of the options.
    """

    room_id: str
    channel: str


class Realtime:
    """The rooms of a server.

    Attributes:
        outlet: The way to the clients; set before the server takes requests.
        subscriptions: Number of connections in rooms; one in two rooms counts twice.
        holders: Which token each subscription hangs on.
    """

    outlet: Outlet

    def __init__(self, limits: Mapping[str, Any], *, clock: Callable[[], float] = time.time) -> None:
        """Start without rooms.

        Args:
            limits: `subscriptionRooms` (0: none), `subscriptionMinterms` (0: 256),
                `subscriptionDocumentTTL` (seconds, 0: for ever), `subscriptionMatches`.
            clock: Gives seconds since the epoch.
        """
        self.subscriptions = 0
        self.holders = Holders()
        self._clock = clock
        self._max_rooms: int = limits["subscriptionRooms"]
        self._max_terms: int = limits["subscriptionMinterms"] or MAX_TERMS
        self._rooms: dict[str, Room] = {}
        self._rooms_of: dict[str, dict[str, Room]] = {}
        self._matcher: Matcher[Room] = Matcher()
        self._remembered = RememberedRooms(limits["subscriptionDocumentTTL"], limits["subscriptionMatches"], clock)

    # --- who listens

    def subscribe(self, request: Request, filters: Any, *, scope: str, users: str, state: str) -> Subscription | None:
        """Let a connection follow a channel; one that already does changes nothing.

        Returns:
            The room and the channel; None when the connection is gone meanwhile.

        Raises:
            KuzzleError: 400 without id: the filter is wrong; 413 `core.realtime.too_many_terms`,
                `core.realtime.too_many_rooms`.
        """
        index, collection = request.target()
        form = read_filter(filters, self._max_terms, with_later_keywords=request.api.has_later_filter_keywords)
        if not request.connection.is_open:
            return None
        room = self._room(index, collection, form)
        return self._follow(request, room, ChannelOptions(scope, users, state, request.api), "subscribe")

    def join(self, request: Request, room_id: str, *, scope: str, users: str, state: str) -> Subscription | None:
        """Let a connection follow a channel of a room that others have opened.

        Returns:
            As `subscribe`.

        Raises:
            KuzzleError: 404 `core.realtime.room_not_found`.
        """
        room = self.room(room_id)
        if not request.connection.is_open:
            return None
        return self._follow(request, room, ChannelOptions(scope, users, state, request.api), "join")

    def room(self, room_id: str) -> Room:
        """Return a room that somebody is in.

        Raises:
            KuzzleError: 404 `core.realtime.room_not_found`.
        """
        room = self._rooms.get(room_id)
        if room is None:
            raise KuzzleError("core.realtime.room_not_found", room_id)
        return room

    def _follow(
        self, request: Request, room: Room, options: ChannelOptions, action: Literal["subscribe", "join"]
    ) -> Subscription:
        connection = request.connection
        subscription = Subscription(room.id, f"{room.id}-{options.suffix()}")
        member = room.members.get(connection.id)
        if member is not None:
            self._renew(member, connection.id, request.token)
            if subscription.channel in member.channels:
                return subscription
        # Those who listen before the newcomer: the first on a channel does not hear of itself.
        listeners: Audience = {}
        is_new = member is None
        if member is None:
            listeners = user_audience(room, "in")
            member = room.members[connection.id] = Member(request.volatile, connection.protocol, token=request.token)
            self.holders.hold(request.token, connection.id)
            self._rooms_of.setdefault(connection.id, {})[room.id] = room
            self.subscriptions += 1
        room.follow(member, subscription.channel, options)
        self.outlet.join_channel(subscription.channel, connection.id)
        if is_new:
            self._tell_of_user(listeners, room, member, "in", action, request.timestamp)
        return subscription

    def unsubscribe(self, request: Request, room_id: str) -> None:
        """Let a connection leave every channel of a room.

        Raises:
            KuzzleError: 412 `core.realtime.not_subscribed`.
        """
        connection_id = request.connection.id
        rooms = self._rooms_of.get(connection_id, {})
        room = rooms.pop(room_id, None)
        if room is None:
            raise KuzzleError("core.realtime.not_subscribed", connection_id, room_id)
        if not rooms:
            del self._rooms_of[connection_id]
        self._leave(room, connection_id, request.timestamp)

    def remove_connection(self, connection_id: str) -> None:
        """End all subscriptions of a connection that is gone."""
        now = int(self._clock() * 1000)
        for room in self._rooms_of.pop(connection_id, {}).values():
            self._leave(room, connection_id, now)

    # --- rights

    def connections_of(self, kuids: Iterable[str] | None) -> list[str]:
        """Return the connections that these users have logged in on and subscribed; None: all that subscribed."""
        if kuids is None:
            return list(self._rooms_of)
        tokens = (token for kuid in kuids for token in self.holders.tokens_of(kuid))
        return list(dict.fromkeys(connection for token in tokens for connection in self.holders.connections(token)))

    def subscriptions_of(self, connection_id: str) -> list[tuple[str, str, str, str]]:
        """Return what a connection has subscribed to: room, id of the user by whom, index, collection."""
        rooms = self._rooms_of.get(connection_id, {}).values()
        return [(room.id, room.members[connection_id].kuid, room.index, room.collection) for room in rooms]

    def end_subscription(self, connection_id: str, room_id: str, kuid: str) -> None:
        """Let a connection leave a room, if it still is there by that user."""
        rooms = self._rooms_of.get(connection_id, {})
        room = rooms.get(room_id)
        if room is None or room.members[connection_id].kuid != kuid:
            return
        del rooms[room_id]
        if not rooms:
            del self._rooms_of[connection_id]
        self._leave(room, connection_id, int(self._clock() * 1000))

    # --- tokens

    def end_token(self, token_id: str, *, is_expired: bool) -> None:
        """End the subscriptions that hang on a token; say so to the clients where its time was over."""
        now = int(self._clock() * 1000)
        for connection_id in self.holders.connections(token_id):
            rooms = self._rooms_of[connection_id]
            ended = [room for room in rooms.values() if _hangs_on(room.members[connection_id], token_id)]
            if is_expired:
                self._tell_of_expiry(connection_id, ended)
            for room in ended:
                del rooms[room.id]
                room.members[connection_id].protocol = None
                self._leave(room, connection_id, now)
            if not rooms:
                del self._rooms_of[connection_id]

    def replace_token(self, old_id: str, new: Token) -> None:
        """Let all subscriptions that hang on a token hang on another one."""
        for connection_id in self.holders.connections(old_id):
            for room in self._rooms_of[connection_id].values():
                member = room.members[connection_id]
                if _hangs_on(member, old_id):
                    self._renew(member, connection_id, new)

    def renew_login(self, connection_id: str, new: Token) -> None:
        """Let what a connection has subscribed to by other tokens of the same user hang on a new one."""
        for room in self._rooms_of.get(connection_id, {}).values():
            member = room.members[connection_id]
            if member.token is not None and member.token.text and member.token.kuid == new.kuid:
                self._renew(member, connection_id, new)

    def _renew(self, member: Member, connection_id: str, token: Token | None) -> None:
        old, member.token = member.token, token
        self.holders.hold(token, connection_id)
        self.holders.drop(old, connection_id)

    def _tell_of_expiry(self, connection_id: str, rooms: Iterable[Room]) -> None:
        channels: dict[ApiGeneration, list[str]] = {}
        for room in rooms:
            for channel in room.members[connection_id].channels.values():
                channels.setdefault(channel.options.api, []).append(channel.name)
        for api, names in channels.items():
            self.outlet.notify(connection_id, names, Notification(api.token_expired_notification()))

    # --- what is there

    def count(self, room_id: str) -> int:
        """Return the number of connections in a room.

        Raises:
            KuzzleError: 404 `core.realtime.room_not_found`.
        """
        return len(self.room(room_id).members)

    @property
    def room_count(self) -> int:
        """Number of rooms."""
        return len(self._rooms)

    def list_rooms(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return the number of connections of every room, by index, collection and room id."""
        listed: dict[str, dict[str, dict[str, int]]] = {}
        for room in self._rooms.values():
            listed.setdefault(room.index, {}).setdefault(room.collection, {})[room.id] = len(room.members)
        return listed

    def realtime_collections(self, index: str) -> list[str]:
        """Return the names of the collections that somebody subscribed to, sorted."""
        return sorted(collection for owner, collection in self._matcher if owner == index)

    # --- what there is to hear

    def publish(self, request: Request, document_id: str | None, source: dict[str, Any]) -> None:
        """Send a message, as it stands, to the rooms it matches."""
        rooms = self._matcher.match(*request.target(), document_id, source)
        self._tell_of_document(rooms, DocumentEvent(request, "publish", "in", "done", document_id, source))

    def pending(self, request: Request, action: str, document_id: str | None, source: dict[str, Any]) -> None:
        """Announce a write that is about to be tried, to the rooms its content matches."""
        rooms = self._matcher.match(*request.target(), document_id, source)
        self._tell_of_document(rooms, DocumentEvent(request, action, "unknown", "pending", document_id, source))

    def documents_written(self, request: Request) -> AfterCommit:
        """Return the callable that tells subscribers of the writes of a request.

        It looks for rooms when it is called, with the documents in the order of their commits.
        """

        def tell(documents: Sequence[WrittenDocument]) -> None:
            self._tell_of_writes(request, documents)

        return tell

    # --- inside

    def _room(self, index: str, collection: str, form: NormalForm) -> Room:
        identifier = room_identifier(index, collection, form)
        room = self._rooms.get(identifier)
        if room is None:
            if self._max_rooms and len(self._rooms) >= self._max_rooms:
                raise KuzzleError("core.realtime.too_many_rooms")
            room = self._rooms[identifier] = Room(identifier, index, collection, form)
            self._matcher.add(index, collection, form, room)
        return room

    def _leave(self, room: Room, connection_id: str, timestamp: int) -> None:
        member = room.leave(connection_id)
        self.holders.drop(member.token, connection_id)
        self.subscriptions -= 1
        for name in member.channels:
            self.outlet.leave_channel(name, connection_id)
        if room.members:
            self._tell_of_user(user_audience(room, "out"), room, member, "out", "unsubscribe", timestamp)
        else:
            del self._rooms[room.id]
            self._matcher.remove(room.index, room.collection, room.filters, room)

    def _tell_of_writes(self, request: Request, documents: Sequence[WrittenDocument]) -> None:
        index, collection = request.target()
        matcher = self._matcher.find(index, collection)
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
            left = [self._rooms[one] for one in before if one not in matched and one in self._rooms]
            if left and not document.created:
                out = DocumentEvent(request, event.action, "out", "done", document.id, None)
                self._tell_of_document(left, out)

    def _tell_of_document(self, rooms: Iterable[Room], event: DocumentEvent) -> None:
        for api, channels in document_audience(rooms, event.scope, event.state).items():
            self.outlet.broadcast(channels, Notification(api.document_notification(event)))

    def _tell_of_user(
        self,
        audience: Audience,
        room: Room,
        member: Member,
        movement: Movement,
        action: Literal["subscribe", "join", "unsubscribe"],
        timestamp: int,
    ) -> None:
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
        for api, channels in audience.items():
            self.outlet.broadcast(channels, Notification(api.user_notification(event)))


def _hangs_on(member: Member, token_id: str) -> bool:
    return member.token is not None and member.token.id == token_id


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
