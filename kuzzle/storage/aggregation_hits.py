"""Reads aggregations about nested objects and about single hits: `nested`, `reverse_nested`, `top_hits`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from kuzzle.storage.aggregation_options import check_options
from kuzzle.storage.aggregations import Kind, NestedBucket, ReverseNestedBucket, TopHits
from kuzzle.storage.clauses import parse_query
from kuzzle.storage.hit_page_body import OPTIONS, read_hit_page
from kuzzle.storage.reading import bad_request

# index.max_inner_result_window of Elasticsearch.
MAX_TOP_HITS_WINDOW: Final = 100


def _read_nested(type_name: str, content: Any) -> Kind:
    options = check_options(type_name, content, ("path",))
    path = options.get("path")
    if not isinstance(path, str) or not path:
        raise bad_request(f"Missing [path] field for [{type_name}] aggregation")
    return NestedBucket(path)


def _read_reverse_nested(type_name: str, content: Any) -> Kind:
    options = check_options(type_name, content, ("path",))
    path = options.get("path")
    if path is not None and (not isinstance(path, str) or not path):
        raise bad_request(f"[path] of [{type_name}] must be a text")
    return ReverseNestedBucket(path)


def _read_top_hits(type_name: str, content: Any) -> Kind:
    page = read_hit_page(type_name, check_options(type_name, content, OPTIONS), parse_query)
    if page.offset + page.size > MAX_TOP_HITS_WINDOW:
        raise bad_request(
            f"Top hits result window is too large, the top hits aggregator's from + size must be less than or equal "
            f"to: [{MAX_TOP_HITS_WINDOW}] but was [{page.offset + page.size}]"
        )
    return TopHits(page)


HIT_READERS: Final[Mapping[str, Callable[[str, Any], Kind]]] = {
    "nested": _read_nested,
    "reverse_nested": _read_reverse_nested,
    "top_hits": _read_top_hits,
}
