"""What realtime tells subscribers, as domain values; an API generation words them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kuzzle.notification import Notification
from kuzzle.realtime.rooms import Movement, Scope, State
from kuzzle.request import Request


@dataclass(slots=True)
class DocumentEvent:
    """Something happened to a document, or a message was published.

    What is None is not told in API 1:

    | cause | source | metadata | updated_fields |
    |---|---|---|---|
    | a message, a pending write, a write of an m* action | yes | None | None |
    | create, createOrReplace, replace | yes | yes | None |
    | update | yes | yes | yes |
    | a document that no longer matches after a write | None | None | None |
    | a deletion, whatever the action | None | yes | None |

    Attributes:
        request: What caused it.
        action: Name that subscribers see (`create`, `replace`, `update`, `delete`, `publish`, or that
            of an m* action for documents that were there before).
        scope: `in` when the document matches, `out` when it no longer does, `unknown` before a write.
        state: `pending` before the write, `done` after it.
        document_id: None for a message or a pending write without id.
        source: Whole content, `_kuzzle_info` included; the body of the request before a write.
        metadata: The document's `_kuzzle_info`, to be shown beside the content.
        updated_fields: Names of the changed fields at the top level.
    """

    request: Request
    action: str
    scope: Scope
    state: State
    document_id: str | None
    source: dict[str, Any] | None
    metadata: dict[str, Any] | None = None
    updated_fields: list[str] | None = None


@dataclass(slots=True)
class UserEvent:
    """Somebody entered or left a room.

    Attributes:
        action: `subscribe`, `join` or `unsubscribe`; the latter also for a connection that is gone.
        movement: Whether the user came or went.
        index, collection: Those of the room.
        volatile: Given by that user when subscribing.
        protocol: That of the user's connection; None after the end of its token.
        count: Connections in the room after it.
        timestamp: Milliseconds since the epoch.
    """

    action: str
    movement: Movement
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

    def notify(self, connection_id: str, channels: Iterable[str], notification: Notification) -> None:
        """Push to one connection, once per channel."""

    def join_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection follow a channel."""

    def hold_channel(self, channel: str, connection_id: str) -> None:
        """Let a connection hear nothing on a channel until `replay`, `join_channel` or `leave_channel`."""

    def replay(self, channel: str, connection_id: str, notifications: Sequence[Notification]) -> None:
        """Push what a connection has missed on a channel, then make it follow the channel."""

    def disconnect(self, connection_id: str, message: str) -> None:
        """Close a client's connection."""

    def leave_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection leave a channel."""
