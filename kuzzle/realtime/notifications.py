"""What realtime tells subscribers, as domain values; an API generation words them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from kuzzle.notification import Notification
from kuzzle.request import Request


@dataclass(slots=True)
class DocumentEvent:
    """Something happened to a document, or a message was published.

    Attributes:
        request: What caused it.
        action: Name that subscribers see (`create`, `replace`, `update`, `delete`, `publish`, or that
            of an m* action).
        scope: `in` when the document matches, `out` when it no longer does, `unknown` before a write.
        state: `pending` before the write, `done` after it.
        document_id: None for a message without id.
        source: Whole content; None when only the id is told.
        metadata: `_kuzzle_info` shown beside the content, None where it is not.
        updated_fields: Names of the changed fields of an update.
    """

    request: Request
    action: str
    scope: Literal["in", "out", "unknown"]
    state: Literal["pending", "done"]
    document_id: str | None
    source: dict[str, Any] | None
    metadata: dict[str, Any] | None = None
    updated_fields: list[str] | None = None


@dataclass(slots=True)
class UserEvent:
    """Somebody entered or left a room.

    Attributes:
        action: `subscribe`, `join` or `unsubscribe`.
        volatile: Given by that user when subscribing.
        protocol: That of the user's connection; None after the end of its token.
        count: Connections in the room after it.
    """

    action: str
    movement: Literal["in", "out"]
    index: str | None
    collection: str | None
    volatile: dict[str, Any] | None
    protocol: str | None
    count: int
    timestamp: int


class Outlet(Protocol):
    """The way to the clients, handed in by the application (the entry point has this shape)."""

    def broadcast(self, channels: Iterable[str], notification: Notification) -> None:
        """Push to everyone who follows one of these channels, once per channel."""

    def join_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection follow a channel."""

    def leave_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection leave a channel."""
