"""The MQTT protocol on a free port before a stage set: requests run a small function instead of a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mqtt_raw import Peer, Peers

from kuzzle.config.options import load_options, size_in_bytes
from kuzzle.connection import Connection
from kuzzle.entrypoint import EnvelopeError
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.response import Response
from protocols.base import ProtocolContext
from protocols.mqtt import MqttProtocol
from protocols.ports import Ports

Act = Callable[[Request], Awaitable[Any]]


def default_options() -> dict[str, Any]:
    """The options of the protocol as `schemas/config.json` states them."""
    section = load_options()["properties"]["protocols"]["properties"]["mqtt"]["properties"]
    return {
        name: size_in_bytes(node["default"]) if node.get("format") == "size" else node["default"]
        for name, node in section.items()
    }


class StageApi:
    """Words envelopes."""

    def success(self, request: Request, result: Any) -> Response:
        """An answer with a result."""
        return self._envelope(request, 200, None, result)

    def failure(self, request: Request, error: KuzzleError) -> Response:
        """An answer with an error."""
        member = {"message": error.message, "status": error.status, "id": error.id, "code": error.code}
        return self._envelope(request, error.status, member, None)

    def _envelope(self, request: Request, status: int, error: Any, result: Any) -> Response:
        content = {
            "requestId": request.id,
            "status": status,
            "error": error,
            "controller": request.controller,
            "action": request.action,
            "collection": request.collection,
            "index": request.index,
            "volatile": request.volatile,
            "result": result,
        }
        return Response(request.id, status, content)


class StageEntrypoint:
    """Takes the place of the server."""

    def __init__(self, act: Act) -> None:
        self.api = StageApi()
        self.act = act
        self.connections: dict[str, Connection] = {}
        self.removed: list[str] = []
        self.requests: list[Request] = []

    def new_connection(self, connection: Connection) -> None:
        """Note a client."""
        self.connections[connection.id] = connection

    def remove_connection(self, connection_id: str) -> None:
        """Note the end of a client."""
        connection = self.connections.pop(connection_id, None)
        if connection is not None:
            connection.is_open = False
            self.removed.append(connection_id)

    async def execute(self, connection: Connection, payload: Any, *, event: str | None = None) -> Response:
        """Run the function of the stage."""
        if not isinstance(payload, dict):
            raise EnvelopeError.without_id(400, "Input request data must be a non-null object")
        if not isinstance(payload.get("controller", ""), str | None):
            raise EnvelopeError.without_id(400, 'Attribute controller must be of type "string"')
        request = Request({name: value for name, value in payload.items() if value is not None}, connection)
        self.requests.append(request)
        return self.api.success(request, await self.act(request))


async def echo(request: Request) -> Any:
    """Answer with the body of the request."""
    return request.body or {"now": 1}


class Stage:
    """The protocol, listening."""

    def __init__(self, options: Mapping[str, Any] | None = None, *, act: Act = echo, max_request_size: int = 1 << 20):
        self.ports = Ports("localhost")
        self.entrypoint = StageEntrypoint(act)
        context = ProtocolContext(
            "mqtt",
            {**default_options(), "port": 0, **(options or {})},
            {"maxRequestSize": max_request_size},
            self.entrypoint,  # type: ignore[arg-type]
            self.ports,
        )
        self.protocol = MqttProtocol(context)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.ports.numbers["mqtt"]

    async def open(self, version: int = 4) -> Peer:
        """Open a client's socket only."""
        return await self._peers.open(version)

    async def join(self, client_id: str = "", version: int = 4, **options: Any) -> Peer:
        """Open a client's socket and introduce it."""
        return await self._peers.join(client_id, version, **options)

    async def __aenter__(self) -> Stage:
        await self.protocol.start()
        self._peers = Peers(self.port)
        return self

    async def __aexit__(self, *error: object) -> None:
        async with asyncio.timeout(20):
            await self._peers.__aexit__()
            await self.protocol.stop()
