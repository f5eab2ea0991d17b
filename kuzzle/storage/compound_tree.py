"""Nodes of the tree that put queries together and change their scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kuzzle.storage.tree import Query

ScoreMode = Literal["multiply", "sum", "avg", "first", "max", "min"]
BoostMode = Literal["multiply", "replace", "sum", "avg", "max", "min"]
Modifier = Literal["none", "log", "log1p", "log2p", "ln", "ln1p", "ln2p", "square", "sqrt", "reciprocal"]


@dataclass(frozen=True, slots=True)
class ConstantScore:
    """What `filter` matches, all with the score `boost`."""

    filter: Query
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class DisMax:
    """What one of `queries` matches, with the best of their scores, and `tie_breaker` of each other score."""

    queries: tuple[Query, ...]
    tie_breaker: float = 0.0
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Boosting:
    """What `positive` matches; the score is multiplied by `negative_boost` where `negative` matches too."""

    positive: Query
    negative: Query
    negative_boost: float
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class FieldFactor:
    """A number from a document: `modifier(factor * value)`; of several values the least counts.

    Attributes:
        missing: The value of documents that have none. None: the function leaves their score alone.
    """

    field: str
    factor: float = 1.0
    modifier: Modifier = "none"
    missing: float | None = None


@dataclass(frozen=True, slots=True)
class ScoreFunction:
    """A function of `function_score`: `weight` times the factor of the field, for what `filter` matches."""

    filter: Query
    weight: float = 1.0
    field_factor: FieldFactor | None = None


@dataclass(frozen=True, slots=True)
class FunctionScore:
    """What `query` matches, with scores changed by functions.

    Attributes:
        functions: Empty: scores stay.
        score_mode: How the functions that match a document are put together; where none does, they are 1.
        boost_mode: How that and the score of the query are put together.
        max_boost: What the functions together are at most; None: any number.
        min_score: Documents below this score do not match.
    """

    query: Query
    functions: tuple[ScoreFunction, ...] = ()
    score_mode: ScoreMode = "multiply"
    boost_mode: BoostMode = "multiply"
    max_boost: float | None = None
    min_score: float | None = None
    boost: float = 1.0


Compound = ConstantScore | DisMax | Boosting | FunctionScore
