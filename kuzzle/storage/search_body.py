"""Reads the body of a search. Any key that is not understood is refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, cast

from kuzzle.storage.aggregation_clauses import parse_aggregations
from kuzzle.storage.clauses import parse_query
from kuzzle.storage.collapse_body import parse_collapse
from kuzzle.storage.compound_tree import FunctionScore
from kuzzle.storage.geo_clauses import read_distance_sort
from kuzzle.storage.highlight_body import parse_highlight
from kuzzle.storage.hit_tree import HitParts
from kuzzle.storage.reading import bad_request, read_flag, read_number
from kuzzle.storage.source_reading import parse_source, token_name
from kuzzle.storage.tree import MATCH_ALL, Query, Scalar, Search, Sort

# index.max_result_window of Elasticsearch: deeper pages are read by scrolling.
MAX_RESULT_WINDOW: Final = 10000
# More keys than anybody sorts by; each of them costs a pass over its field.
MAX_SORT_KEYS: Final = 32

_KEYS: Final = frozenset(
    {"query", "from", "size", "sort", "search_after", "highlight", "_source", "post_filter", "aggregations", "aggs",
     "collapse", "min_score", "track_scores", "version"}
)  # fmt: skip
# Keys of Elasticsearch 5 that ask for what this server does not do; some of them only when they are not false.
_UNSUPPORTED: Final = frozenset(
    {"docvalue_fields", "explain", "ext", "indices_boost", "profile", "rescore", "script_fields", "slice", "stats",
     "stored_fields", "suggest", "terminate_after", "timeout"}
)  # fmt: skip
_OFF: Final = frozenset({"explain", "profile"})
_DOCUMENT_KEYS: Final = frozenset({"_score", "_doc", "_id", "_uid"})


def parse_search(body: Mapping[str, Any] | None, *, offset: int | None, size: int | None) -> Search:
    """Read a search.

    Args:
        body: As clients write it; None or `{}` find everything.
        offset: Overrides `from` of the body when given.
        size: Overrides `size` of the body when given.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request` naming what is wrong.
    """
    body = {} if body is None else body
    _check_keys(body)
    highlight = parse_highlight(body.get("highlight"))
    sort = parse_sort(body.get("sort"))
    after = parse_after(body.get("search_after"), sort)
    asked = body.get("from", 0) if offset is None else offset
    first = 0 if after is not None and asked in (-1, "-1") else _count("from", asked, 0)
    if after is not None and first:
        raise bad_request("`from` parameter must be set to 0 or -1 when `search_after` is used.")
    count = _count("size", body.get("size", 10) if size is None else size, 10)
    if first + count > MAX_RESULT_WINDOW:
        raise bad_request(
            "Result window is too large, from + size must be less than or equal to: "
            f"[{MAX_RESULT_WINDOW}] but was [{first + count}]. See the scroll api for a more efficient way to "
            "request large data sets."
        )
    collapse = parse_collapse(body.get("collapse"), lambda inner: parse_search(inner, offset=None, size=None))
    if collapse is not None and after is not None:
        raise bad_request("cannot use `collapse` in conjunction with `search_after`")
    if "aggs" in body and "aggregations" in body:
        raise bad_request("Found both [aggs] and [aggregations], which are one thing")
    return Search(
        _parse_query(body),
        first,
        count,
        sort,
        parse_source(body.get("_source")),
        after,
        highlight=highlight,
        post_filter=parse_query(body["post_filter"]) if body.get("post_filter") else None,
        aggregations=parse_aggregations(body.get("aggregations", body.get("aggs"))) or None,
        collapse=collapse,
        parts=HitParts(_flag(body, "version"), _flag(body, "track_scores")),
    )


def _check_keys(body: Mapping[str, Any]) -> None:
    for name, value in body.items():
        if name in _UNSUPPORTED and not (name in _OFF and value in (False, "false")):
            raise bad_request(f"[{name}] of a search is not supported")
        if name not in _KEYS and name not in _UNSUPPORTED:
            raise bad_request(f"Unknown key for a {token_name(value)} in [{name}].")


def _parse_query(body: Mapping[str, Any]) -> Query:
    query = parse_query(body["query"]) if "query" in body else MATCH_ALL
    if body.get("min_score") is None:
        return query
    return FunctionScore(query, min_score=read_number("search", "min_score", body["min_score"]))


def _flag(body: Mapping[str, Any], name: str) -> bool:
    return read_flag("search", name, body.get(name, False))


def _count(name: str, value: Any, default: int) -> int:
    if value is None:
        return default
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,10}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_request(f"[{name}] must be an integer")
    if value < 0:
        raise bad_request(f"[{name}] parameter cannot be negative, found [{value}]")
    return value


def parse_sort(sort: Any) -> tuple[Sort, ...]:
    """Read sort keys: a name, `{name: order}`, `{name: {order, mode, missing, unmapped_type}}`, or a list of these.

    Raises:
        KuzzleError
    """
    if sort is None:
        return ()
    keys = tuple(key for item in (sort if isinstance(sort, list) else [sort]) for key in _sort_keys(item))
    if len(keys) > MAX_SORT_KEYS:
        raise bad_request(f"Too many sort keys: [{len(keys)}], at most [{MAX_SORT_KEYS}] are allowed")
    return keys


def _sort_keys(item: Any) -> Iterator[Sort]:
    if isinstance(item, str):
        yield _sort_key(item, {})
    elif isinstance(item, dict):
        for name, options in item.items():
            if isinstance(options, str):
                yield _sort_key(name, {"order": options})
            elif isinstance(options, dict):
                yield _sort_key(name, options)
            else:
                raise bad_request(f"[sort] malformed options of [{name}], expected a string or an object")
    else:
        raise bad_request("malformed sort format, within the sort array, an object, or an actual string are allowed")


def _sort_key(name: str, options: Mapping[str, Any]) -> Sort:
    if name == "_script":
        raise bad_request(f"[{name}] sort is not supported")
    if not name:
        raise bad_request("[sort] field name is null or empty")
    order = str(options.get("order", "desc" if name == "_score" else "asc")).lower()
    if order not in ("asc", "desc"):
        raise bad_request(f"Unknown SortOrder [{order}]")
    direction = cast("Literal['asc', 'desc']", order)
    if name in ("_geo_distance", "_geoDistance"):
        field, distance = read_distance_sort(name, options)
        return Sort(field, direction, distance=distance)
    for option in options:
        if option not in ("order", "mode", "missing", "unmapped_type"):
            raise bad_request(f"[field_sort] unknown field [{option}], parser not found")
    mode = options.get("mode")
    if mode not in (None, "min", "max"):
        raise bad_request(f"Unknown or unsupported SortMode [{mode}]")
    missing = options.get("missing")
    unmapped_type = options.get("unmapped_type")
    if isinstance(missing, dict | list) or not isinstance(unmapped_type, str | None):
        raise bad_request(f"[field_sort] malformed options of [{name}]")
    if name in _DOCUMENT_KEYS and (mode or missing is not None):
        raise bad_request(f"[{name}] sort takes only [order]")
    return Sort(name, direction, mode, "_last" if missing is None else missing, unmapped_type)


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
