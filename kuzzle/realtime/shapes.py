"""The areas that filters ask about: boxes, circles and rings, polygons.

Borders are inside. Distances are those on the WGS 84 ellipsoid by Andoyer's formula, edges of polygons
are great circles the short way round. `Shape.holds` takes a place as `places.py` reads it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kuzzle.realtime.places import Place, wrapped

_EQUATOR_RADIUS_M: Final = 6378137.0
_FLATTENING: Final = 1 / 298.257223563
# The arc of one radian between two points is never shorter or longer than this, wherever they are.
_LEAST_RADIUS_M: Final = 6335000.0
_GREATEST_RADIUS_M: Final = 6400000.0
_ON_BORDER: Final = 1e-9  # degrees: a tenth of a millimetre


@dataclass(frozen=True, slots=True)
class Bounds:
    """What lies around a shape. `left` is from -180 to 180; `right` may be greater than 180: then it goes
    across the date line."""

    bottom: float
    top: float
    left: float
    right: float


class Shape(ABC):
    """An area on the globe.

    Attributes:
        key: Its whole content, the same for equal shapes only.
    """

    __slots__ = ("key",)

    key: tuple[str | float, ...]

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self.key == other.key

    @abstractmethod
    def holds(self, place: Place) -> bool:
        """Tell whether a place lies inside or on the border."""

    @abstractmethod
    def bounds(self) -> Bounds:
        """Return a box around it, which may be a little too large, never too small."""


class Box(Shape):
    """What lies between two parallels and two meridians."""

    __slots__ = ("bottom", "left", "right", "top")

    def __init__(self, top: float, left: float, bottom: float, right: float) -> None:
        """Build a box; `left` may be any longitude, `right` up to 360 degrees more."""
        width = min(right - left, 360.0)
        self.top, self.bottom = top, bottom
        self.left = -180.0 if width == 360 else wrapped(left)
        self.right = self.left + width
        self.key = ("box", self.bottom, self.top, self.left, self.right)

    def holds(self, place: Place) -> bool:
        lat, lon = place
        return self.bottom <= lat <= self.top and (
            self.left <= lon <= self.right or self.left <= lon + 360 <= self.right
        )

    def bounds(self) -> Bounds:
        return Bounds(self.bottom, self.top, self.left, self.right)


class Ring(Shape):
    """What is at least `inner_m` and at most `outer_m` metres from a centre. An `inner_m` of zero is a circle."""

    __slots__ = ("_axis", "_chords", "centre", "inner_m", "outer_m")

    def __init__(self, centre: Place, inner_m: float, outer_m: float) -> None:
        self.centre = centre
        self.inner_m = inner_m
        self.outer_m = outer_m
        self.key = ("ring", *centre, inner_m, outer_m)
        self._axis = unit_vector(centre)
        # Squared chords: below the first surely too near, from the second to the third surely inside, beyond the
        # fourth surely too far. Only what is between them is measured.
        self._chords = (
            _squared_chord(inner_m / _GREATEST_RADIUS_M),
            _squared_chord(inner_m / _LEAST_RADIUS_M) if inner_m else 0.0,
            _squared_chord(outer_m / _GREATEST_RADIUS_M),
            _squared_chord(outer_m / _LEAST_RADIUS_M),
        )

    def holds(self, place: Place) -> bool:
        return self.holds_vector(place, unit_vector(place))

    def holds_vector(self, place: Place, vector: tuple[float, float, float]) -> bool:
        """Tell whether a place lies inside, whose unit vector is known."""
        x, y, z = vector
        own_x, own_y, own_z = self._axis
        chord = (x - own_x) ** 2 + (y - own_y) ** 2 + (z - own_z) ** 2
        too_near, near, far, too_far = self._chords
        if chord > too_far or chord < too_near:
            return False
        if near <= chord <= far:
            return True
        return self.inner_m <= distance_m(self.centre, place) <= self.outer_m

    def bounds(self) -> Bounds:
        angle = self.outer_m / _LEAST_RADIUS_M + 1e-9
        lat, lon = self.centre
        around = math.degrees(angle)
        bottom, top = max(lat - around, -90.0), min(lat + around, 90.0)
        if bottom <= -90 or top >= 90:  # a pole is inside, and every meridian with it
            return Bounds(bottom, top, -180.0, 180.0)
        aside = (
            math.degrees(math.asin(min(1.0, math.sin(min(angle, math.pi / 2)) / math.cos(math.radians(lat))))) + 1e-7
        )
        if angle >= math.pi / 2 or aside >= 180:
            return Bounds(bottom, top, -180.0, 180.0)
        left = wrapped(lon - aside)
        return Bounds(bottom, top, left, left + 2 * aside)


class Polygon(Shape):
    """What lies inside of a closed line, by non-zero winding.

    A line that goes around a pole has that pole inside which is nearer to its points.
    """

    __slots__ = ("_edges", "_turns_at_pole", "points")

    def __init__(self, points: Sequence[Place]) -> None:
        """Build a polygon of at least one point; it closes by itself, in either direction."""
        self.points = _canonical(points)
        self.key = ("polygon", *(degree for point in self.points for degree in point))
        self._edges = [
            _Edge(one, other) for one, other in zip(self.points, (*self.points[1:], self.points[0]), strict=True)
        ]
        turns = round(sum(edge.width for edge in self._edges) / 360)
        self._turns_at_pole = -turns if sum(lat for lat, _ in self.points) > 0 else 0

    def holds(self, place: Place) -> bool:
        lat, lon = place
        if not -90 < lat < 90:
            return any(place == point for point in self.points)
        angle = math.radians(lon)
        return self.holds_seen(place, math.tan(math.radians(lat)), math.cos(angle), math.sin(angle))

    def holds_seen(self, place: Place, tan_lat: float, cos_lon: float, sin_lon: float) -> bool:
        """Tell whether a place lies inside: count the edges on its meridian up to the north pole, by direction."""
        lat, lon = place
        turns = self._turns_at_pole
        for edge in self._edges:
            aside = lon - edge.west
            if aside < 0:
                aside += 360
            if aside > edge.reach + _ON_BORDER and aside < 360 - _ON_BORDER:
                continue
            if edge.is_meridian:
                if edge.south - _ON_BORDER <= lat <= edge.north + _ON_BORDER and aside <= _ON_BORDER:
                    return True
                continue
            above = edge.p * cos_lon + edge.q * sin_lon - tan_lat
            if abs(above) <= edge.tolerance and edge.south - _ON_BORDER <= lat <= edge.north + _ON_BORDER:
                return True
            if above > 0 and aside < edge.reach:
                turns += edge.direction
        return turns != 0

    def bounds(self) -> Bounds:
        bottom = min(edge.south for edge in self._edges)
        top = max(edge.north for edge in self._edges)
        longitude = least = most = self._edges[0].start
        for edge in self._edges:
            longitude += edge.width
            least, most = min(least, longitude), max(most, longitude)
        if round(sum(edge.width for edge in self._edges) / 360):
            is_north = sum(lat for lat, _ in self.points) > 0
            return Bounds(bottom if is_north else -90.0, 90.0 if is_north else top, -180.0, 180.0)
        if most - least + 2 * _ON_BORDER >= 360:
            return Bounds(bottom - _ON_BORDER, top + _ON_BORDER, -180.0, 180.0)
        left = wrapped(least - _ON_BORDER)
        return Bounds(bottom - _ON_BORDER, top + _ON_BORDER, left, left + most - least + 2 * _ON_BORDER)


class _Edge:
    """A great circle from one point to the next, the short way round: on it, the tangent of the latitude is
    `p * cos(longitude) + q * sin(longitude)`.

    Attributes:
        start: Longitude of the first point.
        width: Degrees of longitude to the second one, negative westwards.
        west, reach: Longitude of the western end, and degrees from there to the eastern one.
        south, north: Latitudes between which it runs, bulges included.
    """

    __slots__ = ("direction", "is_meridian", "north", "p", "q", "reach", "south", "start", "tolerance", "west", "width")

    def __init__(self, one: Place, other: Place) -> None:
        self.start = one[1]
        self.width = wrapped(other[1] - one[1])
        self.direction = 1 if self.width > 0 else -1
        self.reach = abs(self.width)
        self.west = one[1] if self.width >= 0 else other[1]
        self.south, self.north = sorted((one[0], other[0]))
        self.is_meridian = self.reach <= _ON_BORDER
        self.p = self.q = self.tolerance = 0.0
        if not self.is_meridian:
            self._lay_circle(one, other)

    def _lay_circle(self, one: Place, other: Place) -> None:
        one_lat, one_lon, other_lat, other_lon = (math.radians(degrees) for degrees in (*one, *other))
        sine = math.sin(other_lon - one_lon)
        tangents = math.tan(one_lat), math.tan(other_lat)
        if abs(sine) < 1e-12:  # opposite meridians: over a pole
            sine = math.copysign(1e-12, sine)
        self.p = (tangents[0] * math.sin(other_lon) - tangents[1] * math.sin(one_lon)) / sine
        self.q = (tangents[1] * math.cos(one_lon) - tangents[0] * math.cos(other_lon)) / sine
        steepest = max(abs(tangents[0]), abs(tangents[1]), 1.0)
        self.tolerance = math.radians(_ON_BORDER) * (1 + steepest**2)
        crest = math.degrees(math.atan2(self.q, self.p))
        height = math.degrees(math.atan(math.hypot(self.p, self.q)))
        if (crest - self.west) % 360 <= self.reach:
            self.north = max(self.north, height)
        if (crest + 180 - self.west) % 360 <= self.reach:
            self.south = min(self.south, -height)


def _canonical(points: Sequence[Place]) -> tuple[Place, ...]:
    """Return the points of a line as every way to write it gives them: from the least one, to the lesser side."""
    kept = [point for position, point in enumerate(points) if point != points[position - 1]] or [points[0]]
    start = kept.index(min(kept))
    forwards = (*kept[start:], *kept[:start])
    return min(forwards, (forwards[0], *reversed(forwards[1:])))


def unit_vector(place: Place) -> tuple[float, float, float]:
    """Return where on a sphere of radius 1 a place is."""
    lat, lon = math.radians(place[0]), math.radians(place[1])
    aside = math.cos(lat)
    return aside * math.cos(lon), aside * math.sin(lon), math.sin(lat)


def _squared_chord(angle: float) -> float:
    return 4 * math.sin(min(angle, math.pi) / 2) ** 2


def distance_m(one: Place, other: Place) -> float:
    """Return the metres between two places on the ellipsoid, by Andoyer's first-order formula."""
    one_lat, other_lat = math.radians(one[0]), math.radians(other[0])
    half = (
        math.sin((other_lat - one_lat) / 2) ** 2
        + math.cos(one_lat) * math.cos(other_lat) * math.sin(math.radians(other[1] - one[1]) / 2) ** 2
    )
    angle = 2 * math.asin(min(1.0, math.sqrt(half)))
    if angle == 0:
        return 0.0
    sine = 3 * math.sin(angle)
    near, far = 2 * half, 2 - 2 * half  # 1 - cos and 1 + cos of the angle
    difference = (math.sin(one_lat) - math.sin(other_lat)) ** 2
    total = (math.sin(one_lat) + math.sin(other_lat)) ** 2
    correction = (angle + sine) / near * difference + ((angle - sine) / far * total if far > 1e-14 else 0.0)
    return _EQUATOR_RADIUS_M * (angle - _FLATTENING / 4 * correction)
