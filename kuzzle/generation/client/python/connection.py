"""What controllers ask through: the token, the errors and the subscriptions of one client."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from .failures import ClientError, ConnectionLostError, KuzzleError, NoRouteError, PartialError, TokenExpiredError
from .http_transport import HttpTransport, Routes
from .subscription import Subscription
from .transport import Answer, Call, Transport
from .websocket_transport import WebSocketTransport

Event = Literal["lost", "restored", "token_expired"]
Volatile = Mapping[str, Any] | None

# What a request must not be refused for: an old token (it is these that get or examine another).
_WITHOUT_TOKEN = frozenset({("auth", "login"), ("auth", "checkToken")})
_TOKEN_REFUSED = frozenset({"security.token.expired", "security.token.invalid"})


class Connection:
    """A way to a server, by the scheme of its URL: `ws:` and `wss:` a WebSocket, `http:` and `https:` HTTP.

    Args:
        url: Such as `ws://localhost:7512`.
        jwt: A token to begin with; `auth.login` gets one, `auth.logout` and the end of its life take it away.
        timeout_s: How long to wait for an answer, the connection included.
        max_waiting: How many requests may wait while a WebSocket is lost.
        max_pending: How many requests may wait for their answers on a WebSocket.
        max_queue: How many notifications of a subscription may wait to be read.
        first_pause_s, longest_pause_s: Pauses before a WebSocket is tried again.
        heartbeat_s: After so long a silence a WebSocket is asked for a sign of life.
    """

    # What `client.py` knows of the server.
    routes: ClassVar[Routes] = {}
    errors_by_id: ClassVar[Mapping[str, type[KuzzleError]]] = {}
    errors_by_status: ClassVar[Mapping[int, type[KuzzleError]]] = {}

    def __init__(
        self,
        url: str,
        *,
        jwt: str | None = None,
        timeout_s: float = 30,
        max_waiting: int = 1000,
        max_pending: int = 10_000,
        max_queue: int = 10_000,
        first_pause_s: float = 0.1,
        longest_pause_s: float = 10,
        heartbeat_s: float = 20,
    ) -> None:
        self.jwt = jwt
        self._max_queue = max_queue
        self._subscriptions: list[Subscription[Any]] = []
        self._listeners: dict[Event, list[Callable[[], None]]] = {"lost": [], "restored": [], "token_expired": []}
        self._leaving: set[asyncio.Task[None]] = set()
        scheme = urlsplit(url).scheme
        self._transport: Transport
        if scheme in ("ws", "wss"):
            transport = WebSocketTransport(
                url,
                timeout_s=timeout_s,
                max_waiting=max_waiting,
                max_pending=max_pending,
                first_pause_s=first_pause_s,
                longest_pause_s=longest_pause_s,
                heartbeat_s=heartbeat_s,
            )
            transport.notified = self._notified
            transport.lost = lambda: self._tell("lost")
            transport.restored = self._restored
            self._transport = transport
        elif scheme in ("http", "https"):
            self._transport = HttpTransport(url, self.routes, timeout_s=timeout_s)
        else:
            raise ValueError(f"{url}: expected ws, wss, http or https")
        self._add_controllers()

    def _add_controllers(self) -> None:
        """Make the controllers, as `client.py` does."""

    async def open(self) -> None:
        """Connect.

        Raises:
            ConnectionLostError: Nobody answers.
        """
        await self._transport.open()

    async def close(self) -> None:
        """Disconnect; subscriptions end."""
        for subscription in self._subscriptions:
            subscription.end()
        self._subscriptions.clear()
        await self._transport.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *details: object) -> None:
        await self.close()

    @property
    def is_connected(self) -> bool:
        """Whether a request would leave at once."""
        return self._transport.is_connected

    def on(self, event: Event, listener: Callable[[], None]) -> None:
        """Call a function when the WebSocket is lost or restored, or the token has expired."""
        self._listeners[event].append(listener)

    async def request(
        self,
        controller: str,
        action: str,
        arguments: Mapping[str, Any] | None = None,
        body: Any = None,
        volatile: Volatile = None,
    ) -> Any:
        """Run an action and return its result; controllers have a typed method for each.

        Raises:
            KuzzleError: The server refused.
            ClientError: There is no answer.
        """
        call = self._call(controller, action, arguments or {}, body, volatile)
        result = self._result(call, await self._transport.send(call))
        if controller == "auth":
            self._follow_login(call, result)
        return result

    async def stream(
        self, controller: str, action: str, arguments: Mapping[str, Any], body: Any, volatile: Volatile
    ) -> Subscription[Any]:
        """Run an action that opens a channel, and return what comes through it."""
        if isinstance(self._transport, HttpTransport):
            raise NoRouteError(f"HTTP does not lead to {controller}:{action}")
        call = self._call(controller, action, arguments, body, volatile)
        subscription: Subscription[Any] = Subscription(call, self._max_queue, self._leave)
        await self._follow(subscription, urgent=False)
        return subscription

    def _call(self, controller: str, action: str, arguments: Mapping[str, Any], body: Any, volatile: Volatile) -> Call:
        jwt = None if (controller, action) in _WITHOUT_TOKEN else self.jwt
        return Call(controller, action, arguments, body, volatile, jwt)

    def _result(self, call: Call, answer: Answer) -> Any:
        content = answer.get("error")
        if content is None:
            return answer.get("result")
        if content.get("id") in _TOKEN_REFUSED:
            self._token_expired(call.jwt)
        by_status = self.errors_by_status.get(content.get("status", answer.get("status")), KuzzleError)
        kind = self.errors_by_id.get(content.get("id", ""), by_status)
        raise kind(content, answer.get("result")) if issubclass(kind, PartialError) else kind(content)

    def _follow_login(self, call: Call, result: Any) -> None:
        if call.action in ("login", "refreshToken"):
            if isinstance(result, dict) and isinstance(result.get("jwt"), str):
                self.jwt = result["jwt"]
                if call.action == "refreshToken":  # the server carries the subscriptions of the old one on
                    for subscription in [each for each in self._subscriptions if each.call.jwt == call.jwt]:
                        subscription.call = dataclasses.replace(subscription.call, jwt=self.jwt)
        elif call.action == "logout":
            self.jwt = None
            for subscription in [each for each in self._subscriptions if each.call.jwt == call.jwt]:
                self._drop(subscription)

    def _token_expired(self, jwt: str | None) -> None:
        if jwt is not None and jwt == self.jwt:
            self.jwt = None
            self._tell("token_expired")

    async def _follow(self, subscription: Subscription[Any], *, urgent: bool) -> None:
        """Subscribe; notifications may come right behind the answer."""

        def heard(answer: Answer) -> None:
            if answer.get("error") is None and answer.get("result"):
                subscription.place(answer["result"])
                if subscription not in self._subscriptions:
                    self._subscriptions.append(subscription)

        self._result(subscription.call, await self._transport.send(subscription.call, urgent=urgent, heard=heard))

    async def _restored(self) -> None:
        """Subscribe again to everything, as who the client is now."""
        for subscription in list(self._subscriptions):
            subscription.channel = ""
            if subscription.call.jwt is not None:
                subscription.call = dataclasses.replace(subscription.call, jwt=self.jwt)
            try:
                await self._follow(subscription, urgent=True)
            except ConnectionLostError:
                return  # the next connection restores them
            except (KuzzleError, ClientError) as error:
                self._drop(subscription, error)
        self._tell("restored")

    def _notified(self, message: dict[str, Any]) -> None:
        for subscription in [each for each in self._subscriptions if each.channel == message.get("room")]:
            subscription.take(message)
            if message["type"] == "TokenExpired":
                self._drop(subscription, TokenExpiredError(str(message.get("message", ""))))
                self._token_expired(subscription.call.jwt)
            elif subscription.is_ended:  # it reads too slowly
                self._subscriptions.remove(subscription)
                task = asyncio.get_running_loop().create_task(self._leave(subscription))
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)

    def _drop(self, subscription: Subscription[Any], failure: Exception | None = None) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
        subscription.end(failure)

    async def _leave(self, subscription: Subscription[Any]) -> None:
        """Tell the server, unless another subscription needs the same room (leaving it leaves all its channels)."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
        if not self.is_connected or any(each.room_id == subscription.room_id for each in self._subscriptions):
            return
        body = {"roomId": subscription.room_id}
        try:
            await self._transport.send(Call("realtime", "unsubscribe", {}, body, None, subscription.call.jwt))
        except ClientError:
            return  # the server forgets who is gone

    def _tell(self, event: Event) -> None:
        loop = asyncio.get_running_loop()
        for listener in self._listeners[event]:
            loop.call_soon(listener)  # what it raises must not end the connection


class Controller:
    """A group of actions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
