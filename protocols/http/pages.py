"""What is answered without an action, hence outside rights and queue: health, and the documents of the API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import orjson
import yaml

from kuzzle.catalogue import Catalogue
from kuzzle.entrypoint import Entrypoint
from kuzzle.generation.documents import DESCRIPTIONS
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
    """Makes the pages of one server.

    Args:
        protocols: The sections of all protocols.
    """

    def __init__(self, entrypoint: Entrypoint, protocols: Mapping[str, Any]) -> None:
        self._entrypoint = entrypoint
        self._protocols = protocols
        # One entry a document: there are as many as paths below.
        self._documents: dict[str, tuple[Catalogue, asyncio.Future[Page]]] = {}

    def by_path(self) -> dict[str, PageMaker]:
        """Return the pages that GET reaches."""
        documents: dict[str, Callable[[Catalogue], Page]] = {
            "/swagger.json": _swagger_json,
            "/swagger.yml": _swagger_yaml,
            **{f"/{name}.json": partial(self._describe, name) for name in DESCRIPTIONS},
        }
        return {
            "/_healthcheck": self.health,
            "/_ready": self.readiness,
            **{path: partial(self._document, path, make) for path, make in documents.items()},
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

    async def _document(self, path: str, make: Callable[[Catalogue], Page]) -> Page:
        """Make a document at its first request, and again for another catalogue; in a thread: it takes a while."""
        catalogue = self._entrypoint.api.catalogue
        known = self._documents.get(path)
        if known is None or known[0] is not catalogue:
            known = catalogue, asyncio.ensure_future(asyncio.to_thread(make, catalogue))
            self._documents[path] = known
        return await asyncio.shield(known[1])

    def _describe(self, name: str, catalogue: Catalogue) -> Page:
        return Page(200, _JSON, orjson.dumps(DESCRIPTIONS[name].make(catalogue, self._protocols)))


def _swagger_json(catalogue: Catalogue) -> Page:
    return Page(200, _JSON, orjson.dumps(swagger_document(catalogue)))


def _swagger_yaml(catalogue: Catalogue) -> Page:
    text = yaml.dump(swagger_document(catalogue), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    return Page(200, _YAML, text.encode())
