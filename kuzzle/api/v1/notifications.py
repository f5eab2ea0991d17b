"""Notifications of API 1; `schemas/notification.json` is their form.

The members stand in the order that clients of Kuzzle see. `epoch` and `offset` are added
to those of rooms with history, `room` by the protocols that show it.
"""

from __future__ import annotations

from typing import Any

from kuzzle.realtime.notifications import DocumentEvent, UserEvent
from kuzzle.realtime.subscriptions import Subscription
from kuzzle.request import Request


def subscription(_request: Request, made: Subscription) -> dict[str, Any]:
    """Word what a subscriber gets to know; more than the ids only where there is history, or it asked for it."""
    shown: dict[str, Any] = {"roomId": made.room_id, "channel": made.channel}
    if made.epoch is not None:
        shown |= {"epoch": made.epoch, "offset": made.offset}
    if made.recovered is not None:
        shown["recovered"] = made.recovered
    return shown


def document_notification(event: DocumentEvent) -> dict[str, Any]:
    """Word what happened to a document, or a published message."""
    request = event.request
    return {
        "status": 200,
        "requestId": request.id,
        "timestamp": request.timestamp,
        "volatile": request.volatile,
        "index": request.index,
        "collection": request.collection,
        "controller": request.controller,
        "action": event.action,
        "protocol": request.connection.protocol or None,
        "scope": event.scope,
        "state": event.state,
        "result": _told(event),
        "type": "document",
    }


def _told(event: DocumentEvent) -> dict[str, Any]:
    """Return the document, as far as the event tells it."""
    if event.updated_fields is not None:
        return {
            "_meta": event.metadata,
            "_id": event.document_id,
            "_source": event.source,
            "_updatedFields": event.updated_fields,
        }
    told: dict[str, Any] = {}
    if event.metadata is not None:
        told["_meta"] = event.metadata
    if event.source is not None:
        told["_source"] = event.source
    told["_id"] = event.document_id
    return told


def user_notification(event: UserEvent) -> dict[str, Any]:
    """Word that somebody entered or left a room."""
    return {
        "status": 200,
        "timestamp": event.timestamp,
        "volatile": event.volatile,
        "index": event.index,
        "collection": event.collection,
        "controller": "realtime",
        "action": event.action,
        "protocol": event.protocol,
        "user": event.movement,
        "result": {"count": event.count},
        "type": "user",
    }


def token_expired_notification() -> dict[str, Any]:
    """Word that a client's token is good no longer."""
    return {
        "status": 200,
        "info": "This is an automated server notification",
        "message": "Authentication Token Expired",
        "type": "TokenExpired",
    }
