"""Reads queries of the Elasticsearch DSL, as Elasticsearch 5 took them, into the tree.

What is not understood is refused by name (400 `services.storage.unexpected_bad_request`), never ignored.
`{}` and None match everything; inside a bool they are left out, as Elasticsearch 5 did.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from kuzzle.errors import KuzzleError
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
# indices.query.bool.max_clause_count and index.max_terms_count of Elasticsearch.
MAX_CLAUSES: Final = 1024
MAX_TERMS: Final = 65536


def bad_request(message: str) -> KuzzleError:
    """Build the error of a search that cannot be served."""
    return KuzzleError("services.storage.unexpected_bad_request", message)


def parse_query(body: Any) -> Query:
    """Read a query.

    Args:
        body: `{<clause>: {...}}`; `{}` or None match everything.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request` naming what is wrong.
    """
    return _Reader().read(body, 0) or MATCH_ALL


class _Reader:
    """Reads one query; counts its clauses."""

    def __init__(self) -> None:
        self._clauses = 0

    def read(self, body: Any, depth: int) -> Query | None:
        """Return the query, None for an empty one."""
        if body is None or body == {}:
            return None
        if not isinstance(body, dict):
            raise bad_request("[_na] query malformed, must start with start_object")
        if depth > MAX_DEPTH:
            raise bad_request(f"The query is nested too deep: more than {MAX_DEPTH} levels")
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            raise bad_request(f"too_many_clauses: maxClauseCount is set to {MAX_CLAUSES}")
        name, content = next(iter(body.items()))
        if name != "bool" and name not in _READERS:
            raise bad_request(f"no [query] registered for [{name}]")
        if len(body) > 1:
            second = list(body)[1]
            raise bad_request(f"[{name}] malformed query, expected [END_OBJECT] but found [FIELD_NAME] ({second})")
        if not isinstance(content, dict):
            raise bad_request(f"[{name}] query malformed, no start_object after query name")
        return self._read_bool(content, depth) if name == "bool" else _READERS[name](content)

    def _read_bool(self, content: Mapping[str, Any], depth: int) -> Query:
        lists: dict[str, tuple[Query, ...]] = {"must": (), "filter": (), "should": (), "must_not": ()}
        wanted: Any = None
        boost = 1.0
        for name, value in content.items():
            key = "must_not" if name == "mustNot" else name
            if key in lists:
                lists[key] += self._read_list(key, value, depth)
            elif name in ("minimum_should_match", "minimumShouldMatch"):
                wanted = value
            elif name == "boost":
                boost = read_number("bool", name, value)
            elif name in ("adjust_pure_negative", "disable_coord"):
                read_flag("bool", name, value)
            elif name != "_name":
                raise bad_request(f"[bool] query does not support [{name}]")
        minimum = None if wanted is None else minimum_should_match(wanted, len(lists["should"]))
        if minimum is None and not any(lists.values()):
            return MatchAll(boost)
        return Bool(**lists, minimum_should_match=minimum, boost=boost)

    def _read_list(self, name: str, value: Any, depth: int) -> tuple[Query, ...]:
        if value is None:
            return ()
        if not isinstance(value, dict | list):
            raise bad_request(f"[bool] query does not support [{name}]")
        queries = [self.read(item, depth + 1) for item in (value if isinstance(value, list) else [value])]
        return tuple(query for query in queries if query is not None)


def minimum_should_match(wanted: Any, clauses: int) -> int:
    """Return how many of `clauses` must match: `3`, `-1` (all but one), `"75%"`, `"-25%"`, `"2<75%"`, `"2<-25% 9<-3"`.

    Raises:
        KuzzleError: Another form.
    """
    text = str(wanted).strip()
    if isinstance(wanted, bool) or not isinstance(wanted, int | str):
        raise bad_request("[bool] query does not support [minimum_should_match] of this type")
    chosen: str | None = text
    if "<" in text:
        chosen = None
        for condition in re.sub(r"\s*<\s*", "<", text).split():
            limit, _, then = condition.partition("<")
            if not re.fullmatch(r"\d{1,9}", limit):
                raise bad_request(f'For input string: "{text}"')
            if clauses > int(limit):
                chosen = then
        if chosen is None:
            return clauses
    match = re.fullmatch(r"(-?)(\d{1,9})(%?)", chosen or "")
    if match is None:
        raise bad_request(f'For input string: "{text}"')
    amount = clauses * int(match[2]) // 100 if match[3] else int(match[2])
    return max(0, clauses - amount if match[1] else amount)


def read_number(clause: str, name: str, value: Any) -> float:
    """Return a number given as such or as text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", value):
        return float(value)
    raise bad_request(f"[{clause}] [{name}] must be a number")


def read_flag(clause: str, name: str, value: Any) -> bool:
    """Return a boolean given as such or as text."""
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise bad_request(f"[{clause}] [{name}] must be a boolean")


def _options(clause: str, content: Mapping[str, Any], allowed: tuple[str, ...]) -> float:
    """Check the keys of a clause that has no field; return its boost."""
    for name in content:
        if name not in (*allowed, "boost", "_name"):
            raise bad_request(f"[{clause}] query does not support [{name}]")
    return read_number(clause, "boost", content.get("boost", 1.0))


def _field(clause: str, content: Mapping[str, Any]) -> tuple[str, Any, float]:
    """Return field, value and boost of a clause that names one field."""
    boost = 1.0
    found: list[tuple[str, Any]] = []
    for name, value in content.items():
        if name == "boost" and not isinstance(value, dict | list):
            boost = read_number(clause, name, value)
        elif name != "_name" or isinstance(value, dict | list):
            found.append((name, value))
    if len(found) > 1:
        raise bad_request(
            f"[{clause}] query doesn't support multiple fields, found [{found[0][0]}] and [{found[1][0]}]"
        )
    if not found:
        raise bad_request(f"[{clause}] requires fieldName: field name is null or empty")
    if not found[0][0]:
        raise bad_request("field name is null or empty")
    return found[0][0], found[0][1], boost


def _scalar(clause: str, value: Any) -> Scalar:
    if isinstance(value, dict | list):
        raise bad_request(f"[{clause}] query does not support [{'object' if isinstance(value, dict) else 'array'}]")
    scalar: Scalar = value
    return scalar


def _read_match_all(content: Mapping[str, Any]) -> Query:
    return MatchAll(_options("match_all", content, ()))


def _read_match_none(content: Mapping[str, Any]) -> Query:
    _options("match_none", content, ())
    return MatchNone()


def _read_term(content: Mapping[str, Any]) -> Query:
    field, value, boost = _field("term", content)
    if isinstance(value, dict):
        for name in value:
            if name not in ("value", "term", "boost", "_name"):
                raise bad_request(f"[term] query does not support [{name}]")
        boost = read_number("term", "boost", value.get("boost", boost))
        value = value.get("value", value.get("term"))
    if isinstance(value, list):
        raise bad_request("[term] query does not support array of values")
    if value is None:
        raise bad_request("value cannot be null")
    return Term(field, _scalar("term", value), boost)


def _read_terms(content: Mapping[str, Any]) -> Query:
    field, values, boost = _field("terms", content)
    if not isinstance(values, list):
        raise bad_request(f"[terms] query does not support [{field}]")
    if len(values) > MAX_TERMS:
        raise bad_request(f"The number of terms [{len(values)}] exceeds the allowed maximum of [{MAX_TERMS}]")
    if None in values:
        raise bad_request("No value specified for terms query")
    return Terms(field, tuple(_scalar("terms", value) for value in values), boost)


def _read_range(content: Mapping[str, Any]) -> Query:
    field, bounds, boost = _field("range", content)
    if not isinstance(bounds, dict):
        raise bad_request(f"[range] query does not support [{field}]")
    lower: Scalar = None
    upper: Scalar = None
    includes_lower = includes_upper = True
    texts: dict[str, str | None] = {"format": None, "time_zone": None}
    for name, value in bounds.items():
        if name in ("gt", "gte", "ge", "from"):
            lower = _scalar("range", value)
            includes_lower = includes_lower if name == "from" else name != "gt"
        elif name in ("lt", "lte", "le", "to"):
            upper = _scalar("range", value)
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
    boost = _options("exists", content, ("field",))
    field = content.get("field")
    if not isinstance(field, str) or not field:
        raise bad_request("[exists] must be provided with a [field]")
    return Exists(field, boost)


def _read_ids(content: Mapping[str, Any]) -> Query:
    boost = _options("ids", content, ("values", "type", "types", "_type"))
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
    return Ids(tuple(ids), boost)


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Query]]] = {
    "match_all": _read_match_all,
    "match_none": _read_match_none,
    "term": _read_term,
    "terms": _read_terms,
    "range": _read_range,
    "exists": _read_exists,
    "ids": _read_ids,
}
