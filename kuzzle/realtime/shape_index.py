"""Shapes found by a place inside of them.

A grid in levels, each with cells half as wide as those of the level above. A shape lies at the level whose
cells are as large as itself, so in at most four of them (two pieces across the date line). A place is in
one cell of each level in use: what lies there is tested, the quick way first.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

from kuzzle.realtime.places import Place
from kuzzle.realtime.shapes import Bounds, Box, Polygon, Ring, Shape, unit_vector

EntryType = TypeVar("EntryType")
_Cell = tuple[int, int, int]

_FINEST: Final = 20
"""The last level: its cells are 40 m wide. Smaller shapes share them."""


class _Shapes(Generic[EntryType]):
    """The shapes in one cell, by kind. Boxes are the pieces that lie here, as bottom, top, left, right."""

    __slots__ = ("boxes", "polygons", "rings")

    def __init__(self) -> None:
        self.boxes: dict[tuple[Shape, EntryType, float], tuple[float, float, float, float, EntryType]] = {}
        self.rings: dict[tuple[Shape, EntryType], tuple[Ring, EntryType]] = {}
        self.polygons: dict[tuple[Shape, EntryType], tuple[float, float, Polygon, EntryType]] = {}

    def __bool__(self) -> bool:
        return bool(self.boxes or self.rings or self.polygons)


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
            if isinstance(shape, Box):
                place = (piece.bottom, piece.top, piece.left, piece.right, entry)
                shapes.boxes[shape, entry, piece.left] = place
            elif isinstance(shape, Ring):
                shapes.rings[shape, entry] = (shape, entry)
            elif isinstance(shape, Polygon):
                shapes.polygons[shape, entry] = (piece.bottom, piece.top, shape, entry)

    def remove(self, shape: Shape, entry: EntryType) -> None:
        """Take a shape back that was added.

        Raises:
            KeyError: It is not here.
        """
        for cell, piece in _places(shape):
            shapes = self._cells[cell]
            if isinstance(shape, Box):
                del shapes.boxes[shape, entry, piece.left]
            elif isinstance(shape, Ring):
                del shapes.rings[shape, entry]
            elif isinstance(shape, Polygon):
                del shapes.polygons[shape, entry]
            if not shapes:
                del self._cells[cell]
                self._levels[cell[0]] -= 1
                if not self._levels[cell[0]]:
                    del self._levels[cell[0]]

    def find(self, place: Place) -> list[EntryType]:
        """Return the entry of each shape that holds a place."""
        lat, lon = place
        found: list[EntryType] = []
        vector = tangent = None
        for level in self._levels:
            shapes = self._cells.get(_cell_of(level, lat, lon))
            if shapes is None:
                continue
            if shapes.boxes:
                found += [
                    entry
                    for bottom, top, left, right, entry in shapes.boxes.values()
                    if bottom <= lat <= top and left <= lon <= right
                ]
            if shapes.rings:
                vector = vector or unit_vector(place)
                found += [entry for ring, entry in shapes.rings.values() if ring.holds_vector(place, vector)]
            if shapes.polygons:
                tangent = tangent or _seen_from(place)
                found += [
                    entry
                    for bottom, top, polygon, entry in shapes.polygons.values()
                    if bottom <= lat <= top and polygon.holds_seen(place, *tangent)
                ]
        return found


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
    size = max(piece.right - piece.left, piece.top - piece.bottom)
    level = _FINEST if size * (1 << _FINEST) <= 360 else max(0, math.floor(math.log2(360 / size)))
    _, left, bottom = _cell_of(level, piece.bottom, piece.left)
    _, right, top = _cell_of(level, piece.top, piece.right)
    for column in range(left, right + 1):
        for row in range(bottom, top + 1):
            yield level, column, row


def _cell_of(level: int, lat: float, lon: float) -> _Cell:
    scale = (1 << level) / 360
    return level, int((lon + 180) * scale), int((lat + 90) * scale)


def _seen_from(place: Place) -> tuple[float, float, float]:
    """Return the tangent of the latitude, cosine and sine of the longitude."""
    lat, lon = math.radians(place[0]), math.radians(place[1])
    return math.tan(lat), math.cos(lon), math.sin(lon)
