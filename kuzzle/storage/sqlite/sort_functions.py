"""Functions of SQL that sorts call: what is made of several whole numbers must not lose digits, nor overflow."""

from __future__ import annotations

import statistics
from typing import Any, Final

import apsw

_LEAST: Final = -(1 << 63)
_GREATEST: Final = (1 << 63) - 1


def add_sort_functions(connection: apsw.Connection) -> None:
    """Give a connection the functions."""
    for function in (_WholeSum, _WholeAverage, _WholeMedian, _RealMedian):
        connection.create_aggregate_function(function.name, function, 1)


class _Numbers:
    """Gathers the numbers of one document."""

    def __init__(self) -> None:
        self._numbers: list[float] = []

    def step(self, *arguments: Any) -> None:
        """Take one."""
        self._numbers.append(arguments[0])


class _WholeSum(_Numbers):
    """The sum of whole numbers; what is beyond 64 bits is the last number within."""

    name = "whole_sum"

    def final(self) -> int | None:
        """Return the sum, None of nothing."""
        return int(min(max(sum(self._numbers), _LEAST), _GREATEST)) if self._numbers else None


class _WholeAverage(_Numbers):
    """The average of whole numbers; a half is rounded up, as Elasticsearch does."""

    name = "whole_average"

    def final(self) -> int | None:
        """Return the average, None of nothing."""
        count = len(self._numbers)
        return int((2 * sum(self._numbers) + count) // (2 * count)) if count else None


class _RealMedian(_Numbers):
    """The number in the middle, or half-way between the two there."""

    name = "real_median"

    def final(self) -> float | None:
        """Return the median, None of nothing."""
        return float(statistics.median(self._numbers)) if self._numbers else None


class _WholeMedian(_Numbers):
    """The same of whole numbers; a half is rounded up, as Elasticsearch does."""

    name = "whole_median"

    def final(self) -> int | None:
        """Return the median, None of nothing."""
        if not self._numbers:
            return None
        low, high = statistics.median_low(self._numbers), statistics.median_high(self._numbers)
        return int((low + high + 1) // 2)
