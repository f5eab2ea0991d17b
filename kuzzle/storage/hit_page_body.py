"""Reads which hits a hit or a bucket shows: the options that `inner_hits` and `top_hits` share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kuzzle.storage.highlight_body import parse_highlight
from kuzzle.storage.hit_tree import HitPage, HitParts
from kuzzle.storage.reading import ReadInner, bad_request, read_flag
from kuzzle.storage.sort_body import parse_sort
from kuzzle.storage.source_reading import parse_source

OPTIONS: Final = ("from", "size", "sort", "_source", "highlight", "version", "track_scores")


def read_hit_page(clause: str, options: Mapping[str, Any], read_query: ReadInner) -> HitPage:
    """Read `{from, size, sort, _source, highlight, version, track_scores}`; other options are not looked at.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request` naming what is wrong.
    """
    return HitPage(
        _count(clause, "from", options.get("from", 0)),
        _count(clause, "size", options.get("size", 3)),
        parse_sort(options.get("sort"), read_query),
        parse_source(options.get("_source")),
        parse_highlight(options.get("highlight")),
        HitParts(_flag(clause, "version", options), _flag(clause, "track_scores", options)),
    )


def _count(clause: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise bad_request(f"[{clause}] [{name}] must be a whole number that is not negative")
    return value


def _flag(clause: str, name: str, options: Mapping[str, Any]) -> bool:
    return read_flag(clause, name, options.get(name, False))
