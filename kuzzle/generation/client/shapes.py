"""JSON Schemas as shapes of values: what types of a programming language can say of them.

Patterns, bounds and conditions are left out: the server checks them, and no type does. An object with named
members becomes a record with a name of its own, that of its definition or of the place it stands at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

Schema = Mapping[str, Any]
PlainName: TypeAlias = Literal["any", "string", "integer", "number", "boolean", "null"]

_WORD: Final = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Plain:
    """A value without parts."""

    name: PlainName


@dataclass(frozen=True, slots=True)
class Constants:
    """One of some values: texts, integers, booleans and null."""

    values: tuple[str | int | bool | None, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Row:
    """A list with a shape for each place."""

    items: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with any members."""

    value: Shape


@dataclass(frozen=True, slots=True)
class Union:
    """One of some shapes."""

    options: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A record, by name."""

    name: str


Shape: TypeAlias = Plain | Constants | ListOf | Row | MapOf | Union | Named


@dataclass(frozen=True, slots=True)
class Member:
    """A named part of a record."""

    name: str
    shape: Shape
    is_required: bool
    description: str


@dataclass(slots=True)
class Record:
    """An object with named members; an open one may have others.

    Attributes:
        is_sent: Clients make it, too; otherwise only the server does.
    """

    name: str
    description: str
    is_open: bool
    is_sent: bool
    members: list[Member] = field(default_factory=list)


ANY: Final = Plain("any")
_NULL: Final = Plain("null")
_KINDS: Final[Mapping[str, PlainName]] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


class Shapes:
    """Reads schemas, and keeps the records that come up.

    Attributes:
        records: By name, in the order they were met.
    """

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self.records: dict[str, Record] = {}
        self._definitions = definitions
        self._names: dict[str, Shape] = {}

    def read(self, schema: Any, name: str, *, is_sent: bool) -> Shape:
        """Return the shape of a schema; a record in it is called by `name`."""
        if not isinstance(schema, Mapping):
            return ANY
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._definition(reference.rpartition("/")[2], is_sent)
        if "const" in schema:
            return _constants([schema["const"]])
        if "enum" in schema:
            return _constants(schema["enum"])
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                options = schema[keyword]
                return union(
                    [self.read(each, f"{name}{_suffix(each, n)}", is_sent=is_sent) for n, each in enumerate(options)]
                )
        kinds = schema.get("type")
        if kinds is None and "properties" in schema:
            kinds = "object"
        if isinstance(kinds, list):
            return union([self._of_kind(kind, schema, name, is_sent) for kind in kinds])
        return self._of_kind(kinds, schema, name, is_sent)

    def _of_kind(self, kind: Any, schema: Schema, name: str, is_sent: bool) -> Shape:
        if kind == "object":
            return self._object(schema, name, is_sent)
        if kind == "array":
            if "prefixItems" in schema:
                parts = schema["prefixItems"]
                return Row(tuple(self.read(part, f"{name}{n}", is_sent=is_sent) for n, part in enumerate(parts, 1)))
            return ListOf(self.read(schema.get("items"), singular(name), is_sent=is_sent))
        return Plain(_KINDS[kind]) if kind in _KINDS else ANY

    def _object(self, schema: Schema, name: str, is_sent: bool) -> Shape:
        members = {key: part for key, part in schema.get("properties", {}).items() if part.get("not") != {}}
        others = schema.get("additionalProperties", {})
        if not members:
            return MapOf(ANY if others is False else self.read(others, singular(name), is_sent=is_sent))
        while name in self.records:
            name += "Part"
        record = Record(name, schema.get("description", ""), others is not False, is_sent)
        self.records[name] = record
        required = schema.get("required", ())
        for key, part in members.items():
            shape = self.read(part, name + pascal(key), is_sent=is_sent)
            record.members.append(Member(key, shape, key in required, self._description(part)))
        return Named(name)

    def _definition(self, name: str, is_sent: bool) -> Shape:
        if name not in self._names:
            called = pascal(re.sub(r"\d+$", "", name))  # the number of the generation
            self._names[name] = Named(called)  # it may lead to itself
            self._names[name] = self.read(self._definitions[name], called, is_sent=is_sent)
        return self._names[name]

    def _description(self, schema: Schema) -> str:
        """Return what a schema, or the definition it stands for, says of itself."""
        if "description" not in schema and "$ref" in schema:
            return self._description(self._definitions[schema["$ref"].rpartition("/")[2]])
        return str(schema.get("description", ""))


def union(shapes: Sequence[Shape]) -> Shape:
    """Return the shape of what has one of some shapes: each once, null last, anything if anything may be."""
    flat: list[Shape] = []
    for shape in shapes:
        flat += shape.options if isinstance(shape, Union) else (shape,)
    unique = list(dict.fromkeys(flat))
    if ANY in unique:
        return ANY
    if _NULL in unique:
        unique.remove(_NULL)
        unique.append(_NULL)
    return unique[0] if len(unique) == 1 else Union(tuple(unique))


def pascal(name: str) -> str:
    """Return a name in the form of types: `_updatedFields` becomes `UpdatedFields`."""
    return "".join(word[0].upper() + word[1:] for word in _WORD.findall(name))


def singular(name: str) -> str:
    """Return what one of several is called: `Hits` becomes `Hit`."""
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else f"{name}Item"


def _constants(values: Sequence[Any]) -> Shape:
    if all(value is None or isinstance(value, str | int) for value in values):
        return Constants(tuple(dict.fromkeys(values)))
    return ANY


def _suffix(schema: Any, number: int) -> str:
    title = schema.get("title") if isinstance(schema, Mapping) else None
    return pascal(title) if title else "" if number == 0 else str(number + 1)
