"""A polygon cut into strips along parallels, so that most places are judged by a comparison.

In each strip lies a stretch of longitudes that is surely inside, from its southern to its northern parallel, and
beyond another stretch everything is surely outside. Only what is between has to be held against the edges.

The line may touch a strip in some stretches of longitudes: where an edge, as broad as a border counts, is between
the parallels. Between two such stretches the strip is all inside or all outside, so one place tells.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from kuzzle.realtime.places import Place

STRIPS: Final = 12
NUMBERS_A_STRIP: Final = 4
"""Of each strip: the west and the east of what is inside, then of what is not outside."""
UNKNOWN: Final = (math.inf, -math.inf, -math.inf, math.inf)
"""A strip of which nothing is sure."""

_Edge = tuple[float, float, float, float]
_Stretch = tuple[float, float]
_MARGIN: Final = 1e-5  # degrees: the arc of a cosine near one is exact to 2e-6
_NEAR_PARALLEL: Final = 1e-9  # degrees by which a place may be taken for one of the next strip
_TRIES: Final = 2  # stretches between edges that are tried, the widest first


def strips_of(
    bottom: float,
    top: float,
    edges: Iterable[_Edge],
    meridians: Sequence[tuple[float, float, float]],
    breadth_of: Callable[[_Edge], float],
    holds: Callable[[Place], bool],
) -> array[float]:
    """Cut a polygon into strips of the same height, the last one twice: for its northern border.

    Args:
        bottom, top: The parallels around it, off the poles.
        edges: West, east, and the factors of a great circle: the tangent of a latitude by cosine and sine of the
            longitude. Longitudes are degrees.
        meridians: Longitude, south and north of edges on a meridian.
        breadth_of: Tells how far from an edge its line may be, in tangents.
        holds: Tells whether a place is inside.
    """
    height = (top - bottom) / STRIPS
    souths = [math.tan(math.radians(bottom + height * number - _NEAR_PARALLEL)) for number in range(STRIPS)]
    norths = [math.tan(math.radians(bottom + height * number + _NEAR_PARALLEL)) for number in range(1, STRIPS + 1)]
    touched: list[list[_Stretch]] = [[] for _ in range(STRIPS)]
    for edge in edges:
        breadth = breadth_of(edge)
        for piece in _falling_or_rising(edge):
            last = bisect_right(souths, piece.highest + breadth)
            for number in range(bisect_left(norths, piece.lowest - breadth), last):
                touched[number].append(piece.between(souths[number] - breadth, norths[number] + breadth))
    for at, south, north in meridians:
        for number, stretches in enumerate(touched):
            if south <= bottom + height * (number + 1) + _MARGIN and north >= bottom + height * number - _MARGIN:
                stretches.append((at - _MARGIN, at + _MARGIN))
    strips = array("d")
    for number, stretches in enumerate(touched):
        strips.extend(_judged(stretches, bottom + height * (number + 0.5), holds))
    strips.extend(strips[-NUMBERS_A_STRIP:])
    return strips


class _Piece:
    """A piece of an edge on which the latitude only falls or only rises."""

    __slots__ = ("_begin", "_end", "_radius", "_start", "highest", "lowest")

    def __init__(self, begin: float, end: float, radius: float, start: float) -> None:
        """From one longitude to another, in radians; the crest or trough west of it is at `start`."""
        self._begin = begin
        self._end = end
        self._radius = radius
        self._start = start
        heights = radius * math.cos(begin - start), radius * math.cos(end - start)
        self.lowest, self.highest = min(heights), max(heights)

    def between(self, low: float, high: float) -> _Stretch:
        """Return the degrees of longitude, a little more, where it is between two heights; it is somewhere."""
        if not self._radius:  # on the equator
            return math.degrees(self._begin) - _MARGIN, math.degrees(self._end) + _MARGIN
        one, other = (self._start + math.acos(max(-1.0, min(1.0, height / self._radius))) for height in (low, high))
        west, east = (one, other) if one < other else (other, one)
        return (
            math.degrees(max(west, self._begin)) - _MARGIN,
            math.degrees(min(east, self._end)) + _MARGIN,
        )


def _falling_or_rising(edge: _Edge) -> Iterator[_Piece]:
    """Cut an edge at its crest or trough; it is shorter than half a turn."""
    west, east, p, q = edge
    begin, end = math.radians(west), math.radians(east)
    crest, radius = math.atan2(q, p), math.hypot(p, q)
    half_turns = math.floor((begin - crest) / math.pi)
    while begin < end:
        start = crest + half_turns * math.pi
        next_begin = min(start + math.pi, end)
        yield _Piece(begin, next_begin, radius if half_turns % 2 == 0 else -radius, start)
        begin = next_begin
        half_turns += 1


def _judged(stretches: list[_Stretch], lat: float, holds: Callable[[Place], bool]) -> tuple[float, float, float, float]:
    if not stretches:  # the polygon goes from its bottom to its top
        return UNKNOWN
    stretches.sort()
    gaps: list[tuple[float, float, float]] = []
    reached = stretches[0][1]
    for west, east in stretches[1:]:
        if west > reached:
            gaps.append((west - reached, reached, west))
        reached = max(reached, east)
    gaps.sort(reverse=True)
    for _, west, east in gaps[:_TRIES]:
        if holds((lat, (west + east) / 2)):
            return west, east, stretches[0][0], reached
    return math.inf, -math.inf, stretches[0][0], reached
