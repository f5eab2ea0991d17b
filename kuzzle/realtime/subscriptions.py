"""Subscriptions: who is in which room, by which token, and follows which channels of it.

The rules, all from the protocol's notes on notifications:

- A room dies with its last connection (with history: some time after it), and nobody is told.
- A connection is in a room by the token of its last subscription to it, and leaves with that token. Where the
  time of the token is over, each channel is told first.

No I/O and no clock of its own.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from kuzzle.errors import KuzzleError
from kuzzle.notification import Notification
from kuzzle.realtime.filters import MAX_TERMS, read_filter
from kuzzle.realtime.history import Histories, Missed, Recovery
from kuzzle.realtime.holders import Holders
from kuzzle.realtime.news import News
from kuzzle.realtime.open_rooms import OpenRooms
from kuzzle.realtime.remembered import RememberedRooms
from kuzzle.realtime.rooms import Audience, ChannelOptions, Member, Room, user_audience
from kuzzle.request import Request

if TYPE_CHECKING:
    from kuzzle.api.generation import ApiGeneration
    from kuzzle.security.verified_tokens import Token


def _random_epoch() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a subscriber gets to know.

    Attributes:
        room_id: Names the room to `unsubscribe` and `count`; 32 hexadecimal digits.
        channel: Where its notifications come: the room's id, a dash, 32 digits of the options.
        epoch, offset: The life of the room, and the number of the last notification before those that come now;
            None where the collection has no history.
        recovered: Whether all comes that was said since the client heard the channel last; None if it did not ask.
        is_new: Whether the connection was not in the room before.
    """

    room_id: str
    channel: str
    epoch: str | None = None
    offset: int | None = None
    recovered: bool | None = None
    is_new: bool = field(default=False, compare=False)  # what happened when it was made, not what it is


class Realtime:
    """The rooms of a server.

    Attributes:
        news: What its members hear; its `outlet` is set before the server takes requests.
        subscriptions: Number of connections in rooms; one in two rooms counts twice.
        holders: Which token each subscription hangs on.
        on_left: Called with a connection, the room that it has left and what it was there.
    """

    def __init__(
        self,
        limits: Mapping[str, Any],
        history: Mapping[str, Any],
        *,
        clock: Callable[[], float] = time.time,
        make_epoch: Callable[[], str] = _random_epoch,
    ) -> None:
        """Start without rooms.

        Args:
            limits: `subscriptionRooms` (0: none), `subscriptionMinterms` (0: 256),
                `subscriptionDocumentTTL` (seconds, 0: for ever), `subscriptionMatches`.
            history: The options of `realtime.history`.
            clock: Gives seconds since the epoch.
            make_epoch: Gives names to the lives of rooms, each another one.
        """
        self.subscriptions = 0
        self.on_left: Callable[[str, Room, Member], None] = lambda _connection, _room, _member: None
        self.holders = Holders()
        self._clock = clock
        self._max_terms: int = limits["subscriptionMinterms"] or MAX_TERMS
        self._rooms = OpenRooms(limits["subscriptionRooms"], Histories(history, clock, make_epoch))
        self._rooms_of: dict[str, dict[str, Room]] = {}
        remembered = RememberedRooms(limits["subscriptionDocumentTTL"], limits["subscriptionMatches"], clock)
        self.news = News(self._rooms, remembered)

    def watch_rooms(self, on_opened: Callable[[Room], None], on_closed: Callable[[Room], None]) -> None:
        """Tell somebody of each room that is new, and of each that is gone."""
        self._rooms.on_opened, self._rooms.on_closed = on_opened, on_closed

    # --- who listens

    def subscribe(
        self,
        request: Request,
        filters: Any,
        *,
        scope: str,
        users: str,
        state: str,
        recover: Recovery | None = None,
    ) -> Subscription | None:
        """Let a connection follow a channel; one that already does changes nothing.

        With `recover` it gets, once its answer is on the way, what the channel has said since, if that is whole.

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
        room = self._rooms.open(index, collection, form)
        return self._follow(request, room, ChannelOptions(scope, users, state, request.api), "subscribe", recover)

    def join(
        self,
        request: Request,
        room_id: str,
        *,
        scope: str,
        users: str,
        state: str,
        recover: Recovery | None = None,
    ) -> Subscription | None:
        """Let a connection follow a channel of a room that others have opened.

        Returns:
            As `subscribe`.

        Raises:
            KuzzleError: 404 `core.realtime.room_not_found`.
        """
        room = self.room(room_id)
        if not request.connection.is_open:
            return None
        return self._follow(request, room, ChannelOptions(scope, users, state, request.api), "join", recover)

    def room(self, room_id: str) -> Room:
        """Return a room that somebody is in, or may still come back to.

        Raises:
            KuzzleError: 404 `core.realtime.room_not_found`.
        """
        return self._rooms.get(room_id)

    def _follow(
        self,
        request: Request,
        room: Room,
        options: ChannelOptions,
        action: Literal["subscribe", "join"],
        recover: Recovery | None,
    ) -> Subscription:
        connection = request.connection
        channel = f"{room.id}-{options.suffix()}"
        if room.history is not None:
            room.history.follow(options)
        member = room.members.get(connection.id)
        # Those who listen before the newcomer: the first on a channel does not hear of itself.
        listeners: Audience = {}
        is_new = member is None
        if member is None:
            listeners = user_audience(room, "in")
            member = self._enter(request, room)
        else:
            self._renew(member, connection.id, request.token)
        missed = None if recover is None else self._find_missed(room, channel, connection.id, options, recover)
        is_following = channel in member.channels
        if not is_following:
            room.follow(member, channel, options)
        if missed is not None:
            replay = self.news.replays.hold(channel, connection.id, missed.notifications, self.news.outlet)
            request.after_answer = lambda: self.news.replays.release(replay, self.news.outlet)
        elif not is_following:
            self.news.outlet.join_channel(channel, connection.id)
        if is_new:
            self.news.tell_of_user(listeners, room, member, "in", action, request.timestamp)
        recovered = None if recover is None else missed is not None
        if room.history is None:
            return Subscription(room.id, channel, recovered=recovered, is_new=is_new)
        offset = room.history.offset if missed is None else missed.offset
        return Subscription(room.id, channel, room.history.epoch, offset, recovered, is_new)

    def _enter(self, request: Request, room: Room) -> Member:
        """Bring a connection into a room."""
        connection = request.connection
        if not room.members:
            self._rooms.entered(room)
        member = room.members[connection.id] = Member(request.volatile, connection.protocol, token=request.token)
        self.holders.hold(request.token, connection.id)
        self._rooms_of.setdefault(connection.id, {})[room.id] = room
        self.subscriptions += 1
        return member

    def _find_missed(
        self, room: Room, channel: str, connection_id: str, options: ChannelOptions, recover: Recovery
    ) -> Missed | None:
        """Return what a channel has said since; None also while the connection waits for an earlier replay of it."""
        if room.history is None or self.news.replays.has(channel, connection_id):
            return None
        return self._rooms.histories.find_missed(room.history, recover, options)

    def unsubscribe(self, request: Request, room_id: str) -> None:
        """Let a connection leave every channel of a room.

        Raises:
            KuzzleError: 412 `core.realtime.not_subscribed`.
        """
        connection_id = request.connection.id
        room = self._take(connection_id, room_id)
        if room is None:
            raise KuzzleError("core.realtime.not_subscribed", connection_id, room_id)
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
        room = self._rooms_of.get(connection_id, {}).get(room_id)
        if room is None or room.members[connection_id].kuid != kuid:
            return
        self._take(connection_id, room_id)
        self._leave(room, connection_id, int(self._clock() * 1000))

    # --- tokens

    def end_token(self, token_id: str, *, is_expired: bool) -> None:
        """End the subscriptions that hang on a token; say so to the clients where its time was over.

        Whom this tells something may be let go at once because it does not read: it may hang on the same token.
        """
        now = int(self._clock() * 1000)
        for connection_id in self.holders.connections(token_id):
            rooms = self._rooms_of.get(connection_id, {})
            ended = [room for room in rooms.values() if _hangs_on(room.members[connection_id], token_id)]
            if is_expired:
                self._tell_of_expiry(connection_id, ended)
            for room in ended:
                if self._take(connection_id, room.id) is not None:
                    room.members[connection_id].protocol = None
                    self._leave(room, connection_id, now)

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
            self.news.outlet.notify(connection_id, names, Notification(api.token_expired_notification()))

    # --- what is there

    def count(self, room_id: str) -> int:
        """Return the number of connections in a room.

        Raises:
            KuzzleError: 404 `core.realtime.room_not_found`.
        """
        members = self.room(room_id).members
        if not members:
            raise KuzzleError("core.realtime.room_not_found", room_id)
        return len(members)

    @property
    def room_count(self) -> int:
        """Number of rooms."""
        return len(self._rooms)

    def list_rooms(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return the number of connections of every room, by index, collection and room id."""
        return self._rooms.sizes()

    def realtime_collections(self, index: str) -> list[str]:
        """Return the names of the collections that somebody subscribed to, sorted."""
        return self._rooms.collections(index)

    # --- inside

    def _take(self, connection_id: str, room_id: str) -> Room | None:
        """Strike a room off those that a connection is in; None when it is not in it."""
        rooms = self._rooms_of.get(connection_id, {})
        room = rooms.pop(room_id, None)
        if room is not None and not rooms:
            del self._rooms_of[connection_id]
        return room

    def _leave(self, room: Room, connection_id: str, timestamp: int) -> None:
        member = room.leave(connection_id)
        self.holders.drop(member.token, connection_id)
        self.subscriptions -= 1
        for name in member.channels:
            self.news.replays.cancel(name, connection_id)
            self.news.outlet.leave_channel(name, connection_id)
        self.on_left(connection_id, room, member)
        if room.members:
            self.news.tell_of_user(user_audience(room, "out"), room, member, "out", "unsubscribe", timestamp)
        else:
            self._rooms.left(room)


def _hangs_on(member: Member, token_id: str) -> bool:
    return member.token is not None and member.token.id == token_id
