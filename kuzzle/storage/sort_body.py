"""Reads `sort` and `search_after` of a search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast, get_args

from kuzzle.storage.fields import TYPES
from kuzzle.storage.geo_clauses import read_distance_sort
from kuzzle.storage.nested_tree import NestedLevel
from kuzzle.storage.reading import ReadInner, bad_request
from kuzzle.storage.source_reading import token_name
from kuzzle.storage.tree import Order, Scalar, Sort, SortMode

# More keys than anybody sorts by; each of them costs a pass over its field.
MAX_SORT_KEYS: Final = 32
# Nested objects in nested objects: as deep as anybody maps them.
MAX_LEVELS: Final = 10

_DOCUMENT_KEYS: Final = frozenset({"_score", "_doc", "_id", "_uid"})
_MODES: Final = (None, *get_args(SortMode))
_NESTED: Final = frozenset({"nested", "nested_path", "nested_filter"})


def parse_sort(sort: Any, read_query: ReadInner) -> tuple[Sort, ...]:
    """Read sort keys: a name, `{name: order}`, `{name: {order, mode, missing, nested_path...}}`, or a list of these.

    Args:
        read_query: Reads the queries of `nested_filter`.

    Raises:
        KuzzleError
    """
    if sort is None:
        return ()
    keys = tuple(key for item in (sort if isinstance(sort, list) else [sort]) for key in _sort_keys(item, read_query))
    if len(keys) > MAX_SORT_KEYS:
        raise bad_request(f"Too many sort keys: [{len(keys)}], at most [{MAX_SORT_KEYS}] are allowed")
    return keys


def _sort_keys(item: Any, read_query: ReadInner) -> Iterator[Sort]:
    if isinstance(item, str):
        yield _sort_key(item, {}, read_query)
    elif isinstance(item, dict):
        for name, options in item.items():
            if isinstance(options, str):
                yield _sort_key(name, {"order": options}, read_query)
            elif isinstance(options, dict):
                yield _sort_key(name, options, read_query)
            else:
                raise bad_request(f"[sort] malformed options of [{name}], expected a string or an object")
    else:
        raise bad_request("malformed sort format, within the sort array, an object, or an actual string are allowed")


def _sort_key(name: str, options: Mapping[str, Any], read_query: ReadInner) -> Sort:
    if name == "_script":
        raise bad_request(f"[{name}] sort is not supported")
    if not name:
        raise bad_request("[sort] field name is null or empty")
    order = str(options.get("order", "desc" if name == "_score" else "asc")).lower()
    if order not in ("asc", "desc"):
        raise bad_request(f"Unknown SortOrder [{order}]")
    direction = cast("Order", order)
    nested = _read_levels(options, read_query)
    if name in ("_geo_distance", "_geoDistance"):
        own = {option: value for option, value in options.items() if option not in _NESTED}
        field, distance = read_distance_sort(name, own)
        return Sort(field, direction, distance=distance, nested=nested)
    for option in options:
        if option not in ("order", "mode", "missing", "unmapped_type", *_NESTED):
            raise bad_request(f"[field_sort] unknown field [{option}], parser not found")
    mode = _mode(options.get("mode"))
    missing = options.get("missing")
    unmapped_type = options.get("unmapped_type")
    if isinstance(missing, dict | list) or not isinstance(unmapped_type, str | None):
        raise bad_request(f"[field_sort] malformed options of [{name}]")
    if unmapped_type is not None and unmapped_type not in TYPES:
        raise bad_request(f"No mapper found for type [{unmapped_type}]")
    if name in _DOCUMENT_KEYS and (mode or missing is not None or nested or (name == "_score" and unmapped_type)):
        raise bad_request(f"[{name}] sort takes only [order]")
    return Sort(name, direction, mode, "_last" if missing is None else missing, unmapped_type, nested=nested)


def _mode(value: Any) -> SortMode | None:
    mode = value.lower() if isinstance(value, str) else value
    if mode not in _MODES:
        raise bad_request(f"Unknown SortMode [{value}]")
    return cast("SortMode | None", mode)


def _read_levels(options: Mapping[str, Any], read_query: ReadInner) -> tuple[NestedLevel, ...]:
    """Read `nested_path` and `nested_filter`, or `nested: {path, filter, nested}`, the outermost first."""
    if options.get("nested") is None:
        if options.get("nested_path") is None:
            if options.get("nested_filter") is not None:
                raise bad_request("[nested_filter] of a sort needs [nested_path]")
            return ()
        return (_level(options["nested_path"], options.get("nested_filter"), read_query),)
    if options.get("nested_path") is not None or options.get("nested_filter") is not None:
        raise bad_request("Sorting by nested objects takes [nested_path] and [nested_filter], or [nested], not both")
    levels: list[NestedLevel] = []
    below = options["nested"]
    while below is not None:
        if not isinstance(below, dict):
            raise bad_request("[nested] of a sort must be an object")
        for option in below:
            if option not in ("path", "filter", "nested"):
                raise bad_request(f"[nested_sort] unknown field [{option}], parser not found")
        levels.append(_level(below.get("path"), below.get("filter"), read_query))
        if len(levels) > MAX_LEVELS:
            raise bad_request(f"[nested] of a sort is nested too deep: more than {MAX_LEVELS} levels")
        below = below.get("nested")
    return tuple(levels)


def _level(path: Any, query: Any, read_query: ReadInner) -> NestedLevel:
    if not isinstance(path, str) or not path:
        raise bad_request("Sorting by nested objects needs their path")
    return NestedLevel(path, None if query is None else read_query(query))


def parse_after(values: Any, sort: tuple[Sort, ...]) -> tuple[Scalar, ...] | None:
    """Read `search_after`: a value per sort key, None when absent.

    Raises:
        KuzzleError
    """
    if values is None:
        return None
    if not isinstance(values, list):
        raise bad_request(f"Expected [START_ARRAY] in [search_after] but found [{token_name(values)}]")
    if not values:
        raise bad_request("Values must contains at least one value.")
    for value in values:
        if isinstance(value, dict | list):
            raise bad_request(
                "Expected [VALUE_STRING] or [VALUE_NUMBER] or [VALUE_BOOLEAN] or [VALUE_NULL] but found "
                f"[{token_name(value)}] inside search_after."
            )
    if not sort:
        raise bad_request("Sort must contain at least one field.")
    if len(values) != len(sort):
        raise bad_request(f"search_after has {len(values)} value(s) but sort has {len(sort)}.")
    return tuple(values)
