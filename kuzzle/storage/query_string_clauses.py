"""Reads the clauses `query_string` and `simple_query_string`: their options, and by them the string."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, cast

from kuzzle.storage.fuzzy_clauses import read_fuzziness
from kuzzle.storage.query_string import QueryStringReader
from kuzzle.storage.query_string_lexer import QueryStringError
from kuzzle.storage.query_string_terms import EVERY_FIELD, Terms, fields_of
from kuzzle.storage.query_string_tree import Fields, QueryText
from kuzzle.storage.reading import bad_request, minimum_should_match, read_flag, read_number, read_options
from kuzzle.storage.simple_query_string import FLAGS, SimpleQueryStringReader
from kuzzle.storage.text_clauses import (
    check_rewrite,
    one_of,
    read_analyzer,
    read_max_states,
    read_slop,
    read_weighed_field,
)
from kuzzle.storage.tree import Query

_BOTH: Final = (
    "query", "fields", "default_operator", "analyzer", "analyze_wildcard", "lenient", "minimum_should_match",
    "fuzzy_prefix_length", "fuzzy_max_expansions", "fuzzy_transpositions", "all_fields",
    "auto_generate_synonyms_phrase_query",
)  # fmt: skip
_QUERY_STRING: Final = (
    *_BOTH, "default_field", "quote_analyzer", "allow_leading_wildcard", "phrase_slop", "fuzziness", "time_zone",
    "tie_breaker", "use_dis_max", "type", "rewrite", "escape", "auto_generate_phrase_queries",
    "enable_position_increments", "split_on_whitespace", "max_determinized_states",
)  # fmt: skip
_SIMPLE: Final = (*_BOTH, "flags")
_SPECIAL: Final = re.compile(r'[-+!():^\[\]"{}~*?|&/\\]')


def read_query_string(content: Mapping[str, Any], max_depth: int, count: Callable[[], None]) -> Query:
    """Read `{query, default_field | fields, default_operator, ...}`.

    Args:
        max_depth: How deep groups may stand in each other.
        count: Called for each part of the string; raises what refuses too many.

    Raises:
        KuzzleError: An option or a string that cannot be.
    """
    clause = "query_string"
    boost = read_options(clause, content, _QUERY_STRING)
    text = _read_query(clause, content)
    for name in ("enable_position_increments", "split_on_whitespace"):
        if not read_flag(clause, name, content.get(name, True)):
            raise bad_request(f"[{clause}] [{name}: false] is not supported")
    check_rewrite(clause, content)
    operator = _read_operator(clause, content)
    terms = _read_terms(clause, content, operator)
    if read_flag(clause, "escape", content.get("escape", False)):
        text = _SPECIAL.sub(r"\\\g<0>", text)
    reader = QueryStringReader(
        terms,
        operator,
        allows_leading_wildcard=read_flag(
            clause, "allow_leading_wildcard", content.get("allow_leading_wildcard", True)
        ),
        max_depth=max_depth,
        count=count,
    )
    minimum = _read_minimum(content)
    try:
        return QueryText(reader.read(text), minimum, boost)
    except QueryStringError as error:
        raise bad_request(f"Failed to parse query [{content['query']}]: {error}") from None


def read_simple_query_string(content: Mapping[str, Any], max_depth: int, count: Callable[[], None]) -> Query:
    """Read `{query, fields, default_operator, flags, ...}`; any text is a query.

    Args:
        max_depth: How deep groups may stand in each other.
        count: Called for each part of the string; raises what refuses too many.

    Raises:
        KuzzleError: An option that cannot be.
    """
    clause = "simple_query_string"
    boost = read_options(clause, content, _SIMPLE)
    text = _read_query(clause, content)
    operator = _read_operator(clause, content)
    terms = _read_terms(clause, content, operator, tie_breaker=1.0)
    reader = SimpleQueryStringReader(
        terms, operator, _read_flags(clause, content.get("flags")), max_depth=max_depth, count=count
    )
    return QueryText(reader.read(text), _read_minimum(content), boost)


def _read_query(clause: str, content: Mapping[str, Any]) -> str:
    text = content.get("query")
    if not isinstance(text, str):
        raise bad_request(f"[{clause}] must be provided with a [query]")
    return text


def _read_terms(
    clause: str, content: Mapping[str, Any], operator: Literal["or", "and"], tie_breaker: float = 0.0
) -> Terms:
    fuzziness = read_fuzziness(
        clause,
        {
            "fuzziness": content.get("fuzziness", "AUTO"),
            "prefix_length": content.get("fuzzy_prefix_length", 0),
            "max_expansions": content.get("fuzzy_max_expansions", 50),
            "fuzzy_transpositions": content.get("fuzzy_transpositions", True),
        },
    )
    if fuzziness is None:
        raise bad_request(f"[{clause}] [fuzziness] cannot be null")
    read_flag(clause, "auto_generate_synonyms_phrase_query", content.get("auto_generate_synonyms_phrase_query", True))
    zone = content.get("time_zone")
    if not isinstance(zone, str | None):
        raise bad_request(f"[{clause}] [time_zone] must be a text")
    return Terms(
        _read_fields(clause, content),
        operator,
        read_analyzer(clause, content.get("analyzer")),
        read_analyzer(clause, content.get("quote_analyzer")),
        read_flag(clause, "lenient", content.get("lenient", False)),
        read_flag(clause, "analyze_wildcard", content.get("analyze_wildcard", False)),
        read_flag(clause, "auto_generate_phrase_queries", content.get("auto_generate_phrase_queries", False)),
        read_slop(clause, {"slop": content.get("phrase_slop", 0)}),
        fuzziness,
        zone,
        _read_tie_breaker(clause, content, tie_breaker),
        read_max_states(clause, content),
    )


def _read_tie_breaker(clause: str, content: Mapping[str, Any], default: float) -> float:
    """Read `tie_breaker`, or what `type` or `use_dis_max` says in its place."""
    kind = str(content.get("type", "best_fields")).lower()
    if kind not in ("best_fields", "most_fields"):
        raise bad_request(f"[{clause}] the type [{kind}] is not supported")
    if kind == "most_fields" or not read_flag(clause, "use_dis_max", content.get("use_dis_max", True)):
        default = 1.0
    return read_number(clause, "tie_breaker", content.get("tie_breaker", default))


def _read_fields(clause: str, content: Mapping[str, Any]) -> Fields:
    default = content.get("default_field")
    fields = content.get("fields")
    uses_all = read_flag(clause, "all_fields", content.get("all_fields", False))
    if uses_all and (default is not None or fields is not None):
        raise bad_request("cannot use [all_fields] parameter in conjunction with [default_field] or [fields]")
    if default is not None:
        if fields is not None:
            raise bad_request(f"[{clause}] either [default_field] or [fields] may be given")
        if not isinstance(default, str) or not default:
            raise bad_request(f"[{clause}] [default_field] must be a text")
        return fields_of(default)
    if fields is None or fields == []:
        return EVERY_FIELD
    if isinstance(fields, str):
        fields = [fields]
    if not isinstance(fields, list) or not all(isinstance(field, str) and field for field in fields):
        raise bad_request(f"[{clause}] [fields] must be a list of texts")
    return tuple(one for field in fields for one in fields_of(*read_weighed_field(clause, field)))


def _read_operator(clause: str, content: Mapping[str, Any]) -> Literal["or", "and"]:
    value = content.get("default_operator", "or")
    return cast('Literal["or", "and"]', one_of(clause, "default_operator", value, ("or", "and")))


def _read_minimum(content: Mapping[str, Any]) -> int | str | None:
    wanted: int | str | None = content.get("minimum_should_match")
    if wanted is not None:
        minimum_should_match(wanted, 1)
    return wanted


def _read_flags(clause: str, value: Any) -> frozenset[str]:
    if value is None:
        return FLAGS
    if not isinstance(value, str):
        raise bad_request(f"[{clause}] [flags] must be a text of names")
    flags: set[str] = set()
    for name in value.upper().split("|") if value else ():
        if name == "ALL":
            flags.update(FLAGS)
        elif name == "SLOP":
            flags.add("NEAR")
        elif name in FLAGS:
            flags.add(name)
        elif name != "NONE":
            raise bad_request(f"Unknown {clause} flag [{name}]")
    return frozenset(flags)


QUERY_STRING_READERS: Final[Mapping[str, Callable[[Mapping[str, Any], int, Callable[[], None]], Query]]] = {
    "query_string": read_query_string,
    "simple_query_string": read_simple_query_string,
}
