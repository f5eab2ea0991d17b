"""Searches of credentials: by user name alone, so that nothing secret can be found out by trying."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.storage.query import Search, parse_search

_SEARCHED: Final = frozenset({"username"})
_SORTED: Final = frozenset({"username", "kuid"})
_COMPOUND: Final = frozenset({"bool"})
_OCCURRENCES: Final = frozenset({"must", "must_not", "should", "filter", "minimum_should_match"})
# Each names its field as the key of its object.
_OF_A_FIELD: Final = frozenset({"term", "terms", "match", "prefix", "wildcard", "regexp", "range", "fuzzy"})
_MAX_DEPTH: Final = 20


def parse_credential_search(body: Mapping[str, Any], offset: int | None, size: int | None) -> Search:
    """Read a search body of `query` and `sort`.

    Raises:
        KuzzleError: 403 without id: a field that is not to be searched or sorted by; 400: anything else.
    """
    query, sort = body.get("query"), body.get("sort")
    if query:
        _check(query, 0)
    for entry in sort if isinstance(sort, list) else [] if sort is None else [sort]:
        names = entry if isinstance(entry, Mapping) else [entry]
        _check_fields(names, _SORTED)
    wanted = {name: value for name, value in (("query", query), ("sort", sort)) if value}
    return parse_search(wanted, offset=offset, size=size)


def _check(query: Any, depth: int) -> None:
    if not isinstance(query, Mapping) or depth > _MAX_DEPTH:
        raise KuzzleError.without_id(400, "The search query is no query, or too deep")
    for keyword, content in query.items():
        if keyword in _COMPOUND and isinstance(content, Mapping):
            _check_bool(content, depth)
        elif keyword in _OF_A_FIELD and isinstance(content, Mapping):
            _check_fields([name for name in content if name != "boost"], _SEARCHED)
        elif keyword == "exists" and isinstance(content, Mapping):
            _check_fields([content.get("field")], _SEARCHED)
        elif keyword not in ("match_all", "match_none"):
            raise KuzzleError.without_id(400, f'The keyword "{keyword}" is not allowed in this search query')


def _check_bool(content: Mapping[str, Any], depth: int) -> None:
    for occurrence, clauses in content.items():
        if occurrence not in _OCCURRENCES:
            raise KuzzleError.without_id(400, f'The keyword "{occurrence}" is not allowed in this search query')
        if occurrence != "minimum_should_match":
            for clause in clauses if isinstance(clauses, list) else [clauses]:
                _check(clause, depth + 1)


def _check_fields(names: Any, allowed: frozenset[str]) -> None:
    for name in names:
        if name not in allowed:
            raise KuzzleError.without_id(403, f'The field "{name}" is not allowed in this search query')
