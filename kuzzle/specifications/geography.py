"""Which JSON values are points and shapes: points as filters write them, shapes as GeoJSON and Elasticsearch do."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

SHAPES: Final = (
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    "envelope",
    "circle",
)
# Collections in collections say nothing that a flat one does not.
_MAX_NESTED_COLLECTIONS: Final = 8

_NUMBER: Final = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_PAIR: Final = re.compile(r"([+-]?\d*\.?\d+),\s*([+-]?\d*\.?\d+)", re.ASCII)
_GEOHASH: Final = re.compile(r"[0-9b-hjkmnp-z]{4,12}", re.ASCII)
_DISTANCE: Final = re.compile(r"\d+(?:\.\d+)?\s*[a-zA-Z]{0,13}", re.ASCII)


def is_point(value: Any) -> bool:
    """Tell whether a value is `[lat, lon]`, `{lat, lon}`, `"lat,lon"`, a geohash, or one of these under `latLon`."""
    if isinstance(value, dict) and not ("lat" in value and "lon" in value):
        value = value.get("latLon", value.get("lat_lon"))
    if isinstance(value, str):
        pair = _PAIR.fullmatch(value)
        return _is_place(pair[1], pair[2]) if pair else _GEOHASH.fullmatch(value) is not None
    if isinstance(value, list):
        return len(value) == 2 and _is_place(*value)
    return isinstance(value, dict) and _is_place(value.get("lat"), value.get("lon"))


def _is_place(latitude: Any, longitude: Any) -> bool:
    return abs(_number(latitude)) <= 90 and abs(_number(longitude)) <= 180


def _number(value: Any) -> float:
    """Return a number, or the one a text begins with; infinity for anything else."""
    if isinstance(value, str):
        match = _NUMBER.match(value)
        return float(match[0]) if match else math.inf
    return value if _is_number(value) else math.inf


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def shape_fault(value: Any, allowed: frozenset[str]) -> str | None:
    """Return why a value is none of the allowed shapes, None when it is one."""
    return _shape_fault(value, allowed, 0)


def _shape_fault(value: Any, allowed: frozenset[str], depth: int) -> str | None:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return "must be an object with a type"
    kind = value["type"].lower()
    if kind not in allowed:
        return f'the shape type "{value["type"]}" is not allowed (allowed: {", ".join(sorted(allowed))})'
    if kind == "geometrycollection":
        geometries = value.get("geometries")
        if not isinstance(geometries, list) or depth >= _MAX_NESTED_COLLECTIONS:
            return "the geometries of a geometrycollection must be an array of shapes"
        faults = (_shape_fault(geometry, allowed, depth + 1) for geometry in geometries)
        return next((fault for fault in faults if fault is not None), None)
    if not _COORDINATES[kind](value.get("coordinates")):
        return f"wrong coordinates for a {kind}"
    if kind == "circle" and not _is_radius(value.get("radius")):
        return "the radius of a circle must be a distance"
    return None


def _is_radius(value: Any) -> bool:
    if isinstance(value, str):
        return _DISTANCE.fullmatch(value) is not None
    return _is_number(value) and value >= 0


def _is_position(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= 2 and all(_is_number(number) for number in value)


def _is_list_of(part: Callable[[Any], bool], least: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and len(value) >= least and all(part(item) for item in value)


def _is_ring(value: Any) -> bool:
    return _is_list_of(_is_position, 4)(value) and value[0] == value[-1]


_COORDINATES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "point": _is_position,
    "circle": _is_position,
    "linestring": _is_list_of(_is_position, 2),
    "multipoint": _is_list_of(_is_position, 1),
    "envelope": lambda value: _is_list_of(_is_position, 2)(value) and len(value) == 2,
    "polygon": _is_list_of(_is_ring, 1),
    "multilinestring": _is_list_of(_is_list_of(_is_position, 2), 1),
    "multipolygon": _is_list_of(_is_list_of(_is_ring, 1), 1),
}
