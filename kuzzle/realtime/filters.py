"""Filters as clients write them: checked, and brought to their normal form.

`read_filter` refuses what is wrong with a 400 that names the place: the quoted path of keywords and
fields, a colon, the reason. What it accepts becomes a normal form (`normal_form.py`), and with an index
and a collection the id of a room.

`match` and `select` are later than the others: who asks for filters of the first generation does not know them.

A keyword is one entry of `_READERS`: it gets its body and answers an expression, negated already when
an odd number of `not` stands around it, so that negations end up at the clauses.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from kuzzle.encoding import JsonError, decode_json
from kuzzle.realtime.bodies import check_likeness, is_number, non_empty_array, one_field, only, refuse, texts
from kuzzle.realtime.geo_bodies import read_box, read_circle, read_polygon, read_ring
from kuzzle.realtime.likenesses import Likeness
from kuzzle.realtime.normal_form import WORK_PER_TERM, AllOf, AnyOf, Expression, NormalForm, normal_form, too_much_work
from kuzzle.realtime.operators import (
    Clause,
    Equals,
    Exists,
    HasElement,
    InRange,
    InShape,
    MatchesRegexp,
    Resembles,
    Unplaceable,
    above,
    below,
)
from kuzzle.realtime.paths import element_path, plain_path
from kuzzle.realtime.regexps import Pattern, RegexpProblem
from kuzzle.realtime.shapes import Shape

MAX_TERMS: Final = 256
"""How many *ands* a filter may come to where `limits.subscriptionMinterms` sets no other bound."""
MAX_DEPTH: Final = 64
"""How deep operators may nest: nobody writes that by hand, and reading calls itself for each level."""

# Parts of `bool`: whether one operand is enough, and whether the opposite is meant.
_BOOL_PARTS: Final[Mapping[str, tuple[bool, bool]]] = {
    "must": (False, False),
    "must_not": (True, True),
    "should": (True, False),
    "should_not": (False, True),
}
_ARRAY_START: Final = re.compile(r"(?<!^)(?<!\\)\[")
_LOWER_BOUNDS: Final = ("gt", "gte")
_UPPER_BOUNDS: Final = ("lt", "lte")


MAX_LIKENESS: Final = 256
"""How many values `match` may hold: each may have to be held against each value of a document."""
LATER_KEYWORDS: Final = frozenset(("match", "select"))
"""Keywords that filters of the first generation do not have."""
_SELECT_NAMES: Final = ("field", "index", "query")
_LONG_NAME: Final = 256  # letters of an element's path that count as a clause: each clause carries the whole path


def read_filter(filters: Any, max_terms: int = MAX_TERMS, *, with_later_keywords: bool = False) -> NormalForm:
    """Check a filter and bring it to its normal form.

    Anything without keys at the root (`{}`, null, `[]`, a number) matches everything.

    Args:
        max_terms: How many *ands* it may come to.
        with_later_keywords: Whether it may hold those of `LATER_KEYWORDS`.

    Raises:
        KuzzleError: 400 without id: it is no filter; 413 `core.realtime.too_many_terms`: it comes to
            more than `max_terms` *ands*, or is too large to find out.
    """
    if not isinstance(filters, dict | list | str) or not filters:
        return normal_form(AllOf(()), max_terms)
    return normal_form(_FilterReader(max_terms, with_later_keywords).read(filters, "", False, 0), max_terms)


def room_identifier(index: str, collection: str, form: NormalForm) -> str:
    """Return the id of the room of a filter: 32 hexadecimal digits, the same on every server."""
    text = json.dumps([index, collection, [[clause.key for clause in term] for term in form]])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class _FilterReader:
    """Reads one filter, and counts its clauses: they are bounded like the work on them."""

    def __init__(self, max_terms: int, with_later_keywords: bool) -> None:
        self._max_terms = max_terms
        self._known = [word for word in _READERS if with_later_keywords or word not in LATER_KEYWORDS]
        self._element: tuple[str, int] | None = None  # array and index, inside of a select
        self._clauses_left = max_terms * WORK_PER_TERM

    def read(self, filters: Any, path: str, is_negated: bool, depth: int) -> Expression:
        """Read a filter that must not be empty; `path` is where it stands."""
        if not isinstance(filters, dict):
            refuse(path, "must be an object")
        if len(filters) != 1:
            refuse(path, f"must have exactly one keyword, not {len(filters)}")
        if depth > MAX_DEPTH:
            refuse(path, f"nests deeper than {MAX_DEPTH} operators")
        ((keyword, body),) = filters.items()
        reader = _READERS[keyword] if keyword in self._known else None
        place = f"{path}.{keyword}" if path else str(keyword)
        if reader is None:
            refuse(place, f"unknown keyword (known: {', '.join(self._known)})")
        return reader(self, body, place, is_negated, depth)

    # --- operators

    def all_of(self, body: Any, path: str, is_negated: bool, depth: int) -> Expression:
        parts = self._operands(body, path, is_negated, depth)
        return AnyOf(parts) if is_negated else AllOf(parts)

    def any_of(self, body: Any, path: str, is_negated: bool, depth: int) -> Expression:
        parts = self._operands(body, path, is_negated, depth)
        return AllOf(parts) if is_negated else AnyOf(parts)

    def none_of(self, body: Any, path: str, is_negated: bool, depth: int) -> Expression:
        return self.read(body, path, not is_negated, depth + 1)

    def _operands(self, body: Any, path: str, is_negated: bool, depth: int) -> list[Expression]:
        for part in non_empty_array(body, path):
            if not isinstance(part, dict) or not part:
                refuse(path, "can only contain non-empty objects")
        return [self.read(part, path, is_negated, depth + 1) for part in body]

    def combined(self, body: Any, path: str, is_negated: bool, depth: int) -> Expression:
        """Read `bool`: all that stand there must hold. What is null, false, zero or empty text does not stand there."""
        given = {name: part for name, part in only(body, _BOOL_PARTS, path).items() if part or part in ([], {})}
        if not given:
            refuse(path, "cannot be empty")
        if isinstance(given.get("must"), dict):
            given["must"] = [given["must"]]
        parts = []
        for name, part in given.items():
            unites, inverts = _BOOL_PARTS[name]
            read = self.any_of if unites else self.all_of
            parts.append(read(part, f"{path}.{name}", is_negated is not inverts, depth + 1))
        return AnyOf(parts) if is_negated else AllOf(parts)

    def nothing(self, _body: Any, _path: str, is_negated: bool, _depth: int) -> Expression:
        return AllOf(()) if is_negated else AnyOf(())

    # --- clauses

    def equals(self, body: Any, path: str, is_negated: bool, _depth: int) -> Expression:
        field, value = one_field(body, path)
        if not (value is None or isinstance(value, str | bool) or is_number(value)):
            refuse(f"{path}.{field}", "must be a string, a number, a boolean or null")
        return self._count(Equals(self._name(field), value, is_negated=is_negated))

    def is_in(self, body: Any, path: str, is_negated: bool, _depth: int) -> Expression:
        field, values = one_field(body, path)
        return self._one_of(field, texts(values, f"{path}.{field}"), is_negated)

    def ids(self, body: Any, path: str, is_negated: bool, _depth: int) -> Expression:
        values = only(body, ("values",), path)["values"]
        return self._one_of("_id", texts(values, f"{path}.values"), is_negated)

    def _one_of(self, field: str, values: Sequence[str], is_negated: bool) -> Expression:
        name = self._name(field)
        parts = [self._count(Equals(name, value, is_negated=is_negated)) for value in values]
        return AllOf(parts) if is_negated else AnyOf(parts)

    def missing(self, body: Any, path: str, is_negated: bool, depth: int) -> Expression:
        return self.exists(body, path, not is_negated, depth)

    def exists(self, body: Any, path: str, is_negated: bool, _depth: int) -> Expression:
        if isinstance(body, dict):
            if list(body) != ["field"]:
                refuse(path, 'must be a field, or an object with nothing but "field"')
            body, path = body["field"], f"{path}.field"
        if not isinstance(body, str):
            refuse(path, "must be a string")
        if not body:
            refuse(path, "cannot test an empty field name")
        start = _ARRAY_START.search(body) if body.endswith("]") else None
        if start is None:
            return self._count(Exists(self._name(_unescaped(body)), is_negated=is_negated))
        text = body[start.end() : -1]
        try:
            value = decode_json(text)
        except JsonError:
            refuse(path, f"invalid array value ({text})")
        if isinstance(value, dict | list):  # these are told apart by identity: no document holds one
            return AllOf(()) if is_negated else AnyOf(())
        name = self._name(_unescaped(body[: start.start()]))
        return self._count(HasElement(name, value, is_negated=is_negated))

    def in_range(self, body: Any, path: str, is_negated: bool, _depth: int) -> Expression:
        field, bounds = one_field(body, path)
        place = f"{path}.{field}"
        if not isinstance(bounds, dict) or not bounds:
            refuse(place, "must be a non-empty object")
        for name, bound in bounds.items():
            if name not in _LOWER_BOUNDS and name not in _UPPER_BOUNDS:
                refuse(place, f'"{name}" is not an allowed attribute (allowed: gt, gte, lt, lte)')
            if not is_number(bound):
                refuse(f"{place}.{name}", "must be a number")
        for names, side in ((_LOWER_BOUNDS, "lower"), (_UPPER_BOUNDS, "upper")):
            if all(name in bounds for name in names):
                refuse(place, f"only 1 {side} boundary allowed")
        low = next((bounds[name] for name in _LOWER_BOUNDS if name in bounds), -math.inf)
        high = next((bounds[name] for name in _UPPER_BOUNDS if name in bounds), math.inf)
        if low >= high:
            refuse(place, "the lower boundary must be strictly below the upper one")
        low = above(low) if "gt" in bounds else low
        high = below(high) if "lt" in bounds else high
        if low > high:  # two neighbours, both excluded
            return AllOf(()) if is_negated else AnyOf(())
        return self._count(InRange(self._name(field), low, high, is_negated=is_negated))

    def regexp(self, body: Any, path: str, is_negated: bool, _depth: int) -> Expression:
        field, operand = one_field(body, path)
        place = f"{path}.{field}"
        flags: Any = ""
        if isinstance(operand, dict):
            given = only(operand, ("flags", "value"), place)
            if "value" not in given:
                refuse(place, 'the property "value" is missing')
            operand, flags = given["value"], given.get("flags") or ""
        if not isinstance(operand, str):
            refuse(place, "the pattern must be a string")
        if not isinstance(flags, str):
            refuse(f"{place}.flags", "must be a string")
        try:
            pattern = Pattern(operand, flags)
        except RegexpProblem as problem:
            refuse(place, f"cannot parse regexp expression ({problem})")
        return self._count(MatchesRegexp(self._name(field), pattern, is_negated=is_negated))

    def box(self, body: Any, path: str, is_negated: bool, _depth: int) -> Expression:
        return self._in_shape(*read_box(body, path), is_negated)

    def circle(self, body: Any, path: str, is_negated: bool, _depth: int) -> Expression:
        return self._in_shape(*read_circle(body, path), is_negated)

    def ring(self, body: Any, path: str, is_negated: bool, _depth: int) -> Expression:
        return self._in_shape(*read_ring(body, path), is_negated)

    def polygon(self, body: Any, path: str, is_negated: bool, _depth: int) -> Expression:
        return self._in_shape(*read_polygon(body, path), is_negated)

    def _in_shape(self, field: str, shape: Shape, is_negated: bool) -> Expression:
        name = self._name(field)
        inside = self._count(InShape(name, shape, is_negated=is_negated))
        return AllOf((inside, Unplaceable(name, is_negated=True))) if is_negated else inside

    def match(self, body: Any, path: str, is_negated: bool, depth: int) -> Expression:
        """Read `match`: each of its fields is a question of its own."""
        if not isinstance(body, dict):
            refuse(path, "must be an object")
        if not body:
            refuse(path, "must be a non-empty object")
        if check_likeness(body, path, MAX_DEPTH - depth) > MAX_LIKENESS:
            refuse(path, f"cannot hold more than {MAX_LIKENESS} values")
        parts = [self._like(self._name(field), pattern, is_negated) for field, pattern in body.items()]
        return AnyOf(parts) if is_negated else AllOf(parts)

    def _like(self, name: str, pattern: Any, is_negated: bool) -> Clause:
        if isinstance(pattern, dict | list):
            return self._count(Resembles(name, Likeness(pattern), is_negated=is_negated))
        return self._count(Equals(name, pattern, is_negated=is_negated))

    def select(self, body: Any, path: str, is_negated: bool, depth: int) -> Expression:
        """Read `select`: what its query asks of an element is asked of paths in that element."""
        given = only(body, _SELECT_NAMES, path)
        for name in _SELECT_NAMES:
            if name not in given:
                refuse(path, f'the property "{name}" is missing')
        field, index = given["field"], given["index"]
        if not isinstance(field, str):
            refuse(f"{path}.field", "must be a string")
        if not field:
            refuse(f"{path}.field", "cannot be empty")
        if not is_number(index) or index != int(index):
            refuse(f"{path}.index", "must be an integer")
        outer, self._element = self._element, (self._name(field), int(index))
        is_there = self._count(Exists(self._name("value"), is_negated=is_negated))
        query = self.read(given["query"], f"{path}.query", is_negated, depth + 1)
        self._element = outer
        return AnyOf((is_there, query)) if is_negated else AllOf((is_there, query))

    def _name(self, field: str) -> str:
        """Return the name of a field of what is asked about: the document, or an element of it."""
        name = plain_path(field)
        return name if self._element is None else element_path(*self._element, name)

    def _count(self, clause: Clause) -> Clause:
        self._clauses_left -= 1 if self._element is None else 1 + len(clause.field) // _LONG_NAME
        if self._clauses_left < 0:
            raise too_much_work(self._max_terms)
        return clause


_READERS: Final[Mapping[str, Callable[[_FilterReader, Any, str, bool, int], Expression]]] = {
    "equals": _FilterReader.equals,
    "exists": _FilterReader.exists,
    "missing": _FilterReader.missing,
    "in": _FilterReader.is_in,
    "ids": _FilterReader.ids,
    "range": _FilterReader.in_range,
    "regexp": _FilterReader.regexp,
    "geoBoundingBox": _FilterReader.box,
    "geoDistance": _FilterReader.circle,
    "geoDistanceRange": _FilterReader.ring,
    "geoPolygon": _FilterReader.polygon,
    "and": _FilterReader.all_of,
    "or": _FilterReader.any_of,
    "not": _FilterReader.none_of,
    "bool": _FilterReader.combined,
    "nothing": _FilterReader.nothing,
    "match": _FilterReader.match,
    "select": _FilterReader.select,
}
KEYWORDS: Final = frozenset(_READERS.keys() - LATER_KEYWORDS)
"""Keywords that filters of the first generation have."""


def _unescaped(path: str) -> str:
    return path.replace("\\[", "[").replace("\\]", "]")
