"""Reads what is about places: `geo_distance`, `geo_bounding_box`, `geo_polygon`, and the sort `_geo_distance`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from kuzzle.storage.geo import (
    Area,
    Box,
    Circle,
    GeoProblem,
    Point,
    Polygon,
    checked_box,
    read_box_text,
    read_distance,
    read_point,
    unit_m,
)
from kuzzle.storage.geo_tree import Distance, GeoWithin
from kuzzle.storage.reading import bad_request, read_flag, read_number

# Every place near a polygon is compared with each of its points.
MAX_POLYGON_POINTS: Final = 1000
# Every place is measured from each origin of a sort.
MAX_ORIGINS: Final = 100

_OPTIONS: Final = frozenset({"boost", "_name", "ignore_unmapped", "validation_method", "ignore_malformed", "coerce"})
_DISTANCE_TYPES: Final = ("arc", "sloppy_arc", "plane")
_MODES: Final = ("min", "max", "avg", "median")


def read_geo_distance(content: Mapping[str, Any]) -> GeoWithin:
    """Read `{distance, unit, distance_type, <field>: <point>}`."""
    clause = "geo_distance"
    field, value = _field(clause, content, {"distance", "unit", "distance_type", "optimize_bbox"})
    if content.get("distance") is None:
        raise bad_request("geo_distance requires 'distance' to be specified")
    is_plane = _distance_type(clause, content) == "plane"
    # A hint on how to search, as is `type` of a bounding box: no result depends on it.
    if content.get("optimize_bbox", "memory") not in ("memory", "indexed", "none"):
        raise bad_request(f"[{clause}] no such [optimize_bbox]: [{content['optimize_bbox']}]")

    def circle() -> Area:
        unit_m(content.get("unit", "m"))
        return Circle(read_point(value), read_distance(content["distance"], content.get("unit", "m")), is_plane)

    return _within(clause, field, circle, content)


def read_geo_bounding_box(content: Mapping[str, Any]) -> GeoWithin:
    """Read `{<field>: <two corners, four sides or wkt>}`."""
    clause = "geo_bounding_box"
    field, value = _field(clause, content, {"type"})
    if content.get("type", "memory") not in ("memory", "indexed"):
        raise bad_request(f"[{clause}] no such type [{content['type']}]")
    return _within(clause, field, lambda: _read_box(value), content)


def read_geo_polygon(content: Mapping[str, Any]) -> GeoWithin:
    """Read `{<field>: {points: [...]}}`."""
    clause = "geo_polygon"
    field, value = _field(clause, content, set())
    if not isinstance(value, dict) or not isinstance(value.get("points"), list):
        raise bad_request(f"[{clause}] [{field}] must have an array of [points]")
    for name in value:
        if name != "points":
            raise bad_request(f"[{clause}] query does not support [{name}]")
    if len(value["points"]) > MAX_POLYGON_POINTS:
        raise bad_request(f"[{clause}] too many points: at most {MAX_POLYGON_POINTS} are allowed")

    def polygon() -> Area:
        points = tuple(read_point(point) for point in value["points"])
        if points and points[0] == points[-1]:
            points = points[:-1]
        if len(points) < 3:
            raise GeoProblem(f"too few points defined for {clause} query")
        return Polygon(points)

    return _within(clause, field, polygon, content)


def _field(clause: str, content: Mapping[str, Any], options: set[str]) -> tuple[str, Any]:
    found = [(name, value) for name, value in content.items() if name not in _OPTIONS and name not in options]
    if len(found) > 1:
        raise bad_request(
            f"[{clause}] query doesn't support multiple fields, found [{found[0][0]}] and [{found[1][0]}]"
        )
    if not found or not found[0][0]:
        raise bad_request(f"[{clause}] query has no field")
    return found[0]


def _within(clause: str, field: str, read_area: Callable[[], Area], content: Mapping[str, Any]) -> GeoWithin:
    _check_validation(clause, content)
    try:
        area = read_area()
    except GeoProblem as problem:
        raise bad_request(f"[{clause}] failed to parse [{field}]: {problem}") from None
    ignore_unmapped = read_flag(clause, "ignore_unmapped", content.get("ignore_unmapped", False))
    return GeoWithin(clause, field, area, ignore_unmapped, read_number(clause, "boost", content.get("boost", 1)))


def _check_validation(clause: str, content: Mapping[str, Any]) -> None:
    """Refuse what would let wrong places pass: they are always checked."""
    if str(content.get("validation_method", "STRICT")).upper() != "STRICT":
        raise bad_request(f"[{clause}] [validation_method] other than [STRICT] is not supported")
    for name in ("ignore_malformed", "coerce"):
        if read_flag(clause, name, content.get(name, False)):
            raise bad_request(f"[{clause}] [{name}] is not supported")


def _distance_type(clause: str, content: Mapping[str, Any]) -> str:
    kind = str(content.get("distance_type", "arc")).lower()
    if kind not in _DISTANCE_TYPES:
        raise bad_request(f"[{clause}] No geo distance for [{content['distance_type']}]")
    return kind


def _read_box(value: Any) -> Box:
    if not isinstance(value, dict):
        raise GeoProblem("failed to parse bounding box, an object was expected")
    sides = {_snake_case(name): side for name, side in value.items()}
    match sorted(sides):
        case ["wkt"]:
            return read_box_text(sides["wkt"])
        case ["bottom_right", "top_left"]:
            # A geohash is a whole cell: the box takes all of it.
            first = read_point(sides["top_left"], corner=(1, 0))
            second = read_point(sides["bottom_right"], corner=(0, 1))
            return checked_box(first.lat, first.lon, second.lat, second.lon)
        case ["bottom_left", "top_right"]:
            first = read_point(sides["top_right"], corner=(1, 1))
            second = read_point(sides["bottom_left"], corner=(0, 0))
            return checked_box(first.lat, second.lon, second.lat, first.lon)
        case ["bottom", "left", "right", "top"]:
            top, left, bottom, right = (
                read_number("geo_bounding_box", side, sides[side]) for side in ("top", "left", "bottom", "right")
            )
            return checked_box(top, left, bottom, right)
    raise GeoProblem(f"failed to parse bounding box, unexpected corners [{', '.join(value)}]")


def _snake_case(name: str) -> str:
    return {"topLeft": "top_left", "topRight": "top_right", "bottomLeft": "bottom_left",
            "bottomRight": "bottom_right"}.get(name, name)  # fmt: skip


def read_distance_sort(name: str, options: Mapping[str, Any]) -> tuple[str, Distance]:
    """Read the options of the sort `_geo_distance` but for `order`; return the field and what is measured.

    Raises:
        KuzzleError
    """
    known = {"order", "unit", "mode", "sort_mode", "distance_type", *_OPTIONS} - {"boost", "_name"}
    found = [(option, value) for option, value in options.items() if option not in known]
    if len(found) != 1:
        raise bad_request(f"[{name}] sort needs one field, found [{', '.join(option for option, _ in found)}]")
    _check_validation(name, options)
    is_up = str(options.get("order", "asc")).lower() == "asc"
    mode = str(options.get("mode", options.get("sort_mode", "min" if is_up else "max"))).lower()
    if mode not in _MODES:
        raise bad_request(f"[{name}] sort does not support the mode [{mode}]")
    field, value = found[0]
    try:
        distance = Distance(
            _origins(value),
            unit_m(options.get("unit", "m")),
            cast("Any", mode),
            _distance_type(name, options) == "plane",
            read_flag(name, "ignore_unmapped", options.get("ignore_unmapped", False)),
        )
    except GeoProblem as problem:
        raise bad_request(f"[{name}] failed to parse [{field}]: {problem}") from None
    return field, distance


def _origins(value: Any) -> tuple[Point, ...]:
    is_one = not isinstance(value, list) or (value and isinstance(value[0], int | float))
    points = [value] if is_one else value
    if not points or len(points) > MAX_ORIGINS:
        raise GeoProblem(f"between 1 and {MAX_ORIGINS} points were expected")
    return tuple(read_point(point) for point in points)


GEO_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], GeoWithin]]] = {
    "geo_distance": read_geo_distance,
    "geo_bounding_box": read_geo_bounding_box,
    "geo_bbox": read_geo_bounding_box,
    "geo_polygon": read_geo_polygon,
}
