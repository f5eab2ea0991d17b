"""Reads `collapse` of a search: one hit for each value of a field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from kuzzle.storage.hit_tree import Collapse
from kuzzle.storage.reading import bad_request
from kuzzle.storage.tree import Search

# Each makes one search of every hit of the page.
MAX_INNER_HITS: Final = 10

_INNER_KEYS: Final = frozenset({"from", "size", "sort", "_source", "highlight", "version", "track_scores",
                               "docvalue_fields", "explain", "stored_fields"})  # fmt: skip
_UNSUPPORTED: Final = frozenset({"collapse", "ignore_unmapped", "script_fields"})  # fmt: skip
_INNER_SIZE: Final = 3


def parse_collapse(value: Any, read_search: Callable[[Mapping[str, Any]], Search]) -> Collapse | None:
    """Read `{field, inner_hits, max_concurrent_group_searches}`; `inner_hits` is an object or a list of them.

    Args:
        read_search: Reads the options of `inner_hits` that those of a search are.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request` naming what is wrong.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise bad_request("[collapse] must be an object")
    for name in value:
        if name not in ("field", "inner_hits", "max_concurrent_group_searches"):
            raise bad_request(f"[collapse] unknown field [{name}], parser not found")
    field = value.get("field")
    if not isinstance(field, str) or not field:
        raise bad_request("[collapse] must have a [field]")
    _check_concurrency(value.get("max_concurrent_group_searches", 1))
    listed = value.get("inner_hits") or []
    inner = [_read_inner(options, read_search) for options in (listed if isinstance(listed, list) else [listed])]
    if len(inner) > MAX_INNER_HITS:
        raise bad_request(f"[collapse] too many [inner_hits]: at most [{MAX_INNER_HITS}] are allowed")
    names = [name for name, _search in inner]
    for name in names:
        if names.count(name) > 1:
            raise bad_request(f"[inner_hits] already contains an entry for key [{name}]")
    return Collapse(field, tuple(inner))


def _check_concurrency(value: Any) -> None:
    """Check a hint on how many groups to search at a time: they are searched one after the other."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise bad_request("[max_concurrent_group_searches] must be positive")


def _read_inner(options: Any, read_search: Callable[[Mapping[str, Any]], Search]) -> tuple[str, Search]:
    if not isinstance(options, dict):
        raise bad_request("[inner_hits] must be an object")
    name = options.get("name")
    if not isinstance(name, str) or not name:
        raise bad_request("[inner_hits] must have a [name] when used with [collapse]")
    for option in options:
        if option in _UNSUPPORTED:
            raise bad_request(f"[inner_hits] [{option}] is not supported in [collapse]")
        if option != "name" and option not in _INNER_KEYS:
            raise bad_request(f"[inner_hits] unknown field [{option}], parser not found")
    wanted = {option: value for option, value in options.items() if option != "name"}
    return name, read_search({"size": _INNER_SIZE, **wanted})
