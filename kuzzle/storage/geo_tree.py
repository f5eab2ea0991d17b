"""Nodes of the tree about places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kuzzle.storage.geo import Area, Point


@dataclass(frozen=True, slots=True)
class GeoWithin:
    """The field, a `geo_point`, holds a place inside of an area.

    Attributes:
        clause: What the client wrote, for messages.
        ignore_unmapped: Without it a field that is not mapped is an error.
    """

    clause: str
    field: str
    area: Area
    ignore_unmapped: bool = False
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Distance:
    """What a sort by distance measures.

    Attributes:
        origins: With several, every distance between an origin and a place of the document counts.
        unit_m: Metres of the unit that hits show.
        mode: Which of several distances counts.
    """

    origins: tuple[Point, ...]
    unit_m: float = 1.0
    mode: Literal["min", "max", "avg", "median"] = "min"
    is_plane: bool = False
    ignore_unmapped: bool = False
