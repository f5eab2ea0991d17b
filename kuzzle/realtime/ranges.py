"""Intervals found by a number they hold.

Intervals lie in runs of some dozens, sorted by their bounds from run to run but not inside one; runs
lie in groups. Each run and group knows its highest bound. So a search is a binary search for the runs
that begin low enough, a comparison for each of them, and one list comprehension for each that can hold
the number; adding and removing touch one run.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import Final, Generic, TypeVar

EntryType = TypeVar("EntryType")
Bounds = tuple[float, float]

RUN_SIZE: Final = 48
GROUP_SIZE: Final = 48


class _Group(Generic[EntryType]):
    """Neighbouring runs. `starts` are lower bounds (low, high) of what each run holds, `tops` the highest
    upper bound in each, `top` the highest of those."""

    __slots__ = ("runs", "starts", "top", "tops")

    def __init__(
        self, starts: list[Bounds], tops: list[float], runs: list[list[tuple[float, float, EntryType]]]
    ) -> None:
        self.starts = starts
        self.tops = tops
        self.runs = runs
        self.top = max(tops)

    def add(self, low: float, high: float, entry: EntryType) -> None:
        position = max(bisect_right(self.starts, (low, high)) - 1, 0)
        run = self.runs[position]
        run.append((low, high, entry))
        self.starts[position] = min(self.starts[position], (low, high))
        self.tops[position] = max(self.tops[position], high)
        self.top = max(self.top, high)
        if len(run) > RUN_SIZE:
            run.sort(key=_bounds)
            half = len(run) // 2
            halves = [run[:half], run[half:]]
            self.runs[position : position + 1] = halves
            self.starts[position : position + 1] = [_bounds(part[0]) for part in halves]
            self.tops[position : position + 1] = [_top(part) for part in halves]

    def remove(self, low: float, high: float, entry: EntryType) -> bool:
        """Remove an interval; False when it is not here. May leave the group empty."""
        position = max(bisect_left(self.starts, (low, high)) - 1, 0)
        while position < len(self.starts) and self.starts[position] <= (low, high):
            run = self.runs[position]
            if (low, high, entry) in run:
                run.remove((low, high, entry))
                if not run:
                    del self.runs[position], self.starts[position], self.tops[position]
                elif high == self.tops[position]:
                    self.tops[position] = _top(run)
                self.top = max(self.tops, default=-math.inf)
                return True
            position += 1
        return False

    def split(self) -> list[_Group[EntryType]]:
        half = len(self.runs) // 2
        return [
            _Group(self.starts[part], self.tops[part], self.runs[part]) for part in (slice(half), slice(half, None))
        ]


class RangeIndex(Generic[EntryType]):
    """Closed intervals, each with an entry; an entry may have several, and intervals may be equal."""

    __slots__ = ("_groups", "_starts")

    def __init__(self) -> None:
        self._groups: list[_Group[EntryType]] = []
        self._starts: list[Bounds] = []

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, low: float, high: float, entry: EntryType) -> None:
        """Add an interval."""
        if not self._groups:
            self._groups.append(_Group([(low, high)], [high], [[(low, high, entry)]]))
            self._starts.append((low, high))
            return
        position = max(bisect_right(self._starts, (low, high)) - 1, 0)
        group = self._groups[position]
        group.add(low, high, entry)
        self._starts[position] = min(self._starts[position], (low, high))
        if len(group.runs) > GROUP_SIZE:
            halves = group.split()
            self._groups[position : position + 1] = halves
            self._starts[position : position + 1] = [part.starts[0] for part in halves]

    def remove(self, low: float, high: float, entry: EntryType) -> None:
        """Remove an interval.

        Raises:
            KeyError: It is not here.
        """
        position = max(bisect_left(self._starts, (low, high)) - 1, 0)
        while position < len(self._starts) and self._starts[position] <= (low, high):
            group = self._groups[position]
            if group.remove(low, high, entry):
                if not group.runs:
                    del self._groups[position], self._starts[position]
                return
            position += 1
        raise KeyError((low, high))

    def find(self, number: float) -> list[EntryType]:
        """Return the entries of all intervals that hold a number."""
        found: list[EntryType] = []
        place = (number, math.inf)
        for group in self._groups[: bisect_right(self._starts, place)]:
            if group.top >= number:
                for top, run in zip(group.tops[: bisect_right(group.starts, place)], group.runs, strict=False):
                    if top >= number:
                        found += [entry for low, high, entry in run if low <= number <= high]
        return found


def _bounds(item: tuple[float, float, object]) -> Bounds:
    return item[0], item[1]


def _top(run: list[tuple[float, float, EntryType]]) -> float:
    return max(item[1] for item in run)
