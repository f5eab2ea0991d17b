"""Clauses that are found by a search instead of a look-up: ranges, shapes, regular expressions and likenesses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from kuzzle.realtime.likenesses import LikenessIndex
from kuzzle.realtime.operators import NUMBERS, Clause, Document, InRange, InShape, MatchesRegexp, Resembles
from kuzzle.realtime.places import find_place
from kuzzle.realtime.ranges import RangeIndex
from kuzzle.realtime.regexps import RegexpIndex
from kuzzle.realtime.shape_index import ShapeIndex

EntryType = TypeVar("EntryType")


class _Index(Protocol):
    """Operands of clauses, each with an entry."""

    def __bool__(self) -> bool: ...

    def add(self, *operand_and_entry: Any) -> None: ...

    def remove(self, *operand_and_entry: Any) -> None: ...

    def find(self, value: Any) -> list[Any]: ...


class _Kind(NamedTuple):
    """How the clauses of one kind are indexed.

    Attributes:
        make: Makes an index of them.
        operand: What a clause gives the index.
        read: What the index is asked for a value of the field; None when no clause can hold.
    """

    make: Callable[[], _Index]
    operand: Callable[[Any], tuple[Any, ...]]
    read: Callable[[Any], Any]


def _number(value: Any) -> float | None:
    return value if type(value) in NUMBERS else None


def _text(value: Any) -> str | None:
    return value if type(value) is str else None


def _container(value: Any) -> dict[str, Any] | list[Any] | None:
    return value if type(value) is dict or type(value) is list else None


KINDS: Final[Mapping[type[Clause], _Kind]] = {
    InRange: _Kind(RangeIndex, lambda clause: (clause.low, clause.high), _number),
    InShape: _Kind(ShapeIndex, lambda clause: (clause.shape,), find_place),
    MatchesRegexp: _Kind(RegexpIndex, lambda clause: (clause.pattern,), _text),
    Resembles: _Kind(LikenessIndex, lambda clause: (clause.likeness,), _container),
}


class Searches(Generic[EntryType]):
    """Terms that begin with clauses of one kind: those that end there, and those of which the rest is tested."""

    __slots__ = ("_ending", "_kind", "_tested")

    def __init__(self, kind: _Kind) -> None:
        self._kind = kind
        self._ending: _Index | None = None
        self._tested: _Index | None = None

    @property
    def is_empty(self) -> bool:
        return self._ending is None and self._tested is None

    def add(self, clause: Clause, rest: tuple[Clause, ...], entry: EntryType) -> None:
        if rest:
            self._tested = self._tested or self._kind.make()
            self._tested.add(*self._kind.operand(clause), (rest, entry))
        else:
            self._ending = self._ending or self._kind.make()
            self._ending.add(*self._kind.operand(clause), entry)

    def remove(self, clause: Clause, rest: tuple[Clause, ...], entry: EntryType) -> None:
        index = self._tested if rest else self._ending
        if index is None:
            raise KeyError(clause)
        index.remove(*self._kind.operand(clause), (rest, entry) if rest else entry)
        if not index:
            if rest:
                self._tested = None
            else:
                self._ending = None

    def find(self, value: Any) -> list[EntryType]:
        """Return what a value of the field finds."""
        asked = self._kind.read(value)
        return [] if asked is None or self._ending is None else self._ending.find(asked)

    @property
    def has_tested(self) -> bool:
        """Whether there are terms of which the rest is tested."""
        return self._tested is not None

    def find_tested(self, value: Any) -> list[tuple[tuple[Clause, ...], EntryType]]:
        """Return what a value of the field finds if the rest holds too."""
        asked = self._kind.read(value)
        return [] if asked is None or self._tested is None else self._tested.find(asked)


def all_hold(clauses: Sequence[Clause], document: Document) -> bool:
    """Tell whether every clause holds in a document."""
    for clause in clauses:  # noqa: SIM110 - a generator would cost more than the tests
        if not clause.holds_in(document):
            return False
    return True
