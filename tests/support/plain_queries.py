"""Queries and sorts, evaluated the obvious way over documents in memory: what a backend is compared with.

Fields: `k` keyword, `n` long, `f` double, `b` boolean, `d` date (milliseconds), `t` text of ASCII words,
`s` a small double, `o.k` and `o.n` below an object.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import plain_compounds
import plain_texts

from kuzzle.storage.compound_tree import Boosting, ConstantScore, DisMax, FunctionScore
from kuzzle.storage.query import Bool, Exists, Ids, MatchAll, MatchNone, Query, Range, Sort, Term, Terms
from kuzzle.storage.text_tree import Text

MAPPING = {
    "properties": {
        "k": {"type": "keyword"},
        "n": {"type": "long"},
        "f": {"type": "double"},
        "b": {"type": "boolean"},
        "d": {"type": "date", "format": "epoch_millis"},
        "t": {"type": "text"},
        "s": {"type": "double"},
        "o": {"properties": {"k": {"type": "keyword"}, "n": {"type": "long"}}},
    }
}
FIELDS = ("k", "n", "f", "b", "d", "t", "o.k", "o.n")


def matches(query: Query, document_id: str, source: Mapping[str, Any]) -> bool:
    """Tell whether a document matches."""
    match query:
        case MatchAll():
            return True
        case MatchNone():
            return False
        case Term():
            return query.value in values_of(source, query.field)
        case Terms():
            return any(value in values_of(source, query.field) for value in query.values)
        case Range():
            return any(_is_within(value, query) for value in values_of(source, query.field))
        case Exists():
            return any(_leaves(source, query.field.split(".")))
        case Ids():
            return document_id in query.values
        case Bool():
            return _matches_bool(query, document_id, source)
        case ConstantScore() | DisMax() | Boosting() | FunctionScore():
            return plain_compounds.matches(query, document_id, source)
        case _:
            assert isinstance(query, Text)
            return plain_texts.matches(query, source)


def _matches_bool(query: Bool, document_id: str, source: Mapping[str, Any]) -> bool:
    if not all(matches(clause, document_id, source) for clause in (*query.must, *query.filter)):
        return False
    if any(matches(clause, document_id, source) for clause in query.must_not):
        return False
    needed = query.minimum_should_match
    if needed is None:
        needed = 1 if query.should and not (query.must or query.filter) else 0
    return sum(matches(clause, document_id, source) for clause in query.should) >= needed


def score(query: Query, document_id: str, source: Mapping[str, Any]) -> float:
    """Return the score of a document that matches."""
    if isinstance(query, MatchNone):
        return 0.0
    if isinstance(query, ConstantScore | DisMax | Boosting | FunctionScore):
        return plain_compounds.score(query, document_id, source)
    if isinstance(query, Text):
        return plain_texts.score(query, source)
    if isinstance(query, Term) and query.field == "t":
        return plain_texts.term_score(query, source)
    if not isinstance(query, Bool):
        return query.boost
    clauses = [*query.must, *(clause for clause in query.should if matches(clause, document_id, source))]
    return query.boost * sum(score(clause, document_id, source) for clause in clauses)


def values_of(source: Mapping[str, Any], field: str) -> list[Any]:
    """Return all values of a field; of text, its words in lower case."""
    found = [value[0] for value in _leaves(source, field.split("."))]
    return [word for text in found for word in text.lower().split()] if field == "t" else found


def texts_of(source: Mapping[str, Any], field: str) -> list[list[str]]:
    """Return the words in lower case of each text of a field."""
    return [value[0].lower().split() for value in _leaves(source, field.split(".")) if value[0].split()]


def _leaves(value: Any, path: list[str]) -> list[tuple[Any]]:
    """Return the values below a path, each in a tuple, so that false ones count as well."""
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item, path)]
    if isinstance(value, dict):
        if not path:
            return [leaf for item in value.values() for leaf in _leaves(item, [])]
        return _leaves(value.get(path[0]), path[1:])
    return [] if value is None or path else [(value,)]


def _is_within(value: Any, query: Range) -> bool:
    if query.lower is not None and not (value >= query.lower if query.includes_lower else value > query.lower):
        return False
    return query.upper is None or (value <= query.upper if query.includes_upper else value < query.upper)


def distinct_values(source: Mapping[str, Any], sort: Sort) -> list[Any]:
    """Return the values of a document that a sort key is about: each once."""
    return list(set(values_of(source, sort.field)))


def picked(values: list[Any], sort: Sort) -> Any:
    """Return which of several values counts for a sort, or what is made of them."""
    match sort.mode or ("max" if sort.order == "desc" else "min"):
        case "min":
            return min(values)
        case "max":
            return max(values)
    if sort.mode == "median":
        ordered = sorted(values)
        values = [ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]]
    if any(isinstance(value, float) for value in values):
        return sum(values) if sort.mode == "sum" else sum(values) / len(values)
    if sort.mode == "sum":
        return min(max(sum(values), -(1 << 63)), (1 << 63) - 1)
    return math.floor(Fraction(sum(values), len(values)) + Fraction(1, 2))


def order(
    sources: Mapping[str, Mapping[str, Any]],
    sorts: tuple[Sort, ...],
    values_by: Callable[[Mapping[str, Any], Sort], list[Any]] = distinct_values,
) -> list[str]:
    """Return the ids of documents in the order of sort keys; `sources` are in the order of their making."""
    ordered = list(sources)
    for sort in reversed(sorts):
        is_down = sort.order == "desc"
        keyed: dict[str, Any] = {}
        for document_id in ordered:
            values = values_by(sources[document_id], sort)
            if values:
                keyed[document_id] = picked(values, sort)
        with_value = [document_id for document_id in ordered if document_id in keyed]
        # A reversed sort keeps equal elements in their order, as a downward one must.
        with_value.sort(key=keyed.__getitem__, reverse=is_down)
        without = [document_id for document_id in ordered if document_id not in keyed]
        ordered = without + with_value if sort.missing == "_first" else with_value + without
    return ordered
