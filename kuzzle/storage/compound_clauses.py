"""Reads the clauses that put queries together: `constant_score`, `dis_max`, `boosting`, `function_score`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast, get_args

from kuzzle.storage.compound_tree import (
    Boosting,
    BoostMode,
    ConstantScore,
    DisMax,
    FieldFactor,
    FunctionScore,
    Modifier,
    ScoreFunction,
    ScoreMode,
)
from kuzzle.storage.reading import ReadInner, bad_request, read_number, read_options
from kuzzle.storage.tree import MATCH_ALL, MatchNone, Query

# Each function is worked out for every match.
MAX_FUNCTIONS: Final = 100

_UNSUPPORTED_FUNCTIONS: Final = ("script_score", "random_score", "gauss", "exp", "linear")
_SCORE_OPTIONS: Final = ("query", "functions", "score_mode", "boost_mode", "max_boost", "min_score")


def read_constant_score(content: Mapping[str, Any], read: ReadInner) -> Query:
    """Read `{filter, boost}`."""
    boost = read_options("constant_score", content, ("filter",))
    if not isinstance(content.get("filter"), dict):
        raise bad_request("[constant_score] requires a 'filter' element")
    return ConstantScore(read(content["filter"]) or MATCH_ALL, boost)


def read_dis_max(content: Mapping[str, Any], read: ReadInner) -> Query:
    """Read `{queries: [...], tie_breaker}`; empty queries are left out."""
    boost = read_options("dis_max", content, ("queries", "tie_breaker"))
    queries = content.get("queries")
    if not isinstance(queries, dict | list):
        raise bad_request("[dis_max] requires 'queries' field with at least one clause")
    tie_breaker = read_number("dis_max", "tie_breaker", content.get("tie_breaker", 0))
    if not 0 <= tie_breaker <= 1:
        raise bad_request("[dis_max] [tie_breaker] must be between 0 and 1")
    found = [read(query) for query in (queries if isinstance(queries, list) else [queries])]
    if not found:
        raise bad_request("[dis_max] requires 'queries' field with at least one clause")
    kept = tuple(query for query in found if query is not None)
    return DisMax(kept, tie_breaker, boost) if kept else MatchNone()


def read_boosting(content: Mapping[str, Any], read: ReadInner) -> Query:
    """Read `{positive, negative, negative_boost}`."""
    boost = read_options("boosting", content, ("positive", "negative", "negative_boost"))
    for name in ("positive", "negative"):
        if not isinstance(content.get(name), dict):
            raise bad_request(f"[boosting] query requires '{name}' query to be set")
    if content.get("negative_boost") is None:
        raise bad_request("[boosting] query requires 'negative_boost' to be set")
    negative_boost = read_number("boosting", "negative_boost", content["negative_boost"])
    if negative_boost < 0:
        raise bad_request("[boosting] query requires 'negative_boost' to be set to be a positive value")
    positive, negative = read(content["positive"]), read(content["negative"])
    return Boosting(positive or MATCH_ALL, negative or MatchNone(), negative_boost, boost)


def read_function_score(content: Mapping[str, Any], read: ReadInner) -> Query:
    """Read a query and its functions: a list, or one function beside the query."""
    alone = {name: value for name, value in content.items() if name in ("weight", "field_value_factor")}
    _refuse_unsupported(content)
    boost = read_options("function_score", content, (*_SCORE_OPTIONS, *alone))
    functions = content.get("functions", [])
    if not isinstance(functions, list):
        raise bad_request("[function_score] [functions] must be an array")
    if alone and "functions" in content:
        raise bad_request("already found [functions] array, now encountering [" + next(iter(alone)) + "].")
    if len(functions) > MAX_FUNCTIONS:
        raise bad_request(f"[function_score] too many functions: at most {MAX_FUNCTIONS} are allowed")
    query = None
    if content.get("query") is not None:
        query = read(content["query"])
    return FunctionScore(
        query or MATCH_ALL,
        tuple(_read_function(function, read) for function in ([alone] if alone else functions)),
        cast("ScoreMode", _one_of("score_mode", content.get("score_mode", "multiply"), get_args(ScoreMode))),
        cast("BoostMode", _one_of("boost_mode", content.get("boost_mode", "multiply"), get_args(BoostMode))),
        _optional_number("function_score", "max_boost", content.get("max_boost")),
        _optional_number("function_score", "min_score", content.get("min_score")),
        boost,
    )


def _refuse_unsupported(content: Mapping[str, Any]) -> None:
    for name in _UNSUPPORTED_FUNCTIONS:
        if name in content:
            raise bad_request(f"[function_score] the function [{name}] is not supported")


def _read_function(function: Any, read: ReadInner) -> ScoreFunction:
    if not isinstance(function, dict):
        raise bad_request("[function_score] a function must be an object")
    _refuse_unsupported(function)
    for name in function:
        if name not in ("filter", "weight", "field_value_factor"):
            raise bad_request(f"[function_score] no function registered for [{name}]")
    if "weight" not in function and "field_value_factor" not in function:
        raise bad_request("an entry in functions list is missing a function.")
    inner = read(function["filter"]) if function.get("filter") is not None else None
    factor = _read_field_factor(function["field_value_factor"]) if "field_value_factor" in function else None
    return ScoreFunction(inner or MATCH_ALL, read_number("function_score", "weight", function.get("weight", 1)), factor)


def _read_field_factor(content: Any) -> FieldFactor:
    clause = "field_value_factor"
    if not isinstance(content, dict):
        raise bad_request(f"[{clause}] must be an object")
    for name in content:
        if name not in ("field", "factor", "modifier", "missing"):
            raise bad_request(f"{clause} query does not support [{name}]")
    field = content.get("field")
    if not isinstance(field, str) or not field:
        raise bad_request(f"[{clause}] required field 'field' missing")
    return FieldFactor(
        field,
        read_number(clause, "factor", content.get("factor", 1)),
        cast("Modifier", _one_of("modifier", content.get("modifier", "none"), get_args(Modifier))),
        _optional_number(clause, "missing", content.get("missing")),
    )


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    text = str(value).lower()
    if text not in allowed:
        raise bad_request(f"[function_score] illegal {name} [{value}]")
    return text


def _optional_number(clause: str, name: str, value: Any) -> float | None:
    return None if value is None else read_number(clause, name, value)


COMPOUND_READERS: Final[Mapping[str, Callable[[Mapping[str, Any], ReadInner], Query]]] = {
    "constant_score": read_constant_score,
    "dis_max": read_dis_max,
    "boosting": read_boosting,
    "function_score": read_function_score,
}
