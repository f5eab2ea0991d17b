"""Aggregations as a tree that knows no engine: what the reader builds and backends compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kuzzle.storage.tree import Scalar

MetricName = Literal["avg", "min", "max", "sum", "stats", "extended_stats", "value_count", "cardinality"]


@dataclass(frozen=True, slots=True)
class Metric:
    """Numbers about the values of a field.

    Attributes:
        missing: What stands for the value of a document that has none; None: such documents are left out.
        sigma: How many deviations the bounds of `extended_stats` lie from the mean.
    """

    name: MetricName
    field: str
    missing: Scalar = None
    sigma: float = 2.0


@dataclass(frozen=True, slots=True)
class BucketOrder:
    """How buckets follow each other.

    Attributes:
        path: `_count`, `_key`, or a metric below: its name, or its name and its part (`["prices", "avg"]`).
    """

    path: tuple[str, ...]
    is_descending: bool = False

    @property
    def is_by_metric(self) -> bool:
        """True when the buckets' own sub-aggregations decide."""
        return self.path not in (("_count",), ("_key",))


@dataclass(frozen=True, slots=True)
class TermBuckets:
    """A bucket for each value of a field.

    Attributes:
        include: The only values that get a bucket; None: all.
        exclude: Values that get none.
    """

    field: str
    size: int = 10
    order: tuple[BucketOrder, ...] = (BucketOrder(("_count",), is_descending=True),)
    min_doc_count: int = 1
    include: tuple[Scalar, ...] | None = None
    exclude: tuple[Scalar, ...] = ()
    missing: Scalar = None


Kind = Metric | TermBuckets


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One aggregation of a search.

    Attributes:
        below: What each of its buckets computes in turn, by name.
        meta: Repeated in the result.
    """

    kind: Kind
    below: Mapping[str, Aggregation] = field(default_factory=dict)
    meta: Mapping[str, Any] | None = None
