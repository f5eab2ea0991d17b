"""Realtime with people around it, for tests of who hears what.

The outlet is a set of inboxes that check every notification against its schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import wire

from kuzzle.api.v1 import ApiV1
from kuzzle.catalogue import Catalogue
from kuzzle.connection import Connection
from kuzzle.notification import Notification
from kuzzle.realtime.history import Recovery
from kuzzle.realtime.subscriptions import Realtime, Subscription
from kuzzle.request import Request
from kuzzle.storage.base import WriteKind, WrittenDocument

LIMITS = {
    "subscriptionRooms": 0,
    "subscriptionMinterms": 0,
    "subscriptionDocumentTTL": 60,
    "subscriptionMatches": 1000,
}
NO_HISTORY = {"collections": {}, "maxBytes": 1 << 20, "maxReplayBytes": 1 << 20, "maxIdleRooms": 100}
META = {"author": "-1", "createdAt": 1, "updatedAt": None, "updater": None, "active": True, "deletedAt": None}
API = ApiV1(Catalogue.load(1))


class Inboxes:
    """An outlet that keeps, for each connection, what it received, and checks it.

    Attributes:
        deaf: Connections that are let go when something is for them, as protocols let go who does not read.
        remove: Ends the subscriptions of such a connection, at once.
    """

    def __init__(self) -> None:
        self.deaf: set[str] = set()
        self.remove: Callable[[str], None] = lambda connection_id: None
        self.followers: dict[str, list[str]] = {}
        self.held: dict[str, list[str]] = {}
        self.let_go: list[str] = []
        self.on_disconnect: Callable[[str], None] = self.let_go.append
        self.received: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self.broadcasts: list[tuple[tuple[str, ...], Notification]] = []

    def broadcast(self, channels: Iterable[str], notification: Notification) -> None:
        channels = tuple(channels)
        assert channels
        assert len(set(channels)) == len(channels)
        wire.check_notification(notification.content)
        self.broadcasts.append((channels, notification))
        for channel in channels:
            for connection_id in tuple(self.followers.get(channel, ())):
                self._push(connection_id, channel, notification)

    def notify(self, connection_id: str, channels: Iterable[str], notification: Notification) -> None:
        wire.check_notification(notification.content)
        for channel in channels:
            if connection_id in self.followers.get(channel, ()) or connection_id in self.held.get(channel, ()):
                self._push(connection_id, channel, notification)
            else:
                assert connection_id in self.let_go

    def _push(self, connection_id: str, channel: str, notification: Notification) -> None:
        if connection_id in self.deaf:
            self.deaf.remove(connection_id)
            self.let_go.append(connection_id)
            self.remove(connection_id)
        else:
            self.received.setdefault(connection_id, []).append((channel, notification.content))

    def join_channel(self, channel: str, connection_id: str) -> None:
        assert connection_id not in self.followers.get(channel, ())
        self.followers.setdefault(channel, []).append(connection_id)

    def hold_channel(self, channel: str, connection_id: str) -> None:
        assert connection_id not in self.held.get(channel, ())
        self.held.setdefault(channel, []).append(connection_id)
        if connection_id in self.followers.get(channel, ()):
            self.followers[channel].remove(connection_id)

    def replay(self, channel: str, connection_id: str, notifications: Sequence[Notification]) -> None:
        self.held[channel].remove(connection_id)
        for notification in notifications:
            wire.check_notification(notification.content)
            self.received.setdefault(connection_id, []).append((channel, notification.content))
        self.join_channel(channel, connection_id)

    def disconnect(self, connection_id: str, message: str) -> None:
        self.let_go.append(connection_id)
        self.on_disconnect(connection_id)

    def leave_channel(self, channel: str, connection_id: str) -> None:
        if connection_id in self.held.get(channel, ()):
            self.held[channel].remove(connection_id)
        else:
            self.followers[channel].remove(connection_id)


class Scene:
    """Realtime with people around it."""

    def __init__(self, history: Mapping[str, Any] | None = None, **limits: int) -> None:
        self.now = 1000.0
        self.realtime = Realtime({**LIMITS, **limits}, {**NO_HISTORY, **(history or {})}, clock=lambda: self.now)
        self.inboxes = self.realtime.news.outlet = Inboxes()
        self.inboxes.remove = self.realtime.remove_connection

    def request(self, who: Connection, controller: str, action: str, **members: Any) -> Request:
        payload = {"index": "library", "collection": "books", "controller": controller, "action": action, **members}
        request = Request(payload, who)
        request.api = API
        return request

    def subscribe(
        self,
        who: Connection,
        filters: Any = None,
        *,
        scope: str = "all",
        users: str = "none",
        state: str = "done",
        recover: Recovery | None = None,
        **members: Any,
    ) -> Subscription:
        made, answered = self.begin_subscribe(
            who, filters, scope=scope, users=users, state=state, recover=recover, **members
        )
        answered()
        return made

    def begin_subscribe(
        self, who: Connection, filters: Any = None, **members: Any
    ) -> tuple[Subscription, Callable[[], None]]:
        """Subscribe; what is to be called once the answer is on its way comes with the answer."""
        options = {"scope": "all", "users": "none", "state": "done", "recover": None}
        options |= {name: members.pop(name) for name in options if name in members}
        token = members.pop("token", None)
        request = self.request(who, "realtime", "subscribe", body=filters, **members)
        request.token = token
        made = self.realtime.subscribe(request, filters, **options)
        assert made is not None
        return made, request.after_answer or (lambda: None)

    def leave(self, who: Connection) -> None:
        """Lose a connection."""
        who.is_open = False
        self.realtime.remove_connection(who.id)

    def unsubscribe(self, who: Connection, room_id: str) -> None:
        self.realtime.unsubscribe(self.request(who, "realtime", "unsubscribe"), room_id)

    def write(self, action: str, *documents: WrittenDocument) -> Request:
        request = self.request(Connection("http"), "document", action, requestId=f"{action}-request")
        self.realtime.news.documents_written(request)(documents)
        return request

    def heard(self, who: Connection) -> list[dict[str, Any]]:
        """What a connection received since it was asked last."""
        return [content for _, content in self.inboxes.received.pop(who.id, [])]

    def told(self, who: Connection, *members: str) -> list[tuple[Any, ...]]:
        return [tuple(content[member] for member in members) for content in self.heard(who)]


def written(
    kind: WriteKind, document_id: str, source: dict[str, Any], *, created: bool = False, changes: Any = None
) -> WrittenDocument:
    source = {**source, "_kuzzle_info": META}
    return WrittenDocument("library", "books", document_id, 1, source, kind, created, changes)


def created(document_id: str, **source: Any) -> WrittenDocument:
    return written(WriteKind.CREATE, document_id, source, created=True)


def updated(document_id: str, changes: dict[str, Any], **source: Any) -> WrittenDocument:
    return written(WriteKind.UPDATE, document_id, {**source, **changes}, changes={**changes, "_kuzzle_info": {}})


def deleted(document_id: str, **source: Any) -> WrittenDocument:
    return written(WriteKind.DELETE, document_id, source, changes={"_kuzzle_info": {"active": False}})


def remembering(size: int = 100, time: int = 60_000, limits: dict[str, int] | None = None, **options: Any) -> Scene:
    """A scene whose books have history."""
    return Scene({"collections": {"library": {"books": {"size": size, "time": time}}}, **options}, **(limits or {}))


def last(made: Subscription) -> Recovery:
    """What a client knows right after it has subscribed."""
    assert made.epoch is not None
    assert made.offset is not None
    return Recovery(made.epoch, made.offset)


def say(scene: Scene, count: int, first: int = 1) -> None:
    for number in range(first, first + count):
        scene.write("create", created(str(number)))
