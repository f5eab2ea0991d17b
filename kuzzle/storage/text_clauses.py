"""Reads the clauses that look into texts: `match`, `prefix`, `wildcard`, `regexp`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, cast

from kuzzle.storage.fields import ANALYZERS
from kuzzle.storage.reading import bad_request, minimum_should_match, read_field, read_flag, read_number, read_scalar
from kuzzle.storage.text_tree import Match, Prefix, Regexp, Wildcard
from kuzzle.storage.tree import Query

# index.max_regex_length of Elasticsearch; for the other patterns too.
MAX_PATTERN_LENGTH: Final = 1000

_OPERATORS: Final = {
    "ALL": "~&@#<",
    "ANYSTRING": "@",
    "COMPLEMENT": "~",
    "EMPTY": "#",
    "INTERSECTION": "&",
    "INTERVAL": "<",
    "NONE": "",
}


def read_match(content: Mapping[str, Any]) -> Query:
    """Read `{field: text}` or `{field: {query, operator, minimum_should_match, ...}}`."""
    field, value, boost = read_field("match", content)
    options: Mapping[str, Any] = value if isinstance(value, dict) else {"query": value}
    for name in options:
        if name not in (
            "query", "operator", "minimum_should_match", "zero_terms_query", "analyzer", "lenient", "boost", "_name",
            "auto_generate_synonyms_phrase_query",
        ):  # fmt: skip
            raise bad_request(f"[match] query does not support [{name}]")
    text = read_scalar("match", options.get("query"))
    if text is None:
        raise bad_request("No text specified for text query" if "query" not in options else "query cannot be null")
    wanted = options.get("minimum_should_match")
    if wanted is not None:
        minimum_should_match(wanted, 1)
    return Match(
        field,
        text,
        cast('Literal["or", "and"]', _one_of("match", "operator", options.get("operator", "or"), ("or", "and"))),
        wanted,
        cast(
            'Literal["none", "all"]',
            _one_of("match", "zero_terms_query", options.get("zero_terms_query", "none"), ("none", "all")),
        ),
        read_analyzer("match", options.get("analyzer")),
        read_flag("match", "lenient", options.get("lenient", False)),
        read_number("match", "boost", options.get("boost", boost)),
    )


def read_prefix(content: Mapping[str, Any]) -> Query:
    """Read `{field: text}` or `{field: {value, boost, case_insensitive}}`."""
    field, options, boost = _read_pattern("prefix", content, ("value", "prefix"), ())
    return Prefix(field, options["value"], options["case_insensitive"], boost)


def read_wildcard(content: Mapping[str, Any]) -> Query:
    """Read `{field: pattern}` or `{field: {value, boost, case_insensitive}}`."""
    field, options, boost = _read_pattern("wildcard", content, ("value", "wildcard"), ())
    return Wildcard(field, options["value"], options["case_insensitive"], boost)


def read_regexp(content: Mapping[str, Any]) -> Query:
    """Read `{field: pattern}` or `{field: {value, boost, flags, case_insensitive}}`."""
    extra = ("flags", "flags_value", "max_determinized_states")
    field, options, boost = _read_pattern("regexp", content, ("value",), extra)
    if "flags_value" in options:
        raise bad_request("[regexp] [flags_value] is not supported, name the [flags]")
    operators: set[str] = set()
    flags = options.get("flags")
    if not isinstance(flags, str | None):
        raise bad_request("[regexp] [flags] must be a text")
    for flag in (flags or "ALL").upper().split("|"):
        if flag not in _OPERATORS:
            raise bad_request(f"Unknown regexp flag [{flag}]")
        operators.update(_OPERATORS[flag])
    return Regexp(field, options["value"], frozenset(operators), options["case_insensitive"], boost)


def read_analyzer(clause: str, name: Any) -> str | None:
    """Return the name of an analyser, None for none.

    Raises:
        KuzzleError: There is no such analyser.
    """
    if name is None:
        return None
    if not isinstance(name, str) or name not in ANALYZERS:
        raise bad_request(f"[{clause}] analyzer [{name}] not found")
    return name


def _read_pattern(
    clause: str, content: Mapping[str, Any], names: tuple[str, ...], extra: tuple[str, ...]
) -> tuple[str, dict[str, Any], float]:
    """Return the field, the options with the pattern under `value`, and the boost."""
    field, value, boost = read_field(clause, content)
    options: dict[str, Any] = dict(value) if isinstance(value, dict) else {"value": value}
    for name in options:
        if name not in (*names, *extra, "boost", "rewrite", "case_insensitive", "_name"):
            raise bad_request(f"[{clause}] query does not support [{name}]")
    pattern = next((options[name] for name in names if options.get(name) is not None), None)
    if pattern is None:
        raise bad_request("value cannot be null")
    text = str(read_scalar(clause, pattern)) if not isinstance(pattern, bool) else str(pattern).lower()
    if len(text) > MAX_PATTERN_LENGTH:
        raise bad_request(
            f"The length of pattern [{len(text)}] used in the [{clause}] query exceeds the allowed maximum of "
            f"[{MAX_PATTERN_LENGTH}]"
        )
    options["value"] = text
    options["case_insensitive"] = read_flag(clause, "case_insensitive", options.get("case_insensitive", False))
    return field, options, read_number(clause, "boost", options.get("boost", boost))


def _one_of(clause: str, name: str, value: Any, allowed: tuple[str, ...]) -> str:
    text = str(value).lower()
    if text not in allowed:
        raise bad_request(f"[{clause}] unknown {name} [{value}]")
    return text


TEXT_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Query]]] = {
    "match": read_match,
    "prefix": read_prefix,
    "wildcard": read_wildcard,
    "regexp": read_regexp,
}
