"""Places as SQL: areas are looked up in the table of values, in the order of a Z curve.

A box becomes a few spans of that curve which cover it; what lies in them is then compared with the area
itself, by a function that the connection calls.
"""

from __future__ import annotations

import statistics
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import apsw

from kuzzle.storage.fields import Field
from kuzzle.storage.geo import (
    Box,
    cell_coordinates,
    decode_point,
    distance_m,
    interleaved,
    plane_distance_m,
)
from kuzzle.storage.geo_tree import Distance, GeoWithin
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.expressions import NOTHING

if TYPE_CHECKING:
    from kuzzle.storage.sqlite.translation import Translation

# More spans fit an area closer and cost a look-up each.
MAX_SPANS: Final = 32
# What a document without a place is sorted as, as Elasticsearch does.
FARTHEST: Final = "9e999"

_CELL_BITS: Final = 32
_CELL: Final = struct.Struct(">Q")
_AFTER_ALL: Final = b"\xff" * 17


def add_functions(connection: apsw.Connection) -> None:
    """Give a connection the functions that conditions and sorts about places call."""
    connection.create_scalar_function("in_area", _in_area, 2, deterministic=True)
    connection.create_aggregate_function("distance_by", _Measured, 2)


def _in_area(*arguments: Any) -> bool:
    area, encoded = arguments
    point = decode_point(encoded)
    return bool(area.holds(point.lat, point.lon))


class _Measured:
    """Gathers the distances of one document's places and gives the one that counts."""

    def __init__(self) -> None:
        self._distances: list[float] = []
        self._distance: Distance | None = None

    def step(self, *arguments: Any) -> None:
        """Take one place."""
        distance, encoded = arguments
        if encoded:
            self._distance = distance
            point = decode_point(encoded)
            calculate = plane_distance_m if distance.is_plane else distance_m
            for origin in distance.origins:
                self._distances.append(calculate(origin.lat, origin.lon, point.lat, point.lon) / distance.unit_m)

    def final(self) -> float | None:
        """Return the distance, None without a place."""
        return _PICKS[self._distance.mode](self._distances) if self._distance else None


_PICKS: Final[dict[str, Callable[[list[float]], float]]] = {
    "min": min,
    "max": max,
    "avg": statistics.fmean,
    "median": statistics.median,
}


def condition(translation: Translation, state: CollectionState, query: GeoWithin) -> str:
    """Return the condition that documents match.

    Raises:
        KuzzleError: 400 `services.storage.unexpected_bad_request`: the field is no place.
    """
    field = find_point_field(translation, query.field, query.clause, ignore_unmapped=query.ignore_unmapped)
    if field is None:
        return NOTHING
    number = state.field_numbers[field.key]
    area = translation.bind(apsw.pyobject(query.area))
    spans = cover(query.area.bounds())
    lookups = [
        f"SELECT rid FROM {state.values_table} WHERE field = {number} AND value BETWEEN {translation.bind(first)} "
        f"AND {translation.bind(last)} AND in_area({area}, value)"
        for first, last in spans
    ]
    return f"d.rid IN ({' UNION ALL '.join(lookups)})"


def find_point_field(translation: Translation, path: str, clause: str, *, ignore_unmapped: bool) -> Field | None:
    """Return a field of places, None when there is none of that path and that is allowed.

    Raises:
        KuzzleError
    """
    field = translation.find_any_field(path)
    if field is None:
        if ignore_unmapped:
            return None
        raise bad_request(f"[{clause}] failed to find geo_point field [{path}]")
    if field.type != "geo_point":
        raise bad_request(f"[{clause}] field [{path}] is not a geo_point field")
    if not field.is_searchable:
        raise bad_request(f"Cannot search on field [{path}] since it is not indexed.")
    return field


def cover(box: Box) -> list[tuple[bytes, bytes]]:
    """Return the first and last indexed values of spans of the Z curve that together cover a box."""
    boxes = [box]
    if box.left > box.right:
        boxes = [Box(box.top, box.left, box.bottom, 180.0), Box(box.top, -180.0, box.bottom, box.right)]
    spans = sorted(span for part in boxes for span in _cover(part, MAX_SPANS // len(boxes)))
    merged = [spans[0]]
    for first, last in spans[1:]:
        if first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return [(_CELL.pack(first), _CELL.pack(last) + _AFTER_ALL) for first, last in merged]


def _cover(box: Box, most: int) -> list[tuple[int, int]]:
    """Return first and last cell numbers of spans: a square is split in four while that makes few enough."""
    x_first, y_first = cell_coordinates(box.bottom, box.left)
    x_last, y_last = cell_coordinates(box.top, box.right)
    inside: list[tuple[int, int]] = []
    partly = [(0, 0)]
    bits = _CELL_BITS
    while partly and bits and len(inside) + 4 * len(partly) <= most:
        bits -= 1
        side = (1 << bits) - 1
        split = [(x + dx * (side + 1), y + dy * (side + 1)) for x, y in partly for dx in (0, 1) for dy in (0, 1)]
        partly = []
        for x, y in split:
            if x > x_last or x + side < x_first or y > y_last or y + side < y_first:
                continue
            if x >= x_first and x + side <= x_last and y >= y_first and y + side <= y_last:
                inside.append(_span(x, y, bits))
            else:
                partly.append((x, y))
    return [*inside, *(_span(x, y, bits) for x, y in partly)]


def _span(x: int, y: int, bits: int) -> tuple[int, int]:
    first = interleaved(x, y)
    return first, first + (1 << 2 * bits) - 1


def distance_column(translation: Translation, distance: Distance, rows: str) -> str:
    """Return the expression of a document's distance, in the unit of the sort; `rows` are those of its places."""
    return f"coalesce((SELECT distance_by({translation.bind(apsw.pyobject(distance))}, value) {rows}), {FARTHEST})"
