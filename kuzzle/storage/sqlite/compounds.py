"""Compound queries as SQL.

Every part of a query stands once in the expression of its score: were it there twice, queries inside
queries would double it at each level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kuzzle.storage.compound_tree import Boosting, Compound, ConstantScore, DisMax, FieldFactor, FunctionScore
from kuzzle.storage.fields import FLOAT_TYPES, INTEGER_BOUNDS, Field
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.expressions import EVERYTHING, Score, joined

if TYPE_CHECKING:
    from kuzzle.storage.sqlite.translation import Translation

# The greatest score Elasticsearch knows, a float; JSON has no infinity.
GREATEST_SCORE: Final = 3.4028234663852886e38

_NUMBER_TYPES: Final = frozenset({*INTEGER_BOUNDS, *FLOAT_TYPES, "date", "boolean"})
# SQLite answers NULL where there is no logarithm or root.
_MODIFIERS: Final = {
    "none": "{}",
    "log": "log10({})",
    "log1p": "log10({} + 1)",
    "log2p": "log10({} + 2)",
    "ln": "ln({})",
    "ln1p": "ln({} + 1)",
    "ln2p": "ln({} + 2)",
    "square": "power({}, 2)",
    "sqrt": "sqrt({})",
    "reciprocal": "1.0 / {}",
}
_COMBINATIONS: Final = {
    "multiply": "({score} * {factor})",
    "replace": "{factor}",
    "sum": "({score} + {factor})",
    "avg": "(({score} + {factor}) / 2)",
    "max": "max({score}, {factor})",
    "min": "min({score}, {factor})",
}


def condition(translation: Translation, query: Compound) -> str:
    """Return the condition that documents match.

    Raises:
        KuzzleError
    """
    match query:
        case ConstantScore():
            return translation.condition(query.filter)
        case DisMax():
            return joined([translation.condition(inner) for inner in query.queries], "OR")
        case Boosting():
            # What the negative query may not ask is refused even when nobody asks for scores.
            translation.condition(query.negative)
            return translation.condition(query.positive)
        case FunctionScore():
            matching = translation.condition(query.query)
            if query.min_score is None:
                return matching
            number = translation.number(score(translation, query))
            return f"({matching} AND {number} >= {translation.bind(query.min_score)})"


def score(translation: Translation, query: Compound) -> Score:
    """Return the score of the documents that match.

    Raises:
        KuzzleError
    """
    match query:
        case ConstantScore():
            return query.boost
        case DisMax():
            return _best(translation, query)
        case Boosting():
            positive = translation.number(translation.score(query.positive))
            weaker = translation.bind(query.negative_boost * query.boost)
            return (
                f"({positive} * iif({translation.condition(query.negative)}, {weaker}, "
                f"{translation.bind(query.boost)}))"
            )
        case FunctionScore():
            return _changed(translation, query)


def _best(translation: Translation, query: DisMax) -> str:
    rows = ", ".join(
        f"(iif({translation.condition(inner)}, {translation.number(translation.score(inner))}, NULL))"
        for inner in query.queries
    )
    best, others = translation.bind((1 - query.tie_breaker) * query.boost), ""
    if query.tie_breaker:
        others = f" + sum(column1) * {translation.bind(query.tie_breaker * query.boost)}"
    # A bool asks for the score of what does not match too, and multiplies it by 0.
    return f"(SELECT coalesce(max(column1) * {best}{others}, 0.0) FROM (VALUES {rows}))"


def _changed(translation: Translation, query: FunctionScore) -> Score:
    inner = translation.score(query.query)
    if not query.functions:
        return inner * query.boost if isinstance(inner, float) else f"({inner} * {translation.bind(query.boost)})"
    factor = _factor(translation, query)
    if query.max_boost is not None:
        factor = f"min({factor}, {translation.bind(query.max_boost)})"
    # A replaced score is not put into the statement at all, but what it may not ask is refused.
    changed = _COMBINATIONS[query.boost_mode].format(score=translation.number(inner), factor=factor)
    greatest = translation.bind(GREATEST_SCORE)
    return f"max(min(coalesce({changed} * {translation.bind(query.boost)}, 0.0), {greatest}), -{greatest})"


def _factor(translation: Translation, query: FunctionScore) -> str:
    """Return what the functions are together."""
    values, weights = [], []
    for function in query.functions:
        weight = translation.bind(function.weight)
        value = weight
        if function.field_factor is not None:
            value = f"({weight} * {_field_factor(translation, function.field_factor)})"
        matching = translation.condition(function.filter)
        values.append(value if matching == EVERYTHING else f"iif({matching}, {value}, NULL)")
        weights.append(weight)
    match query.score_mode:
        case "multiply":
            return joined([f"coalesce({value}, 1.0)" for value in values], "*")
        case "first":
            return f"coalesce({', '.join(values)}, 1.0)"
        case "avg":
            rows = ", ".join(f"({value}, {weight})" for value, weight in zip(values, weights, strict=True))
            # Without a function that matches, or with weights that add up to nothing, there is no average.
            total = "sum(iif(column1 IS NULL, 0.0, column2))"
            return f"(SELECT coalesce(sum(column1) / {total}, 1.0) FROM (VALUES {rows}))"
        case mode:
            rows = ", ".join(f"({value})" for value in values)
            return f"(SELECT coalesce({mode}(column1), 1.0) FROM (VALUES {rows}))"


def _field_factor(translation: Translation, factor: FieldFactor) -> str:
    field = translation.find_field(factor.field)
    if field is None and factor.missing is None:
        raise bad_request(f"Unable to find a field mapper for field [{factor.field}]. No 'missing' value defined.")
    if field is not None and field.type not in _NUMBER_TYPES:
        raise bad_request(f"[field_value_factor] needs a number: [{factor.field}] is of type [{field.type}]")
    value = "NULL" if field is None else _least_value(translation, field)
    if factor.missing is not None:
        value = f"coalesce({value}, {translation.bind(factor.missing)})"
    modified = _MODIFIERS[factor.modifier].format(f"({value} * {translation.bind(factor.factor)})")
    # What gives no number changes nothing.
    return f"coalesce({modified}, 1.0)"


def _least_value(translation: Translation, field: Field) -> str:
    """Return the expression of the least value that a document has of a field."""
    table, by_document = translation.value_tables
    number = translation.field_number(field)
    return f"(SELECT min(value) FROM {table} INDEXED BY {by_document} WHERE rid = d.rid AND field = {number})"
