"""What is answered without an action, hence outside rights and queue: health, and the documents of the API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import orjson
import yaml

from kuzzle.catalogue import Catalogue
from kuzzle.entrypoint import Entrypoint
from kuzzle.generation.bundle import bundled_schema
from kuzzle.generation.openapi import openapi_document
from kuzzle.generation.swagger import swagger_document

_JSON: Final = "application/json"
_YAML: Final = "application/yaml"


class Page(NamedTuple):
    """A body of its own, without an envelope."""

    status: int
    content_type: str
    body: bytes


PageMaker = Callable[[], Awaitable[Page]]


class Pages:
    """Makes the pages of one server."""

    def __init__(self, entrypoint: Entrypoint) -> None:
        self._entrypoint = entrypoint
        self._documents: dict[str, Page] = {}

    def by_path(self) -> dict[str, PageMaker]:
        """Return the pages that GET reaches."""
        return {
            "/_healthcheck": self.health,
            "/_ready": self.readiness,
            "/swagger.json": self.swagger_json,
            "/swagger.yml": self.swagger_yaml,
            "/openapi.json": self.openapi_json,
            "/schema.json": self.schema_json,
        }

    async def nothing(self) -> Page:
        """HEAD /: the head alone."""
        return Page(200, _JSON, b"")

    async def health(self) -> Page:
        """200 while the process is up."""
        return Page(200, _JSON, b'{"status":"up"}')

    async def readiness(self) -> Page:
        """200 while the server takes requests, 503 while it starts, stops or is overloaded."""
        if self._entrypoint.is_ready():
            return Page(200, _JSON, b'{"status":"ready"}')
        return Page(503, _JSON, b'{"status":"unavailable"}')

    async def swagger_json(self) -> Page:
        """The routes of the API, as Swagger reads them."""
        return await self._document("json", _swagger_json)

    async def swagger_yaml(self) -> Page:
        """The same, in YAML."""
        return await self._document("yaml", _swagger_yaml)

    async def openapi_json(self) -> Page:
        """The routes of the API as OpenAPI 3.1 has them."""
        return await self._document("openapi", _openapi_json)

    async def schema_json(self) -> Page:
        """The API as one JSON Schema."""
        return await self._document("schema", _schema_json)

    async def _document(self, name: str, make: Callable[[Catalogue], Page]) -> Page:
        """Make a document at its first request, in a thread: it takes a while."""
        if name not in self._documents:
            self._documents[name] = await asyncio.to_thread(make, self._entrypoint.api.catalogue)
        return self._documents[name]


def _openapi_json(catalogue: Catalogue) -> Page:
    return Page(200, _JSON, orjson.dumps(openapi_document(catalogue)))


def _schema_json(catalogue: Catalogue) -> Page:
    return Page(200, _JSON, orjson.dumps(bundled_schema(catalogue)))


def _swagger_json(catalogue: Catalogue) -> Page:
    return Page(200, _JSON, orjson.dumps(swagger_document(catalogue)))


def _swagger_yaml(catalogue: Catalogue) -> Page:
    text = yaml.dump(swagger_document(catalogue), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    return Page(200, _YAML, text.encode())
