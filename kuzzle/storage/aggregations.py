"""Aggregations as a tree that knows no engine: what the reader builds and backends compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from kuzzle.storage.calendar_marks import CalendarUnit
from kuzzle.storage.hit_tree import HitPage
from kuzzle.storage.tree import Query, Scalar

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
        path: `_count`, `_key`, or the names that lead to a metric, or to a single bucket, below.
        part: Of the metric; None: its value, or the documents of the bucket.
    """

    path: tuple[str, ...]
    is_descending: bool = False
    part: str | None = None

    @property
    def is_by_metric(self) -> bool:
        """True when the buckets' own sub-aggregations decide."""
        return self.path not in (("_count",), ("_key",))


@dataclass(frozen=True, slots=True)
class TermPattern:
    """The texts that a regular expression, in Lucene's syntax, matches as a whole."""

    expression: str


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
    include: tuple[Scalar, ...] | TermPattern | None = None
    exclude: tuple[Scalar, ...] | TermPattern = ()
    missing: Scalar = None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Buckets of one width.

    Attributes:
        bounds: Without a least number of documents, buckets reach at least from here to there.
    """

    field: str
    interval: float
    offset: float = 0.0
    min_doc_count: int = 0
    bounds: tuple[float | None, float | None] = (None, None)
    keyed: bool = False
    order: tuple[BucketOrder, ...] = (BucketOrder(("_key",)),)
    missing: Scalar = None


@dataclass(frozen=True, slots=True)
class DateHistogram:
    """Buckets of one span of time.

    Attributes:
        span: A unit of the calendar, or milliseconds.
        offset_ms: How much later than the calendar's marks buckets begin.
        time_zone: Whose calendar: `+01:00` or a zone's name. None: UTC.
        bounds: As a histogram's; texts are read as dates.
    """

    field: str
    span: CalendarUnit | int
    offset_ms: int = 0
    format: str | None = None
    time_zone: str | None = None
    min_doc_count: int = 0
    bounds: tuple[Scalar, Scalar] = (None, None)
    keyed: bool = False
    order: tuple[BucketOrder, ...] = (BucketOrder(("_key",)),)
    missing: Scalar = None


@dataclass(frozen=True, slots=True)
class RangeSpec:
    """One range: from the lower bound up to, and without, the upper; None is open.

    Attributes:
        key: Its name; None: made of its bounds.
    """

    lower: Scalar = None
    upper: Scalar = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Ranges:
    """A bucket for each range of values.

    Attributes:
        is_date: Bounds are dates, and may be calculations (`now-1M`).
    """

    field: str
    ranges: tuple[RangeSpec, ...]
    is_date: bool = False
    format: str | None = None
    time_zone: str | None = None
    keyed: bool = False
    missing: Scalar = None


@dataclass(frozen=True, slots=True)
class FilterBucket:
    """One bucket of what a query finds."""

    query: Query


@dataclass(frozen=True, slots=True)
class FilterBuckets:
    """A bucket for each query.

    Attributes:
        queries: With their names, which are shown when `is_named`.
        other: Name of one more bucket, of what none of them finds; None: there is none.
    """

    queries: tuple[tuple[str, Query], ...]
    is_named: bool = True
    other: str | None = None


@dataclass(frozen=True, slots=True)
class GlobalBucket:
    """One bucket of all documents that a search may see."""


@dataclass(frozen=True, slots=True)
class NestedBucket:
    """One bucket of the nested objects of a path in the documents, or nested objects, around."""

    path: str


@dataclass(frozen=True, slots=True)
class ReverseNestedBucket:
    """One bucket of what the nested objects stand in.

    Attributes:
        path: Of nested objects around; None: the documents.
    """

    path: str | None = None


@dataclass(frozen=True, slots=True)
class TopHits:
    """Some of the documents, or nested objects, of each bucket around."""

    page: HitPage


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Values below which so many of a hundred lie."""

    field: str
    percents: tuple[float, ...] = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)
    keyed: bool = True
    missing: Scalar = None


Kind = (
    Metric
    | Percentiles
    | TermBuckets
    | Histogram
    | DateHistogram
    | Ranges
    | FilterBucket
    | FilterBuckets
    | GlobalBucket
    | NestedBucket
    | ReverseNestedBucket
    | TopHits
)


# What makes exactly one bucket, through which an order may lead.
SINGLE_BUCKETS: Final = (FilterBucket, GlobalBucket, NestedBucket, ReverseNestedBucket)


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

    @property
    def has_top_hits(self) -> bool:
        """True when it, or one below, shows hits."""
        return isinstance(self.kind, TopHits) or any(inner.has_top_hits for inner in self.below.values())
