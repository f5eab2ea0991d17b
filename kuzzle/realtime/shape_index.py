"""Shapes found by a place inside of them.

A grid in levels, each with cells half as wide as those of the level above. A shape lies at the level whose
cells are at least a third as wide as itself, so in 16 of them at most, mostly in fewer than ten: larger cells
would cost less to file, and each search more. A place is in one cell of each level in use: what lies there is
tested, the quick way first. Across the date line a shape has two pieces.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

from kuzzle.realtime.places import Place
from kuzzle.realtime.shapes import Bounds, Box, Polygon, Ring, Shape, tangents_of, unit_vector

EntryType = TypeVar("EntryType")
_Cell = tuple[int, int, int]

_CELLS_ACROSS: Final = 3
_FINEST: Final = 20
"""The last level: its cells are 40 m wide. Smaller shapes share them."""


_Sides = tuple[float, float, float, float]
"""Bottom, top, left, right."""
_Vector = tuple[float, float, float]


class _Shapes(Generic[EntryType]):
    """The shapes in one cell, by kind, with what the first look at them needs."""

    __slots__ = ("boxes", "polygons", "rings")

    def __init__(self) -> None:
        self.boxes: dict[tuple[Shape, EntryType, float], tuple[*_Sides, EntryType]] = {}
        self.rings: dict[tuple[Shape, EntryType], tuple[float, float, float, float, float, float, Ring, EntryType]] = {}
        self.polygons: dict[tuple[Shape, EntryType], tuple[*_Sides, *_Sides, Polygon, EntryType]] = {}

    def __bool__(self) -> bool:
        return bool(self.boxes or self.rings or self.polygons)

    def add(self, shape: Shape, piece: Bounds, entry: EntryType) -> None:
        box = _sides(piece)
        if isinstance(shape, Box):
            self.boxes[shape, entry, piece.left] = (*box, entry)
        elif isinstance(shape, Ring):
            self.rings[shape, entry] = (*shape.axis, *shape.chords, shape, entry)
        elif isinstance(shape, Polygon):
            self.polygons[shape, entry] = (*box, *_sides(shape.core), shape, entry)

    def remove(self, shape: Shape, piece: Bounds, entry: EntryType) -> None:
        if isinstance(shape, Box):
            del self.boxes[shape, entry, piece.left]
        elif isinstance(shape, Ring):
            del self.rings[shape, entry]
        elif isinstance(shape, Polygon):
            del self.polygons[shape, entry]

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
            for bottom, top, left, right, south, north, west, east, polygon, entry in self.polygons.values()
            if bottom <= lat <= top
            and left <= lon <= right
            and ((south <= lat <= north and west <= lon <= east) or polygon.holds_seen(lon, *tangents))
        ]


class ShapeIndex(Generic[EntryType]):
    """Shapes, each with an entry; an entry may have several."""

    __slots__ = ("_cells", "_levels")

    def __init__(self) -> None:
        self._cells: dict[_Cell, _Shapes[EntryType]] = {}
        self._levels: Counter[int] = Counter()

    def __bool__(self) -> bool:
        return bool(self._cells)

    def add(self, shape: Shape, entry: EntryType) -> None:
        """Add a shape."""
        for cell, piece in _places(shape):
            shapes = self._cells.get(cell)
            if shapes is None:
                shapes = self._cells[cell] = _Shapes()
                self._levels[cell[0]] += 1
            shapes.add(shape, piece, entry)

    def remove(self, shape: Shape, entry: EntryType) -> None:
        """Take a shape back that was added.

        Raises:
            KeyError: It is not here.
        """
        for cell, piece in _places(shape):
            shapes = self._cells[cell]
            shapes.remove(shape, piece, entry)
            if not shapes:
                del self._cells[cell]
                self._levels[cell[0]] -= 1
                if not self._levels[cell[0]]:
                    del self._levels[cell[0]]

    def find(self, place: Place) -> list[EntryType]:
        """Return the entry of each shape that holds a place."""
        lat, lon = place
        found: list[EntryType] = []
        vector = tangents = None
        for level in self._levels:
            shapes = self._cells.get(_cell_of(level, lat, lon))
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


def _sides(bounds: Bounds) -> _Sides:
    return bounds.bottom, bounds.top, bounds.left, bounds.right


def _places(shape: Shape) -> Iterable[tuple[_Cell, Bounds]]:
    """Return the cells of a shape, each with the piece that lies there: a box may have two pieces in one."""
    places = [(cell, piece) for piece in _pieces(shape.bounds()) for cell in _cells_under(piece)]
    return places if isinstance(shape, Box) else dict(places).items()


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
    scale = (1 << level) / 360
    return level, int((lon + 180) * scale), int((lat + 90) * scale)
