"""What roles, profiles and users have in common: how they are kept and what their metadata tell."""

from __future__ import annotations

import asyncio
import functools
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from kuzzle.errors import KuzzleError
from kuzzle.security.definitions import PROTECTED_NAMES
from kuzzle.storage.base import CollectionMapping, DocumentWrite, Source, WriteKind, WrittenDocument
from kuzzle.storage.errors import DocumentNotFoundError
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.internal import InternalCollection

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SecurityObject:
    """A role, profile or user; `source` is its content, metadata included."""

    id: str
    source: Source


@dataclass(frozen=True, slots=True)
class SecurityList:
    """Some roles, profiles or users, and how many there are of them in all."""

    objects: list[SecurityObject]
    total: int


@dataclass(frozen=True, slots=True)
class SecurityPage:
    """A page of found roles, profiles or users."""

    page: SearchPage


@dataclass(frozen=True, slots=True)
class RemovedObject:
    """A role, profile or user that is gone."""

    id: str


@dataclass(frozen=True, slots=True)
class RemovedObjects:
    """What became of several deletions: the ids that are gone, and why the others are not."""

    ids: list[str]
    failures: list[KuzzleError]


@dataclass(frozen=True, slots=True)
class SecurityMapping:
    """How roles, profiles or users are indexed."""

    mapping: CollectionMapping


def stamped(source: Mapping[str, Any], author: str | None, now_ms: int, *, is_update: bool = False) -> Source:
    """Return a content with its metadata; what a client sent as such, or as `_id`, is dropped."""
    info: dict[str, Any] = {"author": author, "createdAt": now_ms, "updatedAt": None, "updater": None}
    if is_update:
        info = {"updatedAt": now_ms, "updater": author}
    return {**{name: value for name, value in source.items() if name != "_id"}, "_kuzzle_info": info}


class Definition(Protocol):
    """A role or profile in force."""

    @property
    def id(self) -> str: ...

    @property
    def source(self) -> Source: ...


D = TypeVar("D", bound=Definition)


class Definitions(ABC, Generic[D]):
    """Definitions of one kind: kept in the store, all of them in memory, in force in the order of their commits.

    Attributes:
        active: Those in force, by id.
        on_changed: Called on the event loop after each change.
        on_saved: Called likewise with the id and the content of each definition that was written.
        on_removed: Called likewise with the id of each that was removed.
    """

    def __init__(self, collection: InternalCollection, turn: asyncio.Lock) -> None:
        """`turn` is taken by each change of securities: what a change was checked against holds when it is made."""
        self.collection = collection
        self.active: dict[str, D] = {}
        self.on_changed: Callable[[], None] = lambda: None
        self.on_saved: Callable[[str, Source], None] = lambda _id, _source: None
        self.on_removed: Callable[[str], None] = lambda _id: None
        self._turn = turn

    @abstractmethod
    def _read(self, object_id: str, source: Source, *, is_stored: bool = False) -> D:
        """Read a content; it may be asked in any thread, except with `is_stored`.

        Raises:
            KuzzleError: What is wrong with it.
        """

    @abstractmethod
    def _missing(self, object_id: str) -> KuzzleError:
        """Return the error that says that there is none of that id."""

    def _resolve(self, kind: WriteKind, object_id: str, source: Source) -> tuple[WriteKind, Source]:
        """Return what to write for a wanted change: an UPDATE merges deeply, unless a kind of definitions differs."""
        return kind, source

    async def load(self) -> None:
        """Read what is stored. What cannot be read is logged and gives no rights."""
        self.active.clear()
        for object_id, source in (await self.collection.find_all()).items():
            try:
                self.active[object_id] = self._read(object_id, source, is_stored=True)
            except KuzzleError as error:
                logger.error("The stored %s %s is not in force: %s", type(self).__name__, object_id, error.message)
        self.on_changed()

    def get(self, object_id: str) -> D:
        """Return a definition.

        Raises:
            KuzzleError: 404, there is none of that id.
        """
        found = self.active.get(object_id)
        if found is None:
            raise self._missing(object_id)
        return found

    def get_many(self, ids: Sequence[str]) -> list[D]:
        """Return the definitions of these ids, in order; an id that has none is left out."""
        return [self.active[object_id] for object_id in ids if object_id in self.active]

    async def write(self, kind: WriteKind, object_id: str, source: Source) -> D:
        """Create, replace or change a definition, and put it in force.

        Args:
            source: With its metadata.

        Raises:
            KuzzleError: What is wrong with the result; 404, there is none to change;
                400 `services.storage.document_already_exists`.
        """

        async with self._turn:
            kind, source = self._resolve(kind, object_id, source)
            check = None
            if kind is WriteKind.UPDATE:
                check = functools.partial(self._check, object_id)
            else:
                self._check(object_id, source)
            try:
                await self.collection.write(
                    kind, DocumentWrite(object_id, source, check=check), after_commit=self.put_in_force
                )
            except DocumentNotFoundError as error:
                raise self._missing(object_id) from error
            return self.active[object_id]

    def _check(self, object_id: str, result: Source) -> None:
        self._read(object_id, result)

    def put_in_force(self, documents: Sequence[WrittenDocument]) -> None:
        """Replace definitions in force by what was written."""
        for document in documents:
            self.active[document.id] = self._read(document.id, document.source, is_stored=True)
        self.on_changed()
        for document in documents:
            self.on_saved(document.id, document.source)

    async def delete_all_in_turn(self) -> int:
        """Remove all but the protected ones; the turn was taken. Return how many there were."""
        ids = [object_id for object_id in self.active if object_id not in PROTECTED_NAMES]
        await self.collection.remove_all(ids, after_commit=self._put_out_of_force)
        return len(ids)

    async def _remove(self, object_id: str) -> None:
        """Remove a definition; the turn was taken."""
        await self.collection.remove(object_id, after_commit=self._put_out_of_force)

    def _put_out_of_force(self, documents: Sequence[WrittenDocument]) -> None:
        for document in documents:
            self.active.pop(document.id, None)
        self.on_changed()
        for document in documents:
            self.on_removed(document.id)
