"""Which connections of a protocol follow which channels."""

from __future__ import annotations

from typing import Generic, TypeVar

Client = TypeVar("Client")


class Followers(Generic[Client]):
    """The followers of each channel, and the channels of each connection, to leave them all at once."""

    def __init__(self) -> None:
        self._clients: dict[str, dict[str, Client]] = {}
        self._channels: dict[str, set[str]] = {}

    def of(self, channel: str) -> tuple[Client, ...]:
        """Return who follows a channel; a copy, since whoever does not read leaves while it is gone through."""
        clients = self._clients.get(channel)
        return () if clients is None else tuple(clients.values())

    def join(self, channel: str, connection_id: str, client: Client) -> None:
        """Make a connection follow a channel."""
        self._clients.setdefault(channel, {})[connection_id] = client
        self._channels.setdefault(connection_id, set()).add(channel)

    def leave(self, channel: str, connection_id: str) -> None:
        """Make a connection leave a channel, if it follows it."""
        channels = self._channels.get(connection_id)
        if channels is None or channel not in channels:
            return
        channels.remove(channel)
        if not channels:
            del self._channels[connection_id]
        self._drop(channel, connection_id)

    def leave_all(self, connection_id: str) -> None:
        """Make a connection leave all its channels."""
        for channel in self._channels.pop(connection_id, ()):
            self._drop(channel, connection_id)

    def _drop(self, channel: str, connection_id: str) -> None:
        clients = self._clients[channel]
        del clients[connection_id]
        if not clients:
            del self._clients[channel]

    def __len__(self) -> int:
        """Return the number of channels that anybody follows."""
        return len(self._clients)
