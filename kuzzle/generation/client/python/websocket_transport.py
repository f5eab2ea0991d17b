"""Requests over a WebSocket that comes back by itself.

When the connection is lost:

- requests under way end with ConnectionLostError: whether the server did them is unknown, and nothing is sent twice;
- requests made meanwhile wait, at most `max_waiting` of them and each no longer than its time-out;
- the client tries again until it is closed, after pauses that double from `first_pause_s` to `longest_pause_s`,
  each shortened by chance, so that the clients of a server that restarts do not come all at once;
- subscriptions are made again before waiting requests are sent.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from .failures import ConnectionLostError, RequestTimeoutError, TooManyWaitingError
from .transport import Answer, Call


class WebSocketTransport:
    """One WebSocket at a time.

    Attributes:
        notified: Called with each notification.
        lost, restored: Called when the connection ended, and when it is back; requests wait for the end of the latter.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        max_waiting: int,
        max_pending: int,
        first_pause_s: float,
        longest_pause_s: float,
        heartbeat_s: float,
    ) -> None:
        self.notified: Callable[[dict[str, Any]], None] = lambda message: None
        self.lost: Callable[[], None] = lambda: None
        self.restored: Callable[[], Awaitable[None]] | None = None
        self._url = url
        self._timeout_s = timeout_s
        self._max_waiting = max_waiting
        self._max_pending = max_pending
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._heartbeat_s = heartbeat_s
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._is_ready = asyncio.Event()
        self._waiting = 0
        self._answers: dict[str, tuple[asyncio.Future[Answer], Callable[[Answer], None] | None]] = {}
        self._prefix = uuid.uuid4().hex
        self._numbers = itertools.count()

    @property
    def is_connected(self) -> bool:
        """Whether a request would leave at once."""
        return self._is_ready.is_set()

    async def open(self) -> None:
        """Connect, once.

        Raises:
            ConnectionLostError: Nobody answers.
        """
        if self._session is not None:
            return
        self._session = aiohttp.ClientSession()
        try:
            self._socket = await self._connect(self._session)
        except ConnectionLostError:
            await self._session.close()
            self._session = None
            raise
        self._is_ready.set()
        self._keeper = asyncio.create_task(self._keep(self._session, self._socket))

    async def close(self) -> None:
        """Disconnect; requests under way end with ConnectionLostError."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        if self._session is not None:
            if self._socket is not None:
                await self._socket.close()
            await self._session.close()
        self._session = self._socket = None
        self._is_ready.set()  # those that wait for it learn that nothing will come
        self._is_ready.clear()
        self._forget_requests("the client was closed")

    async def send(self, call: Call, *, urgent: bool = False, heard: Callable[[Answer], None] | None = None) -> Answer:
        """Send a request and wait for its answer, as `Transport` says."""
        try:
            async with asyncio.timeout(self._timeout_s):
                while not urgent and not self._is_ready.is_set():
                    await self._wait_for_turn()
                return await self._exchange(call, heard)
        except TimeoutError:
            raise RequestTimeoutError(
                f"{call.controller}:{call.action}: no answer within {self._timeout_s:g} s"
            ) from None

    async def _wait_for_turn(self) -> None:
        if self._keeper is None:
            raise ConnectionLostError("the client is not connected")
        if self._waiting >= self._max_waiting:
            raise TooManyWaitingError(f"{self._waiting} requests wait for the connection already")
        self._waiting += 1
        try:
            await self._is_ready.wait()
        finally:
            self._waiting -= 1

    async def _exchange(self, call: Call, heard: Callable[[Answer], None] | None) -> Answer:
        if self._socket is None:
            raise ConnectionLostError("the client is not connected")
        if len(self._answers) >= self._max_pending:
            raise TooManyWaitingError(f"{len(self._answers)} requests wait for their answers already")
        request_id = f"{self._prefix}-{next(self._numbers)}"
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[request_id] = (answer, heard)
        try:
            await self._socket.send_str(json.dumps(_message(call, request_id)))
            return await answer
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLostError(f"the connection to {self._url} is lost") from error
        finally:
            del self._answers[request_id]

    async def _connect(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await session.ws_connect(self._url, heartbeat=self._heartbeat_s, max_msg_size=0)
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise ConnectionLostError(f"cannot reach {self._url}: {error or 'no answer in time'}") from error

    async def _keep(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Read from the socket; when it ends, get another."""
        await self._read(socket)
        while True:
            self._is_ready.clear()
            self._socket = None
            self._forget_requests(f"the connection to {self._url} is lost")
            self.lost()
            self._socket = socket = await self._connect_again(session)
            reader = asyncio.create_task(self._read(socket))
            try:
                await self._restore(reader)
                await reader
            finally:
                reader.cancel()

    async def _connect_again(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        pause_s = self._first_pause_s
        while True:
            chance = random.uniform(0.5, 1)  # nosec B311
            await asyncio.sleep(pause_s * chance)
            try:
                return await self._connect(session)
            except ConnectionLostError:
                pause_s = min(2 * pause_s, self._longest_pause_s)

    async def _restore(self, reader: asyncio.Task[None]) -> None:
        if self.restored is not None:
            await self.restored()
        if not reader.done():
            self._is_ready.set()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Hand on what arrives until the socket ends."""
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            try:
                message = json.loads(frame.data)
            except ValueError:
                break  # no server of this protocol, or a broken one: another connection may do better
            if isinstance(message, dict):
                self._hand_on(message)
        await socket.close()
        # Requests must not wait for restored subscriptions that this socket can no longer restore.
        self._forget_requests(f"the connection to {self._url} is lost")

    def _hand_on(self, message: dict[str, Any]) -> None:
        if "type" in message:  # only notifications have one
            self.notified(message)
            return
        waiting = self._answers.get(message.get("requestId") or message.get("room", ""))
        if waiting is None:
            return
        answer, heard = waiting
        if heard is not None:
            heard(message)
        if not answer.done():
            answer.set_result(message)

    def _forget_requests(self, reason: str) -> None:
        for answer, _ in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionLostError(reason))


def _message(call: Call, request_id: str) -> dict[str, Any]:
    message: dict[str, Any] = {name: value for name, value in call.arguments.items() if value is not None}
    message |= {"controller": call.controller, "action": call.action, "requestId": request_id}
    for name, value in (("body", call.body), ("volatile", call.volatile), ("jwt", call.jwt)):
        if value is not None:
            message[name] = value
    return message
