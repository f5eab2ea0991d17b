"""The tables behind the matcher: access paths instead of counting.

A term (an *and*) is filed under its first, most selective clause only. What that clause finds is a hit,
or goes one step further: to a node with the same tables for the clauses that follow, or to tests of
them. So `and [equals, range]` is an interval index inside one bucket of an equality table, and the cost
of a match follows the hits, not the clauses that hold.

Values are filed by type as well as by value: `True == 1` in Python. An entry is whatever the owner of
the tables wants back (a room, mostly); it must be hashable, and is found once for each of its terms
that holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Generic, TypeAlias, TypeVar

from kuzzle.realtime.operators import NUMBERS, Clause, Document, Equals, Exists, HasElement, Scalar, Unplaceable
from kuzzle.realtime.searches import KINDS, Searches, all_hold

EntryType = TypeVar("EntryType")

MAX_STEPS: Final = 4
"""Clauses of a term that get tables of their own; those beyond are tested one by one."""


class _Bucket(Generic[EntryType]):
    """What one clause finds: terms that end here, terms of which the rest is tested, and further tables."""

    __slots__ = ("entries", "node", "tested")

    def __init__(self) -> None:
        self.entries: dict[EntryType, None] = {}
        self.tested: dict[tuple[tuple[Clause, ...], EntryType], None] | None = None
        self.node: Node[EntryType] | None = None

    def add(self, rest: tuple[Clause, ...], entry: EntryType, steps: int) -> None:
        if not rest:
            self.entries[entry] = None
        elif rest[0].is_negated or steps == 1:
            if self.tested is None:
                self.tested = {}
            self.tested[rest, entry] = None
        else:
            if self.node is None:
                self.node = Node()
            self.node.add(rest, entry, steps - 1)

    def remove(self, rest: tuple[Clause, ...], entry: EntryType, steps: int) -> None:
        if not rest:
            del self.entries[entry]
        elif self.node is not None and steps > 1 and not rest[0].is_negated:
            self.node.remove(rest, entry, steps - 1)
            self.node = self.node if self.node.fields else None
        elif self.tested is not None:
            del self.tested[rest, entry]
            self.tested = self.tested or None
        else:
            raise KeyError(rest)

    def collect(self, document: Document, hits: list[EntryType]) -> None:
        hits.extend(self.entries)
        if self.tested is not None:
            hits.extend(entry for rest, entry in self.tested if all_hold(rest, document))
        if self.node is not None:
            self.node.collect(document, hits)

    @property
    def is_empty(self) -> bool:
        return not self.entries and self.tested is None and self.node is None


_Slot: TypeAlias = "EntryType | _Bucket[EntryType]"
"""Most clauses find one entry and nothing else: it stands in the table itself, without a bucket."""


class _ValueTable(Generic[EntryType]):
    """Slots by type and value."""

    __slots__ = ("by_type",)

    def __init__(self) -> None:
        self.by_type: dict[type, dict[Scalar, _Slot[EntryType]]] = {}

    def values_like(self, value: Scalar) -> dict[Scalar, _Slot[EntryType]]:
        """Return the slots of values of the same type, int and float being one."""
        kind = type(value)
        table = self.by_type.get(kind)
        if table is None:
            table = self.by_type[kind] = {}
            if kind in NUMBERS:
                self.by_type.update(dict.fromkeys(NUMBERS, table))
        return table

    def drop_empty(self) -> None:
        """Forget the types without values."""
        self.by_type = {kind: table for kind, table in self.by_type.items() if table}


class _FieldTables(Generic[EntryType]):
    """The clauses about one field."""

    __slots__ = ("elements", "equals", "exists", "searches", "unplaceable")

    def __init__(self) -> None:
        self.equals: _ValueTable[EntryType] | None = None
        self.elements: _ValueTable[EntryType] | None = None
        self.exists: dict[None, _Slot[EntryType]] | None = None
        self.searches: dict[type[Clause], Searches[EntryType]] | None = None
        self.unplaceable: dict[Unplaceable, _Slot[EntryType]] | None = None

    @property
    def is_empty(self) -> bool:
        return (
            self.equals is None
            and self.elements is None
            and self.exists is None
            and self.searches is None
            and self.unplaceable is None
        )

    def collect(self, value: Any, document: Document, hits: list[EntryType]) -> None:
        """Append what the value of the field finds."""
        kind = type(value)
        if self.equals is not None:
            table = self.equals.by_type.get(kind)
            if table is not None and (slot := table.get(value)) is not None:
                _collect(slot, document, hits)
        if self.exists is not None:
            _collect(self.exists[None], document, hits)
        if self.searches is not None:
            for searches in self.searches.values():
                searches.collect(value, document, hits)
        if kind is list and self.elements is not None:
            for slot in _element_slots(value, self.elements):
                _collect(slot, document, hits)
        if self.unplaceable is not None:
            for clause, slot in self.unplaceable.items():
                if clause.accepts(value):
                    _collect(slot, document, hits)


class Node(Generic[EntryType]):
    """One step of access paths: the tables of every field that the next clauses ask about."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: dict[str, _FieldTables[EntryType]] = {}

    def add(self, term: Sequence[Clause], entry: EntryType, steps: int = MAX_STEPS) -> None:
        """File an entry under a sorted term whose first clause is not negated."""
        first, rest = term[0], tuple(term[1:])
        tables = self.fields.get(first.field)
        if tables is None:
            tables = self.fields[first.field] = _FieldTables()
        if type(first) in KINDS:
            _add_search(tables, first, rest, entry)
            return
        slots, key = _slots_for(tables, first)
        slot = slots.get(key)
        if slot is None and not rest:
            slots[key] = entry
        elif isinstance(slot, _Bucket):
            slot.add(rest, entry, steps)
        else:
            bucket: _Bucket[EntryType] = _Bucket()
            slots[key] = bucket
            if slot is not None:
                bucket.entries[slot] = None
            bucket.add(rest, entry, steps)

    def remove(self, term: Sequence[Clause], entry: EntryType, steps: int = MAX_STEPS) -> None:
        """Take back what `add` filed.

        Raises:
            KeyError: It is not there.
        """
        first, rest = term[0], tuple(term[1:])
        tables = self.fields[first.field]
        if type(first) in KINDS:
            _remove_search(tables, first, rest, entry)
        else:
            slots, key = _slots_for(tables, first)
            slot = slots[key]
            if isinstance(slot, _Bucket):
                slot.remove(rest, entry, steps)
            if not isinstance(slot, _Bucket) or slot.is_empty:
                del slots[key]
                if not slots:
                    _prune(tables)
        if tables.is_empty:
            del self.fields[first.field]

    def collect(self, document: Document, hits: list[EntryType]) -> None:
        """Append the entry of each term that holds in a document."""
        fields = self.fields
        for path in fields.keys() & document.keys():
            fields[path].collect(document[path], document, hits)


def _collect(slot: _Slot[EntryType], document: Document, hits: list[EntryType]) -> None:
    if type(slot) is _Bucket:
        slot.collect(document, hits)
    else:
        hits.append(slot)  # type: ignore[arg-type]


def _slots_for(tables: _FieldTables[EntryType], clause: Clause) -> tuple[dict[Any, _Slot[EntryType]], Any]:
    """Return the table of a clause that asks for one value, made if need be, and the value."""
    if isinstance(clause, Equals):
        if tables.equals is None:
            tables.equals = _ValueTable()
        return tables.equals.values_like(clause.value), clause.value
    if isinstance(clause, HasElement):
        if tables.elements is None:
            tables.elements = _ValueTable()
        return tables.elements.values_like(clause.value), clause.value
    if isinstance(clause, Unplaceable):
        if tables.unplaceable is None:
            tables.unplaceable = {}
        return tables.unplaceable, clause
    if not isinstance(clause, Exists):
        raise TypeError(f"no table for {clause}")
    if tables.exists is None:
        tables.exists = {}
    return tables.exists, None


def _element_slots(values: list[Any], elements: _ValueTable[EntryType]) -> list[_Slot[EntryType]]:
    """Return the slots of the elements of an array, each once however often its element stands there."""
    slots: dict[int, _Slot[EntryType]] = {}
    by_type = elements.by_type
    for value in values:
        table = by_type.get(type(value))
        if table is not None and (slot := table.get(value)) is not None:
            slots[id(slot)] = slot
    return list(slots.values())


def _add_search(tables: _FieldTables[EntryType], clause: Clause, rest: tuple[Clause, ...], entry: EntryType) -> None:
    kind = type(clause)
    if tables.searches is None:
        tables.searches = {}
    if kind not in tables.searches:
        tables.searches[kind] = Searches(KINDS[kind])
    tables.searches[kind].add(clause, rest, entry)


def _remove_search(tables: _FieldTables[EntryType], clause: Clause, rest: tuple[Clause, ...], entry: EntryType) -> None:
    kind = type(clause)
    if tables.searches is None:
        raise KeyError(clause)
    tables.searches[kind].remove(clause, rest, entry)
    if tables.searches[kind].is_empty:
        del tables.searches[kind]
        tables.searches = tables.searches or None


def _prune(tables: _FieldTables[EntryType]) -> None:
    """Drop the tables of a field that have become empty."""
    for table in (tables.equals, tables.elements):
        if table is not None:
            table.drop_empty()
    if tables.equals is not None and not tables.equals.by_type:
        tables.equals = None
    if tables.elements is not None and not tables.elements.by_type:
        tables.elements = None
    if not tables.exists:
        tables.exists = None
    if not tables.unplaceable:
        tables.unplaceable = None
