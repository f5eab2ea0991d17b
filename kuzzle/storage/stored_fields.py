"""Values of fields whose mapping says `store`: as they were written, coerced to their type, also by `copy_to`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kuzzle.errors import KuzzleError
from kuzzle.storage.date_text import date_text
from kuzzle.storage.dates import DEFAULT_FORMAT
from kuzzle.storage.doc_values import shown_value
from kuzzle.storage.fields import Field
from kuzzle.storage.mapping import Mapping as FieldMapping
from kuzzle.storage.values import index_value, text_of


class StoredFields:
    """Reads the stored fields that a search names out of contents."""

    def __init__(self, mapping: FieldMapping, patterns: tuple[str, ...]) -> None:
        """`patterns` are paths; `*` stands for any characters. What is not stored is shown by none of them."""
        parents = {subfield.path: field for field in mapping.fields.values() for subfield in field.subfields}
        self._fields: list[tuple[Field, list[Field]]] = []
        for field in mapping.fields.values():
            is_stored = field.definition.get("store") in (True, "true", "yes")
            if field.is_hidden or not is_stored or not any(_is_like(field.path, pattern) for pattern in patterns):
                continue
            own = parents.get(field.path, field)
            copied = [other for other in mapping.fields.values() if own.path in other.copy_to]
            self._fields.append((field, [own, *copied]))

    def values(self, content: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Return the values by the paths of their fields; fields without any are left out."""
        found: dict[str, list[Any]] = {}
        for field, origins in self._fields:
            values = [
                shown
                for origin in origins
                for value in _values(content, origin.path.split("."), origin)
                if (shown := _shown(field, value)) is not None
            ]
            if values:
                found[field.path] = values
        return found


def _is_like(path: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, re.split(r"\*+", pattern))), path) is not None


def _values(value: Any, path: list[str], field: Field) -> Iterator[Any]:
    """Yield the values below a path; a name of an object may itself be dotted."""
    if isinstance(value, list) and not (not path and field.type == "geo_point" and _is_pair(value)):
        for item in value:
            yield from _values(item, path, field)
    elif isinstance(value, dict) and path:
        for length in range(1, len(path) + 1):
            name = ".".join(path[:length])
            if name in value:
                yield from _values(value[name], path[length:], field)
    elif not path:
        value = field.definition.get("null_value") if value is None else value
        if value is not None:
            yield value


def _is_pair(value: list[Any]) -> bool:
    return len(value) in (2, 3) and all(isinstance(part, int | float) for part in value)


def _shown(field: Field, value: Any) -> Any:
    """Return a value as hits show it; None for what the field does not take."""
    try:
        if field.type == "text":
            return text_of(field, value)
        indexed = index_value(field, value)
    except KuzzleError:
        return None  # the document was written under another mapping
    if field.type == "binary":
        return value
    if field.type == "date" and isinstance(indexed, int):
        return date_text(indexed, field.definition.get("format", DEFAULT_FORMAT))
    return None if indexed is None else shown_value(field, indexed)
