"""Reads the body of a search. Any key that is not understood is refused by name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from kuzzle.storage.aggregation_clauses import parse_aggregations
from kuzzle.storage.clauses import parse_named_query, parse_query
from kuzzle.storage.collapse_body import parse_collapse
from kuzzle.storage.compound_tree import FunctionScore
from kuzzle.storage.highlight_body import parse_highlight
from kuzzle.storage.hit_parts_body import parse_parts, wanted_source
from kuzzle.storage.reading import bad_request, read_number
from kuzzle.storage.sort_body import parse_after, parse_sort
from kuzzle.storage.source_reading import parse_source, token_name
from kuzzle.storage.tree import Query, Search

# index.max_result_window of Elasticsearch: deeper pages are read by scrolling.
MAX_RESULT_WINDOW: Final = 10000
# Each is asked about every hit, all of them in one statement.
MAX_NAMES: Final = 500

SEARCH_KEYS: Final = frozenset(
    {"query", "from", "size", "sort", "search_after", "highlight", "_source", "post_filter", "aggregations", "aggs",
     "collapse", "docvalue_fields", "explain", "min_score", "stored_fields", "timeout", "track_scores", "version"}
)  # fmt: skip
# Keys of Elasticsearch 5 that ask for what this server does not do; some of them only when they are not false.
_UNSUPPORTED: Final = frozenset(
    {"ext", "indices_boost", "profile", "rescore", "script_fields", "slice", "stats",
     "suggest", "terminate_after"}
)  # fmt: skip
_OFF: Final = frozenset({"profile"})
_UNITS_MS: Final = {"nanos": 1e-6, "micros": 1e-3, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
KNOWN_KEYS: Final = SEARCH_KEYS | _UNSUPPORTED
"""The keys of Elasticsearch 5, served or not."""


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
    sort = parse_sort(body.get("sort"), parse_query)
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
    query, named = _parse_query(body)
    post_filter, filter_names = parse_named_query(body["post_filter"]) if body.get("post_filter") else (None, ())
    if len(named) + len(filter_names) > MAX_NAMES:
        raise bad_request(f"Too many clauses with a [_name]: at most [{MAX_NAMES}] are allowed")
    if "aggs" in body and "aggregations" in body:
        raise bad_request("Found both [aggs] and [aggregations], which are one thing")
    return Search(
        query,
        first,
        count,
        sort,
        parse_source(wanted_source(body)),
        after,
        highlight=highlight,
        post_filter=post_filter,
        aggregations=parse_aggregations(body.get("aggregations", body.get("aggs"))) or None,
        collapse=collapse,
        parts=parse_parts(body),
        named=(*named, *filter_names),
        timeout_ms=_timeout(body.get("timeout")),
    )


def _check_keys(body: Mapping[str, Any]) -> None:
    for name, value in body.items():
        if name in _UNSUPPORTED and not (name in _OFF and value in (False, "false")):
            raise bad_request(f"[{name}] of a search is not supported")
        if name not in KNOWN_KEYS:
            raise bad_request(f"Unknown key for a {token_name(value)} in [{name}].")


def _parse_query(body: Mapping[str, Any]) -> tuple[Query, tuple[tuple[str, Query], ...]]:
    query, named = parse_named_query(body.get("query"))
    if body.get("min_score") is None:
        return query, named
    return FunctionScore(query, min_score=read_number("search", "min_score", body["min_score"])), named


def _timeout(value: Any) -> int | None:
    """Read a time such as `1s` or `500ms`; -1 stands for none."""
    if value is None or value in (-1, "-1"):
        return None
    match = re.fullmatch(r"(\d{1,9})\s*(micros|nanos|ms|s|m|h|d)", value) if isinstance(value, str) else None
    if match is None:
        raise bad_request(
            f"failed to parse setting [timeout] with value [{value}] as a time value: unit is missing or unrecognized"
        )
    return math.ceil(int(match[1]) * _UNITS_MS[match[2]])


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
