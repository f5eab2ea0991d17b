"""The events that are no part of a request's way: parts of the server tell of them by callables, which are set here."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final

import orjson

from kuzzle.events import Events
from kuzzle.limits import RequestSlots
from kuzzle.realtime.news import News
from kuzzle.realtime.notifications import DocumentEvent, UserEvent
from kuzzle.realtime.rooms import Member, Room
from kuzzle.realtime.subscriptions import Realtime
from kuzzle.security.model import SecurityModel
from kuzzle.storage.base import Storage
from kuzzle.storage.internal import INTERNAL_INDEX

# Members of a request that its events are told without: a secret, and what each event of an m* action would repeat.
_NOT_TOLD: Final = ("jwt", "body")
STARTED: Final = "Kuzzle server is ready"


def tell_of_parts(
    events: Events, slots: RequestSlots, storage: Storage, realtime: Realtime, security: SecurityModel
) -> None:
    """Fire the events of overload, indexes, rooms, what they are told, roles and profiles from now on."""
    slots.on_overload = lambda percentage: events.notify("core:overload", percentage)
    _tell_of_indexes(events, storage)
    _tell_of_rooms(events, realtime)
    _tell_of_news(events, realtime.news)
    _tell_of_securities(events, security)


def _tell_of_indexes(events: Events, storage: Storage) -> None:
    def added(index: str, collection: str | None) -> None:
        names = {"index": index} if collection is None else {"index": index, "collection": collection}
        events.notify("core:indexCache:add", names)

    def removed(index: str) -> None:
        # The server's own index is removed only to be made anew.
        event = "core:indexCache:reset" if index == INTERNAL_INDEX else "core:indexCache:remove"
        events.notify(event, {"index": index})

    storage.on_added = added
    storage.on_removed = removed


def _tell_of_rooms(events: Events, realtime: Realtime) -> None:
    def left(connection_id: str, room: Room, member: Member) -> None:
        if events.has_listeners("core:hotelClerk:removeRoomForCustomer"):
            context = {"connectionId": connection_id, "protocol": member.protocol, "kuid": member.kuid}
            payload = {"requestContext": context, "room": room_of(room)}
            events.fire_later("core:hotelClerk:removeRoomForCustomer", payload)

    realtime.on_left = left
    realtime.watch_rooms(
        lambda room: events.notify("room:new", room_of(room)),
        lambda room: events.notify("room:remove", room.id),
    )


def _tell_of_news(events: Events, news: News) -> None:
    def told_of_document(rooms: Sequence[Room], event: DocumentEvent) -> None:
        if not events.has_listeners("core:notify:document"):
            return
        request = event.request
        asked = {name: value for name, value in request.payload.items() if name not in _NOT_TOLD}
        payload = {
            "rooms": [room.id for room in rooms],
            "scope": event.scope,
            "content": request.api.document_notification(event)["result"],
            "request": {**asked, "requestId": request.id, "timestamp": request.timestamp},
        }
        events.notify("core:notify:document", orjson.loads(orjson.dumps(payload)))

    def told_of_user(room: Room, event: UserEvent) -> None:
        if not events.has_listeners("core:notify:user"):
            return
        asked = {
            "controller": "realtime",
            "action": event.action,
            "index": event.index,
            "collection": event.collection,
            "volatile": copy.deepcopy(event.volatile),
            "timestamp": event.timestamp,
        }
        payload = {"room": room.id, "scope": event.movement, "content": {"count": event.count}, "request": asked}
        events.notify("core:notify:user", payload)

    news.on_document = told_of_document
    news.on_user = told_of_user


def _tell_of_securities(events: Events, security: SecurityModel) -> None:
    def role_saved(role_id: str, source: dict[str, Any]) -> None:
        events.notify("core:roleRepository:save", {"_id": role_id, "controllers": source.get("controllers")})

    def profile_saved(profile_id: str, source: dict[str, Any]) -> None:
        events.notify("core:profileRepository:save", {"_id": profile_id, "policies": source.get("policies")})

    security.roles.on_saved = role_saved
    security.profiles.on_saved = profile_saved
    security.roles.on_removed = lambda role_id: events.notify("core:roleRepository:delete", {"_id": role_id})
    security.profiles.on_removed = lambda profile_id: events.notify(
        "core:profileRepository:delete", {"_id": profile_id}
    )


def room_of(room: Room) -> dict[str, Any]:
    """Return what listeners are told of a room."""
    return {"index": room.index, "collection": room.collection, "roomId": room.id}
