"""Points and distances in the many ways that filters and documents write them.

Numbers are read leniently, as JavaScript's `parseFloat` does: the leading part of a text counts. Nothing
is refused for lying off the globe: longitudes are taken modulo 360, latitudes as they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

Place = tuple[float, float]
"""Latitude and longitude in degrees; the longitude, where nothing else is said, from -180 up to, but not, 180."""

_LEADING_NUMBER: Final = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)", re.ASCII)
_GEOHASH: Final = re.compile(r"[0-9a-z]{4,}", re.ASCII)
_GEOHASH_DIGITS: Final = {digit: value for value, digit in enumerate("0123456789bcdefghjkmnpqrstuvwxyz")}
_GEOHASH_PRECISION: Final = 22  # 55 bits a side: further digits move a double no more
_WRAPPERS: Final = ("latLon", "lat_lon")

_DISTANCE: Final = re.compile(r"\+?(\d+(?:\.\d+)?|\.\d+)([a-z]+)", re.ASCII)
_UNITS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("m", "meter"), 1.0),
    **dict.fromkeys(("ft", "feet"), 0.3048),
    **dict.fromkeys(("in", "inch"), 0.0254),
    **dict.fromkeys(("yd", "yard"), 0.9144),
    **dict.fromkeys(("mi", "mile"), 1609.34),
}
# fmt: off
_SHORT_PREFIXES: Final[Mapping[str, int]] = {
    "k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3, "mu": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21,
    "y": -24,
}
_LONG_PREFIXES: Final[Mapping[str, int]] = {
    "yotta": 24, "zetta": 21, "exa": 18, "peta": 15, "tera": 12, "giga": 9, "mega": 6, "kilo": 3, "hecto": 2,
    "deka": 1, "deci": -1, "centi": -2, "milli": -3, "micro": -6, "nano": -9, "pico": -12, "femto": -15, "atto": -18,
    "zepto": -21, "yocto": -24,
}
# fmt: on
_LONGEST_ABBREVIATION: Final = 3  # letters, prefix included: beyond, prefixes are spelt out


def find_place(value: Any) -> Place | None:
    """Return the point that a value stands for, None when it is no point."""
    kind = type(value)
    pair: Any = value if kind is list else (value.get("lat"), value.get("lon")) if kind is dict else ()
    if len(pair) == 2:
        lat, lon = pair
        if type(lat) is float and type(lon) is float and -180 <= lon < 180 and -math.inf < lat < math.inf:
            return lat, lon  # as most are
    point = find_point(value)
    if point is None:
        return None
    lat, lon = point
    return point if -180 <= lon < 180 else (lat, wrapped(lon))


def find_point(value: Any) -> Place | None:
    """Return the point that a value stands for, its longitude as it is written; None when it is no point.

    Points are `[lat, lon]`, `{lat, lon}`, `"lat,lon"`, a geohash of at least four characters, or one of
    these under `latLon` or `lat_lon`.
    """
    point = _find_pair(value)
    if point is None and type(value) is dict:
        for name in _WRAPPERS:
            if (point := _find_pair(value.get(name))) is not None:
                break
    return point


def _find_pair(value: Any) -> Place | None:
    kind = type(value)
    if kind is list and len(value) == 2:
        lat, lon = value
    elif kind is dict and "lat" in value and "lon" in value:
        lat, lon = value["lat"], value["lon"]
    elif kind is str:
        parts = value.split(",", 2)
        if len(parts) == 1:
            return _geohash_centre(value) if _GEOHASH.fullmatch(value) else None
        if len(parts) != 2:
            return None
        lat, lon = parts
    else:
        return None
    latitude, longitude = find_number(lat), find_number(lon)
    if latitude is None or longitude is None:
        return None
    return latitude, longitude


def wrapped(longitude: float) -> float:
    """Return a longitude between -180, included, and 180."""
    return longitude if -180 <= longitude < 180 else (longitude + 180) % 360 - 180


def find_number(value: Any) -> float | None:
    """Return the number that a value is or begins with, None when that is none, or not finite."""
    kind = type(value)
    if kind is float or kind is int:
        return _finite(value)
    match = _LEADING_NUMBER.match(value) if kind is str else None
    return _finite(match[1]) if match else None


def _finite(value: float | str) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _geohash_centre(text: str) -> Place:
    """Return the centre of a geohash's cell; letters of no geohash count as zero."""
    sides = [[-180.0, 180.0], [-90.0, 90.0]]
    turn = 0
    for letter in text[:_GEOHASH_PRECISION]:
        digit = _GEOHASH_DIGITS.get(letter, 0)
        for bit in (16, 8, 4, 2, 1):
            side = sides[turn]
            side[0 if digit & bit else 1] = (side[0] + side[1]) / 2
            turn = 1 - turn
    longitude, latitude = ((low + high) / 2 for low, high in sides)
    return latitude, longitude


def find_distance_m(text: str) -> float | None:
    """Return the metres of a distance, None when it is none.

    A number, then a unit with or without a prefix: `"1 093,61 yd"`, `"5km"`, `"2 kilometers"`. Blanks and
    hyphens do not count, a comma is a dot, and capitals are small letters (`Mm` is millimetres).
    """
    match = _DISTANCE.fullmatch(re.sub(r"[\s-]", "", text).replace(",", ".").lower())
    metres = _find_unit_m(match[2]) if match else None
    return None if match is None or metres is None else float(match[1]) * metres


def _find_unit_m(name: str) -> float | None:
    for ending in ("", "s", "es"):
        if not name.endswith(ending):
            continue
        singular = name.removesuffix(ending)
        if singular in _UNITS:
            return _UNITS[singular]
        prefixes = _SHORT_PREFIXES if len(singular) <= _LONGEST_ABBREVIATION else _LONG_PREFIXES
        for prefix, power in prefixes.items():
            if singular.startswith(prefix) and singular.removeprefix(prefix) in _UNITS:
                return float(_UNITS[singular.removeprefix(prefix)] * 10.0**power)
    return None
