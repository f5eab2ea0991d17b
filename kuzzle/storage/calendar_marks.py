"""Cuts time at the marks of a calendar: the beginnings of years, months, days... in a zone.

A span is a unit of the calendar, whose length changes, or a number of milliseconds, counted on the clock of the zone.
"""

from __future__ import annotations

import bisect
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal

from kuzzle.storage.dates import to_millis
from kuzzle.storage.reading import bad_request

CalendarUnit = Literal["year", "quarter", "month", "week", "day", "hour", "minute", "second"]

FIXED_MS: Final = {"week": 604_800_000, "day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1000}
# Weeks begin on Monday, and 1970 began on a Thursday.
WEEK_SHIFT_MS: Final = 3 * 86_400_000
_MONTHS: Final = {"year": 12, "quarter": 3, "month": 1}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL_EPOCH: Final = datetime(1970, 1, 1)
# Marks that were found are kept, so that most dates cost one search among these.
_MAX_KNOWN: Final = 10_000


class CalendarMarks:
    """The marks of one span in one zone."""

    def __init__(self, span: CalendarUnit | int, zone: tzinfo) -> None:
        """`span` is a unit, or milliseconds."""
        self._span = span
        self._zone = zone
        self._starts: list[int] = []
        self._ends: list[int] = []

    def floor(self, millis: int) -> int:
        """Return the last mark that is not after a moment.

        Raises:
            KuzzleError: 400: the moment is beyond the calendar.
        """
        position = bisect.bisect_right(self._starts, millis) - 1
        if position >= 0 and millis < self._ends[position]:
            return self._starts[position]
        start = self._cut(millis)
        if len(self._starts) >= _MAX_KNOWN:
            self._starts.clear()
            self._ends.clear()
        position = bisect.bisect_right(self._starts, start)
        # Up to this moment at least the mark is known to hold; a neighbour may have been found from another one.
        if position and self._starts[position - 1] == start:
            self._ends[position - 1] = millis + 1
        else:
            self._starts.insert(position, start)
            self._ends.insert(position, millis + 1)
        return start

    def next(self, mark: int) -> int:
        """Return the mark after one.

        Raises:
            KuzzleError: 400: it is beyond the calendar.
        """
        try:
            local = self._local(mark)
            if self._span in _MONTHS:
                after = _add_months(local, _MONTHS[str(self._span)])
            else:
                after = local + timedelta(milliseconds=self._length_ms())
            found = self._millis(after, 0)
        except (OverflowError, ValueError):
            raise _beyond(mark) from None
        # Where clocks are put back an hour comes twice: the second is one more mark.
        return found if found > mark else mark + self._length_ms()

    def _length_ms(self) -> int:
        return self._span if isinstance(self._span, int) else FIXED_MS[self._span]

    def _cut(self, millis: int) -> int:
        try:
            local = self._local(millis)
            if self._span in _MONTHS:
                step = _MONTHS[str(self._span)]
                month = (local.month - 1) // step * step + 1
                start = local.replace(month=month, day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
                return self._millis(start, 0)
            shift = WEEK_SHIFT_MS if self._span == "week" else 0
            wall = (local.replace(fold=0) - _LOCAL_EPOCH) // timedelta(milliseconds=1)
            length = self._length_ms()
            start = _LOCAL_EPOCH + timedelta(milliseconds=(wall + shift) // length * length - shift)
            is_short = length < FIXED_MS["day"]
            found = self._millis(start, local.fold if is_short else 0)
            return found if found <= millis else self._millis(start, 0)
        except (OverflowError, ValueError):
            raise _beyond(millis) from None

    def _local(self, millis: int) -> datetime:
        return (_EPOCH + timedelta(milliseconds=millis)).astimezone(self._zone).replace(tzinfo=None)

    def _millis(self, local: datetime, fold: int) -> int:
        return to_millis(local.replace(tzinfo=self._zone, fold=fold))


def _add_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1, day=1)


def _beyond(millis: int) -> Exception:
    return bad_request(f"[date_histogram] the date [{millis}] is beyond the calendar")
