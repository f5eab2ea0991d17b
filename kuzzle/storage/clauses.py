"""Reads queries of the Elasticsearch DSL, as Elasticsearch 5 took them, into the tree.

What is not understood is refused by name (400 `services.storage.unexpected_bad_request`), never ignored.
`{}` and None match everything; inside a bool they are left out, as Elasticsearch 5 did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from kuzzle.storage.all_fields import about_all_fields
from kuzzle.storage.compound_clauses import COMPOUND_READERS
from kuzzle.storage.geo_clauses import GEO_READERS
from kuzzle.storage.nested_clauses import read_nested
from kuzzle.storage.query_string_clauses import QUERY_STRING_READERS
from kuzzle.storage.reading import (
    MAX_TERMS,
    bad_request,
    minimum_should_match,
    read_field,
    read_flag,
    read_name,
    read_number,
    read_options,
    read_scalar,
)
from kuzzle.storage.text_clauses import TEXT_READERS
from kuzzle.storage.text_tree import AnyCase
from kuzzle.storage.tree import (
    MATCH_ALL,
    Bool,
    Exists,
    Ids,
    MatchAll,
    MatchNone,
    Query,
    Range,
    Scalar,
    Term,
    Terms,
)

# A query nested deeper is an attack or a defect; Elasticsearch allows 20 to 30 levels of bool.
MAX_DEPTH: Final = 50
# What an engine makes of a clause that changes scores is deeper than what it makes of a bool.
COMPOUND_DEPTH: Final = 2
# indices.query.bool.max_clause_count of Elasticsearch.
MAX_CLAUSES: Final = 1024


def parse_query(body: Any) -> Query:
    """Read a query.

    Args:
        body: `{<clause>: {...}}`; `{}` or None match everything.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request` naming what is wrong.
    """
    return _Reader().read(body, 0) or MATCH_ALL


def parse_named_query(body: Any) -> tuple[Query, tuple[tuple[str, Query], ...]]:
    """Read a query, and the queries in it that have a name (`_name`), in the order of their ends.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request` naming what is wrong.
    """
    reader = _Reader()
    query = reader.read(body, 0) or MATCH_ALL
    return query, tuple(reader.named)


class _Reader:
    """Reads one query; counts its clauses.

    Attributes:
        named: The queries that have a name.
    """

    def __init__(self) -> None:
        self.named: list[tuple[str, Query]] = []
        self._clauses = 0
        self._nested = 0

    def read(self, body: Any, depth: int) -> Query | None:
        """Return the query, None for an empty one."""
        if body is None or body == {}:
            return None
        if not isinstance(body, dict):
            raise bad_request("[_na] query malformed, must start with start_object")
        if depth > MAX_DEPTH:
            raise bad_request(f"The query is nested too deep: more than {MAX_DEPTH} levels")
        self._count()
        name, content = next(iter(body.items()))
        if name not in CLAUSE_NAMES:
            raise bad_request(f"no [query] registered for [{name}]")
        if len(body) > 1:
            second = list(body)[1]
            raise bad_request(f"[{name}] malformed query, expected [END_OBJECT] but found [FIELD_NAME] ({second})")
        if not isinstance(content, dict):
            raise bad_request(f"[{name}] query malformed, no start_object after query name")
        query = self._read_clause(name, content, depth)
        label = read_name(name, content)
        if label is not None:
            if self._nested:
                raise bad_request(f"[{name}] [_name] inside of [nested] is not supported")
            self.named.append((label, query))
        return query

    def _read_clause(self, name: str, content: Mapping[str, Any], depth: int) -> Query:
        if name == "bool":
            return self._read_bool(content, depth)
        if name == "nested":
            self._nested += 1
            query = read_nested(content, lambda inner: self.read(inner, depth + COMPOUND_DEPTH))
            self._nested -= 1
            return query
        if name in COMPOUND_READERS:
            return COMPOUND_READERS[name](content, lambda inner: self.read(inner, depth + COMPOUND_DEPTH))
        if name in QUERY_STRING_READERS:
            return QUERY_STRING_READERS[name](content, MAX_DEPTH - depth, self._count)
        return about_all_fields(name, _READERS[name](content))

    def _count(self) -> None:
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            raise bad_request(f"too_many_clauses: maxClauseCount is set to {MAX_CLAUSES}")

    def _read_bool(self, content: Mapping[str, Any], depth: int) -> Query:
        lists: dict[str, tuple[Query, ...]] = {"must": (), "filter": (), "should": (), "must_not": ()}
        wanted: Any = None
        boost = 1.0
        adjusts = True
        for name, value in content.items():
            key = "must_not" if name == "mustNot" else name
            if key in lists:
                lists[key] += self._read_list(key, value, depth)
            elif name in ("minimum_should_match", "minimumShouldMatch"):
                wanted = value
            elif name == "boost":
                boost = read_number("bool", name, value)
            elif name == "adjust_pure_negative":
                adjusts = read_flag("bool", name, value)
            elif name == "disable_coord":
                read_flag("bool", name, value)  # there is nothing to disable: BM25 has no such factor
            elif name != "_name":
                raise bad_request(f"[bool] query does not support [{name}]")
        minimum = None if wanted is None else minimum_should_match(wanted, len(lists["should"]))
        if minimum is None and not any(lists.values()):
            return MatchAll(boost)
        if not adjusts and not (lists["must"] or lists["filter"] or lists["should"]):
            return MatchNone()
        return Bool(**lists, minimum_should_match=minimum, boost=boost)

    def _read_list(self, name: str, value: Any, depth: int) -> tuple[Query, ...]:
        if value is None:
            return ()
        if not isinstance(value, dict | list):
            raise bad_request(f"[bool] query does not support [{name}]")
        queries = [self.read(item, depth + 1) for item in (value if isinstance(value, list) else [value])]
        return tuple(query for query in queries if query is not None)


def _read_match_all(content: Mapping[str, Any]) -> Query:
    return MatchAll(read_options("match_all", content, ()))


def _read_match_none(content: Mapping[str, Any]) -> Query:
    read_options("match_none", content, ())
    return MatchNone()


def _read_term(content: Mapping[str, Any]) -> Query:
    field, value, boost = read_field("term", content)
    ignores_case = False
    if isinstance(value, dict):
        for name in value:
            if name not in ("value", "term", "boost", "case_insensitive", "_name"):
                raise bad_request(f"[term] query does not support [{name}]")
        ignores_case = read_flag("term", "case_insensitive", value.get("case_insensitive", False))
        boost = read_number("term", "boost", value.get("boost", boost))
        value = value.get("value", value.get("term"))
    if isinstance(value, list):
        raise bad_request("[term] query does not support array of values")
    if value is None:
        raise bad_request("value cannot be null")
    if ignores_case:
        return AnyCase(field, str(read_scalar("term", value)), boost)
    return Term(field, read_scalar("term", value), boost)


def _read_terms(content: Mapping[str, Any]) -> Query:
    field, values, boost = read_field("terms", content)
    if isinstance(values, dict):
        raise bad_request(f"[terms] query does not support values of another document for [{field}]")
    if not isinstance(values, list):
        raise bad_request(f"[terms] query does not support [{field}]")
    if len(values) > MAX_TERMS:
        raise bad_request(f"The number of terms [{len(values)}] exceeds the allowed maximum of [{MAX_TERMS}]")
    if None in values:
        raise bad_request("No value specified for terms query")
    return Terms(field, tuple(read_scalar("terms", value) for value in values), boost)


def _read_range(content: Mapping[str, Any]) -> Query:
    field, bounds, boost = read_field("range", content)
    if not isinstance(bounds, dict):
        raise bad_request(f"[range] query does not support [{field}]")
    lower: Scalar = None
    upper: Scalar = None
    includes_lower = includes_upper = True
    texts: dict[str, str | None] = {"format": None, "time_zone": None}
    for name, value in bounds.items():
        if name in ("gt", "gte", "ge", "from"):
            lower = read_scalar("range", value)
            includes_lower = includes_lower if name == "from" else name != "gt"
        elif name in ("lt", "lte", "le", "to"):
            upper = read_scalar("range", value)
            includes_upper = includes_upper if name == "to" else name != "lt"
        elif name in ("include_lower", "includeLower"):
            includes_lower = read_flag("range", name, value)
        elif name in ("include_upper", "includeUpper"):
            includes_upper = read_flag("range", name, value)
        elif name == "boost":
            boost = read_number("range", name, value)
        elif name in texts and isinstance(value, str | None):
            texts[name] = value
        elif name != "_name":
            raise bad_request(f"[range] query does not support [{name}]")
    return Range(field, lower, upper, includes_lower, includes_upper, texts["format"], texts["time_zone"], boost)


def _read_exists(content: Mapping[str, Any]) -> Query:
    boost = read_options("exists", content, ("field",))
    field = content.get("field")
    if not isinstance(field, str) or not field:
        raise bad_request("[exists] must be provided with a [field]")
    return Exists(field, boost)


def _read_ids(content: Mapping[str, Any]) -> Query:
    boost = read_options("ids", content, ("values", "type", "types", "_type"))
    values = content.get("values")
    if values is None:
        raise bad_request("[ids] requires providing a [values] array of ids")
    ids = []
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise bad_request("Illegal value for id, expecting a string or number")
        ids.append(str(value))
    if len(ids) > MAX_TERMS:
        raise bad_request(f"The number of ids [{len(ids)}] exceeds the allowed maximum of [{MAX_TERMS}]")
    types = content.get("type", content.get("types", content.get("_type")))
    if types is None:
        return Ids(tuple(ids), boost)
    types = types if isinstance(types, list) else [types]
    if not all(isinstance(name, str) for name in types):
        raise bad_request("[ids] [type] must be a text or a list of texts")
    return Bool(must=(Ids(tuple(ids), boost),), filter=(Terms("_type", tuple(types)),))


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Query]]] = {
    "match_all": _read_match_all,
    "match_none": _read_match_none,
    "term": _read_term,
    "terms": _read_terms,
    "range": _read_range,
    "exists": _read_exists,
    "ids": _read_ids,
    **GEO_READERS,
    **TEXT_READERS,
}
CLAUSE_NAMES: Final = frozenset({"bool", "nested", *_READERS, *QUERY_STRING_READERS, *COMPOUND_READERS})
"""The names of all clauses."""
