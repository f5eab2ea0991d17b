"""Which rooms does a document concern? An index of filters, not a loop over them.

One node per index and collection, made with its first filter and gone with its last. Matching is
synchronous and takes microseconds; no I/O, no clock.

Terms (*ands*) with a positive clause lie in nested tables (`tables.py`). Terms of negations only are
found by what excludes them: all of them, minus those of which a positive form holds; one set
difference, never a scan.

The tables of a field hang at the end of its path, so that most documents are looked up while their fields are
visited. Only where a path may stand twice, as some keys hold a dot or are empty, a document is made flat before.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from kuzzle.realtime.normal_form import NormalForm, are_exclusive
from kuzzle.realtime.operators import Clause
from kuzzle.realtime.paths import PathNode, PathTree
from kuzzle.realtime.tables import Bucket, Later, Node, collect_slot

RoomType = TypeVar("RoomType", bound=Hashable)


class _Exclusion(Generic[RoomType]):
    """A term of negations only, found when it does not hold."""

    __slots__ = ("room",)

    def __init__(self, room: RoomType) -> None:
        self.room = room


class CollectionMatcher(Generic[RoomType]):
    """The filters on one collection."""

    def __init__(self) -> None:
        self._paths = PathTree()
        self._terms: Node[RoomType] = Node()
        self._everything: dict[RoomType, None] = {}
        self._exclusions: dict[tuple[tuple[Clause, ...], RoomType], _Exclusion[RoomType]] = {}
        self._excluding: Node[_Exclusion[RoomType]] = Node()
        self._size = 0
        self._overlapping = 0
        self._needs_flat = 0  # terms that ask more of a document than what finds them

    def __len__(self) -> int:
        return self._size

    def add(self, form: NormalForm, room: RoomType) -> None:
        """Add the filter of a room."""
        self._size += 1
        self._overlapping += not are_exclusive(form)
        for term in form:
            for clause in term:
                self._paths.add(clause.field)
            self._needs_flat += _needs_flat(term)
            if not term:
                self._everything[room] = None
            elif term[0].is_negated:
                exclusion = self._exclusions[term, room] = _Exclusion(room)
                for clause in term:
                    self._excluding.add((clause.negation(),), exclusion)
            else:
                self._file(_most_selective_first(term), room)

    def remove(self, form: NormalForm, room: RoomType) -> None:
        """Take back a filter that was added.

        Raises:
            KeyError: It is not here.
        """
        for term in form:
            if not term:
                del self._everything[room]
            elif term[0].is_negated:
                exclusion = self._exclusions.pop((term, room))
                for clause in term:
                    self._excluding.remove((clause.negation(),), exclusion)
            else:
                self._unfile(_most_selective_first(term), room)
            self._needs_flat -= _needs_flat(term)
            for clause in term:
                self._paths.remove(clause.field)
        self._overlapping -= not are_exclusive(form)
        self._size -= 1

    def _file(self, term: tuple[Clause, ...], room: RoomType) -> None:
        field = term[0].field
        is_first = field not in self._terms.fields
        self._terms.add(term, room)
        if is_first:
            self._paths.mark(field, self._terms.fields[field])

    def _unfile(self, term: tuple[Clause, ...], room: RoomType) -> None:
        field = term[0].field
        self._terms.remove(term, room)
        if field not in self._terms.fields:
            self._paths.mark(field, None)

    def match(self, document_id: str | None, source: Mapping[str, Any]) -> list[RoomType]:
        """Return the rooms whose filter a document matches, each once, in no particular order.

        Args:
            document_id: Seen by filters as the field `_id`; None leaves that to the source.
        """
        if document_id is not None and self._paths.has_key("_id"):
            source = {**source, "_id": document_id}
        paths = self._paths
        if not paths.is_plain or "" in source:
            return self._match_flat(source)
        hits = [*self._everything] if self._everything else []
        later: list[Later] = []
        flat: dict[str, Any] | None = {} if self._needs_flat else None
        ways: list[tuple[Any, dict[str, PathNode]]] | None = None
        items, children = source.items(), paths.root.children
        while True:
            for key, value in items:
                node = children.get(key)
                if node is None:
                    if "." in key:
                        return self._match_flat(source)
                    continue
                if flat is not None and node.path is not None:
                    flat[node.path] = value
                tables = node.mark
                if tables is not None:
                    table = tables.equals.get(type(value))  # as FieldTables.collect, without its calls
                    if table is not None and (slot := table.get(value)) is not None:
                        if type(slot) is Bucket:
                            listed = slot.listed
                            hits += slot.list_entries() if listed is None else listed
                            if slot.goes_on:
                                later.append(slot)
                        else:
                            hits.append(slot)
                    if tables.exists is not None:
                        collect_slot(tables.exists[None], hits, later)
                    if tables.has_more:
                        tables.collect_more(value, hits, later)
                if node.children and type(value) is dict:
                    ways = ways or []
                    ways.append((value.items(), node.children))
            if not ways:
                break
            items, children = ways.pop()
        return hits if flat is None and not self._overlapping else self._finished(hits, later, flat)

    def _match_flat(self, source: Mapping[str, Any]) -> list[RoomType]:
        hits = [*self._everything]
        later: list[Later] = []
        document = self._paths.flatten(source)
        self._terms.collect(document, hits, later)
        return self._finished(hits, later, document)

    def _finished(self, hits: list[RoomType], later: list[Later], document: dict[str, Any] | None) -> list[RoomType]:
        if document is not None:
            for one in later:  # which may add more
                one.finish(document, hits, later)
            if self._exclusions:
                hits += self._not_excluded(document)
        return list(dict.fromkeys(hits)) if self._overlapping else hits

    def _not_excluded(self, document: Mapping[str, Any]) -> list[RoomType]:
        excluded: list[_Exclusion[RoomType]] = []
        self._excluding.collect(document, excluded, [])  # each of one clause: nothing is left for later
        return [exclusion.room for exclusion in set(self._exclusions.values()).difference(excluded)]


def _needs_flat(term: tuple[Clause, ...]) -> bool:
    return len(term) > 1 or any(clause.is_negated for clause in term)


def _most_selective_first(term: tuple[Clause, ...]) -> tuple[Clause, ...]:
    return tuple(sorted(term, key=_selectivity)) if len(term) > 1 else term


def _selectivity(clause: Clause) -> tuple[bool, int, float]:
    return clause.is_negated, clause.rank, clause.breadth


class Matcher(Generic[RoomType]):
    """The filters of a server."""

    def __init__(self) -> None:
        self._collections: dict[tuple[str, str], CollectionMatcher[RoomType]] = {}

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield index and collection wherever there is a filter."""
        return iter(self._collections)

    def add(self, index: str, collection: str, form: NormalForm, room: RoomType) -> None:
        """Add the filter of a room."""
        matcher = self._collections.get((index, collection))
        if matcher is None:
            matcher = self._collections[index, collection] = CollectionMatcher()
        matcher.add(form, room)

    def remove(self, index: str, collection: str, form: NormalForm, room: RoomType) -> None:
        """Take back a filter that was added.

        Raises:
            KeyError: It is not here.
        """
        matcher = self._collections[index, collection]
        matcher.remove(form, room)
        if not matcher:
            del self._collections[index, collection]

    def find(self, index: str, collection: str) -> CollectionMatcher[RoomType] | None:
        """Return the filters on a collection, None when there are none."""
        return self._collections.get((index, collection))

    def match(self, index: str, collection: str, document_id: str | None, source: Mapping[str, Any]) -> list[RoomType]:
        """Return the rooms whose filter a document matches, each once, in no particular order."""
        matcher = self._collections.get((index, collection))
        return [] if matcher is None else matcher.match(document_id, source)
