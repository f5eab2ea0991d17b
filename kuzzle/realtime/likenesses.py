"""Objects and arrays that a value must be like, and many of them held against one value.

An object is like a pattern when it has every key of the pattern with a value like the pattern's; more keys are
fine. An array is when each element of the pattern finds one of its own: they choose in their order, and the first
that fits is taken. Scalars are themselves, by type and value.

An index files each pattern under one scalar that a value must hold at one place to be like it; patterns without
such a scalar are always tried.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, Generic, NamedTuple, TypeVar

EntryType = TypeVar("EntryType")

_NUMBERS: Final = (int, float)
_ScalarKey = tuple[type, Any]


class _Spot(NamedTuple):
    """Where a scalar stands: below these keys, there itself or as an element of an array."""

    keys: tuple[str, ...]
    is_element: bool


class Likeness:
    """An object or array that others are held against.

    Attributes:
        kind: `dict` or `list`: what is like it is one too.
        key: Its whole content, the same for equal ones only.
        scalar: A scalar that everything like it holds, and where; None when it has none.
    """

    __slots__ = ("_pattern", "key", "kind", "scalar")

    def __init__(self, pattern: dict[str, Any] | list[Any]) -> None:
        self._pattern = _plain(pattern)
        self.kind = type(pattern)
        self.key = json.dumps(self._pattern, sort_keys=True)
        self.scalar = next(_scalars(self._pattern, ()), None)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Likeness) and self.key == other.key

    def is_like(self, value: Any) -> bool:
        """Tell whether a value is like it."""
        return _is_like(self._pattern, value)


class LikenessIndex(Generic[EntryType]):
    """Patterns, each with an entry; an entry may have several."""

    __slots__ = ("_always", "_by_spot")

    def __init__(self) -> None:
        self._always: dict[tuple[Likeness, EntryType], None] = {}
        self._by_spot: dict[_Spot, dict[_ScalarKey, dict[tuple[Likeness, EntryType], None]]] = {}

    def __bool__(self) -> bool:
        return bool(self._always or self._by_spot)

    def add(self, likeness: Likeness, entry: EntryType) -> None:
        """Add a pattern."""
        if likeness.scalar is None:
            self._always[likeness, entry] = None
        else:
            spot, scalar = likeness.scalar
            self._by_spot.setdefault(spot, {}).setdefault(scalar, {})[likeness, entry] = None

    def remove(self, likeness: Likeness, entry: EntryType) -> None:
        """Take a pattern back that was added.

        Raises:
            KeyError: It is not here.
        """
        if likeness.scalar is None:
            del self._always[likeness, entry]
            return
        spot, scalar = likeness.scalar
        there = self._by_spot[spot]
        del there[scalar][likeness, entry]
        if not there[scalar]:
            del there[scalar]
        if not there:
            del self._by_spot[spot]

    def find(self, value: Any) -> list[EntryType]:
        """Return the entry of each pattern that a value is like."""
        found = [entry for likeness, entry in self._always if likeness.is_like(value)]
        for spot, there in self._by_spot.items():
            for scalar in _scalars_at(spot, value):
                found += [entry for likeness, entry in there.get(scalar, ()) if likeness.is_like(value)]
        return found


def _is_like(pattern: Any, value: Any) -> bool:
    if type(pattern) is dict:
        return type(value) is dict and all(
            name in value and _is_like(part, value[name]) for name, part in pattern.items()
        )
    if type(pattern) is list:
        return type(value) is list and _has_all(pattern, value)
    return not isinstance(value, dict | list) and _scalar_key(pattern) == _scalar_key(value)


def _has_all(patterns: list[Any], values: list[Any]) -> bool:
    left = list(values)
    for pattern in patterns:
        place = next((place for place, value in enumerate(left) if _is_like(pattern, value)), None)
        if place is None:
            return False
        del left[place]
    return True


def _scalar_key(value: Any) -> _ScalarKey:
    kind = type(value)
    return (int if kind in _NUMBERS else kind), value


def _plain(pattern: Any) -> Any:
    """Copy a pattern; a number without fraction becomes an int."""
    if isinstance(pattern, dict):
        return {name: _plain(part) for name, part in pattern.items()}
    if isinstance(pattern, list):
        return [_plain(part) for part in pattern]
    return int(pattern) if type(pattern) is float and pattern.is_integer() else pattern


def _scalars(pattern: Any, keys: tuple[str, ...]) -> Iterator[tuple[_Spot, _ScalarKey]]:
    if isinstance(pattern, dict):
        for name in sorted(pattern):
            yield from _scalars(pattern[name], (*keys, name))
    elif isinstance(pattern, list):
        for part in pattern:
            if not isinstance(part, dict | list):
                yield _Spot(keys, True), _scalar_key(part)
    else:
        yield _Spot(keys, False), _scalar_key(pattern)


def _scalars_at(spot: _Spot, value: Any) -> set[_ScalarKey]:
    for key in spot.keys:
        if type(value) is not dict or key not in value:
            return set()
        value = value[key]
    if spot.is_element:
        elements = value if type(value) is list else ()
        return {_scalar_key(element) for element in elements if not isinstance(element, dict | list)}
    return set() if isinstance(value, dict | list) else {_scalar_key(value)}
