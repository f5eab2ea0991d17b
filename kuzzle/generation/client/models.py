"""Mappings of collections as records: what a document of each holds.

A mapping says of no field whether it must be there, nor whether it holds one value or a list: all may be absent, and
each is typed as one value, but for `nested` ones, which are lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kuzzle.generation.client.shapes import ANY, ListOf, MapOf, Member, Named, Plain, Record, Shape, pascal, union

Mappings = Mapping[tuple[str, str], Mapping[str, Any]]
"""Index and collection to mapping (`dynamic`, `properties`)."""

_TEXT, _INTEGER, _NUMBER = Plain("string"), Plain("integer"), Plain("number")
_SHAPES: Final[Mapping[str, Shape]] = {
    **dict.fromkeys(("text", "keyword", "string", "ip", "binary"), _TEXT),
    **dict.fromkeys(("byte", "short", "integer", "long"), _INTEGER),
    **dict.fromkeys(("half_float", "float", "double", "scaled_float"), _NUMBER),
    "boolean": Plain("boolean"),
    "date": union([_TEXT, _INTEGER]),
    "geo_point": union([_TEXT, MapOf(_NUMBER), ListOf(_NUMBER)]),
    "geo_shape": MapOf(ANY),
}


def model_records(mappings: Mappings) -> dict[str, Record]:
    """Return the records of some collections, and of the objects in their documents, by name."""
    records: dict[str, Record] = {}
    for (index, collection), mapping in sorted(mappings.items()):
        name = _unique(f"{pascal(index)}{pascal(collection)}", records)
        _add(name, f"A document of {index}/{collection}.", mapping, records)
    return records


def _add(name: str, description: str, mapping: Mapping[str, Any], records: dict[str, Record]) -> Shape:
    record = records[name] = Record(name, description, is_open=True, is_sent=False)
    record.members = list(_members(name, mapping.get("properties") or {}, records))
    return Named(name)


def _members(name: str, properties: Mapping[str, Any], records: dict[str, Record]) -> Iterator[Member]:
    for key, field in properties.items():
        shape: Shape
        if "properties" in field:
            called = _unique(f"{name}{pascal(key)}", records)
            shape = _add(called, f"What {key} holds.", field, records)
        elif field.get("type") in ("object", "nested"):
            shape = MapOf(ANY)
        else:
            shape = _SHAPES.get(field.get("type", ""), ANY)
        if field.get("type") == "nested":
            shape = ListOf(shape)
        yield Member(key, shape, False, "")


def _unique(name: str, records: Mapping[str, Record]) -> str:
    name = name if name[:1].isalpha() else f"Model{name}"
    while name in records:
        name += "Model"
    return name
