"""Loading mappings and documents from one object, as `admin` does."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from kuzzle.api.results import FailedImport
from kuzzle.controllers.importing import Importer
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.storage.base import Storage
from kuzzle.storage.errors import IndexAlreadyExistsError

logger = logging.getLogger(__name__)


def read_places(body: dict[str, Any], kind: type) -> list[tuple[str, str, Any]]:
    """Return index, collection and content of an object `{index: {collection: content}}`, in its order.

    Args:
        kind: What each content must be, `dict` or `list`.

    Raises:
        KuzzleError: A level is of another type, or an index is reserved.
    """
    return list(_places(body, kind))


def _places(body: dict[str, Any], kind: type) -> Iterator[tuple[str, str, Any]]:
    for index, collections in body.items():
        if index.startswith("%"):
            raise KuzzleError("services.storage.index_reserved", index)
        if not isinstance(collections, dict):
            raise KuzzleError("api.assert.invalid_argument", index, "an object")
        for collection, content in collections.items():
            if not isinstance(content, kind):
                expected = "an object" if kind is dict else "an array"
                raise KuzzleError("api.assert.invalid_argument", f"{index}.{collection}", expected)
            yield index, collection, content
        if not collections:
            yield index, "", kind()


async def load_mappings(storage: Storage, places: list[tuple[str, str, Any]]) -> None:
    """Make what does not exist and merge the mappings, one after the other.

    Raises:
        StorageError: The first fault; what was done before it stays.
    """
    for index, collection, mapping in places:
        if not await storage.index_exists(index):
            with contextlib.suppress(IndexAlreadyExistsError):  # somebody else's request was faster
                await storage.create_index(index)
        if collection:
            await storage.create_collection(index, collection, mapping)


async def load_fixtures(
    storage: Storage, importer: Importer, request: Request, places: list[tuple[str, str, Any]]
) -> FailedImport | None:
    """Import documents, one collection after the other, each visible to searches afterwards.

    Returns:
        The first import of which parts failed, after which none is made; None when all went well.

    Raises:
        KuzzleError: As `bulk:import`.
    """
    for index, collection, lines in places:
        if not collection:
            continue
        report = await importer.run(request, lines, index, collection)
        await storage.refresh(index)
        failures = sum(item.error is not None for item in report.items)
        if failures:
            logger.info("Fixtures of %s/%s: %d documents refused", index, collection, failures)
            return FailedImport(report)
    return None
