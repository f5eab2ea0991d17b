"""Reads the clause `nested` and its `inner_hits`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast, get_args

from kuzzle.storage.hit_page_body import OPTIONS, read_hit_page
from kuzzle.storage.nested_tree import InnerHits, Nested, NestedScore
from kuzzle.storage.reading import ReadInner, bad_request, read_flag, read_options
from kuzzle.storage.tree import MATCH_ALL, Query

# index.max_inner_result_window of Elasticsearch.
MAX_INNER_WINDOW: Final = 100

_MODES: Final = {**{mode: mode for mode in get_args(NestedScore)}, "total": "sum"}


def read_nested(content: Mapping[str, Any], read: ReadInner) -> Query:
    """Read `{path, query, score_mode, ignore_unmapped, inner_hits}`."""
    boost = read_options("nested", content, ("path", "query", "score_mode", "ignore_unmapped", "inner_hits"))
    path = content.get("path")
    if not isinstance(path, str) or not path:
        raise bad_request("[nested] requires 'path' field")
    if not isinstance(content.get("query"), dict):
        raise bad_request("[nested] requires 'query' field")
    mode = str(content.get("score_mode", "avg")).lower()
    if mode not in _MODES:
        raise bad_request(f"No score mode for child query [{content['score_mode']}] found")
    return Nested(
        path,
        read(content["query"]) or MATCH_ALL,
        cast("NestedScore", _MODES[mode]),
        read_flag("nested", "ignore_unmapped", content.get("ignore_unmapped", False)),
        _read_inner_hits(path, content["inner_hits"], read) if content.get("inner_hits") is not None else None,
        boost,
    )


def _read_inner_hits(path: str, content: Any, read: ReadInner) -> InnerHits:
    if not isinstance(content, dict):
        raise bad_request("[inner_hits] must be an object")
    for name in content:
        if name not in ("name", *OPTIONS):
            raise bad_request(f"[inner_hits] does not support [{name}]")
    name = content.get("name", path)
    if not isinstance(name, str):
        raise bad_request("[inner_hits] [name] must be a string")
    page = read_hit_page("inner_hits", content, read)
    if page.offset + page.size > MAX_INNER_WINDOW:
        raise bad_request(
            f"Inner result window is too large, the inner hit definition's [{name}]'s from + size must be less than "
            f"or equal to: [{MAX_INNER_WINDOW}] but was [{page.offset + page.size}]."
        )
    return InnerHits(name, page)
