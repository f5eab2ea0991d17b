"""What the store holds: its indexes, their collections, and how each is mapped.

A catalogue never changes. The writer makes a new one with each change of its and publishes it when the
change is committed, so readers always see a whole one.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from kuzzle.storage.mapping import Mapping


class CollectionState:
    """One collection. Its mapping is compiled when it is first asked for: a start need not wait for that.

    Attributes:
        number: Names its tables.
        point_read: The statement that reads the document of an id: its version, content and where its metadata are.
        field_numbers: Key of a field, or path of a nested object, to its number in the table of values; numbers are
            never used again.
    """

    def __init__(self, name: str, number: int, definition: MappingType[str, Any], numbers: dict[str, int]) -> None:
        self.name = name
        self.number = number
        self.field_numbers = numbers
        self._definition = definition
        self.documents_table = f"documents_{number}"
        self.point_read = (
            f"SELECT version, body, metadata_start, metadata_size FROM {self.documents_table} WHERE id = ?"
        )
        self.values_table = f"values_{number}"
        self.lengths_table = f"lengths_{number}"
        self.several_table = f"several_{number}"
        self.values_index = f"values_{number}_of"

    @property
    def index_tables(self) -> tuple[str, ...]:
        """The tables that are made of the documents."""
        return self.values_table, self.lengths_table, self.several_table

    @functools.cached_property
    def mapping(self) -> Mapping:
        """How its documents are indexed."""
        return Mapping(self._definition["dynamic"], self._definition["meta"], self._definition["properties"])

    @classmethod
    def read(cls, name: str, number: int, definition: str, numbers: str) -> CollectionState:
        """Build from what `definition_text` and `numbers_text` gave."""
        return cls(name, number, orjson.loads(definition), orjson.loads(numbers))

    def with_mapping(self, mapping: Mapping) -> CollectionState:
        """Return this collection with another mapping; its new fields get numbers."""
        numbers = dict(self.field_numbers)
        copies = (copy.key for copy in mapping.copies.values())
        for key in (*mapping.fields, *mapping.nested, *copies):
            numbers.setdefault(key, len(numbers) + 1)
        definition = {"dynamic": mapping.dynamic, "meta": mapping.meta, "properties": mapping.properties}
        changed = CollectionState(self.name, self.number, definition, numbers)
        changed.__dict__["mapping"] = mapping
        return changed

    def definition_text(self) -> str:
        """Return the mapping as it is stored."""
        return orjson.dumps(self._definition).decode()

    def numbers_text(self) -> str:
        """Return the numbers of the fields as they are stored."""
        return orjson.dumps(self.field_numbers).decode()


@dataclass(frozen=True, slots=True)
class IndexState:
    """One index and its collections by name."""

    number: int
    collections: MappingType[str, CollectionState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The indexes by name."""

    indexes: MappingType[str, IndexState] = field(default_factory=dict)

    def find_index(self, index: str) -> IndexState | None:
        """Return an index, None if there is none of that name."""
        return self.indexes.get(index)

    def find_collection(self, index: str, collection: str) -> CollectionState | None:
        """Return a collection, None if it or its index does not exist."""
        found = self.indexes.get(index)
        return None if found is None else found.collections.get(collection)

    def with_index(self, index: str, state: IndexState) -> Catalogue:
        """Return this catalogue with an index added or changed."""
        return Catalogue({**self.indexes, index: state})

    def without_index(self, index: str) -> Catalogue:
        """Return this catalogue less one index."""
        return Catalogue({name: state for name, state in self.indexes.items() if name != index})

    def with_collection(self, index: str, state: CollectionState) -> Catalogue:
        """Return this catalogue with a collection added or changed."""
        found = self.indexes[index]
        return self.with_index(index, replace(found, collections={**found.collections, state.name: state}))
