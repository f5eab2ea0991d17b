"""The tables behind the matcher: access paths instead of counting.

A term (an *and*) is filed under its first, most selective clause only. What that clause finds is a hit,
or goes one step further: to a node with the same tables for the clauses that follow, or to tests of
them. So `and [equals, range]` is an interval index inside one bucket of an equality table, and the cost
of a match follows the hits, not the clauses that hold.

What else a hit asks of the document is put off (`Later`): a document need not be flat before.

Values are filed by type as well as by value: `True == 1` in Python. An entry is whatever the owner of
the tables wants back (a room, mostly); it must be hashable, and is found once for each of its terms
that holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from kuzzle.realtime.operators import NUMBERS, Clause, Document, Equals, Exists, HasElement, Scalar, Unplaceable
from kuzzle.realtime.searches import KINDS, Searches, all_hold

EntryType = TypeVar("EntryType")

_NONE: Final[dict[Any, Any]] = {}  # shared by all that have none; never changed

MAX_STEPS: Final = 4
"""Clauses of a term that get tables of their own; those beyond are tested one by one."""


class Later(Protocol):
    """What has found something that more must be asked about."""

    def finish(self, document: Document, hits: list[Any], later: list[Later]) -> None:
        """Ask the flat document, append entries that are found, and what has to be asked still."""


class _Tests(Generic[EntryType]):
    """Terms of which a part holds, each with the rest."""

    __slots__ = ("terms",)

    def __init__(self, terms: list[tuple[tuple[Clause, ...], EntryType]]) -> None:
        self.terms = terms

    def finish(self, document: Document, hits: list[EntryType], _later: list[Later]) -> None:
        hits.extend(entry for rest, entry in self.terms if all_hold(rest, document))


class Bucket(Generic[EntryType]):
    """What one clause finds: terms that end here, terms of which the rest is tested, and further tables.

    Attributes:
        goes_on: Whether there are terms that do not end here, which `finish` looks for.
        listed: The entries of those that do, as they are copied fastest; None when they have to be listed anew.
    """

    __slots__ = ("_entries", "goes_on", "listed", "node", "tested")

    def __init__(self) -> None:
        self._entries: dict[EntryType, None] = {}
        self.listed: list[EntryType] | None = None
        self.tested: dict[tuple[tuple[Clause, ...], EntryType], None] | None = None
        self.node: Node[EntryType] | None = None
        self.goes_on = False

    def add(self, rest: tuple[Clause, ...], entry: EntryType, steps: int) -> None:
        if not rest:
            self._entries[entry] = None
            self.listed = None
            return
        self.goes_on = True
        if rest[0].is_negated or steps == 1:
            if self.tested is None:
                self.tested = {}
            self.tested[rest, entry] = None
        else:
            if self.node is None:
                self.node = Node()
            self.node.add(rest, entry, steps - 1)

    def remove(self, rest: tuple[Clause, ...], entry: EntryType, steps: int) -> None:
        if not rest:
            del self._entries[entry]
            self.listed = None
        elif self.node is not None and steps > 1 and not rest[0].is_negated:
            self.node.remove(rest, entry, steps - 1)
            self.node = self.node if self.node.fields else None
        elif self.tested is not None:
            del self.tested[rest, entry]
            self.tested = self.tested or None
        else:
            raise KeyError(rest)
        self.goes_on = self.tested is not None or self.node is not None

    def list_entries(self) -> list[EntryType]:
        """Return the entries of terms that end here, to be copied only."""
        listed = self.listed
        if listed is None:
            listed = self.listed = list(self._entries)
        return listed

    def finish(self, document: Document, hits: list[EntryType], later: list[Later]) -> None:
        """Find the terms that go on from here; those that end here are found already."""
        if self.tested is not None:
            hits.extend(entry for rest, entry in self.tested if all_hold(rest, document))
        if self.node is not None:
            self.node.collect(document, hits, later)

    @property
    def is_empty(self) -> bool:
        return not self._entries and not self.goes_on


_Slot: TypeAlias = "EntryType | Bucket[EntryType]"
"""Most clauses find one entry and nothing else: it stands in the table itself, without a bucket."""


_ByType = dict[type, dict[Scalar, "_Slot[EntryType]"]]
"""Slots by type and value; int and float share a table."""


class FieldTables(Generic[EntryType]):
    """The clauses about one field.

    Attributes:
        equals: By type and value; empty without such clauses.
        exists: The slot of those that ask for the field alone; empty, or one under None.
        has_more: Whether there are others.
    """

    __slots__ = ("elements", "equals", "exists", "has_more", "searches", "unplaceable")

    def __init__(self) -> None:
        self.equals: _ByType[EntryType] = _NONE
        self.elements: _ByType[EntryType] = _NONE
        self.exists: dict[None, _Slot[EntryType]] | None = None
        self.searches: dict[type[Clause], Searches[EntryType]] | None = None
        self.unplaceable: dict[Unplaceable, _Slot[EntryType]] | None = None
        self.has_more = False

    @property
    def is_empty(self) -> bool:
        return not self.equals and self.exists is None and not self.has_more

    def look_for_more(self) -> None:
        """Note whether there are clauses beside the plainest."""
        self.has_more = bool(self.elements) or self.searches is not None or self.unplaceable is not None

    def collect(self, value: Any, hits: list[EntryType], later: list[Later]) -> None:
        """Add what the value of the field finds."""
        table = self.equals.get(type(value))
        if table is not None and (slot := table.get(value)) is not None:
            collect_slot(slot, hits, later)
        if self.exists is not None:
            collect_slot(self.exists[None], hits, later)
        if self.has_more:
            self.collect_more(value, hits, later)

    def collect_more(self, value: Any, hits: list[EntryType], later: list[Later]) -> None:
        """Add what others find than the plainest clauses."""
        if self.searches is not None:
            for searches in self.searches.values():
                hits += searches.find(value)
                if searches.has_tested and (terms := searches.find_tested(value)):
                    later.append(_Tests(terms))
        if self.elements and type(value) is list:
            for slot in _element_slots(value, self.elements):
                collect_slot(slot, hits, later)
        if self.unplaceable is not None:
            for clause, slot in self.unplaceable.items():
                if clause.accepts(value):
                    collect_slot(slot, hits, later)


class Node(Generic[EntryType]):
    """One step of access paths: the tables of every field that the next clauses ask about."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: dict[str, FieldTables[EntryType]] = {}

    def add(self, term: Sequence[Clause], entry: EntryType, steps: int = MAX_STEPS) -> None:
        """File an entry under a sorted term whose first clause is not negated."""
        first, rest = term[0], tuple(term[1:])
        tables = self.fields.get(first.field)
        if tables is None:
            tables = self.fields[first.field] = FieldTables()
        if type(first) in KINDS:
            tables.has_more = True
            _add_search(tables, first, rest, entry)
            return
        slots, key = _slots_for(tables, first)
        tables.look_for_more()
        slot = slots.get(key)
        if slot is None and not rest:
            slots[key] = entry
        elif isinstance(slot, Bucket):
            slot.add(rest, entry, steps)
        else:
            bucket: Bucket[EntryType] = Bucket()
            slots[key] = bucket
            if slot is not None:
                bucket.add((), slot, steps)
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
            if isinstance(slot, Bucket):
                slot.remove(rest, entry, steps)
            if not isinstance(slot, Bucket) or slot.is_empty:
                del slots[key]
                if not slots:
                    _prune(tables)
        tables.look_for_more()
        if tables.is_empty:
            del self.fields[first.field]

    def collect(self, document: Document, hits: list[EntryType], later: list[Later]) -> None:
        """Add what a document finds."""
        fields = self.fields
        if len(fields) == 1:
            ((path, tables),) = fields.items()
            if path in document:
                tables.collect(document[path], hits, later)
            return
        for path in fields.keys() & document.keys():
            fields[path].collect(document[path], hits, later)


def collect_slot(slot: _Slot[EntryType], hits: list[EntryType], later: list[Later]) -> None:
    """Append what a slot holds."""
    if type(slot) is Bucket:
        listed = slot.listed
        hits += slot.list_entries() if listed is None else listed
        if slot.goes_on:
            later.append(slot)
    else:
        hits.append(slot)  # type: ignore[arg-type]


def _slots_for(tables: FieldTables[EntryType], clause: Clause) -> tuple[dict[Any, _Slot[EntryType]], Any]:
    """Return the table of a clause that asks for one value, made if need be, and the value."""
    if isinstance(clause, Equals):
        tables.equals = tables.equals or {}
        return _values_like(clause.value, tables.equals), clause.value
    if isinstance(clause, HasElement):
        tables.elements = tables.elements or {}
        return _values_like(clause.value, tables.elements), clause.value
    if isinstance(clause, Unplaceable):
        if tables.unplaceable is None:
            tables.unplaceable = {}
        return tables.unplaceable, clause
    if not isinstance(clause, Exists):
        raise TypeError(f"no table for {clause}")
    if tables.exists is None:
        tables.exists = {}
    return tables.exists, None


def _values_like(value: Scalar, by_type: _ByType[EntryType]) -> dict[Scalar, _Slot[EntryType]]:
    kind = type(value)
    table = by_type.get(kind)
    if table is None:
        table = by_type[kind] = {}
        if kind in NUMBERS:
            by_type.update(dict.fromkeys(NUMBERS, table))
    return table


def _element_slots(values: list[Any], by_type: _ByType[EntryType]) -> list[_Slot[EntryType]]:
    """Return the slots of the elements of an array, each once however often its element stands there."""
    slots: dict[int, _Slot[EntryType]] = {}
    for value in values:
        table = by_type.get(type(value))
        if table is not None and (slot := table.get(value)) is not None:
            slots[id(slot)] = slot
    return list(slots.values())


def _add_search(tables: FieldTables[EntryType], clause: Clause, rest: tuple[Clause, ...], entry: EntryType) -> None:
    kind = type(clause)
    if tables.searches is None:
        tables.searches = {}
    if kind not in tables.searches:
        tables.searches[kind] = Searches(KINDS[kind])
    tables.searches[kind].add(clause, rest, entry)


def _remove_search(tables: FieldTables[EntryType], clause: Clause, rest: tuple[Clause, ...], entry: EntryType) -> None:
    kind = type(clause)
    if tables.searches is None:
        raise KeyError(clause)
    tables.searches[kind].remove(clause, rest, entry)
    if tables.searches[kind].is_empty:
        del tables.searches[kind]
        tables.searches = tables.searches or None


def _prune(tables: FieldTables[EntryType]) -> None:
    """Drop the tables of a field that have become empty."""
    tables.equals = {kind: table for kind, table in tables.equals.items() if table} or _NONE
    tables.elements = {kind: table for kind, table in tables.elements.items() if table} or _NONE
    if not tables.exists:
        tables.exists = None
    if not tables.unplaceable:
        tables.unplaceable = None
