"""Why a document has its score: the clauses that it matches, each with what it adds.

The figures are those of the statement that scores: each clause is asked about the one document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import apsw

from kuzzle.storage.compound_tree import Boosting, ConstantScore, DisMax, FunctionScore
from kuzzle.storage.hits import Explanation
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.translation import Translation
from kuzzle.storage.tree import Bool, Query

# What a clause looks for, by the name that its kind has for it.
_SOUGHT: Final = ("text", "value", "values", "pattern")
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class _Part:
    """A clause, the statement that asks whether a document matches it and with which score, and its own clauses."""

    description: str
    statement: str
    inner: list[_Part]


class Explainer:
    """Explains the hits of one search."""

    def __init__(
        self, connection: apsw.Connection, state: CollectionState, translation: Translation, query: Query
    ) -> None:
        """Prepare the statements.

        Raises:
            KuzzleError: 400 `services.storage.unexpected_bad_request`: the query is too much to explain.
        """
        self._connection = connection
        self._table = state.documents_table
        self._whole = self._part(translation, query)
        self._values = dict(translation.values)

    def explain(self, rid: int) -> Explanation | None:
        """Return why a document has its score; None when it does not match."""
        return self._explained(self._whole, {**self._values, "rid": rid})

    def _explained(self, part: _Part, values: dict[str, Any]) -> Explanation | None:
        for is_found, score in self._connection.execute(part.statement, values):
            if is_found:
                inner = [self._explained(below, values) for below in part.inner]
                return Explanation(float(score), part.description, [one for one in inner if one is not None])
        return None

    def _part(self, translation: Translation, query: Query) -> _Part:
        score = translation.number(translation.score(query))
        statement = f"SELECT {translation.question(query)}, {score} FROM {self._table} AS d WHERE d.rid = :rid"
        description, inner = _described(query)
        return _Part(description, statement, [self._part(translation, below) for below in inner])


def _described(query: Query) -> tuple[str, tuple[Query, ...]]:
    """Return what a query does, and the queries whose scores are in its own."""
    match query:
        case Bool():
            return _with_boost("sum of:", query.boost), (*query.must, *query.should)
        case DisMax():
            others = f" plus {query.tie_breaker} times others" if query.tie_breaker else ""
            return _with_boost(f"max{others} of:", query.boost), query.queries
        case ConstantScore():
            return "constant score of a filter, its boost", ()
        case Boosting():
            described = f"score of the positive query, times {query.negative_boost} where the negative one matches:"
            return _with_boost(described, query.boost), (query.positive,)
        case FunctionScore():
            if not query.functions:
                return _with_boost("score of the query:", query.boost), (query.query,)
            described = f"score of the query and its functions, by {query.boost_mode} and {query.score_mode}:"
            return _with_boost(described, query.boost), (query.query,)
    return _leaf(query), ()


def _leaf(query: Query) -> str:
    name = type(query).__name__
    sought = next((getattr(query, one) for one in _SOUGHT if hasattr(query, one)), None)
    field = getattr(query, "field", None)
    parts = [str(part) for part in (field, sought) if part is not None]
    return f"weight({name} {':'.join(parts)})"[:_LONGEST] if parts else f"weight({name})"


def _with_boost(description: str, boost: float) -> str:
    return description if boost == 1 else f"{boost} times {description}"
