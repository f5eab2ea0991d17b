"""A protocol of one's own: a JSON text a line over TCP, both ways, for netcat and for devices that speak no HTTP.

A client's line is a request, the same object as over WebSocket, and is answered by a line whose `room` is its
`requestId`. A notification is a line whose `room` is its channel. Requests of a client run one after the other.
"""

# --8<-- [start:imports]
from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, ClassVar

from kuzzle.connection import Connection
from kuzzle.encoding import JsonError, decode_json, encode_json
from kuzzle.entrypoint import EnvelopeError
from kuzzle.errors import KuzzleError
from kuzzle.notification import Notification
from kuzzle.request import Request
from kuzzle.response import Response
from protocols.base import Protocol, ProtocolContext
from protocols.followers import Followers

GOODBYE_TIMEOUT_S = 1.0
"""How long a client may take to read the rest once its connection is closed."""

logger = logging.getLogger(__name__)
# --8<-- [end:imports]


# --8<-- [start:options]
class LineProtocol(Protocol):
    """Requests and notifications as lines."""

    options_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "port": {"type": "integer", "minimum": 0, "maximum": 65535, "default": 7513},
            # A client that leaves more than this unread is let go.
            "maxQueuedBytes": {"type": ["string", "integer"], "format": "size", "minimum": 1, "default": "1MB"},
            # Whether the first line must say who the client is.
            "authentication": {"type": "boolean", "default": False},
        },
    }
    # --8<-- [end:options]

    # --8<-- [start:doors]
    def __init__(self, context: ProtocolContext) -> None:
        super().__init__(context)
        self._clients: dict[str, Client] = {}
        self._followers: Followers[Client] = Followers()
        self._all_left = asyncio.Event()

    async def start(self) -> None:
        """Open the port."""
        await self.context.ports.listen(self.options["port"], self.name, self._make_stream)

    def _make_stream(self) -> asyncio.Protocol:
        longest_line = self.context.limits["maxRequestSize"]
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=longest_line), self._serve)

    async def stop(self) -> None:
        """Close the port, and let the clients go."""
        await self.context.ports.close(self.name)
        for client in tuple(self._clients.values()):
            client.close("The server is stopping")
        if self._clients:
            self._all_left.clear()
            await self._all_left.wait()

    # --8<-- [end:doors]

    # --8<-- [start:serving]
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self.name, (writer.get_extra_info("peername")[0],))
        client = Client(connection, writer, self.options["maxQueuedBytes"])
        self._clients[connection.id] = client
        self.entrypoint.new_connection(connection)
        try:
            await self._read(client, reader)
        except ConnectionError:
            pass  # the client is gone, or was let go
        except Exception:
            logger.exception("A client of %s could not be served", self.name)
        finally:
            self._followers.leave_all(connection.id)
            self.entrypoint.remove_connection(connection.id)
            client.close()
            del self._clients[connection.id]
            if not self._clients:
                self._all_left.set()

    async def _read(self, client: Client, reader: asyncio.StreamReader) -> None:
        if self.options["authentication"] and not await self._let_in(client, await self._read_line(client, reader)):
            return
        while line := await self._read_line(client, reader):
            if client.is_closing:  # its token may have ended: what it sent before does not count any more
                return
            if line.strip():
                client.say(await self._answer(client.connection, line))
                await client.drain()
            await asyncio.sleep(0)  # who sends a thousand lines at once must let others have their turns

    async def _read_line(self, client: Client, reader: asyncio.StreamReader) -> bytes:
        """Return the next line, nothing at the end."""
        try:
            return await reader.readline()
        except ValueError:  # too long: what is left of it is no request either, so nothing more is read
            client.say(self._refusal(client.connection, KuzzleError.without_id(413, "The line is too long")))
            return b""

    async def _answer(self, connection: Connection, line: bytes) -> bytes:
        try:
            response = await self.entrypoint.execute(connection, decode_json(line))
        except JsonError as error:
            return self._refusal(connection, KuzzleError.without_id(400, f"The line is no JSON: {error}"))
        except EnvelopeError as error:
            return self._refusal(connection, error)
        return encode_answer(response)

    def _refusal(self, connection: Connection, error: KuzzleError) -> bytes:
        return encode_answer(self.entrypoint.api.failure(Request({}, connection), error))

    # --8<-- [end:serving]

    # --8<-- [start:authentication]
    async def _let_in(self, client: Client, line: bytes) -> bool:
        """Read the first line, `{"username": "ada", "password": "..."}`; a token may stand for the password."""
        try:
            match decode_json(line):
                case {"username": str(username), "password": str(password)}:
                    await self.entrypoint.doorman.let_in(client.connection, username, password)
                    return True
        except JsonError:
            pass  # refused below, as what is JSON and something else
        except KuzzleError as error:
            client.say(self._refusal(client.connection, error))
            return False
        refusal = KuzzleError.without_id(401, "The first line must hold `username` and `password`")
        client.say(self._refusal(client.connection, refusal))
        return False

    # --8<-- [end:authentication]

    # --8<-- [start:notifications]
    def broadcast(self, channels: Sequence[str], notification: Notification) -> None:
        """Send a notification to all followers of some channels."""
        for channel in channels:
            followers = self._followers.of(channel)
            if followers:
                line = notification.encode_for_room(channel)  # once for all of them
                for client in followers:
                    client.say(line)

    def notify(self, connection_id: str, channels: Sequence[str], notification: Notification) -> None:
        """Send a notification to one client."""
        client = self._clients.get(connection_id)
        if client is not None:
            for channel in channels:
                client.say(notification.encode_for_room(channel))

    def join_channel(self, channel: str, connection_id: str) -> None:
        """Let a client follow a channel."""
        client = self._clients.get(connection_id)
        if client is not None:
            self._followers.join(channel, connection_id, client)

    def leave_channel(self, channel: str, connection_id: str) -> None:
        """Let a client follow a channel no more."""
        self._followers.leave(channel, connection_id)

    def disconnect(self, connection_id: str, message: str) -> None:
        """Say goodbye to a client."""
        client = self._clients.get(connection_id)
        if client is not None:
            client.close(message)

    # --8<-- [end:notifications]


# --8<-- [start:client]
class Client:
    """A client and its socket.

    Attributes:
        connection: How the server knows it.
    """

    def __init__(self, connection: Connection, writer: asyncio.StreamWriter, max_queued_bytes: int) -> None:
        self.connection = connection
        self._writer = writer
        self._max_queued_bytes = max_queued_bytes

    def say(self, line: bytes) -> None:
        """Send a line, without waiting; a client that does not read is let go."""
        transport = self._writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > self._max_queued_bytes:
            logger.info("Client %s is let go: it leaves too much unread", self.connection.id)
            transport.abort()
        else:
            self._writer.write(line + b"\n")

    async def drain(self) -> None:
        """Wait until the client reads: what it asks next can wait as well."""
        await self._writer.drain()

    @property
    def is_closing(self) -> bool:
        """True once nothing more is said or heard."""
        return self._writer.transport.is_closing()

    def close(self, message: str = "") -> None:
        """Close the connection behind what was said, with a last line that tells why, if there is anything to tell."""
        if message:
            self.say(encode_json({"goodbye": message}))
        self._writer.close()
        asyncio.get_running_loop().call_later(GOODBYE_TIMEOUT_S, self._writer.transport.abort)


def encode_answer(response: Response) -> bytes:
    """Return an answer as a line: its `room` is the `requestId`."""
    content = response.content
    if response.raw:  # of an action that answers without an envelope: over HTTP it would be the whole body
        text = content.decode(errors="replace") if isinstance(content, bytes) else content
        content = {"requestId": response.request_id, "status": response.status, "result": text}
    return encode_json({**content, "room": response.request_id})


# --8<-- [end:client]
