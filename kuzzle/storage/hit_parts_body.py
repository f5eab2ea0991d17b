"""Reads what hits of a search show besides what they are found by: versions, scores, values of fields, explanations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kuzzle.storage.hit_tree import HitParts
from kuzzle.storage.reading import bad_request, read_flag
from kuzzle.storage.source_reading import MAX_PATTERNS, MAX_STARS

# index.max_docvalue_fields_search of Elasticsearch: each is looked up for every hit.
MAX_DOC_VALUES: Final = 100


def parse_parts(body: Mapping[str, Any]) -> HitParts:
    """Read `version`, `track_scores`, `docvalue_fields`, `stored_fields` and `explain` of a search.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request` naming what is wrong.
    """
    return HitParts(
        _flag(body, "version"),
        _flag(body, "track_scores"),
        _doc_values(body.get("docvalue_fields")),
        _stored(body.get("stored_fields")),
        _flag(body, "explain"),
    )


def wanted_source(body: Mapping[str, Any]) -> Any:
    """Return what a search says of `_source`; where it asks for stored fields, the content is shown only when named."""
    wanted = body.get("_source")
    if wanted is None and body.get("stored_fields") is not None:
        return "_source" in _stored(body["stored_fields"])
    return wanted


def _flag(body: Mapping[str, Any], name: str) -> bool:
    return read_flag("search", name, body.get(name, False))


def _stored(value: Any) -> tuple[str, ...]:
    """Read `stored_fields`: a pattern or a list of them."""
    if value is None:
        return ()
    patterns = value if isinstance(value, list) else [value]
    if len(patterns) > MAX_PATTERNS:
        raise bad_request(f"Too many patterns in [stored_fields]: at most [{MAX_PATTERNS}] are allowed")
    for pattern in patterns:
        if not isinstance(pattern, str) or pattern.count("*") > MAX_STARS:
            raise bad_request("[stored_fields] must be a list of names of fields")
        if pattern == "_none_":
            raise bad_request("[stored_fields] [_none_] is not supported")
    return tuple(patterns)


def _doc_values(value: Any) -> tuple[str, ...]:
    """Read `docvalue_fields`: a list of names, each alone or as `{field}`."""
    if value is None:
        return ()
    fields = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            for option in item:
                if option != "field":
                    raise bad_request(f"[docvalue_fields] does not support [{option}]")
        name = item.get("field") if isinstance(item, dict) else item
        if not isinstance(name, str) or not name:
            raise bad_request("[docvalue_fields] must be a list of names of fields")
        fields.append(name)
    if len(fields) > MAX_DOC_VALUES:
        raise bad_request(f"Too many fields in [docvalue_fields]: at most [{MAX_DOC_VALUES}] are allowed")
    return tuple(dict.fromkeys(fields))
