"""Queries as SQL: a condition on `d.rid` and an expression of the score.

A clause on a field is a look-up in the collection's table of values, whose key is `(field, value, rid)`;
a document with several values matches when one of them does. What a value means depends on the type of
its field (`values.py`); a field that is not mapped matches nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import apsw

from kuzzle.errors import KuzzleError
from kuzzle.storage.compound_tree import Boosting, ConstantScore, DisMax, FunctionScore
from kuzzle.storage.fields import Field
from kuzzle.storage.geo_tree import GeoWithin
from kuzzle.storage.nested_tree import Nested
from kuzzle.storage.query_string_tree import AnyField, QueryText
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite import bools, compounds, geo, multi, nested, texts
from kuzzle.storage.sqlite.bounds import date_bound, understood, value_bound
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.expressions import EVERYTHING, NOTHING, Score, joined, list_of
from kuzzle.storage.sqlite.fuzzy import NearbyTerms
from kuzzle.storage.sqlite.lookups import Lookups
from kuzzle.storage.sqlite.relevance import Relevance
from kuzzle.storage.sqlite.vocabulary import Vocabulary
from kuzzle.storage.text_tree import Text
from kuzzle.storage.tree import Bool, Exists, Ids, MatchAll, MatchNone, Query, Range, Scalar, Term, Terms
from kuzzle.storage.values import (
    PRESENT,
    IndexedValue,
    ip_range,
    query_value,
)

# Terms that stand for a range, such as days or networks: each is a condition of its own.
MAX_SPANS: Final = 1024
# Words in all clauses of a search: each binds five parameters of the 32,766 that SQLite takes.
MAX_WORDS: Final = 4096
# Words of one text that are scored in one walk over all their rows.
MAX_GROUPED: Final = 64

_NOT_SEARCHABLE: Final = {
    "geo_point": "Geo fields do not support exact searching, use dedicated geo queries instead: [%s]",
    "geo_shape": "Geo fields do not support exact searching, use dedicated geo queries instead: [%s]",
    "binary": "Binary fields do not support searching: [%s]",
}


class Translation:
    """Translates the clauses of one search.

    Attributes:
        values: What the statements' parameters are bound to, by name.
        vocabulary: The words of texts.
        relevance: How much they weigh.
        nearby: The terms near words that may differ.
        lookups: The look-ups that conditions are made of.
        asks_each: Conditions are questions about each document now, not sets.
    """

    def __init__(self, connection: apsw.Connection, state: CollectionState, now_ms: int) -> None:
        self.values: dict[str, Any] = {}
        self.vocabulary = Vocabulary(connection, state)
        self.relevance = Relevance(self.vocabulary, state)
        self.nearby = NearbyTerms(connection, state)
        self._state = state
        self._now_ms = now_ms
        self.lookups = Lookups(connection, state, self.values)
        self.asks_each = False
        self._texts: dict[str, str] = {}
        self._functions: dict[Hashable, str] = {}
        self._known: dict[tuple[int, str, bool], str] = {}
        self._expanded: dict[tuple[int, str], Query] = {}
        self._words = 0
        self._nested = nested.Scopes(state)

    @property
    def scopes(self) -> nested.Scopes:
        """Where in nested objects the translation is, and what asked for inner hits."""
        return self._nested

    def bind(self, value: Any) -> str:
        """Return the parameter that stands for a value."""
        known = self._texts.get(value) if isinstance(value, str) else None
        if known is not None:
            return known
        name = f"p{len(self.values)}"
        self.values[name] = value
        if isinstance(value, str):
            self._texts[value] = f":{name}"  # so that look-ups for the same word are the same text
        return f":{name}"

    def condition(self, query: Query) -> str:
        """Return the condition that documents match.

        Raises:
            KuzzleError: 400 `services.storage.unexpected_bad_request`: a value that the field's type
                does not know, or a field that cannot be searched.
        """
        key = id(query), self._nested.scope, self.asks_each
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._condition(query)
        return known

    def question(self, query: Query) -> str:
        """Return the condition in the form that is cheap to ask about few documents.

        Raises:
            KuzzleError
        """
        with self.asking(True):
            return self.condition(query)

    @contextmanager
    def asking(self, asks_each: bool) -> Iterator[None]:
        """Let conditions be questions about each document, or sets."""
        before, self.asks_each = self.asks_each, asks_each
        try:
            yield
        finally:
            self.asks_each = before

    def _condition(self, query: Query) -> str:
        match query:
            case MatchAll():
                return EVERYTHING
            case MatchNone():
                return NOTHING
            case Term():
                return self._terms(query.field, (query.value,))
            case Terms():
                return self._terms(query.field, query.values)
            case Range():
                return self._range(query)
            case Exists():
                return self._exists(query.field)
            case Ids():
                return self._document_ids(query.values)
            case Bool():
                return bools.condition(self, query)
            case ConstantScore() | DisMax() | Boosting() | FunctionScore():
                return compounds.condition(self, query)
            case GeoWithin():
                return geo.condition(self, self._state, query)
            case Nested():
                with self.asking(False):
                    return self._nested.condition(self, query)
            case AnyField() | QueryText():
                return self.condition(self.expanded(query))
            case _:
                return texts.condition(self, query)

    def score(self, query: Query) -> Score:
        """Return the score of the documents that match: the boosts of what matched, added up."""
        if isinstance(query, MatchNone):
            return 0.0
        if isinstance(query, ConstantScore | DisMax | Boosting | FunctionScore):
            return compounds.score(self, query)
        if isinstance(query, Text):
            return texts.score(self, query)
        if isinstance(query, Term):
            return texts.term_score(self, query)
        if isinstance(query, Nested):
            return self._nested.score(self, query)
        if isinstance(query, AnyField | QueryText):
            return self.score(self.expanded(query))
        return bools.score(self, query) if isinstance(query, Bool) else query.boost

    def number(self, score: Score) -> str:
        """Return the SQL expression of a score."""
        return score if isinstance(score, str) else self.bind(score)

    # --- for the modules that translate clauses of one kind

    def bind_function(self, function: Any, key: Hashable = None) -> str:
        """Return the parameter that stands for an object that an SQL function takes.

        Args:
            key: What is the same of objects that do the same; they share a parameter.
        """
        if key is None:
            return self.bind(apsw.pyobject(function))
        if key not in self._functions:
            self._functions[key] = self.bind(apsw.pyobject(function))
        return self._functions[key]

    def expanded(self, query: multi.Several) -> Query:
        """Return the query that a clause stands for; the same object each time, as `condition` knows it by that.

        Raises:
            KuzzleError
        """
        key = id(query), self._nested.scope
        found = self._expanded.get(key)
        if found is None:
            found = self._expanded[key] = multi.expand(self._state.mapping, query, self._nested.scope, self._takes)
            if isinstance(query, AnyField) and isinstance(found, DisMax):
                # A field binds as much as a word does that is matched and scored.
                self.count_words(2 * len(found.queries))
        return found

    def _takes(self, query: Query) -> bool:
        """Tell whether a field can answer a query."""
        try:
            self.condition(query)
        except KuzzleError:
            return False
        return True

    def count_words(self, words: int) -> None:
        """Count words that are looked up; matching and scoring count each.

        Raises:
            KuzzleError: 400: they are too many for one search.
        """
        if self.asks_each:
            return
        self._words += words
        if self._words > 2 * MAX_WORDS:
            raise bad_request(f"too_many_clauses: a search may look for {MAX_WORDS} words")

    def uid_column(self) -> str:
        """Return the expression of a document's `_uid`."""
        return f"({self.bind(self._state.name + '#')} || {self.id_column})"

    @property
    def id_column(self) -> str:
        """The expression of the id of the document, or of the one around the nested object."""
        return self._nested.id_column

    def value_condition(self, path: str, value: Scalar, *, is_lenient: bool = False) -> str:
        """Return the condition that a field has exactly this value.

        Args:
            is_lenient: A value that its type does not know matches nothing.

        Raises:
            KuzzleError
        """
        try:
            return self._terms(path, (value,))
        except KuzzleError:
            if is_lenient:
                return NOTHING
            raise

    def words_condition(self, field: Field, words: Sequence[str]) -> str:
        """Return the condition that a text field has one of some words."""
        if len(words) == 1:
            return self._values(field, f"value = {self.bind(words[0])}", is_one_value=True)
        names = tuple(self.bind(word) for word in words) if len(words) <= MAX_GROUPED else ()
        return self._values(field, f"value IN {self.list_of(words)}", words=names)

    @property
    def value_tables(self) -> tuple[str, str]:
        """The table of values, and its index by document."""
        return self._state.values_table, self._state.values_index

    def field_number(self, field: Field) -> int:
        """Return the number of a field in the table of values."""
        return self._state.field_numbers[field.key]

    def field_condition(self, field: Field, condition: str) -> str:
        """Return the condition that a field has a value for which a condition on `value` holds."""
        return self._values(field, condition)

    # --- leaves

    def _terms(self, path: str, values: Sequence[Scalar]) -> str:
        if path in ("_id", "_uid", "_type"):
            return self._document_terms(path, values)
        field = self.find_field(path)
        if field is None:
            return NOTHING
        wanted: set[IndexedValue] = set()
        spans: list[tuple[IndexedValue, IndexedValue]] = []
        for value in values:
            first, last = self._span(field, value)
            if first is None or last is None:
                continue
            if first == last:
                wanted.add(first)
            else:
                spans.append((first, last))
        if len(spans) > MAX_SPANS:
            raise bad_request(f"Too many values of [{path}] that stand for a range: at most {MAX_SPANS} are allowed")
        is_one_value = len(wanted) == 1 and not spans
        parts = [f"value BETWEEN {self.bind(first)} AND {self.bind(last)}" for first, last in spans]
        if len(wanted) == 1:
            parts.append(f"value = {self.bind(wanted.pop())}")
        elif wanted:
            parts.append(f"value IN {self.list_of(tuple(wanted))}")
        if not parts:
            return NOTHING
        return self._values(field, joined(parts, "OR"), is_one_value=is_one_value)

    def _span(self, field: Field, value: Scalar) -> tuple[IndexedValue | None, IndexedValue | None]:
        """Return the first and last value that a term stands for: a day has many milliseconds."""
        if field.type == "date":
            span = Range(field.path)
            return date_bound(field, span, value, self._now_ms, round_up=False), date_bound(
                field, span, value, self._now_ms, round_up=True
            )
        network: tuple[bytes, bytes] | None = understood(ip_range, value) if field.type == "ip" else None
        if network is not None:
            return network
        found: IndexedValue | None = understood(query_value, field, value)
        return found, found

    def _document_terms(self, path: str, values: Sequence[Scalar]) -> str:
        texts = [str(value) for value in values]
        if path == "_type":
            return EVERYTHING if self._state.name in texts else NOTHING
        if path == "_uid":
            prefix = f"{self._state.name}#"
            texts = [text.removeprefix(prefix) for text in texts if text.startswith(prefix)]
        return self._document_ids(texts)

    def _document_ids(self, ids: Sequence[str]) -> str:
        return f"{self.id_column} IN {self.list_of(ids)}" if ids else NOTHING

    def _exists(self, path: str) -> str:
        if path in ("_id", "_uid", "_type", "_index", "_source"):
            return EVERYTHING
        fields = self._state.mapping.fields_below(path, self._nested.scope)
        parts = [self._values(field, "") for field in fields]
        return joined(parts, "OR") if parts else NOTHING

    def _range(self, query: Range) -> str:
        if query.field.startswith("_") and query.field in ("_id", "_uid", "_type", "_index"):
            raise bad_request(f"Field [{query.field}] of type [{query.field}] does not support range queries")
        field = self.find_field(query.field)
        if field is None:
            return NOTHING
        if field.type == "date":
            return self._date_range(field, query)
        for option in ("format", "time_zone"):
            if getattr(query, option) is not None:
                raise bad_request(f"[range] [{option}] can not be applied to non date field [{query.field}]")
        parts = []
        if query.lower is not None:
            lower = value_bound(field, query.lower)
            parts.append(f"value {'>=' if query.includes_lower else '>'} {self.bind(lower)}")
        if query.upper is not None:
            upper = value_bound(field, query.upper)
            parts.append(f"value {'<=' if query.includes_upper else '<'} {self.bind(upper)}")
        elif field.type == "text":
            # Without an upper bound the mark of a text without tokens would be in the range.
            parts.append(f"value < {self.bind(PRESENT)}")
        return self._values(field, " AND ".join(parts))

    def _date_range(self, field: Field, query: Range) -> str:
        parts = []
        if query.lower is not None:
            # `gt` a day means after its last millisecond.
            lower = date_bound(field, query, query.lower, self._now_ms, round_up=not query.includes_lower)
            parts.append(f"value {'>=' if query.includes_lower else '>'} {self.bind(lower)}")
        if query.upper is not None:
            upper = date_bound(field, query, query.upper, self._now_ms, round_up=query.includes_upper)
            parts.append(f"value {'<=' if query.includes_upper else '<'} {self.bind(upper)}")
        return self._values(field, " AND ".join(parts))

    def find_field(self, path: str) -> Field | None:
        """Return a field that can be searched, None when there is none of that path.

        Raises:
            KuzzleError: It cannot be searched.
        """
        field = self.find_any_field(path)
        if field is None:
            return None
        if field.type in _NOT_SEARCHABLE:
            raise bad_request(_NOT_SEARCHABLE[field.type] % path)
        if not field.is_searchable:
            raise bad_request(f"Cannot search on field [{path}] since it is not indexed.")
        return field

    def find_any_field(self, path: str) -> Field | None:
        """Return a field that clauses see, whatever they may do with it."""
        return self._state.mapping.find_field(path, self._nested.scope)

    def _values(self, field: Field, condition: str, *, is_one_value: bool = False, words: tuple[str, ...] = ()) -> str:
        asks_each = self.asks_each
        return self.lookups.condition(field, condition, is_one_value=is_one_value, words=words, asks_each=asks_each)

    def list_of(self, values: Sequence[IndexedValue]) -> str:
        """Return a set of values of one kind, bound as one array."""
        return list_of(self.bind, values)
