"""The clauses of filters: each asks one thing about the value of one field.

Types are strict: `1`, `"1"` and `true` are three values, and only `1` and `1.0` are the same one. A
clause may be negated; it then holds whenever its positive form does not, also when the field is absent
or of another type. Numbers are compared exactly, whatever their size.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

from kuzzle.realtime.likenesses import Likeness
from kuzzle.realtime.places import find_place
from kuzzle.realtime.regexps import Pattern, encoded
from kuzzle.realtime.shapes import Shape

Scalar = str | int | float | bool | None
Document = Mapping[str, Any]
"""A document as filters see it: field path to value."""

ABSENT: Final = object()
"""Stands for the value of a field that a document does not have."""

NUMBERS: Final = (int, float)
EVERY_KIND: Final[frozenset[type]] = frozenset((str, int, float, bool, type(None), list, dict))
_KINDS: Final[Mapping[type, str]] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
# From here on every float is an integer, and not every integer is a float.
_LAST_EXACT: Final = 2**53


class Clause(ABC):
    """One question about one field.

    Attributes:
        field: Dotted path of the field.
        is_negated: True when the clause holds if its positive form does not.
        key: Its whole content, the same for equal clauses only; sorts clauses of every sort, positive
            ones first, then by how few documents they tend to accept.
    """

    __slots__ = ("_hash", "field", "is_negated", "key")

    rank: ClassVar[int]
    """Place of the operator among the others, the most selective first: equals 0, array element 1,
    exists 2, shapes 3, range 4, regexp 5, no place 6, likeness 7."""
    breadth: float = 0
    """Compares clauses of the same rank: the narrower tends to accept fewer documents."""

    def __init__(self, field: str, *operand: Scalar, is_negated: bool = False) -> None:
        self.field = field
        self.is_negated = is_negated
        self.key = (is_negated, self.rank, field, *operand)
        self._hash = hash(self.key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clause) and self.key == other.key

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.key}"

    @property
    @abstractmethod
    def kinds(self) -> frozenset[type]:
        """The types of which a value may satisfy the positive form; not asked of Equals."""

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Tell whether the positive form holds for a value of the field, which may be ABSENT."""

    @abstractmethod
    def negation(self) -> Self:
        """Return the clause that holds when this one does not."""

    def holds(self, value: Any) -> bool:
        """Tell whether the clause, negated or not, holds for a value of the field, which may be ABSENT."""
        return self.accepts(value) is not self.is_negated

    def holds_in(self, document: Document) -> bool:
        """Tell whether the clause holds in a document."""
        return self.accepts(document.get(self.field, ABSENT)) is not self.is_negated


class _ValueClause(Clause):
    """A clause about one scalar.

    Attributes:
        value: The scalar; a number without fraction is an int.
        types: Python types of equal values.
    """

    __slots__ = ("types", "value")

    def __init__(self, field: str, value: Scalar, *, is_negated: bool = False) -> None:
        if type(value) is float and value.is_integer():
            value = int(value)
        kind = type(value)
        super().__init__(field, _KINDS[kind], value, is_negated=is_negated)
        self.value = value
        self.types: tuple[type, ...] = NUMBERS if kind in NUMBERS else (kind,)

    def negation(self) -> Self:
        return type(self)(self.field, self.value, is_negated=not self.is_negated)


class Equals(_ValueClause):
    """The field holds exactly this scalar; an absent field equals nothing, not even null."""

    __slots__ = ()
    rank = 0

    @property
    def kinds(self) -> frozenset[type]:
        return frozenset(self.types)

    def accepts(self, value: Any) -> bool:
        return type(value) in self.types and value == self.value


class HasElement(_ValueClause):
    """The field is an array that holds this scalar."""

    __slots__ = ()
    rank = 1
    kinds = frozenset((list,))

    def accepts(self, value: Any) -> bool:
        return type(value) is list and any(type(item) in self.types and item == self.value for item in value)


class Exists(Clause):
    """The document has the field, whatever it holds: null, empty texts, lists and objects too."""

    __slots__ = ()
    rank = 2
    kinds = EVERY_KIND

    def accepts(self, value: Any) -> bool:
        return value is not ABSENT

    def negation(self) -> Exists:
        return Exists(self.field, is_negated=not self.is_negated)


class InRange(Clause):
    """The field holds a number between two bounds, both included; infinities leave a side open."""

    __slots__ = ("breadth", "high", "low")
    rank = 4
    kinds: frozenset[type] = frozenset(NUMBERS)

    def __init__(self, field: str, low: float, high: float, *, is_negated: bool = False) -> None:
        low, high = _plain(low), _plain(high)
        super().__init__(field, low, high, is_negated=is_negated)
        self.low = low
        self.high = high
        self.breadth = high - low

    def accepts(self, value: Any) -> bool:
        return type(value) in NUMBERS and self.low <= value <= self.high

    def negation(self) -> InRange:
        return InRange(self.field, self.low, self.high, is_negated=not self.is_negated)


class InShape(Clause):
    """The field is a point inside a shape."""

    __slots__ = ("shape",)
    rank = 3
    kinds: frozenset[type] = frozenset((str, list, dict))

    def __init__(self, field: str, shape: Shape, *, is_negated: bool = False) -> None:
        super().__init__(field, *shape.key, is_negated=is_negated)
        self.shape = shape

    def accepts(self, value: Any) -> bool:
        place = None if value is ABSENT else find_place(value)
        return place is not None and self.shape.holds(place)

    def negation(self) -> InShape:
        return InShape(self.field, self.shape, is_negated=not self.is_negated)


class Unplaceable(Clause):
    """The field holds something that is no point: not inside a shape, and not outside of one either.

    What counts as nothing (absent, null, false, zero, an empty text) is outside of every shape.
    """

    __slots__ = ()
    rank = 6
    kinds = EVERY_KIND

    def accepts(self, value: Any) -> bool:
        if value is ABSENT or value is None or value is False or value == "":
            return False
        if type(value) in NUMBERS and value == 0:
            return False
        return find_place(value) is None

    def negation(self) -> Unplaceable:
        return Unplaceable(self.field, is_negated=not self.is_negated)


class MatchesRegexp(Clause):
    """The field is a text in which a pattern is found."""

    __slots__ = ("pattern",)
    rank = 5
    kinds = frozenset((str,))

    def __init__(self, field: str, pattern: Pattern, *, is_negated: bool = False) -> None:
        super().__init__(field, pattern.source, pattern.flags, is_negated=is_negated)
        self.pattern = pattern

    def accepts(self, value: Any) -> bool:
        return type(value) is str and self.pattern.is_found_in(encoded(value))

    def negation(self) -> MatchesRegexp:
        return MatchesRegexp(self.field, self.pattern, is_negated=not self.is_negated)


class Resembles(Clause):
    """The field is an object or an array like another one."""

    __slots__ = ("likeness",)
    rank = 7

    def __init__(self, field: str, likeness: Likeness, *, is_negated: bool = False) -> None:
        super().__init__(field, likeness.key, is_negated=is_negated)
        self.likeness = likeness

    @property
    def kinds(self) -> frozenset[type]:
        return frozenset((self.likeness.kind,))

    def accepts(self, value: Any) -> bool:
        return self.likeness.is_like(value)

    def negation(self) -> Resembles:
        return Resembles(self.field, self.likeness, is_negated=not self.is_negated)


def above(bound: float) -> float:
    """Return the lowest number greater than a bound, among all a document can hold."""
    return math.nextafter(bound, math.inf) if abs(bound) < _LAST_EXACT else int(bound) + 1


def below(bound: float) -> float:
    """Return the highest number smaller than a bound, among all a document can hold."""
    return math.nextafter(bound, -math.inf) if abs(bound) < _LAST_EXACT else int(bound) - 1


def _plain(number: float) -> float:
    return int(number) if type(number) is float and number.is_integer() else number
