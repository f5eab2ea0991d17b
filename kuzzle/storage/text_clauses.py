"""Reads the clauses that look into texts: words (`match`, `multi_match`, ...), patterns (`prefix`, `regexp`, ...)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, cast, get_args

from kuzzle.storage.fields import ANALYZERS
from kuzzle.storage.fuzzy_clauses import FUZZINESS_OPTIONS, MAX_EXPANSIONS, read_fuzziness, read_fuzzy
from kuzzle.storage.reading import (
    bad_request,
    minimum_should_match,
    read_field,
    read_flag,
    read_number,
    read_options,
    read_scalar,
)
from kuzzle.storage.text_tree import (
    MAX_STATES,
    FieldsKind,
    Match,
    MatchBoolPrefix,
    MatchPhrase,
    MatchPhrasePrefix,
    MultiMatch,
    Prefix,
    Regexp,
    Wildcard,
)
from kuzzle.storage.tree import Query

# index.max_regex_length of Elasticsearch; for the other patterns too.
MAX_PATTERN_LENGTH: Final = 1000
# Beyond any text: places are numbers of 31 bits in Elasticsearch.
MAX_SLOP: Final = (1 << 31) - 1

_OPERATORS: Final = {
    "ALL": "~&@#<",
    "ANYSTRING": "@",
    "COMPLEMENT": "~",
    "EMPTY": "#",
    "INTERSECTION": "&",
    "INTERVAL": "<",
    "NONE": "",
}


# Ways to find the terms of a pattern; those that would score otherwise are not among them.
_REWRITES: Final = ("constant_score", "constant_score_boolean", "constant_score_blended")
_MATCH_OPTIONS: Final = ("operator", "minimum_should_match", "analyzer", "lenient", *FUZZINESS_OPTIONS)
_PHRASE_OPTIONS: Final = ("slop", "phrase_slop")


def read_match(content: Mapping[str, Any]) -> Query:
    """Read `{field: text}` or `{field: {query, operator, minimum_should_match, ...}}`.

    With a `type` of `phrase` or `phrase_prefix` it is a phrase.
    """
    extra = ("zero_terms_query", "auto_generate_synonyms_phrase_query", "type", *_PHRASE_OPTIONS)
    field, options, boost = _read_match_field("match", content, (*_MATCH_OPTIONS, *extra))
    kind = one_of("match", "type", options.get("type", "boolean"), ("boolean", "phrase", "phrase_prefix"))
    # There are no synonyms here that could be phrases.
    read_flag("match", extra[1], options.get(extra[1], True))
    if kind != "boolean" and options.get("fuzziness") is not None:
        raise bad_request(f"Fuzziness not allowed for type [{kind}]")
    if kind == "phrase":
        return _read_phrase("match", field, options, boost)
    if kind == "phrase_prefix":
        return _read_phrase_prefix("match", field, options, boost)
    return Match(
        field,
        _read_text("match", options),
        _read_operator("match", options),
        _read_minimum(options),
        _read_zero_terms("match", options),
        read_analyzer("match", options.get("analyzer")),
        read_flag("match", "lenient", options.get("lenient", False)),
        boost,
        read_fuzziness("match", options),
    )


def read_match_phrase(content: Mapping[str, Any]) -> Query:
    """Read `{field: text}` or `{field: {query, slop, analyzer, zero_terms_query}}`."""
    allowed = ("analyzer", "slop", "phrase_slop", "zero_terms_query", "lenient")
    return _read_phrase("match_phrase", *_read_match_field("match_phrase", content, allowed))


def read_match_phrase_prefix(content: Mapping[str, Any]) -> Query:
    """Read `{field: text}` or `{field: {query, slop, max_expansions, analyzer, zero_terms_query}}`."""
    allowed = ("analyzer", "slop", "phrase_slop", "max_expansions", "zero_terms_query", "lenient")
    return _read_phrase_prefix("match_phrase_prefix", *_read_match_field("match_phrase_prefix", content, allowed))


def _read_phrase(clause: str, field: str, options: Mapping[str, Any], boost: float) -> MatchPhrase:
    return MatchPhrase(
        field,
        _read_text(clause, options),
        read_slop(clause, options),
        read_analyzer(clause, options.get("analyzer")),
        _read_zero_terms(clause, options),
        read_flag(clause, "lenient", options.get("lenient", False)),
        boost,
    )


def _read_phrase_prefix(clause: str, field: str, options: Mapping[str, Any], boost: float) -> MatchPhrasePrefix:
    return MatchPhrasePrefix(
        field,
        _read_text(clause, options),
        read_slop(clause, options),
        _read_max_expansions(clause, options),
        read_analyzer(clause, options.get("analyzer")),
        _read_zero_terms(clause, options),
        read_flag(clause, "lenient", options.get("lenient", False)),
        boost,
    )


def read_slop(clause: str, options: Mapping[str, Any]) -> int:
    """Return how far the words of a phrase may be from where they should."""
    slop = read_number(clause, "slop", options.get("slop", options.get("phrase_slop", 0)))
    if slop < 0:
        raise bad_request(f"[{clause}] No negative slop allowed.")
    return int(min(slop, MAX_SLOP))


def _read_max_expansions(clause: str, options: Mapping[str, Any]) -> int:
    expansions = read_number(clause, "max_expansions", options.get("max_expansions", 50))
    if expansions < 1:
        raise bad_request(f"[{clause}] requires maxExpansions to be positive.")
    return int(min(expansions, MAX_EXPANSIONS))


def read_match_bool_prefix(content: Mapping[str, Any]) -> Query:
    """Read `{field: text}` or `{field: {query, operator, minimum_should_match, analyzer}}`."""
    clause = "match_bool_prefix"
    field, options, boost = _read_match_field(clause, content, _MATCH_OPTIONS)
    return MatchBoolPrefix(
        field,
        _read_text(clause, options),
        _read_operator(clause, options),
        _read_minimum(options),
        read_analyzer(clause, options.get("analyzer")),
        read_flag(clause, "lenient", options.get("lenient", False)),
        boost,
        read_fuzziness(clause, options),
    )


def read_multi_match(content: Mapping[str, Any]) -> Query:
    """Read `{query, fields, type, operator, ...}`; a field may carry its boost: `name^3`."""
    clause = "multi_match"
    allowed = (*_MATCH_OPTIONS, *_PHRASE_OPTIONS, "query", "fields", "type", "zero_terms_query", "tie_breaker")
    boost = read_options(clause, content, allowed)
    fields = content.get("fields")
    if isinstance(fields, str):
        fields = [fields]
    if not isinstance(fields, list) or not fields or not all(isinstance(field, str) and field for field in fields):
        raise bad_request("[multi_match] requires a list of [fields]")
    kind = str(content.get("type", "best_fields")).lower()
    fuzziness = read_fuzziness(clause, content)
    if fuzziness is not None and kind in ("phrase", "phrase_prefix", "cross_fields"):
        raise bad_request(f"Fuzziness not allowed for type [{kind}]")
    tie_breaker = content.get("tie_breaker")
    return MultiMatch(
        tuple(read_weighed_field(clause, field) for field in fields),
        _read_text(clause, content),
        cast("FieldsKind", one_of(clause, "type", kind, get_args(FieldsKind))),
        _read_operator(clause, content),
        _read_minimum(content),
        _read_zero_terms(clause, content),
        read_analyzer(clause, content.get("analyzer")),
        None if tie_breaker is None else read_number(clause, "tie_breaker", tie_breaker),
        read_flag(clause, "lenient", content.get("lenient", False)),
        boost,
        fuzziness,
        read_slop(clause, content),
        _read_max_expansions(clause, content),
    )


def read_weighed_field(clause: str, text: str) -> tuple[str, float]:
    """Return a path and its boost, written as `name^3`."""
    name, sign, boost = text.partition("^")
    return name, read_number(clause, "boost", boost) if sign else 1.0


def _read_match_field(
    clause: str, content: Mapping[str, Any], allowed: tuple[str, ...]
) -> tuple[str, Mapping[str, Any], float]:
    field, value, boost = read_field(clause, content)
    options: Mapping[str, Any] = value if isinstance(value, dict) else {"query": value}
    for name in options:
        if name not in ("query", *allowed, "boost", "_name"):
            raise bad_request(f"[{clause}] query does not support [{name}]")
    return field, options, read_number(clause, "boost", options.get("boost", boost))


def _read_text(clause: str, options: Mapping[str, Any]) -> str | int | float | bool:
    text = read_scalar(clause, options.get("query"))
    if text is None:
        raise bad_request("No text specified for text query" if "query" not in options else "query cannot be null")
    return text


def _read_operator(clause: str, options: Mapping[str, Any]) -> Literal["or", "and"]:
    return cast('Literal["or", "and"]', one_of(clause, "operator", options.get("operator", "or"), ("or", "and")))


def _read_minimum(options: Mapping[str, Any]) -> int | str | None:
    wanted: int | str | None = options.get("minimum_should_match")
    if wanted is not None:
        minimum_should_match(wanted, 1)
    return wanted


def _read_zero_terms(clause: str, options: Mapping[str, Any]) -> Literal["none", "all"]:
    value = options.get("zero_terms_query", "none")
    return cast('Literal["none", "all"]', one_of(clause, "zero_terms_query", value, ("none", "all")))


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
    most = read_max_states("regexp", options)
    return Regexp(field, options["value"], frozenset(operators), options["case_insensitive"], boost, most)


def read_max_states(clause: str, options: Mapping[str, Any]) -> int:
    """Return how many states a regular expression may need (`max_determinized_states`), at most `MAX_STATES`.

    Raises:
        KuzzleError
    """
    states = read_number(clause, "max_determinized_states", options.get("max_determinized_states", MAX_STATES))
    if states < 1:
        raise bad_request(f"[{clause}] [max_determinized_states] must be positive")
    return int(min(states, MAX_STATES))


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


def check_rewrite(clause: str, options: Mapping[str, Any]) -> None:
    """Refuse a `rewrite` that scores otherwise.

    Raises:
        KuzzleError
    """
    if options.get("rewrite", "constant_score") not in _REWRITES:
        raise bad_request(f"[{clause}] the rewrite [{options['rewrite']}] is not supported")


def _read_pattern(
    clause: str, content: Mapping[str, Any], names: tuple[str, ...], extra: tuple[str, ...]
) -> tuple[str, dict[str, Any], float]:
    """Return the field, the options with the pattern under `value`, and the boost."""
    field, value, boost = read_field(clause, content)
    options: dict[str, Any] = dict(value) if isinstance(value, dict) else {"value": value}
    for name in options:
        if name not in (*names, *extra, "boost", "rewrite", "case_insensitive", "_name"):
            raise bad_request(f"[{clause}] query does not support [{name}]")
    check_rewrite(clause, options)
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


def one_of(clause: str, name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """Return the one of several words that a value is, in lower case."""
    text = str(value).lower()
    if text not in allowed:
        raise bad_request(f"[{clause}] unknown {name} [{value}]")
    return text


TEXT_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Query]]] = {
    "match": read_match,
    "match_bool_prefix": read_match_bool_prefix,
    "match_phrase": read_match_phrase,
    "match_phrase_prefix": read_match_phrase_prefix,
    "multi_match": read_multi_match,
    "prefix": read_prefix,
    "wildcard": read_wildcard,
    "regexp": read_regexp,
    "fuzzy": read_fuzzy,
}
