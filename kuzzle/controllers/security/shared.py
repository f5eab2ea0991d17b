"""What the actions on roles, profiles and users have in common."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from kuzzle.controllers.arguments import number
from kuzzle.controllers.lifetimes import read_lifetime
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.stored import (
    Definition,
    RemovedObjects,
    SecurityMapping,
    SecurityObject,
    SecurityPage,
    stamped,
)
from kuzzle.storage.base import Source
from kuzzle.storage.internal import InternalCollection
from kuzzle.storage.query import Search


class Bounds:
    """What one request may ask for at most."""

    def __init__(self, limits: Mapping[str, Any]) -> None:
        """`limits` holds `documentsFetchCount`, `documentsWriteCount` and `scrollDuration`."""
        self.fetch: int = limits["documentsFetchCount"]
        self.write: int = limits["documentsWriteCount"]
        self.scroll_ms: int = limits["scrollDuration"]


def content_of(request: Request, content: Mapping[str, Any], *, is_update: bool = False) -> Source:
    """Return a content with the metadata of this request."""
    return stamped(content, request.user.author, int(time.time() * 1000), is_update=is_update)


def shown(definition: Definition) -> SecurityObject:
    """Return a role or profile as an answer."""
    return SecurityObject(definition.id, definition.source)


def wanted_ids(request: Request, limit: int, error_id: str) -> list[str]:
    """Return `body.ids`.

    Raises:
        KuzzleError: There are more than `limit`.
    """
    ids: list[str] = request.body["ids"]
    if len(ids) > limit:
        raise KuzzleError(error_id, limit)
    return ids


async def delete_each(ids: Sequence[str], delete: Callable[[str], Awaitable[None]]) -> RemovedObjects:
    """Delete one after the other; one that fails stops no other."""
    removed = RemovedObjects([], [])
    for object_id in ids:
        try:
            await delete(object_id)
        except KuzzleError as error:
            removed.failures.append(error)
        else:
            removed.ids.append(object_id)
    return removed


def page_of(request: Request, bounds: Bounds) -> tuple[int | None, int | None]:
    """Return the arguments `from` and `size`.

    Raises:
        KuzzleError: 413, the page is too long.
    """
    offset, size = number(request, "from"), number(request, "size")
    if size is not None and size - (offset or 0) > bounds.fetch:
        raise KuzzleError("services.storage.get_limit_exceeded", bounds.fetch)
    return offset, size


async def find(request: Request, bounds: Bounds, collection: InternalCollection, search: Search) -> SecurityPage:
    """Search, and keep the search open if the request has a `scroll`.

    Raises:
        StorageError: A query that cannot be served.
    """
    scroll = request.argument("scroll")
    if scroll is None:
        return SecurityPage(await collection.search(search))
    lifetime_ms = read_lifetime(scroll, bounds.scroll_ms)
    return SecurityPage(await collection.open_scroll(search, lifetime_ms, request.user.id))


async def find_more(request: Request, bounds: Bounds, collection: InternalCollection) -> SecurityPage:
    """Return the next page of a search that is kept open.

    Raises:
        UnknownScrollIdError: There is none of that id in this collection.
    """
    lifetime_ms = read_lifetime(request.argument("scroll"), bounds.scroll_ms)
    return SecurityPage(await collection.next_scroll_page(request.required("scrollId"), lifetime_ms, request.user.id))


async def mapping_of(collection: InternalCollection) -> SecurityMapping:
    """Return how a collection is indexed."""
    return SecurityMapping(await collection.get_mapping())
