"""The specifications in force: kept in the store, read at the start, active at once when they change.

Asking for the specification of a collection is one look-up in a dictionary; all else is paid by
collections that have one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.specifications.reading import read_specification
from kuzzle.specifications.specification import Content, ContentFault, Specification, unique
from kuzzle.storage.base import Source, Storage, WrittenDocument
from kuzzle.storage.errors import InvalidNameError, UnknownIndexError
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.internal import InternalCollection
from kuzzle.storage.query import Search

MAX_SPECIFICATIONS: Final = 10_000
"""All of them stay in memory, and their collections need not exist: without a bound a client could fill it."""

_COLLECTION: Final = "validations"
_PROPERTIES: Final = {
    "index": {"type": "keyword"},
    "collection": {"type": "keyword"},
    "validation": {"properties": {"strict": {"type": "boolean"}}},
}
_SEPARATOR: Final = "\n\t- "

Target = tuple[str, str]
"""Index and collection."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ContentReport:
    """Everything that is wrong with a content; nothing: it is valid."""

    faults: list[ContentFault]


@dataclass(frozen=True, slots=True)
class FoundSpecifications:
    """Stored specifications that match a query: documents `{"index", "collection", "validation"}`."""

    page: SearchPage


class Specifications:
    """The specifications of a server."""

    def __init__(self, storage: Storage, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since the epoch, for dates that are compared with the current one."""
        self._storage = storage
        self._stored = InternalCollection(storage, _COLLECTION, _PROPERTIES)
        self._clock = clock
        self._active: dict[Target, Specification] = {}

    async def load(self) -> None:
        """Read the stored specifications anew. One that cannot be read any more is logged and left out."""
        active: dict[Target, Specification] = {}
        for document_id, source in (await self._stored.find_all()).items():
            self._load_one(document_id, source, active)
        self._active = active

    def _load_one(self, document_id: str, source: Source, active: dict[Target, Specification]) -> None:
        index, collection = source.get("index"), source.get("collection")
        if isinstance(index, str) and isinstance(collection, str):
            found, faults = read_specification(source.get("validation"), f"{index}.{collection}", self._now_ms())
        else:
            found, faults = None, ["it names no index and collection"]
        if found is None:
            logger.error("The stored specification %s is not in force: %s", document_id, "; ".join(faults))
        else:
            active[str(index), str(collection)] = found

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    # --- content

    def prepare(self, target: Target, document_id: str | None, content: Content) -> Content:
        """Return a whole content with its default values, after holding it against its specification.

        Raises:
            KuzzleError: 400 `validation.check.failed_document` or `failed_field`, the first fault.
        """
        specification = self._active.get(target)
        if specification is None:
            return content
        content = specification.with_defaults(content)
        _check(specification, document_id, content, self._now_ms())
        return content

    def prepare_update(
        self, target: Target, document_id: str | None, changes: Content
    ) -> tuple[Content, Callable[[Source], None] | None]:
        """Return changes with default values in place of nulls, and what checks the content they lead to.

        The check raises as `prepare` does. It may be asked in any thread.
        """
        specification = self._active.get(target)
        if specification is None:
            return changes, None
        now_ms = self._now_ms()
        return (
            specification.with_defaults(changes, is_update=True),
            lambda merged: _check(specification, document_id, merged, now_ms),
        )

    def report(self, target: Target, document_id: str | None, content: Content) -> ContentReport:
        """Hold a whole content against its specification and return everything that is wrong."""
        specification = self._active.get(target)
        if specification is None:
            return ContentReport([])
        filled = specification.with_defaults(content)
        return ContentReport(unique(specification.faults(document_id, filled, self._now_ms())))

    # --- specifications

    def faults(self, written: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with specifications, a sentence each; they are given by index and collection."""
        return self._read(written)[1]

    def _read(self, written: Mapping[str, Any]) -> tuple[dict[Target, Specification], list[str]]:
        found: dict[Target, Specification] = {}
        faults: list[str] = []
        now_ms = self._now_ms()
        for index, collections in written.items():
            if not isinstance(collections, dict):
                faults.append(KuzzleError("validation.assert.invalid_type", index, "object").message)
                continue
            for collection, specification in collections.items():
                read, more = read_specification(specification, f"{index}.{collection}", now_ms)
                faults += more
                if read is not None:
                    found[index, collection] = read
        return found, faults

    async def save(self, written: Mapping[str, Any]) -> None:
        """Store specifications and put them in force: all of them, or none when one is wrong.

        Args:
            written: Index to collection to specification. Neither index nor collection need exist.

        Raises:
            KuzzleError: 400 `validation.assert.invalid_specifications`, listing what is wrong.
            InvalidNameError: A name that a stored specification cannot have.
            StorageError: The store refused.
        """
        found, faults = self._read(written)
        if len(self._active.keys() | found.keys()) > MAX_SPECIFICATIONS:
            faults.append(f"There can be no more than {MAX_SPECIFICATIONS} specifications.")
        if faults:
            raise KuzzleError("validation.assert.invalid_specifications", _SEPARATOR.join(faults))
        by_id = {_identifier(target): target for target in found}

        def put_in_force(documents: Sequence[WrittenDocument]) -> None:
            for document in documents:
                target = by_id[document.id]
                self._active[target] = found[target]

        if by_id:
            contents = {name: _content(target, written) for name, target in by_id.items()}
            await self._stored.put_all(contents, after_commit=put_in_force)

    async def delete(self, target: Target) -> None:
        """Remove a specification; there need not be one.

        Raises:
            StorageError: The store refused.
        """

        def put_out_of_force(_documents: Sequence[WrittenDocument]) -> None:
            self._active.pop(target, None)

        await self._stored.remove(_identifier(target), after_commit=put_out_of_force)

    async def get(self, target: Target) -> Source:
        """Return a stored specification: `{"index", "collection", "validation"}`.

        Raises:
            KuzzleError: 412 `services.storage.unknown_index` or `unknown_collection`; 404
                `validation.assert.not_found`.
        """
        index, collection = target
        if not await self._storage.index_exists(index):
            raise UnknownIndexError(index)
        if not await self._storage.collection_exists(index, collection):
            raise KuzzleError("services.storage.unknown_collection", collection)
        source = await self._stored.find(_identifier(target))
        if source is None:
            raise KuzzleError("validation.assert.not_found", index, collection)
        return source

    async def search(self, search: Search) -> FoundSpecifications:
        """Find stored specifications.

        Raises:
            StorageError: A query that cannot be served.
        """
        return FoundSpecifications(await self._stored.search(search))

    async def open_scroll(self, search: Search, lifetime_ms: int, owner: str) -> FoundSpecifications:
        """Find stored specifications, page by page, for their owner alone.

        Raises:
            StorageError: A query that cannot be served, or too many scrolls.
        """
        return FoundSpecifications(await self._stored.open_scroll(search, lifetime_ms, owner))

    async def next_scroll_page(self, scroll_id: str, lifetime_ms: int, owner: str) -> FoundSpecifications:
        """Return the next page.

        Raises:
            UnknownScrollIdError
        """
        return FoundSpecifications(await self._stored.next_scroll_page(scroll_id, lifetime_ms, owner))


def _content(target: Target, written: Mapping[str, Any]) -> Source:
    index, collection = target
    return {"index": index, "collection": collection, "validation": written[index][collection]}


def _check(specification: Specification, document_id: str | None, content: Content, now_ms: int) -> None:
    fault = next(specification.faults(document_id, content, now_ms), None)
    if fault is None:
        return
    if fault.path:
        raise KuzzleError("validation.check.failed_field", ".".join(fault.path), fault.message)
    raise KuzzleError("validation.check.failed_document", fault.message)


def _identifier(target: Target) -> str:
    """Return the id of a stored specification.

    Raises:
        InvalidNameError: The index's name would make it ambiguous, or a name is missing.
    """
    index, collection = target
    if not index or "#" in index:
        raise InvalidNameError("index", index, "must neither be empty nor contain the character [#]")
    if not collection:
        raise InvalidNameError("collection", collection, "must not be empty")
    return f"{index}#{collection}"
