"""Subscriptions and messages."""

from __future__ import annotations

import time
from typing import Any

from kuzzle.api.results import LeftRoom
from kuzzle.controllers.base import Controller, action
from kuzzle.errors import KuzzleError
from kuzzle.events import Events
from kuzzle.realtime.history import Recovery
from kuzzle.realtime.subscriptions import Realtime, Subscription
from kuzzle.request import Request
from kuzzle.security.model import SecurityModel
from kuzzle.security.rights import refusal
from kuzzle.security.tokens import Tokens
from kuzzle.specifications.store import ContentReport, Specifications


class RealtimeController(Controller):
    """Subscriptions and messages."""

    name = "realtime"

    def __init__(
        self,
        realtime: Realtime,
        specifications: Specifications,
        tokens: Tokens,
        security: SecurityModel,
        events: Events,
    ) -> None:
        self._events = events
        self._realtime = realtime
        self._security = security
        self._tokens = tokens
        self._specifications = specifications

    @action("subscribe")
    async def subscribe(self, request: Request) -> Subscription | None:
        """Let the connection receive what matches a filter."""
        await self._check_listener(request, *request.target())
        made = self._realtime.subscribe(
            request,
            request.body,
            scope=request.argument("scope"),
            users=request.argument("users"),
            state=request.argument("state"),
            recover=_recovery(request),
        )
        payload = {"index": request.index, "collection": request.collection, "filters": request.body}
        return await self._tell(request, "core:hotelClerk:addSubscription", made, payload)

    @action("join")
    async def join(self, request: Request) -> Subscription | None:
        """Let the connection receive what others in a room do; it takes the right to subscribe there."""
        room = self._realtime.room(request.body["roomId"])
        await self._check_listener(request, room.index, room.collection)
        made = self._realtime.join(
            request,
            room.id,
            scope=request.argument("scope"),
            users=request.argument("users"),
            state=request.argument("state"),
            recover=_recovery(request),
        )
        payload = {"index": room.index, "collection": room.collection}
        return await self._tell(request, "core:hotelClerk:join", made, payload)

    async def _tell(
        self, request: Request, event: str, made: Subscription | None, payload: dict[str, Any]
    ) -> Subscription | None:
        """Fire the event of a subscription; a pipe's error ends it, unless the connection was in the room before."""
        if made is None or not request.fires_events or not self._events.has_listeners(event):
            return made
        connection_id = request.connection.id
        told = {"roomId": made.room_id, "connectionId": connection_id, **payload, "changed": made.is_new}
        try:
            await self._events.fire(event, told)
        except KuzzleError:
            if made.is_new:
                self._realtime.end_subscription(connection_id, made.room_id, request.user.id)
            raise
        return made

    async def _check_listener(self, request: Request, index: str, collection: str) -> None:
        token = request.token
        if token is not None and token.text:  # good at the gate, and maybe no longer after pipes that took their time
            await self._tokens.authenticate(token.text)
        if not await self._security.may_subscribe(request.user.id, index, collection):  # likewise
            raise refusal(request.user)

    @action("unsubscribe")
    async def unsubscribe(self, request: Request) -> LeftRoom:
        """Leave every channel of a room."""
        room_id: str = request.body["roomId"]
        self._realtime.unsubscribe(request, room_id)
        return LeftRoom(room_id)

    @action("count")
    async def count(self, request: Request) -> dict[str, int]:
        """Count the connections in a room."""
        return {"count": self._realtime.count(request.body["roomId"])}

    @action("list")
    async def list(self, request: Request) -> dict[str, dict[str, dict[str, int]]]:
        """Return the rooms of what the user may search with their numbers of connections, by index and collection."""
        rooms: dict[str, dict[str, dict[str, int]]] = {}
        for index, collections in self._realtime.list_rooms().items():
            for collection, counts in collections.items():
                if self._security.rights.allows(request.user, "document", "search", index, collection):
                    rooms.setdefault(index, {})[collection] = counts
        if not request.argument("sorted"):
            return rooms
        return {
            index: {name: dict(sorted(collections[name].items())) for name in sorted(collections)}
            for index, collections in sorted(rooms.items())
        }

    @action("publish")
    async def publish(self, request: Request) -> dict[str, bool]:
        """Send a message to whom it matches; its metadata tell the author."""
        message = self._specifications.prepare(request.target(), request.document_id, request.body)
        metadata = {"author": request.user.author, "createdAt": int(time.time() * 1000)}
        self._realtime.news.publish(request, request.document_id, {**message, "_kuzzle_info": metadata})
        return {"published": True}

    @action("validate")
    async def validate(self, request: Request) -> ContentReport:
        """Tell what the specification of a collection says of a content, as `document:validate` does."""
        return self._specifications.report(request.target(), request.document_id, request.body)


def _recovery(request: Request) -> Recovery | None:
    last = request.argument("recover")
    return None if last is None else Recovery(last["epoch"], last["offset"])
