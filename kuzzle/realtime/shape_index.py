"""Shapes found by a place inside of them.

A grid in levels, each with cells half as wide as those of the level above. A shape lies at the level whose
cells are at least a third as wide as itself, so in 16 of them at most, mostly in fewer than ten: larger cells
would cost less to file, and each search more. A place is in one cell of each level in use: what lies there is
tested, the quick way first. Across the date line a shape has two pieces.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, Final, Generic, TypeVar

from kuzzle.realtime.places import Place
from kuzzle.realtime.shapes import Bounds, Box, Polygon, Ring, Shape, tangents_of, unit_vector
from kuzzle.realtime.strips import NUMBERS_A_STRIP, STRIPS

EntryType = TypeVar("EntryType")
_Cell = tuple[int, int, int]

_CELLS_ACROSS: Final = 3
_FINEST: Final = 20
"""The last level: its cells are 40 m wide. Smaller shapes share them."""


_Sides = tuple[float, float, float, float]
"""Bottom, top, left, right."""
_Vector = tuple[float, float, float]


_BoxLook = tuple[*_Sides, EntryType]
_RingLook = tuple[float, float, float, float, float, float, Ring, EntryType]
_PolygonLook = tuple[*_Sides, float, "array[float]", Polygon, EntryType]


class _Shapes(Generic[EntryType]):
    """The shapes in one cell, by kind, with what the first look at them needs. A box or a polygon may have two
    pieces in one cell."""

    __slots__ = ("boxes", "polygons", "rings")

    def __init__(self) -> None:
        self.boxes: dict[tuple[Shape, EntryType, float], _BoxLook[EntryType]] = {}
        self.rings: dict[tuple[Shape, EntryType, float], _RingLook[EntryType]] = {}
        self.polygons: dict[tuple[Shape, EntryType, float], _PolygonLook[EntryType]] = {}

    def __bool__(self) -> bool:
        return bool(self.boxes or self.rings or self.polygons)

    def of_kind(self, shape: Shape) -> dict[tuple[Shape, EntryType, float], Any]:
        """Return the table of shapes of a kind."""
        if isinstance(shape, Box):
            return self.boxes
        return self.rings if isinstance(shape, Ring) else self.polygons

    def boxes_around(self, lat: float, lon: float) -> list[EntryType]:
        return [
            entry
            for bottom, top, left, right, entry in self.boxes.values()
            if bottom <= lat <= top and left <= lon <= right
        ]

    def rings_around(self, place: Place, vector: _Vector) -> list[EntryType]:
        x, y, z = vector
        return [
            entry
            for own_x, own_y, own_z, near, far, too_far, ring, entry in self.rings.values()
            if (chord := (aside := x - own_x) * aside + (aside := y - own_y) * aside + (aside := z - own_z) * aside)
            <= too_far
            and (near <= chord <= far or ring.holds(place))
        ]

    def polygons_around(self, place: Place, tangents: _Vector) -> list[EntryType]:
        lat, lon = place
        return [
            entry
            for bottom, top, left, right, scale, strips, polygon, entry in self.polygons.values()
            if bottom <= lat <= top
            and left <= lon <= right
            and (
                strips[at := int((lat - bottom) * scale) * NUMBERS_A_STRIP] <= lon <= strips[at + 1]
                or (strips[at + 2] <= lon <= strips[at + 3] and polygon.holds_seen(lon, *tangents))
            )
        ]


class ShapeIndex(Generic[EntryType]):
    """Shapes, each with an entry; an entry may have several."""

    __slots__ = ("_cells", "_levels", "_scales")

    def __init__(self) -> None:
        self._cells: dict[_Cell, _Shapes[EntryType]] = {}
        self._levels: Counter[int] = Counter()
        self._scales: list[tuple[int, float]] = []

    def __bool__(self) -> bool:
        return bool(self._cells)

    def add(self, shape: Shape, entry: EntryType) -> None:
        """Add a shape."""
        for piece, cells in _places(shape):
            look = _first_look(shape, piece, entry)
            key = _key(shape, piece, entry)
            for cell in cells:
                shapes = self._cells.get(cell)
                if shapes is None:
                    shapes = self._cells[cell] = _Shapes()
                    self._count(cell[0], 1)
                shapes.of_kind(shape)[key] = look

    def remove(self, shape: Shape, entry: EntryType) -> None:
        """Take a shape back that was added.

        Raises:
            KeyError: It is not here.
        """
        for piece, cells in _places(shape):
            key = _key(shape, piece, entry)
            for cell in cells:
                shapes = self._cells[cell]
                del shapes.of_kind(shape)[key]
                if not shapes:
                    del self._cells[cell]
                    self._count(cell[0], -1)

    def _count(self, level: int, cells: int) -> None:
        """Count the cells of a level that hold shapes."""
        before = self._levels[level]
        self._levels[level] += cells
        if not before or not self._levels[level]:
            self._levels = +self._levels
            self._scales = [(used, _scale(used)) for used in self._levels]

    def find(self, place: Place) -> list[EntryType]:
        """Return the entry of each shape that holds a place."""
        lat, lon = place
        found: list[EntryType] = []
        vector = tangents = None
        east, north = lon + 180, lat + 90
        for level, scale in self._scales:
            shapes = self._cells.get((level, int(east * scale), int(north * scale)))
            if shapes is None:
                continue
            if shapes.boxes:
                found += shapes.boxes_around(lat, lon)
            if shapes.rings:
                vector = vector or unit_vector(place)
                found += shapes.rings_around(place, vector)
            if shapes.polygons:
                tangents = tangents or tangents_of(place)
                found += shapes.polygons_around(place, tangents)
        return found


def _places(shape: Shape) -> Iterator[tuple[Bounds, Collection[_Cell]]]:
    """Yield the pieces of a shape, each with its cells; a ring is nowhere twice."""
    seen: set[_Cell] = set()
    for piece in _pieces(shape.bounds()):
        cells = [cell for cell in _cells_under(piece) if cell not in seen]
        if isinstance(shape, Ring):
            seen.update(cells)
        yield piece, cells


def _key(shape: Shape, piece: Bounds, entry: EntryType) -> tuple[Shape, EntryType, float]:
    return shape, entry, 0.0 if isinstance(shape, Ring) else piece.left


def _first_look(shape: Shape, piece: Bounds, entry: EntryType) -> tuple[Any, ...]:
    sides = piece.bottom, piece.top, piece.left, piece.right
    if isinstance(shape, Box):
        return (*sides, entry)
    if isinstance(shape, Ring):
        return (*shape.axis, *shape.chords, shape, entry)
    if not isinstance(shape, Polygon):
        raise TypeError(f"no look for {shape}")
    strips = shape.strips
    if piece.left < shape.bounds().left:  # beyond the date line
        strips = array("d", (longitude - 360 for longitude in strips))
    return (*sides, STRIPS / (piece.top - piece.bottom), strips, shape, entry)


def _pieces(bounds: Bounds) -> Iterator[Bounds]:
    """Cut along the date line, whose places have the longitude -180."""
    if bounds.right < 180 or bounds.left == -180:
        yield bounds
    else:
        yield Bounds(bounds.bottom, bounds.top, bounds.left, 180.0)
        yield Bounds(bounds.bottom, bounds.top, -180.0, bounds.right - 360)


def _cells_under(piece: Bounds) -> Iterator[_Cell]:
    size = max(piece.right - piece.left, piece.top - piece.bottom) / _CELLS_ACROSS
    level = _FINEST if size * (1 << _FINEST) <= 360 else max(0, math.floor(math.log2(360 / size)))
    _, left, bottom = _cell_of(level, piece.bottom, piece.left)
    _, right, top = _cell_of(level, piece.top, piece.right)
    for column in range(left, right + 1):
        for row in range(bottom, top + 1):
            yield level, column, row


def _cell_of(level: int, lat: float, lon: float) -> _Cell:
    scale = _scale(level)
    return level, int((lon + 180) * scale), int((lat + 90) * scale)


def _scale(level: int) -> float:
    return (1 << level) / 360  # cells a degree
