"""Reads `_source`: which parts of a content a search wants."""

from __future__ import annotations

from typing import Any, Final, Literal

from kuzzle.storage.reading import bad_request
from kuzzle.storage.source_filter import SourceFilter

# A pattern of `_source` is matched against every path of every hit.
MAX_PATTERNS: Final = 100
MAX_STARS: Final = 4


def token_name(value: Any) -> str:
    """Name a value as Elasticsearch's parser does in its messages."""
    if isinstance(value, dict | list):
        return "START_OBJECT" if isinstance(value, dict) else "START_ARRAY"
    if isinstance(value, bool):
        return "VALUE_BOOLEAN"
    if isinstance(value, int | float):
        return "VALUE_NUMBER"
    return "VALUE_NULL" if value is None else "VALUE_STRING"


def parse_source(wanted: Any) -> SourceFilter | Literal[False] | None:
    """Read `_source`: false, true, a pattern, a list of patterns, or `{includes, excludes}`.

    Raises:
        KuzzleError
    """
    if wanted is None or wanted is True:
        return None
    if wanted is False:
        return False
    if isinstance(wanted, str | list):
        return SourceFilter(includes=_patterns(wanted))
    if not isinstance(wanted, dict):
        raise bad_request(
            "Expected one of [VALUE_BOOLEAN, VALUE_STRING, START_ARRAY, START_OBJECT] in [_source] "
            f"but found [{token_name(wanted)}]"
        )
    for name in wanted:
        if name not in ("includes", "include", "excludes", "exclude"):
            raise bad_request(f"Unknown key for a {token_name(wanted[name])} in [{name}].")
    return SourceFilter(
        includes=_patterns(wanted.get("includes", wanted.get("include"))),
        excludes=_patterns(wanted.get("excludes", wanted.get("exclude"))),
    )


def _patterns(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    patterns = value if isinstance(value, list) else [value]
    if len(patterns) > MAX_PATTERNS:
        raise bad_request(f"Too many patterns in [_source]: at most [{MAX_PATTERNS}] are allowed")
    for pattern in patterns:
        if not isinstance(pattern, str) or pattern.count("*") > MAX_STARS:
            raise bad_request("Unknown key for a VALUE_STRING in [_source].")
    return tuple(patterns)
