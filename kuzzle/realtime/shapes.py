"""The areas that filters ask about: boxes, circles and rings, polygons.

Borders are inside. Distances are those on the WGS 84 ellipsoid by Andoyer's formula, edges of polygons
are great circles the short way round. `Shape.holds` takes a place as `places.py` reads it.
"""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from kuzzle.realtime.places import Place, wrapped
from kuzzle.realtime.strips import STRIPS, UNKNOWN, strips_of

_EQUATOR_RADIUS_M: Final = 6378137.0
_FLATTENING: Final = 1 / 298.257223563
# The arc of one radian between two points is never shorter or longer than this, wherever they are.
_LEAST_RADIUS_M: Final = 6335000.0
_GREATEST_RADIUS_M: Final = 6400000.0
_ON_BORDER: Final = 1e-9  # degrees: a tenth of a millimetre
_DIGITS: Final = 9
_LEAST_SINE: Final = 1e-12
_LOST_DIGITS: Final = 4 * sys.float_info.epsilon
_FARTHEST: Final = 89.999  # degrees from the equator: nearer to a pole there are no strips


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

    __slots__ = ("axis", "centre", "chords", "inner_m", "outer_m")

    def __init__(self, centre: Place, inner_m: float, outer_m: float) -> None:
        self.centre = centre
        self.inner_m = inner_m
        self.outer_m = outer_m
        self.key = ("ring", *centre, inner_m, outer_m)
        # Where the centre is on the unit sphere, and squared chords from there: from the first to the second surely
        # inside, beyond the third surely outside. Only what is between them has to be measured.
        self.axis = unit_vector(centre)
        self.chords = (
            _squared_chord(inner_m / _LEAST_RADIUS_M) if inner_m else 0.0,
            _squared_chord(outer_m / _GREATEST_RADIUS_M),
            _squared_chord(outer_m / _LEAST_RADIUS_M),
        )

    def holds(self, place: Place) -> bool:
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

    Attributes:
        points: Its line, from the least point on.
        strips: What is surely inside and surely outside, strip by strip (`strips_of`); its longitudes are counted
            on from the left side.
    """

    __slots__ = (
        "_bounds",
        "_eastward",
        "_left",
        "_meridians",
        "_tolerance",
        "_turns_at_pole",
        "_westward",
        "points",
        "strips",
    )

    def __init__(self, points: Sequence[Place]) -> None:
        """Build a polygon of at least one point; it closes by itself, in either direction."""
        self.points = _canonical(points)
        self.key = ("polygon", *(degree for point in self.points for degree in point))
        followers = (*self.points[1:], self.points[0])
        edges = [_Edge(one, other) for one, other in zip(self.points, followers, strict=True)]
        # Longitudes counted on from edge to edge: whole turns and the point's own, so that points that meet are one.
        counted = accumulate((edge.width for edge in edges), initial=self.points[0][1])
        ends = (*self.points, self.points[0])
        places = [lon + 360 * round((place - lon) / 360) for (_, lon), place in zip(ends, counted, strict=True)]
        turns = round((places[-1] - places[0]) / 360)
        is_northern = sum(lat for lat, _ in self.points) > 0
        self._turns_at_pole = -turns if is_northern else 0
        self._bounds = _bounds_of(edges, places, (is_northern, not is_northern) if turns else (False, False))
        self._left = self._bounds.left
        # Edges by degrees east of the left side, once more where they go beyond 360, those towards the east first.
        # They are as short as may be: a search reads the edges of many polygons, and waits for memory.
        self._eastward: list[tuple[float, float, float, float]] = []
        self._westward: list[tuple[float, float, float, float]] = []
        self._tolerance = max(edge.tolerance for edge in edges)
        self._meridians: list[tuple[float, float, float]] = []
        for edge, (start, end) in zip(edges, pairwise(places), strict=True):
            low, high = sorted((start - self._left, end - self._left))
            for turned in {0.0, 360.0 * (low // 360), 360.0 * (high // 360)}:
                if edge.is_meridian:
                    self._meridians.append((low - turned, edge.south, edge.north))
                elif low - turned < 360 and high - turned >= 0:
                    edges_there = self._eastward if edge.width > 0 else self._westward
                    edges_there.append((low - turned, high - turned, edge.p, edge.q))
        self.strips = self._cut()

    def holds(self, place: Place) -> bool:
        return self.holds_seen(place[1], *tangents_of(place))

    def holds_seen(self, lon: float, tan_lat: float, cos_lon: float, sin_lon: float) -> bool:
        """Tell whether a place lies inside: count the edges on its meridian up to the north pole, by direction."""
        place = (lon - self._left) % 360
        turns = self._turns_at_pole
        tolerance = self._tolerance
        for low, high, p, q in self._eastward:
            if low <= place <= high and (above := p * cos_lon + q * sin_lon - tan_lat) >= -tolerance:
                if above <= tolerance:
                    return True
                turns += place < high
        for low, high, p, q in self._westward:
            if low <= place <= high and (above := p * cos_lon + q * sin_lon - tan_lat) >= -tolerance:
                if above <= tolerance:
                    return True
                turns -= place < high
        if turns or not self._meridians:
            return turns != 0
        return any(
            abs(place - at) <= _ON_BORDER and south <= math.degrees(math.atan(tan_lat)) <= north
            for at, south, north in self._meridians
        )

    def bounds(self) -> Bounds:
        return self._bounds

    def _cut(self) -> array[float]:
        around = self._bounds
        if around.right - around.left >= 360 or around.bottom < -_FARTHEST or around.top > _FARTHEST:
            return array("d", UNKNOWN * (STRIPS + 1))
        left = self._left
        edges = [(left + low, left + high, p, q) for low, high, p, q in (*self._eastward, *self._westward)]
        meridians = [(left + at, south, north) for at, south, north in self._meridians]
        return strips_of(around.bottom, around.top, edges, meridians, self._breadth, self.holds)

    def _breadth(self, edge: tuple[float, float, float, float]) -> float:
        """Return how far from an edge its line may be: as far as a border counts, and as its digits are good."""
        west, east, p, q = edge
        # The points of an edge are as far apart as `p` and `q` have lost digits.
        return self._tolerance + _LOST_DIGITS * math.hypot(p, q) / math.radians(east - west)


class _Edge:
    """A great circle from one point to the next, the short way round: on it, the tangent of the latitude is
    `p * cos(longitude) + q * sin(longitude)`.

    Attributes:
        width: Degrees of longitude to the second point, negative westwards.
        south, north: Latitudes between which it runs, bulges included.
        tolerance: How near to the edge, in tangents, counts as on it.
    """

    __slots__ = ("is_meridian", "north", "p", "q", "south", "tolerance", "width")

    def __init__(self, one: Place, other: Place) -> None:
        self.width = wrapped(other[1] - one[1])
        self.south, self.north = sorted((one[0], other[0]))
        self.is_meridian = self.width == 0
        self.p = self.q = self.tolerance = 0.0
        if not self.is_meridian:
            self._lay_circle(one, other)

    def _lay_circle(self, one: Place, other: Place) -> None:
        one_lat, one_lon, other_lat, other_lon = (math.radians(degrees) for degrees in (*one, *other))
        sine = math.sin(other_lon - one_lon)
        tangents = math.tan(one_lat), math.tan(other_lat)
        if abs(sine) < _LEAST_SINE:  # opposite meridians: over a pole
            sine = math.copysign(_LEAST_SINE, sine)
        self.p = (tangents[0] * math.sin(other_lon) - tangents[1] * math.sin(one_lon)) / sine
        self.q = (tangents[1] * math.cos(one_lon) - tangents[0] * math.cos(other_lon)) / sine
        steepest = max(abs(tangents[0]), abs(tangents[1]))
        self.tolerance = math.radians(_ON_BORDER) * (1 + steepest**2)
        west = one[1] if self.width > 0 else other[1]
        crest = math.degrees(math.atan2(self.q, self.p))
        height = math.degrees(math.atan(math.hypot(self.p, self.q)))
        if (crest - west) % 360 <= abs(self.width):
            self.north = max(self.north, height)
        if (crest + 180 - west) % 360 <= abs(self.width):
            self.south = min(self.south, -height)


def _bounds_of(edges: Sequence[_Edge], places: Sequence[float], poles: tuple[bool, bool]) -> Bounds:
    """Return what lies around edges whose points have these longitudes, counted on; `poles` north and south."""
    top = 90.0 if poles[0] else max(edge.north for edge in edges) + _ON_BORDER
    bottom = -90.0 if poles[1] else min(edge.south for edge in edges) - _ON_BORDER
    width = max(places) - min(places) + 2 * _ON_BORDER
    if width >= 360:
        return Bounds(bottom, top, -180.0, 180.0)
    left = wrapped(min(places) - _ON_BORDER)
    return Bounds(bottom, top, left, left + width)


def _canonical(points: Sequence[Place]) -> tuple[Place, ...]:
    """Return the points of a line as every way to write it gives them: from the least one, to the lesser side.

    They are a tenth of a millimetre exact: nearer meridians would cost the edges between them their digits.
    """
    points = [(round(lat, _DIGITS), wrapped(round(lon, _DIGITS))) for lat, lon in points]
    kept = [point for position, point in enumerate(points) if point != points[position - 1]] or [points[0]]
    start = kept.index(min(kept))
    forwards = (*kept[start:], *kept[:start])
    return min(forwards, (forwards[0], *reversed(forwards[1:])))


def unit_vector(place: Place) -> tuple[float, float, float]:
    """Return where on a sphere of radius 1 a place is."""
    lat, lon = math.radians(place[0]), math.radians(place[1])
    aside = math.cos(lat)
    return aside * math.cos(lon), aside * math.sin(lon), math.sin(lat)


def tangents_of(place: Place) -> tuple[float, float, float]:
    """Return the tangent of the latitude, cosine and sine of the longitude."""
    lat, lon = math.radians(place[0]), math.radians(place[1])
    return math.tan(lat), math.cos(lon), math.sin(lon)


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
