"""One API call, as every part behind the entry point sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kuzzle.connection import Connection, new_id

if TYPE_CHECKING:
    from kuzzle.api.generation import ApiGeneration
    from kuzzle.security.users import User
    from kuzzle.security.verified_tokens import Token

Payload = dict[str, Any]


class Request:
    """A checked envelope, the connection it came by, and what the gates learn about it.

    Attributes:
        payload: The envelope: known members and action arguments side by side, without nulls.
        id: The client's `requestId`, or a fresh UUID.
        timestamp: Milliseconds since the epoch.
        api: The API generation that words the answer; set by the funnel.
        user: Who asks; set by the funnel.
        token: By which they ask; None for anonymous. Set by the funnel.
        defaults: Default values of the action's arguments; set by the funnel.
        headers: HTTP headers that the action adds to the answer.
        status: HTTP status of a success.
        after_answer: What the action leaves to be done once the answer is on its way.
        raw: True when the action's result is sent alone, without the envelope.
        fires_events: False when none of the events of its way are fired, as of what plugins ask for.
    """

    __slots__ = (
        "action",
        "after_answer",
        "api",
        "body",
        "collection",
        "connection",
        "controller",
        "defaults",
        "document_id",
        "fires_events",
        "headers",
        "id",
        "index",
        "jwt",
        "payload",
        "raw",
        "status",
        "timestamp",
        "token",
        "user",
        "volatile",
    )

    api: ApiGeneration
    user: User
    token: Token | None
    defaults: Mapping[str, Any]
    headers: dict[str, str] | None

    def __init__(self, payload: Payload, connection: Connection) -> None:
        get = payload.get
        self.payload = payload
        self.connection = connection
        self.id: str = get("requestId") or new_id()
        self.controller: str | None = get("controller")
        self.action: str | None = get("action")
        self.index: str | None = get("index")
        self.collection: str | None = get("collection")
        self.document_id: str | None = get("_id")
        self.jwt: str | None = get("jwt")
        self.volatile: dict[str, Any] | None = get("volatile")
        self.body: Any = get("body")
        timestamp = get("timestamp")
        self.timestamp: int = int(time.time() * 1000) if timestamp is None else timestamp
        self.headers = None
        self.token = None
        self.status = 200
        self.raw = False
        self.fires_events = True
        self.after_answer: Callable[[], None] | None = None

    def argument(self, name: str) -> Any:
        """Return an argument by its wire name, else its default of the action's schema, else None."""
        value = self.payload.get(name)
        return self.defaults.get(name) if value is None else value

    def body_member(self, name: str) -> Any:
        """Return a member of the body, or None without body or member."""
        return self.body.get(name) if self.body else None

    def required(self, name: str) -> str:
        """Return a text argument that the action's schema has already made sure of."""
        value: str = self.payload[name]
        return value

    def target(self) -> tuple[str, str]:
        """Return index and collection, which the action's schema has already made sure of."""
        return self.payload["index"], self.payload["collection"]

    def set_header(self, name: str, value: str) -> None:
        """Add an HTTP header to the answer; other protocols leave it out."""
        if self.headers is None:
            self.headers = {}
        self.headers[name] = value
