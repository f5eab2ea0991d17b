"""Look-ups in the table of values, and how many rows they find.

A look-up can stand in a statement in two forms: as the set of all rids it finds, which is made once, or as a question
about each document. Which is cheaper depends on how many documents are left to ask about, so rows are counted before
the statement is made: along the index, and never further than it matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw

from kuzzle.storage.fields import Field
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.expressions import EVERYTHING, joined

# Rows that are counted in turn of each look-up until one ends: the total is some times what the smallest has. Each
# count begins anew, so that few large steps take less time where all have many.
_STEPS: Final = (64, 1024, 16_384, 131_072, 1 << 20)
# Rids that a search keeps at most: 5 MB.
MOST_KEPT: Final = 131_072
# Asking about a document costs as much as putting so many rows into a set.
ASKING_COSTS: Final = 4
# Sets that one statement meets, and leaves out; SQLite takes 500 in all.
_MOST_SETS: Final = 99


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows of one field.

    Attributes:
        number: Of the field.
        where: The condition on the rows.
        is_one_value: They all have the same value, and so are in the order of documents.
        is_single: No document has two of them.
        words: The parameters that stand for their values, where these are a few words.
    """

    number: int
    where: str
    is_one_value: bool
    is_single: bool
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Led:
    """A condition that few documents can match: those that a look-up finds.

    Attributes:
        others: Look-ups that must find them too.
        without: Look-ups that must not find them.
        rest: What must hold besides; None when nothing must.
        size: How many the look-up finds.
        joined: The statement that gives the rids of all that match, and what their scores are made of
            (`Relevance.along`), where the look-up's rows are joined with others.
    """

    lookup: Lookup
    others: tuple[Lookup, ...]
    without: tuple[Lookup, ...]
    rest: str | None
    size: int
    joined: str | None = None

    @property
    def is_alone(self) -> bool:
        """True when what the look-up finds is all that matches."""
        return not self.others and not self.without and self.rest is None


class Lookups:
    """The look-ups of one translation, known by their form as a set."""

    def __init__(self, connection: apsw.Connection, state: CollectionState, values: dict[str, Any]) -> None:
        """`values` is what the statements' parameters are bound to."""
        self._connection = connection
        self._state = state
        self._table = state.values_table
        self._values = values
        self._known: dict[str, Lookup] = {}
        self._led: dict[str, Led] = {}
        self._single: dict[int, bool] = {}
        self._counted: dict[str, tuple[int, bool]] = {}

    def is_single(self, field: Field) -> bool:
        """Tell whether no document, or nested object, has more than one value of a field."""
        number = self._state.field_numbers[field.key]
        if field.type == "text":
            return False
        if number not in self._single:
            statement = f"SELECT count(*) FROM {self._state.several_table} WHERE field = ?"
            self._single[number] = self._connection.execute(statement, (number,)).get == 0
        return self._single[number]

    def condition(
        self, field: Field, condition: str, *, is_one_value: bool, words: tuple[str, ...], asks_each: bool
    ) -> str:
        """Return the condition that `d` has a row of a field.

        Args:
            condition: What the row must be like; empty: like anything.
            is_one_value, words: As in `Lookup`.
            asks_each: As a question about each document, not as a set.
        """
        number = self._state.field_numbers[field.key]
        where = f"field = {number} AND {condition}" if condition else f"field = {number}"
        if asks_each:
            return f"EXISTS (SELECT 1 FROM {self._table} WHERE rid = d.rid AND {where})"
        lookup = Lookup(number, where, is_one_value, is_one_value or self.is_single(field), words)
        text = f"d.rid IN ({self._rids(lookup)})"
        # What calls back into Python is not counted: that could take longer than the search.
        if "accepts_term" not in condition:
            self._known[text] = lookup
        return text

    def rids(self, led: Led) -> str:
        """Return the statement that gives the rids of a condition, but for its rest.

        SQLite sorts both sides of an INTERSECT or EXCEPT and goes along them together. Rows of one value are in order
        already; to sort the others takes longer than all the rest. So where only one look-up has such rows, these are
        walked as they come, and each rid is looked for in the set of what the others leave.
        """
        walked = _walked(led)
        if walked is None:
            return self._met((led.lookup, *led.others), led.without)
        # The plus keeps SQLite from seeking each rid of the set among the rows that are walked: that takes six times as
        # long for sets of 10,000.
        others = [other for other in (led.lookup, *led.others) if other is not walked]
        if others:
            return f"{self._rids(walked)} AND +rid IN ({self._met(others, led.without)})"
        tests = (f"NOT +rid IN ({self._rids(other)})" for other in led.without)
        return " AND ".join([self._rids(walked), *tests])

    def is_in_order(self, led: Led) -> bool:
        """Tell whether that statement gives the rids of several look-ups in their order."""
        return _walked(led) is None

    def _met(self, lookups: Sequence[Lookup], without: Sequence[Lookup]) -> str:
        parts = [" INTERSECT ".join(map(self._rids, lookups)), *map(self._rids, without)]
        return " EXCEPT ".join(parts)

    def tests(self, led: Led) -> str:
        """Return what must hold of the rids of a look-up, as tests of each of them; empty when nothing must."""
        # The plus keeps SQLite from going through these sets instead.
        parts = [f"+d.rid IN ({self._rids(other)})" for other in led.others]
        parts += [f"NOT d.rid IN ({self._rids(other)})" for other in led.without]
        return " AND ".join([*parts, led.rest] if led.rest is not None else parts)

    def _rids(self, lookup: Lookup) -> str:
        return f"SELECT rid FROM {self._table} WHERE {lookup.where}"

    def lead(self, condition: str) -> Led | None:
        """Return the look-up that finds all that match a condition, None where there is no single one."""
        lookup = self._known.get(condition)
        return self._led.get(condition) if lookup is None else Led(lookup, (), (), None, 0)

    def led_by(
        self,
        leader: str,
        size: int,
        others: Sequence[str] = (),
        without: Sequence[str] = (),
        rest: str = EVERYTHING,
        joined_rows: str | None = None,
    ) -> str:
        """Return the condition that a look-up of so many documents, others and a rest hold together.

        Args:
            others, without: Look-ups that must and must not find a document.
            joined_rows: As in `Led`.
        """
        too_many = [*others[_MOST_SETS:], *(f"NOT {other}" for other in without[_MOST_SETS:])]
        asked = joined([rest, *too_many], "AND") if too_many else rest
        led = Led(
            self._known[leader],
            tuple(self._known[other] for other in others[:_MOST_SETS]),
            tuple(self._known[other] for other in without[:_MOST_SETS]),
            None if asked == EVERYTHING else asked,
            size,
            joined_rows,
        )
        if led.is_alone:
            return leader
        found = f"d.rid IN ({self.rids(led)})"
        condition = found if led.rest is None else f"({found} AND {led.rest})"
        self._led[condition] = led
        return condition

    def is_known(self, condition: str) -> bool:
        """Tell whether a condition is a single look-up."""
        return condition in self._known

    def size(self, condition: str, limit: int) -> int | None:
        """Return how many match a condition at most, or a number above the limit; None where that is not known."""
        led = self._led.get(condition)
        if led is not None:
            return led.size
        lookup = self._known.get(condition)
        if lookup is None:
            return None
        count, is_all = self._counted.get(condition, (0, False))
        if is_all or count > limit:
            return count
        statement = f"SELECT count(*) FROM (SELECT 1 FROM {self._table} WHERE {lookup.where} LIMIT :lookup_limit)"
        for (count,) in self._connection.execute(statement, {**self._values, "lookup_limit": limit + 1}):
            self._counted[condition] = (count, count <= limit)
        return self._counted[condition][0]

    def smallest(self, conditions: Sequence[str]) -> tuple[int, int] | None:
        """Return which of some conditions is a look-up that finds least, and how much; None where all find much."""
        known = [place for place, condition in enumerate(conditions) if condition in self._known]
        for limit in _STEPS if known else ():
            sizes = [(self.size(conditions[place], limit) or 0, place) for place in known]
            size, place = min(sizes)
            if size <= limit:
                return place, size
        return None


def _walked(led: Led) -> Lookup | None:
    """Return the look-up whose rows are better walked than sorted, None where there is no single one."""
    unordered = [lookup for lookup in (led.lookup, *led.others, *led.without) if not lookup.is_one_value]
    if len(unordered) != 1 or not unordered[0].is_single or unordered[0] in led.without:
        return None
    return unordered[0]
