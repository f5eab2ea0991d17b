"""Places on the globe: points, distances and areas as Elasticsearch reads them, free of any engine.

Degrees are those of WGS 84, distances are metres on a sphere with the mean radius of the earth.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

EARTH_RADIUS_M: Final = 6371008.7714
EQUATOR_M: Final = 2 * math.pi * 6378137.0
UNITS: Final = {
    **dict.fromkeys(("mm", "millimeters"), 0.001),
    **dict.fromkeys(("cm", "centimeters"), 0.01),
    **dict.fromkeys(("m", "meters"), 1.0),
    **dict.fromkeys(("km", "kilometers"), 1000.0),
    **dict.fromkeys(("in", "inch"), 0.0254),
    **dict.fromkeys(("ft", "feet"), 0.3048),
    **dict.fromkeys(("yd", "yards"), 0.9144),
    **dict.fromkeys(("mi", "miles"), 1609.344),
    **dict.fromkeys(("nmi", "NM", "nauticalmiles"), 1852.0),
}

_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_PLAIN_NUMBER: Final = re.compile(rf"\s*{_NUMBER}\s*", re.ASCII)
_DISTANCE: Final = re.compile(rf"\s*({_NUMBER})\s*([A-Za-z]*)\s*", re.ASCII)
_GEOHASH: Final = re.compile(r"[0-9b-hjkmnp-z]{1,12}", re.ASCII)
_GEOHASH_DIGITS: Final = "0123456789bcdefghjkmnpqrstuvwxyz"
_BOX: Final = re.compile(r"\s*(?:BBOX|ENVELOPE)\s*\(([^()]*)\)\s*", re.ASCII | re.IGNORECASE)


class GeoProblem(Exception):
    """A text or value is no place, distance or area; the text says why."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place: latitude from -90 to 90, longitude from -180 to 180."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Box:
    """What lies between two parallels and two meridians, both ends included; a box whose `left` is greater
    than its `right` goes across the 180th meridian."""

    top: float
    left: float
    bottom: float
    right: float

    def holds(self, lat: float, lon: float) -> bool:
        """Tell whether a place lies inside."""
        if not self.bottom <= lat <= self.top:
            return False
        if self.left <= self.right:
            return self.left <= lon <= self.right
        return lon >= self.left or lon <= self.right

    def bounds(self) -> Box:
        """Return a box with everything inside."""
        return self


@dataclass(frozen=True, slots=True)
class Circle:
    """What is no farther from a place than so many metres, on the globe or as if degrees were a plane."""

    center: Point
    radius_m: float
    is_plane: bool = False

    def holds(self, lat: float, lon: float) -> bool:
        """Tell whether a place lies inside."""
        if self.is_plane:
            return plane_distance_m(self.center.lat, self.center.lon, lat, lon) <= self.radius_m
        return distance_m(self.center.lat, self.center.lon, lat, lon) <= self.radius_m

    def bounds(self) -> Box:
        """Return a box with everything inside: a little larger, so that no rounding cuts it."""
        if self.is_plane:
            return self._plane_bounds()
        angle = self.radius_m / EARTH_RADIUS_M * (1 + 1e-9) + 1e-9
        around = math.degrees(angle)
        lat, lon = self.center.lat, self.center.lon
        if lat + around >= 90 or lat - around <= -90:
            return Box(min(90.0, lat + around), -180.0, max(-90.0, lat - around), 180.0)
        aside = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(lat))))) + 1e-7
        if aside >= 180:
            return Box(lat + around, -180.0, lat - around, 180.0)
        left, right = lon - aside, lon + aside
        return Box(
            lat + around, left + 360 if left < -180 else left, lat - around, right - 360 if right > 180 else right
        )

    def _plane_bounds(self) -> Box:
        around = self.radius_m * 360 / EQUATOR_M * (1 + 1e-9) + 1e-7
        lat, lon = self.center.lat, self.center.lon
        return Box(
            min(90.0, lat + around), max(-180.0, lon - around), max(-90.0, lat - around), min(180.0, lon + around)
        )


@dataclass(frozen=True, slots=True)
class Polygon:
    """What lies inside of a closed line, on the plane of longitudes and latitudes."""

    points: tuple[Point, ...]

    def holds(self, lat: float, lon: float) -> bool:
        """Tell whether a place lies inside: a ray from it crosses the line an odd number of times."""
        is_inside = False
        before = self.points[-1]
        for point in self.points:
            if (point.lat > lat) != (before.lat > lat):
                crossing = (before.lon - point.lon) * (lat - point.lat) / (before.lat - point.lat) + point.lon
                if lon < crossing:
                    is_inside = not is_inside
            before = point
        return is_inside

    def bounds(self) -> Box:
        """Return a box with everything inside."""
        latitudes = [point.lat for point in self.points]
        longitudes = [point.lon for point in self.points]
        return Box(max(latitudes), min(longitudes), min(latitudes), max(longitudes))


Area = Box | Circle | Polygon


def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return the length of the arc between two places, in metres."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    chord = (
        math.sin((phi_b - phi_a) / 2) ** 2
        + math.cos(phi_a) * math.cos(phi_b) * math.sin(math.radians(lon_b - lon_a) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def plane_distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return the distance of two places as if degrees were a plane: quicker, and right near the equator only."""
    return math.hypot(lat_b - lat_a, lon_b - lon_a) * EQUATOR_M / 360


# --- reading


def read_point(value: Any, *, corner: tuple[int, int] = (0, 0)) -> Point:
    """Read `{lat, lon}` (numbers or texts), `"lat,lon"`, `[lon, lat]` or a geohash.

    Args:
        corner: Which corner of its cell a geohash stands for: 0 or 1 for south or north, west or east.

    Raises:
        GeoProblem
    """
    if isinstance(value, str):
        if _GEOHASH.fullmatch(value):
            return _geohash_corner(value, corner)
        pair: Sequence[Any] = value.split(",")
        if len(pair) != 2:
            raise GeoProblem(f"failed to parse [{value}], expected 2 coordinates but found: [{len(pair)}]")
    elif isinstance(value, dict):
        if any(name not in ("lat", "lon") for name in value):
            raise GeoProblem("field must be either [lat] or [lon]")
        for name in ("lat", "lon"):
            if name not in value:
                raise GeoProblem(f"field [{name}] missing")
        pair = (value["lat"], value["lon"])
    elif isinstance(value, list):
        if not 2 <= len(value) <= 3 or not all(_is_number(part) for part in value):
            raise GeoProblem("only two numeric values expected")
        pair = (value[1], value[0])
    else:
        raise GeoProblem("geo_point expected")
    lat, lon = (_degrees(part) for part in pair)
    if not -90 <= lat <= 90:
        raise GeoProblem(f"illegal latitude value [{lat}]")
    if not -180 <= lon <= 180:
        raise GeoProblem(f"illegal longitude value [{lon}]")
    return Point(lat, lon)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _degrees(value: Any) -> float:
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value):
        return float(value)
    if not _is_number(value):
        raise GeoProblem("latitude and longitude must be valid double values")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _geohash_corner(text: str, corner: tuple[int, int]) -> Point:
    x = y = 0
    x_bits = y_bits = 0
    for position, bit in enumerate(bit for digit in text for bit in f"{_GEOHASH_DIGITS.index(digit):05b}"):
        if position % 2:
            y, y_bits = y * 2 + int(bit), y_bits + 1
        else:
            x, x_bits = x * 2 + int(bit), x_bits + 1
    return Point((y + corner[0]) * 180 / (1 << y_bits) - 90, (x + corner[1]) * 360 / (1 << x_bits) - 180)


def read_distance(value: Any, unit: str = "m") -> float:
    """Read `"10km"`, `"10"` or `10`, the latter two in `unit`; return metres.

    Raises:
        GeoProblem
    """
    if _is_number(value):
        number, name = float(value), unit
    else:
        match = _DISTANCE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise GeoProblem(f"failed to parse distance [{value}]")
        number, name = float(match[1]), match[2] or unit
    distance = number * unit_m(name)
    if not 0 <= distance < math.inf:
        raise GeoProblem(f"distance must be greater than or equal to zero: [{value}]")
    return distance


def unit_m(name: Any) -> float:
    """Return how many metres a unit has.

    Raises:
        GeoProblem: No such unit.
    """
    if not isinstance(name, str) or name not in UNITS:
        raise GeoProblem(f"No distance unit match [{name}]")
    return UNITS[name]


def read_box_text(text: Any) -> Box:
    """Read `BBOX (left, right, top, bottom)`.

    Raises:
        GeoProblem
    """
    match = _BOX.fullmatch(text) if isinstance(text, str) else None
    parts = match[1].split(",") if match else []
    if len(parts) != 4:
        raise GeoProblem(f"failed to parse WKT bounding box [{text}]")
    left, right, top, bottom = (_degrees(part) for part in parts)
    return checked_box(top, left, bottom, right)


def checked_box(top: float, left: float, bottom: float, right: float) -> Box:
    """Build a box.

    Raises:
        GeoProblem: It is upside down, or not on the globe.
    """
    for lat in (top, bottom):
        if not -90 <= lat <= 90:
            raise GeoProblem(f"illegal latitude value [{lat}]")
    for lon in (left, right):
        if not -180 <= lon <= 180:
            raise GeoProblem(f"illegal longitude value [{lon}]")
    if top < bottom:
        raise GeoProblem(f"top is below bottom corner: {top} vs. {bottom}")
    return Box(top, left, bottom, right)


# --- places as sortable bytes

_CELL_BITS: Final = 32
_PLACE: Final = struct.Struct(">Qdd")


def cell_coordinates(lat: float, lon: float) -> tuple[int, int]:
    """Return column and row of a place in a grid of 2^32 by 2^32 cells."""
    last = (1 << _CELL_BITS) - 1
    return (
        max(0, min(last, int((lon + 180) / 360 * (1 << _CELL_BITS)))),
        max(0, min(last, int((lat + 90) / 180 * (1 << _CELL_BITS)))),
    )


def interleaved(x: int, y: int) -> int:
    """Return the number of a cell on the Z curve: the bits of its column and row in turn."""
    return _spread(x) << 1 | _spread(y)


def _spread(value: int) -> int:
    value = (value | value << 16) & 0x0000FFFF0000FFFF
    value = (value | value << 8) & 0x00FF00FF00FF00FF
    value = (value | value << 4) & 0x0F0F0F0F0F0F0F0F
    value = (value | value << 2) & 0x3333333333333333
    return (value | value << 1) & 0x5555555555555555


def encode_point(point: Point) -> bytes:
    """Return 24 bytes: the number of the point's cell, so that places that are near sort near, then its degrees."""
    return _PLACE.pack(interleaved(*cell_coordinates(point.lat, point.lon)), point.lat, point.lon)


def decode_point(encoded: bytes) -> Point:
    """Return the point of `encode_point`."""
    _, lat, lon = _PLACE.unpack(encoded)
    return Point(lat, lon)
