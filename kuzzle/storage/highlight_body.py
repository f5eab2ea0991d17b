"""Reads `highlight` of a search: which parts of which fields to show, and between which tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kuzzle.storage.highlight_tree import HighlightField
from kuzzle.storage.reading import bad_request, read_flag

# More patterns than anybody highlights by; each is matched against every field of the mapping.
MAX_FIELDS: Final = 100
MAX_STARS: Final = 4
MAX_FRAGMENTS: Final = 10_000

_TYPES: Final = frozenset({"plain", "unified", "postings", "fvh"})
_OPTIONS: Final = frozenset(
    {"pre_tags", "post_tags", "fragment_size", "number_of_fragments", "require_field_match", "type"}
)


def parse_highlight(value: Any) -> tuple[HighlightField, ...]:
    """Read `{fields: {path: options}, ...options}`; `fields` may be a list of such objects. None or `{}`: nothing.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request` naming what is wrong.
    """
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise bad_request("[highlight] must be an object")
    shared = {name: option for name, option in value.items() if name != "fields"}
    _check_options(shared)
    listed = value.get("fields", {})
    fields: list[HighlightField] = []
    for group in listed if isinstance(listed, list) else [listed]:
        if not isinstance(group, dict):
            raise bad_request("[highlight] [fields] must be an object or a list of objects")
        for pattern, options in group.items():
            if not isinstance(options, dict):
                raise bad_request(f"[highlight] the options of [{pattern}] must be an object")
            _check_options(options)
            fields.append(_field(pattern, {**shared, **options}))
    if len(fields) > MAX_FIELDS:
        raise bad_request(f"Too many fields in [highlight]: at most [{MAX_FIELDS}] are allowed")
    return tuple(fields)


def _check_options(options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in _OPTIONS:
            raise bad_request(f"[highlight] unknown field [{name}], parser not found")
    if options.get("type", "plain") not in _TYPES:
        raise bad_request(f"unknown highlighter type [{options['type']}]")


def _field(pattern: str, options: Mapping[str, Any]) -> HighlightField:
    if pattern.count("*") > MAX_STARS:
        raise bad_request(f"[highlight] too many wildcards in [{pattern}]")
    return HighlightField(
        pattern,
        _tag("pre_tags", options.get("pre_tags", "<em>")),
        _tag("post_tags", options.get("post_tags", "</em>")),
        _count("fragment_size", options.get("fragment_size", 100), 1),
        _count("number_of_fragments", options.get("number_of_fragments", 5), 0),
        read_flag("highlight", "require_field_match", options.get("require_field_match", True)),
    )


def _tag(name: str, value: Any) -> str:
    """Return the first of the tags: further ones are for highlighters that tell terms apart."""
    tags = value if isinstance(value, list) else [value]
    if not tags or not all(isinstance(tag, str) for tag in tags):
        raise bad_request(f"[highlight] [{name}] must be a list of texts")
    return str(tags[0])


def _count(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_FRAGMENTS:
        raise bad_request(f"[highlight] [{name}] must be an integer from {least} to {MAX_FRAGMENTS}")
    return value
