"""Compound queries, evaluated the obvious way; and random ones. `plain_queries.py` evaluates what is inside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

import plain_queries
from hypothesis import strategies as st

from kuzzle.storage.compound_tree import (
    Boosting,
    BoostMode,
    Compound,
    ConstantScore,
    DisMax,
    FieldFactor,
    FunctionScore,
    Modifier,
    ScoreFunction,
    ScoreMode,
)
from kuzzle.storage.query import Query

Content = Mapping[str, Any]


def matches(query: Compound, document_id: str, source: Content) -> bool:
    """Tell whether a document matches."""
    match query:
        case ConstantScore():
            return plain_queries.matches(query.filter, document_id, source)
        case DisMax():
            return any(plain_queries.matches(inner, document_id, source) for inner in query.queries)
        case Boosting():
            return plain_queries.matches(query.positive, document_id, source)
        case FunctionScore():
            if not plain_queries.matches(query.query, document_id, source):
                return False
            return query.min_score is None or score(query, document_id, source) >= query.min_score


def score(query: Compound, document_id: str, source: Content) -> float:
    """Return the score of a document that matches."""
    match query:
        case ConstantScore():
            return query.boost
        case DisMax():
            scores = sorted(
                plain_queries.score(inner, document_id, source)
                for inner in query.queries
                if plain_queries.matches(inner, document_id, source)
            )
            return query.boost * (scores[-1] + query.tie_breaker * sum(scores[:-1]))
        case Boosting():
            found = query.boost * plain_queries.score(query.positive, document_id, source)
            is_weaker = plain_queries.matches(query.negative, document_id, source)
            return found * query.negative_boost if is_weaker else found
        case FunctionScore():
            inner = plain_queries.score(query.query, document_id, source)
            return query.boost * (_combined(query, inner, document_id, source) if query.functions else inner)


def _combined(query: FunctionScore, inner: float, document_id: str, source: Content) -> float:
    found = [
        (function.weight * _field_factor(function.field_factor, source), function.weight)
        for function in query.functions
        if plain_queries.matches(function.filter, document_id, source)
    ]
    values = [value for value, _ in found]
    factor = 1.0
    if query.score_mode == "avg":
        total = sum(weight for _, weight in found)
        factor = sum(values) / total if total else 1.0
    elif values:
        factor = {
            "multiply": math.prod(values),
            "sum": sum(values),
            "first": values[0],
            "max": max(values),
            "min": min(values),
        }[query.score_mode]
    if query.max_boost is not None:
        factor = min(factor, query.max_boost)
    return {
        "multiply": inner * factor,
        "replace": factor,
        "sum": inner + factor,
        "avg": (inner + factor) / 2,
        "max": max(inner, factor),
        "min": min(inner, factor),
    }[query.boost_mode]


def _field_factor(factor: FieldFactor | None, source: Content) -> float:
    if factor is None:
        return 1.0
    values = plain_queries.values_of(source, factor.field)
    value = min(values) if values else factor.missing
    if value is None:
        return 1.0
    number = value * factor.factor
    try:
        return float(
            {
                "none": lambda: number,
                "log": lambda: math.log10(number),
                "log1p": lambda: math.log10(number + 1),
                "log2p": lambda: math.log10(number + 2),
                "ln": lambda: math.log(number),
                "ln1p": lambda: math.log(number + 1),
                "ln2p": lambda: math.log(number + 2),
                "square": lambda: number**2,
                "sqrt": lambda: math.sqrt(number),
                "reciprocal": lambda: 1 / number,
            }[factor.modifier]()
        )
    except (ValueError, ZeroDivisionError):
        return 1.0


FACTORS = st.builds(
    FieldFactor,
    # A small number, so that scores stay comparable; and a name that no document has.
    st.just("s"),
    st.sampled_from([0.5, 1.0, -2.0]),
    st.sampled_from(get_args(Modifier)),
    st.sampled_from([None, 0.0, 3.0]),
)


def compounds(inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    """Make compound queries of others."""
    boosts = st.sampled_from([1.0, 2.0])
    functions = st.builds(ScoreFunction, inner, st.sampled_from([0.0, 0.5, 3.0]), st.one_of(st.none(), FACTORS))
    return st.one_of(
        st.builds(ConstantScore, inner, boosts),
        st.builds(DisMax, st.lists(inner, min_size=1, max_size=3).map(tuple), st.sampled_from([0.0, 0.5]), boosts),
        st.builds(Boosting, inner, inner, st.sampled_from([0.0, 0.25]), boosts),
        st.builds(
            FunctionScore,
            inner,
            st.lists(functions, max_size=3).map(tuple),
            st.sampled_from(get_args(ScoreMode)),
            st.sampled_from(get_args(BoostMode)),
            st.sampled_from([None, 1.3]),
            # Far from what sums of these numbers come near to, which rounding would decide.
            st.sampled_from([None, 0.7123]),
            boosts,
        ),
    )
