"""A plain evaluator of filters, written from their description, and strategies for filters and documents.

It flattens the whole document and walks the filter as it was written: slow, and without a thought in
common with the matcher.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from hypothesis import strategies as st


def flatten(source: dict[str, Any], prefix: str = "", flat: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return every key of every nested object as a dotted path, the objects themselves included."""
    flat = {} if flat is None else flat
    for key, value in source.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict):
            flatten(value, path, flat)
        flat[path] = value
    return flat


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two scalars are the same value of the same type."""
    if isinstance(one, dict | list) or isinstance(other, dict | list):
        return False
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return type(one) is type(other) and one == other


def matches(filters: Any, source: dict[str, Any], document_id: str | None = None) -> bool:
    """Tell whether a document matches a filter."""
    if document_id is not None:
        source = {**source, "_id": document_id}
    return not filters or _holds(filters, flatten(source))


def _holds(filters: dict[str, Any], flat: dict[str, Any]) -> bool:
    ((keyword, body),) = filters.items()
    if keyword == "and":
        return all(_holds(part, flat) for part in body)
    if keyword == "or":
        return any(_holds(part, flat) for part in body)
    if keyword == "not":
        return not _holds(body, flat)
    if keyword == "bool":
        return all(_bool_part(name, part, flat) for name, part in body.items())
    if keyword == "nothing":
        return False
    if keyword in ("exists", "missing"):
        return _exists(body if isinstance(body, str) else body["field"], flat) == (keyword == "exists")
    if keyword == "match":
        return all(field in flat and _is_like(part, flat[field]) for field, part in body.items())
    if keyword == "select":
        array = flat.get(body["field"])
        if not isinstance(array, list) or not -len(array) <= body["index"] < len(array):
            return False
        return _holds(body["query"], flatten({"value": array[body["index"]]}))
    if keyword == "ids":
        return any(is_same(flat.get("_id"), one) for one in body["values"])
    if keyword.startswith("geo"):
        place = flat.get("place")
        return isinstance(place, list) and _is_inside(keyword, body, place[0], place[1])
    ((field, operand),) = body.items()
    if field not in flat:
        return False
    value = flat[field]
    if keyword == "equals":
        return is_same(value, operand)
    if keyword == "in":
        return any(is_same(value, one) for one in operand)
    if keyword == "regexp":
        return isinstance(value, str) and _is_found(operand, value)
    assert keyword == "range"
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_between(value, operand)


_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}


def _is_found(operand: Any, value: str) -> bool:
    pattern, flags = (operand, "") if isinstance(operand, str) else (operand["value"], operand["flags"])
    if "m" not in flags:
        pattern = pattern.replace("$", r"\Z")  # in Python it would match before a last line's end too
    return re.search(pattern, value, sum(_FLAGS[flag] for flag in flags)) is not None


def _is_like(pattern: Any, value: Any) -> bool:
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            key in value and _is_like(part, value[key]) for key, part in pattern.items()
        )
    if not isinstance(pattern, list):
        return is_same(pattern, value)
    if not isinstance(value, list):
        return False
    taken: set[int] = set()
    for part in pattern:
        free = [place for place, one in enumerate(value) if place not in taken and _is_like(part, one)]
        if not free:
            return False
        taken.add(free[0])
    return True


def _bool_part(name: str, filters: list[Any], flat: dict[str, Any]) -> bool:
    verdicts = [_holds(part, flat) for part in filters]
    return {
        "must": all(verdicts),
        "must_not": not any(verdicts),
        "should": any(verdicts),
        "should_not": not all(verdicts),
    }[name]


def _is_inside(keyword: str, body: dict[str, Any], lat: float, lon: float) -> bool:
    """Judge places of whole degrees near the equator on the plane, 111 km a degree; no border comes near one."""
    if keyword == "geoBoundingBox":
        box = body["place"]
        return bool(box["bottom"] < lat < box["top"] and box["left"] < lon < box["right"])
    if keyword == "geoPolygon":
        (bottom, left), _, (top, right), _ = body["place"]["points"]
        return bool(bottom < lat < top and left < lon < right)
    centre = body["place"]
    distance_km = math.hypot(lat - centre[0], lon - centre[1]) * 111
    inner = body.get("from", "-1km")
    outer = body.get("to") or body["distance"]
    return float(inner.removesuffix("km")) < distance_km < float(outer.removesuffix("km"))


def _exists(text: str, flat: dict[str, Any]) -> bool:
    path, bracket, operand = text.partition("[")
    if not bracket:
        return path in flat
    held = flat.get(path)
    return isinstance(held, list) and any(is_same(item, json.loads(operand[:-1])) for item in held)


def _is_between(value: float, bounds: dict[str, float]) -> bool:
    return (
        value > bounds.get("gt", -math.inf)
        and value >= bounds.get("gte", -math.inf)
        and value < bounds.get("lt", math.inf)
        and value <= bounds.get("lte", math.inf)
    )


# Few names and few values, so that filters and documents meet often.
FIELDS = ("a", "b", "a.b", "a.c", "b.a.b", "", "a.", "_id")
KEYS = ("a", "b", "c", "", "a.b", "_id")
NUMBERS = st.sampled_from((0, -0.0, 1, 1.0, 2, 2.5, -1, 3, 2**53, 2**53 + 1, float(2**53), 1e300))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(("", "x", "1", "true", "é", "x\ny")))


def _bounds(low: float, high: float, names: tuple[str, str], sides: str) -> dict[str, float]:
    low, high = min(low, high), max(low, high)
    if low == high:
        high = low + 1 if low + 1 > low else math.nextafter(low, math.inf)
    bounds = {names[0]: low, names[1]: high}
    return bounds if sides == "both" else {names[sides == "high"]: bounds[names[sides == "high"]]}


_RANGES = st.builds(
    _bounds,
    NUMBERS,
    NUMBERS,
    st.tuples(st.sampled_from(("gt", "gte")), st.sampled_from(("lt", "lte"))),
    st.sampled_from(("both", "low", "high")),
)
_PATHS = st.sampled_from(tuple(field for field in FIELDS if field))
_EXISTS = st.one_of(_PATHS, st.builds(lambda path, value: f"{path}[{json.dumps(value)}]", _PATHS, SCALARS))
_PATTERNS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(("x", "^x$", "tru", "rue$", "1|é", "", "t.ue", "tr*ue", "[^x]rue")),
    st.builds(
        lambda value, flags: {"value": value, "flags": flags},
        st.sampled_from(("X", "TRUE", "É", "^y", "x$", "X.Y", "^$")),
        st.sampled_from(("i", "m", "s", "im", "si", "ims", "")),
    ),
)
_DEGREES = st.sampled_from((-1, 0, 1))
_REACHES = st.sampled_from((0.5, 1.5))


def _shape(lat: int, lon: int, reach: float, kind: str) -> dict[str, Any]:
    bottom, top, left, right = lat - reach, lat + reach, lon - reach, lon + reach
    if kind == "geoBoundingBox":
        return {kind: {"place": {"top": top, "left": left, "bottom": bottom, "right": right}}}
    if kind == "geoPolygon":
        return {kind: {"place": {"points": [[bottom, left], [bottom, right], [top, right], [top, left]]}}}
    if kind == "geoDistance":
        return {kind: {"place": [lat, lon], "distance": f"{reach * 111}km"}}
    return {kind: {"place": [lat, lon], "from": f"{reach * 50}km", "to": f"{reach * 200}km"}}


_SHAPES = st.builds(
    _shape,
    _DEGREES,
    _DEGREES,
    _REACHES,
    st.sampled_from(("geoBoundingBox", "geoPolygon", "geoDistance", "geoDistanceRange")),
)
CLAUSES = st.one_of(
    st.builds(lambda field, value: {"equals": {field: value}}, st.sampled_from(FIELDS), SCALARS),
    st.builds(
        lambda field, values: {"in": {field: values}},
        st.sampled_from(FIELDS),
        st.lists(st.sampled_from(("", "x", "1", "é", "doc")), min_size=1, max_size=3),
    ),
    st.builds(lambda field, bounds: {"range": {field: bounds}}, st.sampled_from(FIELDS), _RANGES),
    st.builds(lambda text: {"exists": text}, _EXISTS),
    st.builds(lambda text: {"exists": {"field": text}}, _EXISTS),
    st.builds(lambda text: {"missing": text}, _EXISTS),
    st.builds(
        lambda values: {"ids": {"values": values}}, st.lists(st.sampled_from(("doc", "x")), min_size=1, max_size=2)
    ),
    st.builds(lambda field, pattern: {"regexp": {field: pattern}}, st.sampled_from(FIELDS), _PATTERNS),
    _SHAPES,
    st.just({"nothing": None}),
)


def _operators(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(
            lambda keyword, filters: {keyword: filters},
            st.sampled_from(("and", "or")),
            st.lists(parts, min_size=1, max_size=3),
        ),
        st.builds(lambda part: {"not": part}, parts),
        st.builds(
            lambda given: {"bool": given},
            st.dictionaries(
                st.sampled_from(("must", "must_not", "should", "should_not")),
                st.lists(parts, min_size=1, max_size=2),
                min_size=1,
                max_size=2,
            ),
        ),
    )


FILTERS = st.recursive(CLAUSES, _operators, max_leaves=6)
_LIKENESSES = st.recursive(
    SCALARS,
    lambda parts: st.one_of(st.lists(parts, max_size=3), st.dictionaries(st.sampled_from(KEYS), parts, max_size=2)),
    max_leaves=4,
)
_ELEMENT_CLAUSES = st.one_of(
    st.builds(
        lambda field, value: {"equals": {field: value}},
        st.sampled_from(("value", "value.a", "a", "value.a.b")),
        SCALARS,
    ),
    st.builds(lambda path: {"exists": path}, st.sampled_from(("value", "value.a", "a", "value[1]"))),
)
LATER_CLAUSES = st.one_of(
    st.builds(
        lambda given: {"match": given},
        st.dictionaries(st.sampled_from(FIELDS), _LIKENESSES, min_size=1, max_size=2),
    ),
    st.recursive(
        _ELEMENT_CLAUSES,
        lambda queries: st.builds(
            lambda field, index, query: {"select": {"field": field, "index": index, "query": query}},
            st.sampled_from((*(field for field in FIELDS if field), "value", "value.a")),
            st.integers(-2, 2),
            _operators(queries),
        ),
        max_leaves=3,
    ),
)
LATER_FILTERS = st.recursive(st.one_of(LATER_CLAUSES, CLAUSES), _operators, max_leaves=5)
_VALUES = st.recursive(
    st.one_of(SCALARS, st.lists(SCALARS, max_size=3)),
    lambda values: st.dictionaries(st.sampled_from(KEYS), values, max_size=3),
    max_leaves=5,
)
_PLACES = st.one_of(st.none(), st.builds(lambda lat, lon: {"place": [lat, lon]}, _DEGREES, _DEGREES))
DOCUMENTS = st.builds(
    lambda document, place: {**document, **(place or {})},
    st.dictionaries(st.sampled_from(KEYS), _VALUES, max_size=4),
    _PLACES,
)
DOCUMENT_IDS = st.sampled_from((None, "doc", "x"))
