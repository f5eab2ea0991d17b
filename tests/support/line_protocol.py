"""A protocol of one's own, as a user would write it: a JSON text a line over TCP, both ways."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any, ClassVar

from kuzzle.connection import Connection
from kuzzle.entrypoint import EnvelopeError
from kuzzle.notification import Notification
from protocols.base import Protocol


class LineProtocol(Protocol):
    """Answers every line with the envelope; notifications have a line of their own, with their channel."""

    options_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "class": {"type": "string"},
            "enabled": {"type": "boolean"},
            "port": {"type": "integer", "minimum": 0, "maximum": 65535},
            "greeting": {"type": "string"},
        },
        "required": ["port", "greeting"],
    }

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._lines: dict[str, Line] = {}
        self._followers: dict[str, set[str]] = {}

    async def start(self) -> None:
        """Open the door."""
        await self.context.ports.listen(self.options["port"], self.name, lambda: Line(self))

    async def stop(self) -> None:
        """Close everything."""
        await self.context.ports.close(self.name)
        for line in list(self._lines.values()):
            line.close()

    def add(self, line: Line) -> None:
        """A client came."""
        self._lines[line.connection.id] = line
        self.entrypoint.new_connection(line.connection)
        line.say({"greeting": self.options["greeting"]})

    def remove(self, line: Line) -> None:
        """A client went."""
        del self._lines[line.connection.id]
        self.entrypoint.remove_connection(line.connection.id)
        for followers in self._followers.values():
            followers.discard(line.connection.id)

    async def answer(self, line: Line, text: bytes) -> None:
        """Run the request of a line."""
        try:
            response = await self.entrypoint.execute(line.connection, json.loads(text))
        except (ValueError, EnvelopeError) as error:
            line.say({"refused": str(error)})
        else:
            line.say(response.content)

    def broadcast(self, channels: Sequence[str], notification: Notification) -> None:
        """Send to all followers."""
        for channel in channels:
            for connection_id in self._followers.get(channel, ()):
                self._lines[connection_id].say({**notification.content, "channel": channel})

    def notify(self, connection_id: str, channels: Sequence[str], notification: Notification) -> None:
        """Send to one client."""
        for channel in channels:
            self._lines[connection_id].say({**notification.content, "channel": channel})

    def join_channel(self, channel: str, connection_id: str) -> None:
        """Let a client follow a channel."""
        self._followers.setdefault(channel, set()).add(connection_id)

    def leave_channel(self, channel: str, connection_id: str) -> None:
        """Let a client leave a channel."""
        self._followers.get(channel, set()).discard(connection_id)

    def disconnect(self, connection_id: str, message: str) -> None:
        """Close a client's connection."""
        self._lines[connection_id].say({"goodbye": message})
        self._lines[connection_id].close()


class Line(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, protocol: LineProtocol) -> None:
        self._protocol = protocol
        self._rest = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Declare the client."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.connection = Connection(self._protocol.name, (transport.get_extra_info("peername")[0],))
        self._protocol.add(self)

    def data_received(self, data: bytes) -> None:
        """Run whole lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            task = asyncio.get_running_loop().create_task(self._protocol.answer(self, line))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the client."""
        self._protocol.remove(self)

    def say(self, content: Any) -> None:
        """Send a line."""
        with contextlib.suppress(OSError):
            self._transport.write(json.dumps(content).encode() + b"\n")

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()
