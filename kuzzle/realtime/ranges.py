"""Intervals found by a number they hold.

Intervals lie in runs of some dozens, sorted by their bounds from run to run but not inside one; runs
lie in groups. Each run and group knows its highest bound, and the highest one up to it. So a search is two
binary searches, for the runs that begin low enough and for those whose like has reached high enough before, a
comparison for each run between, and one list comprehension for each that can hold the number; adding and
removing touch one run.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import Final, Generic, TypeVar

EntryType = TypeVar("EntryType")
Bounds = tuple[float, float]

RUN_SIZE: Final = 32
GROUP_SIZE: Final = 64


class _Group(Generic[EntryType]):
    """Neighbouring runs.

    Attributes:
        starts: Lower bounds (low, high) of what each run holds.
        lows: The first parts of `starts`.
        tops: The highest upper bound in each.
        reaches: The highest upper bound in each and all before it.
        top: The highest of all.
    """

    __slots__ = ("lows", "reaches", "runs", "starts", "top", "tops")

    def __init__(
        self, starts: list[Bounds], tops: list[float], runs: list[list[tuple[float, float, EntryType]]]
    ) -> None:
        self.starts = starts
        self.tops = tops
        self.runs = runs
        self.lows: list[float] = []
        self.reaches: list[float] = []
        self.top = -math.inf
        self.measure()

    def add(self, low: float, high: float, entry: EntryType) -> None:
        position = max(bisect_right(self.starts, (low, high)) - 1, 0)
        run = self.runs[position]
        run.append((low, high, entry))
        if (low, high) < self.starts[position]:
            self.starts[position] = (low, high)
            self.lows[position] = low
        if high > self.tops[position]:
            self.tops[position] = high
            self.top = max(self.top, high)
            _raise(self.reaches, position, high)
        if len(run) > RUN_SIZE:
            run.sort(key=_bounds)
            half = len(run) // 2
            halves = [run[:half], run[half:]]
            self.runs[position : position + 1] = halves
            self.starts[position : position + 1] = [_bounds(part[0]) for part in halves]
            self.tops[position : position + 1] = [_top(part) for part in halves]
            self.measure()

    def remove(self, low: float, high: float, entry: EntryType) -> bool:
        """Remove an interval; False when it is not here. May leave the group empty."""
        position = max(bisect_left(self.starts, (low, high)) - 1, 0)
        while position < len(self.starts) and self.starts[position] <= (low, high):
            run = self.runs[position]
            if (low, high, entry) in run:
                run.remove((low, high, entry))
                if not run:
                    del self.runs[position], self.starts[position], self.tops[position]
                    self.measure()
                elif high == self.tops[position]:
                    self.tops[position] = _top(run)
                    self.measure()
                return True
            position += 1
        return False

    def measure(self) -> None:
        """Find anew where the runs begin and how far they reach."""
        self.lows = [low for low, _ in self.starts]
        self.reaches = list(accumulate(self.tops, max))
        self.top = self.reaches[-1] if self.reaches else -math.inf

    def split(self) -> list[_Group[EntryType]]:
        half = len(self.runs) // 2
        return [
            _Group(self.starts[part], self.tops[part], self.runs[part]) for part in (slice(half), slice(half, None))
        ]


class RangeIndex(Generic[EntryType]):
    """Closed intervals, each with an entry; an entry may have several, and intervals may be equal."""

    __slots__ = ("_groups", "_lows", "_reaches", "_starts")

    def __init__(self) -> None:
        self._groups: list[_Group[EntryType]] = []
        self._starts: list[Bounds] = []
        self._lows: list[float] = []
        self._reaches: list[float] = []

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, low: float, high: float, entry: EntryType) -> None:
        """Add an interval."""
        if not self._groups:
            self._groups.append(_Group([(low, high)], [high], [[(low, high, entry)]]))
            self._starts.append((low, high))
            self._measure()
            return
        position = max(bisect_right(self._starts, (low, high)) - 1, 0)
        group = self._groups[position]
        group.add(low, high, entry)
        if (low, high) < self._starts[position]:
            self._starts[position] = (low, high)
            self._lows[position] = low
        _raise(self._reaches, position, high)
        if len(group.runs) > GROUP_SIZE:
            halves = group.split()
            self._groups[position : position + 1] = halves
            self._starts[position : position + 1] = [part.starts[0] for part in halves]
            self._measure()

    def remove(self, low: float, high: float, entry: EntryType) -> None:
        """Remove an interval.

        Raises:
            KeyError: It is not here.
        """
        position = max(bisect_left(self._starts, (low, high)) - 1, 0)
        while position < len(self._starts) and self._starts[position] <= (low, high):
            group = self._groups[position]
            top = group.top
            if group.remove(low, high, entry):
                if not group.runs:
                    del self._groups[position], self._starts[position]
                    self._measure()
                elif group.top < top:
                    self._measure()
                return
            position += 1
        raise KeyError((low, high))

    def find(self, number: float) -> list[EntryType]:
        """Return the entries of all intervals that hold a number."""
        found: list[EntryType] = []
        for group in self._groups[bisect_left(self._reaches, number) : bisect_right(self._lows, number)]:
            if group.top >= number:
                tops, runs = group.tops, group.runs
                for position in range(bisect_left(group.reaches, number), bisect_right(group.lows, number)):
                    if tops[position] >= number:
                        found += [entry for low, high, entry in runs[position] if low <= number <= high]
        return found

    def _measure(self) -> None:
        self._lows = [low for low, _ in self._starts]
        self._reaches = list(accumulate((group.top for group in self._groups), max))


def _bounds(item: tuple[float, float, object]) -> Bounds:
    return item[0], item[1]


def _raise(reaches: list[float], position: int, high: float) -> None:
    """Note that there is an interval up to here, at a position."""
    while position < len(reaches) and reaches[position] < high:
        reaches[position] = high
        position += 1


def _top(run: list[tuple[float, float, EntryType]]) -> float:
    return max(item[1] for item in run)
