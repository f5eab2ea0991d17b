"""Places, evaluated the obvious way, by other formulas than the server's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kuzzle.storage.geo import EARTH_RADIUS_M, Area, Box, Circle, Point


def distance_m(a: Point, b: Point) -> float:
    """Return the arc between two places: the angle of their vectors from the centre of the earth."""
    first, second = _vector(a), _vector(b)
    crossed = math.sqrt(
        (first[1] * second[2] - first[2] * second[1]) ** 2
        + (first[2] * second[0] - first[0] * second[2]) ** 2
        + (first[0] * second[1] - first[1] * second[0]) ** 2
    )
    return EARTH_RADIUS_M * math.atan2(crossed, sum(x * y for x, y in zip(first, second, strict=True)))


def _vector(point: Point) -> tuple[float, float, float]:
    lat, lon = math.radians(point.lat), math.radians(point.lon)
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def is_inside(area: Area, point: Point) -> bool | None:
    """Tell whether a place is inside of an area; None: so near to its border that rounding decides."""
    match area:
        case Circle():
            distance = distance_m(area.center, point)
            if area.is_plane:
                aside, up = point.lon - area.center.lon, point.lat - area.center.lat
                distance = math.sqrt(aside**2 + up**2) * math.radians(6378137)
            return None if abs(distance - area.radius_m) < 0.01 else distance < area.radius_m
        case Box():
            is_between = area.left <= point.lon <= area.right
            if area.left > area.right:
                is_between = not area.right < point.lon < area.left
            return is_between and area.bottom <= point.lat <= area.top
    return _is_in_polygon(area.points, point)


def _is_in_polygon(points: Sequence[Point], place: Point) -> bool | None:
    """Tell by the angles under which the place sees the sides: an odd number of full turns is inside."""
    turns = 0.0
    for start, end in zip(points, [*points[1:], points[0]], strict=True):
        ax, ay, bx, by = start.lon - place.lon, start.lat - place.lat, end.lon - place.lon, end.lat - place.lat
        cross, dot = ax * by - ay * bx, ax * bx + ay * by
        if abs(cross) < 1e-9 and dot <= 1e-9:
            return None
        turns += math.atan2(cross, dot)
    return round(turns / (2 * math.pi)) % 2 == 1


def places(source: Mapping[str, Any]) -> list[Point]:
    """Return the places of a document, that are written as `{lat, lon}`."""
    found = source.get("p") or []
    return [Point(place["lat"], place["lon"]) for place in (found if isinstance(found, list) else [found])]
