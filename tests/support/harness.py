"""A whole server inside the test's own loop, and clients that check every reply against its schema."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import tornado.httpclient
import tornado.websocket
import wire
import yaml
from tornado.httputil import HTTPHeaders

from kuzzle.app import Application
from kuzzle.config import Config

DEFAULTS: Mapping[str, Any] = {
    "protocols": {name: {"port": 0} for name in ("http", "websocket", "socketio", "mqtt")},
}


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a deep copy of `base` with `changes` over it."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


class Closing(Protocol):
    """A client that wants to be closed."""

    def close(self) -> None:
        """Close the connection."""


ClosingType = TypeVar("ClosingType", bound=Closing)


class Reply:
    """An HTTP answer; `json` is None without a JSON body."""

    def __init__(self, response: tornado.httpclient.HTTPResponse) -> None:
        self.status = response.code
        self.headers: HTTPHeaders = response.headers
        self.body: bytes = response.body or b""
        is_json = "json" in self.headers.get("Content-Type", "") and self.body
        self.json: Any = json.loads(self.body) if is_json else None

    @property
    def result(self) -> Any:
        """The result member of the envelope."""
        return self.json["result"]

    @property
    def error_id(self) -> str | None:
        """The id of the error, bare or in an envelope."""
        error = self.json.get("error") if "requestId" in self.json else self.json
        return None if error is None else error.get("id")


class Server:
    """A server in a folder of its own, with `options` over the defaults of the tests (free ports).

    An asynchronous context, where a test starts it itself: `async with Server(tmp_path, {...}) as server`.
    """

    def __init__(self, folder: Path, options: Mapping[str, Any]) -> None:
        self.folder = folder
        path = folder / "kuzzle.yml"
        path.write_text(yaml.safe_dump(merge(DEFAULTS, options)))
        self.app = Application(Config.load(path, {}))
        self._clients: list[Closing] = []
        self._is_stopped = False

    async def start(self) -> None:
        """Start the server."""
        await self.app.start()

    async def stop(self) -> None:
        """Stop the server; a second call does nothing."""
        if self._is_stopped:
            return
        self._is_stopped = True
        for client in self._clients:
            client.close()
        await self.app.stop()

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(self, *details: object) -> None:
        await self.stop()

    def port(self, protocol: str) -> int:
        """The port a protocol answers on."""
        return self.app.ports.numbers[protocol]

    @property
    def url(self) -> str:
        """Base URL for HTTP."""
        return f"http://localhost:{self.port('http')}"

    async def http(
        self,
        verb: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        checks: bool = True,
        **options: Any,
    ) -> Reply:
        """Send an HTTP request; a body that is no bytes is sent as JSON. Envelopes are checked."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if data is not None and not isinstance(body, bytes) else {}
        reply = Reply(
            await tornado.httpclient.AsyncHTTPClient(force_instance=True).fetch(
                f"{self.url}{path}",
                method=verb,
                body=data,
                headers={**sent, **(headers or {})},
                allow_nonstandard_methods=True,
                raise_error=False,
                decompress_response=options.pop("decompress_response", False),
                **options,
            )
        )
        if checks and isinstance(reply.json, dict):
            if "requestId" in reply.json:
                wire.check_response(reply.json)
                assert reply.json["status"] == reply.status
            elif "message" in reply.json and "status" in reply.json:
                wire.check_error(reply.json)
        return reply

    async def websocket(self) -> WebSocket:
        """Open a WebSocket."""
        url = f"ws://localhost:{self.port('websocket')}"
        return self.keep(WebSocket(await tornado.websocket.websocket_connect(url)))

    def keep(self, client: ClosingType) -> ClosingType:
        """Close a client before the server stops; return it."""
        self._clients.append(client)
        return client

    async def prepare(self, index: str = "library", collection: str = "books") -> None:
        """Make an index with one collection."""
        await self.http("POST", f"/{index}/_create")
        await self.http("PUT", f"/{index}/{collection}")


class WebSocket:
    """A WebSocket client: replies by request, notifications in order of arrival."""

    def __init__(self, connection: tornado.websocket.WebSocketClientConnection, *, checks: bool = True) -> None:
        """`checks`: hold every reply against its schema, which costs more than the request where it is long."""
        self.connection = connection
        self._checks = checks
        self.notifications: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.others: asyncio.Queue[Any] = asyncio.Queue()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._ids = itertools.count()
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        while (text := await self.connection.read_message()) is not None:
            message = json.loads(text)
            waiting = self._waiting.pop(message.get("requestId"), None)
            if waiting is not None and "controller" in message and "type" not in message:
                try:
                    if self._checks:
                        wire.check_response(message)
                    assert message["room"] == message["requestId"]
                except AssertionError as fault:  # of who asked: nobody waits for this task
                    waiting.set_exception(fault)
                else:
                    waiting.set_result(message)
            elif "type" in message:
                wire.check_notification(message)
                if waiting is not None:  # the cause's own answer comes later
                    self._waiting[message["requestId"]] = waiting
                self.notifications.put_nowait(message)
            else:
                self.others.put_nowait(message)
        self.others.put_nowait(None)

    async def request(self, controller: str, action: str, **members: Any) -> dict[str, Any]:
        """Send a request and return its envelope."""
        request_id = members.pop("requestId", None) or f"request-{next(self._ids)}"
        answer = self._waiting[request_id] = asyncio.get_running_loop().create_future()
        await self.send({"controller": controller, "action": action, "requestId": request_id, **members})
        return await asyncio.wait_for(answer, 30)

    async def send(self, message: Any) -> None:
        """Send a message: text and bytes as they are, anything else as JSON."""
        is_raw = isinstance(message, str | bytes)
        await self.connection.write_message(
            message if is_raw else json.dumps(message), binary=isinstance(message, bytes)
        )

    async def notification(self) -> dict[str, Any]:
        """Return the next notification."""
        return await asyncio.wait_for(self.notifications.get(), 30)

    async def other(self) -> Any:
        """Return the next message that is neither reply nor notification; None when the server closed."""
        return await asyncio.wait_for(self.others.get(), 30)

    async def settle(self) -> None:
        """Return once everything the server had sent before has arrived."""
        await self.request("server", "now")

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
        self._reader.cancel()
