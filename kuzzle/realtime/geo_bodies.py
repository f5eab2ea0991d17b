"""The bodies of the geographic keywords, read to a field and a shape."""

from __future__ import annotations

from typing import Any, Final

from kuzzle.realtime.bodies import field_beside, non_empty_array, one_field, only, refuse
from kuzzle.realtime.places import Place, find_distance_m, find_number, find_place, find_point
from kuzzle.realtime.shapes import Box, Polygon, Ring, Shape

MAX_POINTS: Final = 1000
"""How many points a polygon may have: each is looked at for each document near it."""

_CORNERS: Final = (("topLeft", "top_left"), ("bottomRight", "bottom_right"))
_SIDES: Final = ("top", "left", "bottom", "right")


def read_box(body: Any, path: str) -> tuple[str, Shape]:
    """Read `{field: {top, left, bottom, right}}` or `{field: {topLeft, bottomRight}}`."""
    field, box = one_field(body, path)
    place = f"{path}.{field}"
    if not isinstance(box, dict) or not box:
        refuse(place, "must be a non-empty object")
    sides = [find_number(box.get(name)) for name in _SIDES]
    if None in sides:
        corners = [_corner(box, names) for names in _CORNERS]
        sides = [degree for corner in corners for degree in (corner or (None, None))]
    top, left, bottom, right = sides
    if top is None or left is None or bottom is None or right is None:
        refuse(place, "unrecognized geo-point format")
    if bottom >= top:
        refuse(place, "the bottom must be below the top")
    if left >= right:
        refuse(place, "the left side must be below the right one (across the date line: add 360 to the right one)")
    return field, Box(top, left, bottom, right)


def _corner(box: dict[str, Any], names: tuple[str, str]) -> Place | None:
    return next((place for name in names if (place := find_point(box.get(name)))), None)


def read_circle(body: Any, path: str) -> tuple[str, Shape]:
    """Read `{field: point, distance}`."""
    field, point = field_beside(body, ("distance",), path)
    return field, Ring(_centre(point, f"{path}.{field}"), 0.0, _distance_m(body, "distance", path))


def read_ring(body: Any, path: str) -> tuple[str, Shape]:
    """Read `{field: point, from, to}`."""
    field, point = field_beside(body, ("from", "to"), path)
    inner_m, outer_m = (_distance_m(body, name, path) for name in ("from", "to"))
    if inner_m >= outer_m:
        refuse(path, "inner radius must be smaller than outer radius")
    return field, Ring(_centre(point, f"{path}.{field}"), inner_m, outer_m)


def read_polygon(body: Any, path: str) -> tuple[str, Shape]:
    """Read `{field: {points: [three points or more]}}`."""
    field, polygon = one_field(body, path)
    place = f"{path}.{field}"
    points = non_empty_array(only(polygon, ("points",), place)["points"], f"{place}.points")
    if not 3 <= len(points) <= MAX_POINTS:
        refuse(f"{place}.points", f"must have at least 3 points, and at most {MAX_POINTS}")
    return field, Polygon([_point(point, f"{place}.points") for point in points])


def _point(value: Any, path: str) -> Place:
    place = find_place(value)
    if place is None:
        refuse(path, "unrecognized point format")
    return place


def _centre(value: Any, path: str) -> Place:
    place = _point(value, path)
    if not -90 <= place[0] <= 90:
        refuse(path, "must not lie beyond a pole")
    return place


def _distance_m(body: dict[str, Any], name: str, path: str) -> float:
    text = body[name]
    if not isinstance(text, str):
        refuse(f"{path}.{name}", "must be a string")
    distance_m = find_distance_m(text)
    if distance_m is None:
        refuse(f"{path}.{name}", f'unable to parse distance value "{text}"')
    return distance_m
