"""Which rooms does a document concern? An index of filters, not a loop over them.

One node per index and collection, made with its first filter and gone with its last. Matching is
synchronous and takes microseconds; no I/O, no clock.

Terms (*ands*) with a positive clause lie in nested tables (`tables.py`). Terms of negations only are
found by what excludes them: all of them, minus those of which a positive form holds; one set
difference, never a scan.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from kuzzle.realtime.normal_form import NormalForm, are_exclusive
from kuzzle.realtime.operators import Clause
from kuzzle.realtime.paths import PathTree
from kuzzle.realtime.tables import Node

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

    def __len__(self) -> int:
        return self._size

    def add(self, form: NormalForm, room: RoomType) -> None:
        """Add the filter of a room."""
        self._size += 1
        self._overlapping += not are_exclusive(form)
        for term in form:
            for clause in term:
                self._paths.add(clause.field)
            if not term:
                self._everything[room] = None
            elif term[0].is_negated:
                exclusion = self._exclusions[term, room] = _Exclusion(room)
                for clause in term:
                    self._excluding.add((clause.negation(),), exclusion)
            else:
                self._terms.add(_most_selective_first(term), room)

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
                self._terms.remove(_most_selective_first(term), room)
            for clause in term:
                self._paths.remove(clause.field)
        self._overlapping -= not are_exclusive(form)
        self._size -= 1

    def match(self, document_id: str | None, source: Mapping[str, Any]) -> list[RoomType]:
        """Return the rooms whose filter a document matches, each once, in no particular order.

        Args:
            document_id: Seen by filters as the field `_id`; None leaves that to the source.
        """
        if document_id is not None and "_id" in self._paths:
            source = {**source, "_id": document_id}
        document = self._paths.flatten(source)
        hits = list(self._everything)
        self._terms.collect(document, hits)
        if self._exclusions:
            excluded: list[_Exclusion[RoomType]] = []
            self._excluding.collect(document, excluded)
            hits += [exclusion.room for exclusion in set(self._exclusions.values()).difference(excluded)]
        return list(dict.fromkeys(hits)) if self._overlapping else hits


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
