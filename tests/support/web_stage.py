"""HTTP and WebSocket on a free port before a stage set: the real entry point, and a small function as the funnel."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from kuzzle.access_log import AccessLog
from kuzzle.api.v1 import ApiV1
from kuzzle.cache.memory import MemoryCache
from kuzzle.catalogue import ActionDefinition, Catalogue
from kuzzle.config.options import load_options, size_in_bytes
from kuzzle.entrypoint import Entrypoint
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.response import Response
from kuzzle.security.doorman import Doorman
from kuzzle.statistics import Statistics
from protocols.base import ProtocolContext
from protocols.http import HttpProtocol
from protocols.ports import Ports
from protocols.websocket import WebSocketProtocol

Act = Callable[[Request], Awaitable[Any]]

# An action of the tests' own, to see arguments arrive with their types.
PROBE = ActionDefinition(
    "probe",
    "look",
    "Shows what arrived.",
    {
        "http": [
            {"verb": verb, "path": "/_probe/:index/:collection/:_id"}
            for verb in ("GET", "POST", "PUT", "PATCH", "DELETE")
        ]
        + [{"verb": "GET", "path": "/_probe"}, {"verb": "POST", "path": "/_probe"}],
        "arguments": {
            "size": {"in": "query", "description": "One.", "type": "integer"},
            "ratio": {"in": "query", "description": "One.", "type": "number"},
            "silent": {"in": "query", "description": "One.", "type": "boolean"},
            "keys": {"in": "query", "description": "One.", "type": "array", "items": {"type": "string"}},
        },
        "body": {"type": "object", "description": "Anything."},
        "bodyOptional": True,
        "result": {"type": "object", "description": "What arrived."},
        "errors": [],
    },
)


class StageCatalogue(Catalogue):
    """The actions of the server, and the probe."""

    def __init__(self) -> None:
        real = {(action.controller, action.name): action for action in Catalogue.load(1)}
        super().__init__({**real, ("probe", "look"): PROBE})


async def show(request: Request) -> Any:
    """Answer with what arrived."""
    return {name: value for name, value in request.payload.items() if name != "requestId"}


class StageFunnel:
    """Runs the function of the stage."""

    def __init__(self, api: ApiV1, act: Act) -> None:
        self.api = api
        self.act = act
        self.requests: list[Request] = []

    async def execute(self, request: Request) -> Response:
        """Run a request."""
        self.requests.append(request)
        request.api = self.api
        try:
            return self.api.success(request, await self.act(request))
        except KuzzleError as error:
            return self.api.failure(request, error)


def default_options(protocol: str) -> dict[str, Any]:
    """The options of a protocol as `schemas/config.json` states them, on any free port."""
    section = load_options()["properties"]["protocols"]["properties"][protocol]["properties"]
    defaults = {
        name: size_in_bytes(node["default"]) if node.get("format") == "size" else node["default"]
        for name, node in section.items()
    }
    return {**defaults, "port": 0}


class WebStage:
    """Both protocols, listening on one port: `async with WebStage() as stage`."""

    def __init__(
        self,
        act: Act = show,
        *,
        http: Mapping[str, Any] | None = None,
        websocket: Mapping[str, Any] | None = None,
        max_request_size: int = 1 << 20,
    ) -> None:
        self.is_ready = True
        self.removed: list[str] = []
        api = ApiV1(StageCatalogue())
        self.funnel = StageFunnel(api, act)
        self.entrypoint = Entrypoint(
            api=api,
            funnel=self.funnel,  # type: ignore[arg-type]
            access_log=AccessLog({"access": {"enabled": False, "accessLogIpOffset": 0, "file": None}}),
            is_ready=lambda: self.is_ready,
            on_connection_removed=self.removed.append,
            statistics=Statistics({"statsInterval": 10, "ttl": 3600}, MemoryCache(time.monotonic)),
            doorman=cast(Doorman, None),  # neither protocol asks for credentials
        )
        self.ports = Ports("localhost")
        limits = {"maxRequestSize": max_request_size}
        self.http = HttpProtocol(
            ProtocolContext("http", {**default_options("http"), **(http or {})}, limits, self.entrypoint, self.ports)
        )
        self.websocket = WebSocketProtocol(
            ProtocolContext(
                "websocket",
                {**default_options("websocket"), **(websocket or {})},
                limits,
                self.entrypoint,
                self.ports,
            )
        )
        for protocol in (self.http, self.websocket):
            self.entrypoint.add_protocol(protocol)

    @property
    def port(self) -> int:
        """Where both listen."""
        return self.ports.numbers["http"]

    async def __aenter__(self) -> WebStage:
        await self.http.start()
        await self.websocket.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.websocket.stop()
        await self.http.stop()


async def until(condition: Callable[[], object]) -> None:
    """Wait for what the server does in its own time."""
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to pass")


class RawClient:
    """A bare socket, for what no decent client would send."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> RawClient:
        """Open a connection."""
        return cls(*await asyncio.open_connection("localhost", port))

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read one HTTP answer: status, headers by lower-case name, body as Content-Length says."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)
        line, *lines = head.decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
        size = int(headers.get("content-length", "0"))
        return int(line.split()[1]), headers, await asyncio.wait_for(self.reader.readexactly(size), 20)

    async def rest(self) -> bytes:
        """Read until the server closes; a reset counts as that."""
        received = b""
        with contextlib.suppress(ConnectionError):
            while piece := await asyncio.wait_for(self.reader.read(65_536), 20):
                received += piece
        await self.close()
        return received

    async def close(self) -> None:
        """Close the socket."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def request_bytes(verb: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
    """Return an HTTP request; header names are written with `_` for `-`."""
    lines = [f"{verb} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


class HttpClient:
    """Sends requests to a stage, each on a connection of its own, and reads their JSON."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def send(self, verb: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        """Send one request (a body that is no bytes goes as JSON) and read its answer; no body gives None."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        raw = await RawClient.connect(self.port)
        try:
            await raw.send(request_bytes(verb, path, data, **headers))
            if verb == "HEAD":
                head = await asyncio.wait_for(raw.reader.readuntil(b"\r\n\r\n"), 20)
                lines = head.decode("latin-1").strip().split("\r\n")
                found = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines[1:])}
                return int(lines[0].split()[1]), found, None
            status, found, content = await raw.answer()
        finally:
            await raw.close()
        is_json = content and found["content-type"] == "application/json" and "content-encoding" not in found
        return status, found, json.loads(content) if is_json else content
