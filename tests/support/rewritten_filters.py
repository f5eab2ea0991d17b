"""Other ways to write a filter, for tests that the same meaning is the same room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

_BOOL = {
    "must": lambda parts: {"and": parts},
    "should": lambda parts: {"or": parts},
    "must_not": lambda parts: {"not": {"or": parts}},
    "should_not": lambda parts: {"not": {"and": parts}},
}


def rewritten(filters: Any, data: st.DataObject) -> Any:
    """Return a filter of the same meaning: operators and clauses in other words and another order."""
    ((keyword, body),) = filters.items()
    if keyword in ("and", "or"):
        parts = data.draw(st.permutations([rewritten(part, data) for part in body]))
        parts += [parts[0]] * data.draw(st.integers(0, 1))
        other = "or" if keyword == "and" else "and"
        if data.draw(st.booleans()):
            return {"not": {other: [{"not": part} for part in parts]}}
        return {keyword: parts}
    if keyword == "not":
        return {"not": rewritten(body, data)}
    if keyword == "bool":
        parts = {name: [rewritten(part, data) for part in given] for name, given in body.items()}
        if data.draw(st.booleans()):
            return {"bool": dict(reversed(parts.items()))}
        return {"and": [_BOOL[name](given) for name, given in parts.items()]}
    clause = _CLAUSES[keyword](body, data) if data.draw(st.booleans()) else filters
    return data.draw(st.sampled_from([clause, {"and": [clause]}, {"not": {"not": clause}}]))


def _equals(body: Any, data: st.DataObject) -> Any:
    ((field, value),) = body.items()
    is_whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53
    return {"equals": {field: float(value) if is_whole else value}}


def _one_of(body: Any, data: st.DataObject) -> Any:
    ((field, values),) = body.items()
    values = data.draw(st.permutations(values))
    if data.draw(st.booleans()):
        return {"in": {field: [*values, values[0]]}}
    return {"or": [{"equals": {field: value}} for value in values]}


def _ids(body: Any, data: st.DataObject) -> Any:
    return {"in": {"_id": data.draw(st.permutations(body["values"]))}}


def _exists(body: Any, data: st.DataObject) -> Any:
    other = {"field": body} if isinstance(body, str) else body["field"]
    return data.draw(st.sampled_from([{"exists": other}, {"not": {"missing": other}}]))


def _missing(body: Any, data: st.DataObject) -> Any:
    return {"not": {"exists": body}}


def _range(body: Any, data: st.DataObject) -> Any:
    ((field, bounds),) = body.items()
    return {"range": {field: dict(reversed(bounds.items()))}}


def _regexp(body: Any, data: st.DataObject) -> Any:
    ((field, operand),) = body.items()
    if isinstance(operand, str):
        return {"regexp": {field: {"value": operand, "flags": data.draw(st.sampled_from(("", None)))}}}
    flags = "".join(data.draw(st.permutations(operand["flags"])))
    return {"regexp": {field: {"flags": flags + flags[:1], "value": operand["value"]}}}


def _point(point: list[int], data: st.DataObject) -> Any:
    lat, lon = point
    forms = [{"lat": lat, "lon": lon}, f"{lat}, {lon}", {"latLon": [lat, lon]}, {"lat_lon": {"lat": lat, "lon": lon}}]
    return data.draw(st.sampled_from([point, *forms, [lat, lon + 360]]))


def _circle(body: Any, data: st.DataObject) -> Any:
    place, distance = _point(body["place"], data), body["distance"]
    metres = f"{float(distance.removesuffix('km')) * 1000} meters"
    if data.draw(st.booleans()):
        return {"geoDistance": {"distance": metres, "place": place}}
    return {"geoDistanceRange": {"place": place, "from": "0 m", "to": distance.replace(".", ",")}}


def _ring(body: Any, data: st.DataObject) -> Any:
    return {"geoDistanceRange": {**dict(reversed(body.items())), "place": _point(body["place"], data)}}


def _box(body: Any, data: st.DataObject) -> Any:
    box = body["place"]
    corners = {
        "bottom_right": {"lat": box["bottom"], "lon": box["right"]},
        "topLeft": f"{box['top']},{box['left']}",
    }
    texts = {side: str(degrees) for side, degrees in box.items()}
    return {"geoBoundingBox": {"place": data.draw(st.sampled_from([corners, texts]))}}


def _polygon(body: Any, data: st.DataObject) -> Any:
    points = body["place"]["points"]
    begin = data.draw(st.integers(0, len(points) - 1))
    points = points[begin:] + points[:begin]
    if data.draw(st.booleans()):
        points = points[::-1]
    return {"geoPolygon": {"place": {"points": points + points[: data.draw(st.integers(0, 1))]}}}


_CLAUSES: dict[str, Callable[[Any, st.DataObject], Any]] = {
    "equals": _equals,
    "in": _one_of,
    "ids": _ids,
    "exists": _exists,
    "missing": _missing,
    "range": _range,
    "regexp": _regexp,
    "geoDistance": _circle,
    "geoDistanceRange": _ring,
    "geoBoundingBox": _box,
    "geoPolygon": _polygon,
    "nothing": lambda _body, _data: {"not": {"not": {"nothing": [1]}}},
}
