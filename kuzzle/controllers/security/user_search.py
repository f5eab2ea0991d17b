"""How requests carry a search of users: as the body of a search, or as the query alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kuzzle.storage.query import Search, parse_search
from kuzzle.storage.reading import bad_request
from kuzzle.storage.search_body import SEARCH_KEYS

# What these ask for is not shown of users.
_NOT_SHOWN: Final = frozenset({"collapse", "track_scores", "version"})


def parse_user_search(body: Mapping[str, Any] | None, offset: int | None, size: int | None) -> Search:
    """Read a search of users.

    Args:
        body: With one of the keys of a search it is one, else it is a query; None or empty finds everybody.
        offset: Overrides `from` of the body when given.
        size: Overrides `size` of the body when given.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request` naming what is wrong.
    """
    if body and SEARCH_KEYS.isdisjoint(body):
        body = {"query": body}
    for name in _NOT_SHOWN.intersection(body or ()):
        raise bad_request(f"[{name}] is not supported in a search of users")
    return parse_search(body, offset=offset, size=size)
