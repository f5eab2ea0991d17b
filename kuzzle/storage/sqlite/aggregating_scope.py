"""What aggregations are computed over: documents in buckets, as relations in SQL.

A scope is a relation of `(k0, k1, ..., rid)`: a document, and the keys of the buckets that it is in, from the
outermost to the innermost; a document of several buckets has several rows, each once. One statement computes an
aggregation for all buckets around it, by grouping by their keys: a tree of aggregations costs a statement for
each of its nodes, not for each bucket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw

from kuzzle.errors import KuzzleError
from kuzzle.storage.aggregation_clauses import MAX_BUCKETS
from kuzzle.storage.dates import DateError
from kuzzle.storage.doc_values import check_doc_values
from kuzzle.storage.fields import Field
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.leading import find_leading
from kuzzle.storage.sqlite.translation import Translation
from kuzzle.storage.tree import Query, Scalar
from kuzzle.storage.values import IndexedValue, ValueProblem, exact_number, index_value

Path = tuple[Any, ...]
"""The keys of the buckets that a result lies in, from the outermost."""

_UNSUITABLE: Final = frozenset({"geo_point", "geo_shape", "binary"})
_OF_DOCUMENTS: Final = frozenset({"_id", "_uid", "_type", "_index", "_source"})
_NOT_NUMBERS: Final = frozenset({"keyword", "text", "ip"})
# index.max_result_window of Elasticsearch: what an answer holds of documents, in all its buckets.
MAX_HITS: Final = 10000
# One document in this many, at least, must match for walking all values of a field to be worth it.
_WALK_SHARE: Final = 16


@dataclass(frozen=True, slots=True)
class Scope:
    """Documents in buckets.

    Attributes:
        depth: How many keys there are.
        select: The statement that gives the rows.
        walk: Where all values of a field may be walked along the index: the condition on `d.rid`.
    """

    depth: int
    select: str
    walk: str | None = None

    def keys(self, alias: str = "") -> str:
        """Return the names of the keys, each with a comma behind it."""
        prefix = f"{alias}." if alias else ""
        return "".join(f"{prefix}k{level}, " for level in range(self.depth))

    @property
    def grouping(self) -> str:
        """The clause that groups by all keys."""
        return f"GROUP BY {self.keys()[:-2]}" if self.depth else ""

    @property
    def partition(self) -> str:
        """The same of a window."""
        return f"PARTITION BY {self.keys()[:-2]}" if self.depth else ""


@dataclass(frozen=True, slots=True)
class ValueSource:
    """The values that an aggregation is about.

    Attributes:
        field: None: no such field.
        missing: The value of documents that have none; None: they are left out.
    """

    path: str
    field: Field | None
    number: int = 0
    missing: IndexedValue | None = None

    @property
    def is_date(self) -> bool:
        """True when values are milliseconds."""
        return self.field is not None and self.field.type == "date"


@dataclass(frozen=True, slots=True)
class Computed:
    """An aggregation's results by the buckets around it, and what a bucket without documents shows."""

    results: dict[Path, dict[str, Any]]
    empty: Callable[[], dict[str, Any]]

    def at(self, path: Path) -> dict[str, Any]:
        """Return the result in one bucket."""
        found = self.results.get(path)
        return self.empty() if found is None else found


Below = Callable[[Scope], Callable[[Path], dict[str, Any]]]
"""Computes the sub-aggregations over the buckets of a scope; gives what a bucket holds by their names."""


class Space:
    """One collection within one read: runs statements, finds fields, counts buckets.

    Attributes:
        query: What found the documents: it scores them.
    """

    def __init__(
        self, connection: apsw.Connection, index: str, state: CollectionState, query: Query, now_ms: int
    ) -> None:
        self.connection = connection
        self.index = index
        self.query = query
        self.state = state
        self.now_ms = now_ms
        self.translation = Translation(connection, state, now_ms)
        self._buckets = 0
        self._hits = 0
        self._functions = 0

    def rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Run a statement."""
        return iter(self.connection.execute(statement, self.translation.values))

    def function(self, compute: Callable[[Any], int]) -> str:
        """Make a function of one value known to SQL; return its name."""
        name = f"kuzzle_aggregation_{self._functions}"
        self._functions += 1
        self.connection.create_scalar_function(name, lambda *values: compute(values[0]), 1, deterministic=True)
        return name

    def count_buckets(self, number: int) -> None:
        """Account for buckets of the answer.

        Raises:
            KuzzleError: 400: they are too many.
        """
        self._buckets += number
        if self._buckets > MAX_BUCKETS:
            raise bad_request(
                f"Trying to create too many buckets. Must be less than or equal to: [{MAX_BUCKETS}] but was at least "
                f"[{self._buckets}]"
            )

    def count_hits(self, number: int) -> None:
        """Account for documents in the answer.

        Raises:
            KuzzleError: 400: they are too many.
        """
        self._hits += number
        if self._hits > MAX_HITS:
            raise bad_request(f"Too many hits in buckets: [top_hits] may show [{MAX_HITS}] in all")

    @property
    def nested_path(self) -> str:
        """Path of the nested objects that are aggregated, empty for documents."""
        return self.translation.scopes.scope

    def matching(self, query: Query, total: int | None = None, kept: Sequence[int] | None = None) -> Scope:
        """Return the documents that match, in no bucket.

        Args:
            total: How many match, where that is known.
            kept: Their rids, where they are kept.
        """
        if kept:
            rids = self.translation.list_of(kept)
            condition, select = f"d.rid IN {rids}", f"SELECT value AS rid FROM {rids}"
        else:
            condition = self.condition(query)
            leading = find_leading(self.translation, self.state, condition, 0.0)
            rows = f"FROM {self.state.documents_table} AS d WHERE {condition}" if leading is None else leading.source
            select = f"SELECT d.rid AS rid {rows}"
        if total is None:
            ((total,),) = self.rows(f"SELECT count(*) FROM ({select})")
        ((last,),) = self.rows(f"SELECT coalesce(max(rid), 0) FROM {self.state.documents_table}")
        return Scope(0, select, condition if total * _WALK_SHARE >= last else None)

    def condition(self, query: Query) -> str:
        """Return a condition on `d.rid` alone, whatever `d` is."""
        condition = self.translation.condition(query)
        if not self.nested_path and re.search(r"\bd\.(?!rid\b)", condition):
            return f"d.rid IN (SELECT d.rid FROM {self.state.documents_table} AS d WHERE {condition})"
        return condition

    def source(self, path: str, type_name: str, missing: Scalar = None, *, needs_numbers: bool = False) -> ValueSource:
        """Find the field that an aggregation is about.

        Raises:
            KuzzleError: 400 `services.storage.unexpected_bad_request`: it cannot be aggregated.
        """
        if path in _OF_DOCUMENTS:
            raise bad_request(f"Fielddata is not supported on field [{path}] of type [{path}]")
        field = self.state.mapping.find_field(path, self.nested_path)
        if field is None:
            return ValueSource(path, None, 0, _unmapped_value(path, missing, needs_numbers=needs_numbers))
        check_doc_values(field)
        if field.type in _UNSUITABLE:
            raise bad_request(f"Field [{path}] of type [{field.type}] is not supported for aggregation [{type_name}]")
        if needs_numbers and field.type in _NOT_NUMBERS:
            raise bad_request(f"Expected numeric type on field [{path}], but got [{field.type}]")
        return ValueSource(path, field, self.state.field_numbers[field.key], self._missing_value(field, missing))

    def _missing_value(self, field: Field, missing: Scalar) -> IndexedValue | None:
        if missing is None:
            return None
        try:
            if field.type == "date" and field.date_format is not None and not isinstance(missing, bool):
                return field.date_format.parse_math(missing, now_ms=self.now_ms)
            return str(missing) if field.type == "text" else index_value(field, missing)
        except (KuzzleError, DateError):
            raise bad_request(f"[missing] of [{field.path}] is no value of its type: [{missing}]") from None

    def values(self, scope: Scope, source: ValueSource) -> str:
        """Return the statement that gives `(keys, value, rid)` of every value of a field in a scope."""
        keys = scope.keys("p")
        if source.field is None:
            known = "0" if source.missing is None else "1"
            value = "NULL" if source.missing is None else self.translation.bind(source.missing)
            return f"SELECT {keys}{value} AS value, p.rid AS rid FROM ({scope.select}) AS p WHERE {known}"
        # A text without tokens leaves a mark in the index, which is no value.
        tokens = "AND {}.value < x''" if source.field.type == "text" else ""
        if scope.walk is not None and source.missing is None:
            return (
                f"SELECT d.value AS value, d.rid AS rid FROM {self.state.values_table} AS d "
                f"WHERE d.field = {source.number} {tokens.format('d')} AND {scope.walk}"
            )
        value, join = "v.value", "CROSS JOIN"
        if source.missing is not None:
            value, join = f"coalesce(v.value, {self.translation.bind(source.missing)})", "LEFT JOIN"
        return (
            f"SELECT {keys}{value} AS value, p.rid AS rid FROM ({scope.select}) AS p {join} "
            f"{self.state.values_table} AS v INDEXED BY {self.state.values_index} "
            f"ON v.rid = p.rid AND v.field = {source.number} {tokens.format('v')}"
        )

    def narrowed(self, scope: Scope, level: int, keys: Sequence[Any]) -> Scope:
        """Return the rows of a scope with one of these keys at a level."""
        if not keys:
            return Scope(scope.depth, f"SELECT * FROM ({scope.select}) WHERE 0")
        wanted = self.translation.list_of(list(keys))
        return Scope(scope.depth, f"SELECT * FROM ({scope.select}) WHERE k{level} IN {wanted}")


def _unmapped_value(path: str, missing: Scalar, *, needs_numbers: bool) -> IndexedValue | None:
    if missing is None or not needs_numbers:
        return None if missing is None else str(missing)
    try:
        return float(exact_number(missing))
    except (ValueProblem, OverflowError):
        raise bad_request(f"[missing] of [{path}] is no number: [{missing}]") from None
