"""The HTTP protocol: the routes of the API on the shared web port."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest

from kuzzle.catalogue import ActionDefinition, Catalogue, routes_to_nothing
from kuzzle.notification import Notification
from protocols.base import Protocol, ProtocolContext
from protocols.http.bodies import BodyLimits
from protocols.http.exchange import Exchange, HttpService
from protocols.http.heads import Heads
from protocols.http.pages import PageMaker, Pages
from protocols.http.routes import RouteTree

# Asked last: what no other door wants is HTTP.
_RANK: Final = 20
# How long answers may still take to leave when the server stops.
_FLUSH_ROUNDS: Final = 100
_FLUSH_PAUSE_S: Final = 0.02


class HttpProtocol(Protocol):
    """The API over HTTP.

    Each request is a connection of its own, so nothing is ever pushed. Options: `port`,
    `accessControlAllow{Origin,Methods,Headers}`, `allowCompression`, `maxEncodingLayers` and
    `maxFormFileSize` (bytes).
    """

    def __init__(self, context: ProtocolContext) -> None:
        super().__init__(context)
        self._service = HttpService(
            name=self.name,
            entrypoint=self.entrypoint,
            routes=build_routes(self.entrypoint.api.catalogue, Pages(self.entrypoint, context.protocols)),
            limits=BodyLimits(context.limits, self.options),
            heads=Heads(self.options),
            unsent=set(),
        )

    async def start(self) -> None:
        """Open the door on the shared web port."""
        self.context.ports.open_web_door(self.options["port"], self.name, self._door, rank=_RANK)

    async def stop(self) -> None:
        """Let answers leave, then close the door."""
        for _ in range(_FLUSH_ROUNDS):
            if not self._service.unsent:
                break
            await asyncio.sleep(_FLUSH_PAUSE_S)
        await self.context.ports.close_web_door(self.options["port"], self.name)

    def _door(self, request: HTTPServerRequest) -> HTTPMessageDelegate:
        return Exchange(self._service, request)

    def broadcast(self, channels: Sequence[str], notification: Notification) -> None:
        """Do nothing: no HTTP client follows a channel."""

    def notify(self, connection_id: str, channels: Sequence[str], notification: Notification) -> None:
        """Do nothing, as `broadcast`."""

    def join_channel(self, channel: str, connection_id: str) -> None:
        """Do nothing, as `broadcast`."""

    def leave_channel(self, channel: str, connection_id: str) -> None:
        """Do nothing, as `broadcast`."""

    def disconnect(self, connection_id: str, message: str) -> None:
        """Do nothing: the connection ends with its one request."""


def build_routes(catalogue: Catalogue, pages: Pages) -> RouteTree[ActionDefinition | PageMaker]:
    """Return the routes of all actions, and those of the pages.

    Raises:
        KuzzleError: `network.http.duplicate_url`.
    """
    routes: RouteTree[ActionDefinition | PageMaker] = RouteTree()
    for action in (*catalogue, *routes_to_nothing()):
        for route in action.routes:
            routes.add(route.verb, route.path, action)
    for path, page in pages.by_path().items():
        routes.add("GET", path, page)
    routes.add("HEAD", "/", pages.nothing)
    return routes
