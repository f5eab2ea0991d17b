"""How requests carry the specifications of collections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.storage.query import Search, parse_search

_SEARCH_KEYS: Final = frozenset({"query", "sort", "aggregations", "highlight"})


def written_specifications(request: Request) -> Mapping[str, Any]:
    """Return what the body specifies, by index and collection.

    With index and collection the body is one specification; without both it is such a map already.

    Raises:
        KuzzleError: Only one of the two is given, or an index of the server itself is named.
    """
    index, collection = request.index, request.collection
    if index and collection:
        return {index: {collection: request.body}}
    if index or collection:
        raise KuzzleError("api.assert.missing_argument", "collection" if index else "index")
    written: Mapping[str, Any] = request.body
    for name in written:
        if name.startswith("%"):
            raise KuzzleError("services.storage.index_reserved", name)
    return written


def parse_specification_search(request: Request, offset: int | None, size: int | None) -> Search:
    """Read the search of a request: its `query`, or the whole search that stands in place of one.

    Raises:
        KuzzleError: What is wrong with it.
    """
    query = request.body_member("query")
    if not query:
        return parse_search(None, offset=offset, size=size)
    is_search = not _SEARCH_KEYS.isdisjoint(query)
    return parse_search(query if is_search else {"query": query}, offset=offset, size=size)
