"""What a protocol is.

A protocol of one's own is a subclass of `Protocol`, named in `kuzzle.yml`:

    protocols:
      lines: {class: "my_package.lines:LineProtocol", port: 7513}

It is built once with its context, opens its door in `start`, turns what clients send into
`entrypoint.execute(connection, payload)`, and carries notifications to the channels its connections
follow. The shipped protocols use this interface and nothing more.

What a protocol raises names it in the log and stops no other; only one that raises in `__init__` or `start`, or
does not come to the end of `start`, stops the start of the server, with one line that names it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kuzzle.entrypoint import Entrypoint
from kuzzle.notification import Notification
from protocols.ports import Ports


@dataclass(frozen=True, slots=True)
class ProtocolContext:
    """What a protocol gets to work with.

    Attributes:
        name: Its key in `kuzzle.yml`, shown in requests and notifications.
        options: Its section of `kuzzle.yml`, defaults filled in.
        limits: The section `limits`.
        entrypoint: The door to the server.
        ports: The listening sockets; web protocols share one HTTP server per port.
        protocols: The sections of all protocols, which descriptions of the API tell of.
    """

    name: str
    options: Mapping[str, Any]
    limits: Mapping[str, Any]
    entrypoint: Entrypoint
    ports: Ports
    protocols: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class Protocol(ABC):
    """A way for clients to talk to the server.

    Attributes:
        options_schema: JSON Schema of the protocol's section of `kuzzle.yml`, for protocols that
            `schemas/config.json` does not know; None accepts any. `class` and `enabled` need not stand in it, defaults
            are filled in, and options of the format `size` come as bytes.
    """

    options_schema: ClassVar[Mapping[str, Any] | None] = None

    def __init__(self, context: ProtocolContext) -> None:
        """Take the context; nothing is opened yet, and there may be no event loop.

        Raises:
            ConfigError: For what the schema cannot say of the options; a line per fault.
        """
        self.name = context.name
        self.context = context
        self.options = context.options
        self.entrypoint = context.entrypoint

    @abstractmethod
    async def start(self) -> None:
        """Open the door.

        Raises:
            PortError: The port cannot be had; the text is one line for the operator.
        """

    @abstractmethod
    async def stop(self) -> None:
        """Tell the clients, close their connections and the door; also after a `start` that raised."""

    @abstractmethod
    def broadcast(self, channels: Sequence[str], notification: Notification) -> None:
        """Send a notification to every connection that follows one of the channels, once per channel.

        It must not block: a client that does not read is let go.
        """

    @abstractmethod
    def notify(self, connection_id: str, channels: Sequence[str], notification: Notification) -> None:
        """Send a notification to one connection, once per channel, followed or not."""

    @abstractmethod
    def join_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection follow a channel."""

    def hold_channel(self, channel: str, connection_id: str) -> None:
        """Let a connection hear nothing on a channel until `replay`, `join_channel` or `leave_channel`."""
        self.leave_channel(channel, connection_id)

    def replay(self, channel: str, connection_id: str, notifications: Sequence[Notification]) -> None:
        """Send what a connection has missed on a channel that it was held from, then make it follow the channel.

        It comes in the first turn of the loop after `entrypoint.execute` has returned the answer that announces it.
        """
        for notification in notifications:
            self.notify(connection_id, (channel,), notification)
        self.join_channel(channel, connection_id)

    @abstractmethod
    def leave_channel(self, channel: str, connection_id: str) -> None:
        """Make a connection leave a channel."""

    @abstractmethod
    def disconnect(self, connection_id: str, message: str) -> None:
        """Close a connection; the message tells the client why, where the protocol has a way to."""
