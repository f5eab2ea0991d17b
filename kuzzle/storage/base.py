"""The contract of a storage backend.

What controllers may rely on, whatever keeps the documents. Values are those of the domain: no wire
shape, no query language of an engine. `errors.py` says what goes wrong, `hits.py` what a search finds;
`tests/contracts/storage.py` holds every backend to this file.

Visibility: reading by id sees every acknowledged write at once; a search sees a snapshot that is at
most `storage.refreshInterval` old, and `refresh=True` makes a write visible to searches before it is
acknowledged. Durability: an acknowledged write survives the end of the process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from kuzzle.errors import KuzzleError
from kuzzle.storage.figures import StoreFigures
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.stored_content import StoredContent
from kuzzle.storage.tree import MATCH_ALL, Query, Search

Source = dict[str, Any]


# --- documents


@dataclass(slots=True)
class Document:
    """Which document, and which state of it.

    Attributes:
        version: 1 at creation, plus 1 with each write.
    """

    index: str
    collection: str
    id: str
    version: int


@dataclass(slots=True)
class StoredDocument(Document):
    """A document that was read."""

    content: StoredContent

    @property
    def source(self) -> Source:
        """The content as an object, metadata (`_kuzzle_info`) included."""
        return self.content.source

    @property
    def is_in_trash(self) -> bool:
        """True for a document that was deleted but can still be revived."""
        return self.content.is_in_trash


class WriteKind(Enum):
    """What a write does to the document of its id."""

    CREATE = "create"
    """Store it; an existing one is an error, unless it is in the trash."""
    CREATE_OR_REPLACE = "createOrReplace"
    """Store it, whatever was there."""
    REPLACE = "replace"
    """Store it in place of an existing one, trash included; none is an error."""
    UPDATE = "update"
    """Merge it deeply into an existing one (objects merge, everything else is replaced)."""
    DELETE = "delete"
    """Merge it deeply into an existing one that thereby goes to the trash, or, without a content,
    remove the document."""


@dataclass(slots=True)
class DocumentWrite:
    """One wanted change.

    Attributes:
        id: None lets the backend make one (20 URL-safe characters).
        source: New content, or the changes; None removes the document (DELETE only).
        allow_trashed: UPDATE and DELETE: False treats a document in the trash as DocumentInTrashError.
        version: Wanted current version; another one is a VersionConflictError. None: any. 0, for CREATE:
            none, not even in the trash.
        upsert: UPDATE: what to store when there is no document.
        check: Asked with the content that the write would leave, in one step with the write; what it
            raises (a KuzzleError) is why the write is not made. It may be asked in any thread.
    """

    id: str | None
    source: Source | None
    allow_trashed: bool = False
    version: int | None = None
    upsert: Source | None = None
    check: Callable[[Source], None] | None = None


@dataclass(slots=True)
class Operation:
    """One change of a sequence that may reach several collections."""

    index: str
    collection: str
    kind: WriteKind
    write: DocumentWrite


@dataclass(slots=True)
class WrittenDocument(Document):
    """A change that was made.

    Attributes:
        source: The content after the write, metadata (`_kuzzle_info`) included; of a removed document, the last
            content.
        kind: What was asked for.
        created: True when no document (or only one in the trash, for CREATE) had that id before.
        changes: The changes of an UPDATE or DELETE, as asked for.
    """

    source: Source
    kind: WriteKind = WriteKind.CREATE
    created: bool = False
    changes: Source | None = None


@dataclass(slots=True)
class FailedWrite:
    """A change that was not made, and why. The other changes of its batch are."""

    write: DocumentWrite
    error: KuzzleError


WriteOutcome = WrittenDocument | FailedWrite
AfterCommit = Callable[[Sequence[WrittenDocument]], None]
"""Called on the event loop with the successful writes of a batch, in the order of commits, before the
writer learns of it. It must not block nor raise."""


@dataclass(slots=True)
class CollectionMapping:
    """How the documents of a collection are indexed.

    Attributes:
        dynamic: `"true"`, `"false"` or `"strict"`.
        meta: Free data of users.
        properties: Field name to its definition, metadata (`_kuzzle_info`) left out.
    """

    dynamic: str = "true"
    meta: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)


class Storage(ABC):
    """A place for documents.

    Names that begin with `%` are internal: the backend stores them like others and leaves them out of
    `list_indexes`; that clients cannot name them is the API's business.

    Attributes:
        on_added: Called on the event loop when an index (its name, None) or a collection was made, in the order of the
            commits, once for each.
        on_removed: Likewise when an index was removed with all its collections.
    """

    on_added: Callable[[str, str | None], None] = staticmethod(lambda _index, _collection: None)
    on_removed: Callable[[str], None] = staticmethod(lambda _index: None)

    @abstractmethod
    async def open(self) -> None:
        """Make the store ready.

        Raises:
            StoreOpenError: It cannot be opened; the text is one line for the operator.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finish the writes under way and close the store. Later calls raise StorageUnavailableError."""

    @abstractmethod
    async def describe(self) -> dict[str, Any]:
        """Return what `server:info` shows: `{"type", "version", "status", "spaceUsed"...}`."""

    @abstractmethod
    async def is_healthy(self) -> bool:
        """Tell whether the store reads and writes."""

    @abstractmethod
    def figures(self) -> StoreFigures:
        """Return what the store can tell about its work, at once.

        Raises:
            StorageUnavailableError: It is closed.
        """

    # --- indexes

    @abstractmethod
    async def create_index(self, index: str) -> None:
        """Make an empty index.

        Raises:
            IndexAlreadyExistsError, InvalidNameError
        """

    @abstractmethod
    async def delete_index(self, index: str) -> None:
        """Remove an index with all its collections.

        Raises:
            UnknownIndexError
        """

    @abstractmethod
    async def index_exists(self, index: str) -> bool:
        """Tell whether an index exists."""

    @abstractmethod
    async def list_indexes(self) -> list[str]:
        """Return the names of the public indexes, sorted."""

    # --- collections

    @abstractmethod
    async def create_collection(self, index: str, collection: str, mapping: dict[str, Any] | None) -> None:
        """Make a collection; an existing one has the mapping (as users write it) merged into its own.

        Raises:
            UnknownIndexError, InvalidNameError, StorageError (a mapping error)
        """

    @abstractmethod
    async def update_mapping(self, index: str, collection: str, mapping: dict[str, Any]) -> None:
        """Merge a mapping, as users write it, into that of a collection.

        Raises:
            UnknownIndexError, MappingNotFoundError, StorageError (a mapping error)
        """

    @abstractmethod
    async def get_mapping(self, index: str, collection: str) -> CollectionMapping:
        """Return the mapping of a collection, fields that writes have brought included.

        Raises:
            UnknownIndexError, MappingNotFoundError
        """

    @abstractmethod
    async def collection_exists(self, index: str, collection: str) -> bool:
        """Tell whether a collection exists; False also for an unknown index."""

    @abstractmethod
    async def list_collections(self, index: str) -> list[str]:
        """Return the names of the collections, sorted by code point.

        Raises:
            UnknownIndexError
        """

    # --- documents

    @abstractmethod
    async def get_document(
        self, index: str, collection: str, document_id: str, *, include_trash: bool = False
    ) -> StoredDocument:
        """Return a document.

        Raises:
            UnknownIndexError, DocumentNotFoundError (also for an unknown collection),
            DocumentInTrashError
        """

    @abstractmethod
    async def get_documents(
        self, index: str, collection: str, document_ids: Sequence[str]
    ) -> list[StoredDocument | None]:
        """Return the documents of these ids in order, None where there is none; unknown index and
        collection behave as empty. Documents in the trash are returned too."""

    @abstractmethod
    async def write_documents(
        self,
        index: str,
        collection: str,
        kind: WriteKind,
        writes: Sequence[DocumentWrite],
        *,
        refresh: bool = False,
        after_commit: AfterCommit | None = None,
    ) -> list[WriteOutcome]:
        """Make several changes, each by itself: one that fails stops no other.

        Returns:
            One outcome per write, in order.

        Raises:
            UnknownIndexOrCollectionError: CREATE, CREATE_OR_REPLACE and REPLACE.
            UnknownIndexError: UPDATE and DELETE (an unknown collection there: DocumentNotFoundError
                for each write).
        """

    async def write_document(
        self,
        index: str,
        collection: str,
        kind: WriteKind,
        write: DocumentWrite,
        *,
        refresh: bool = False,
        after_commit: AfterCommit | None = None,
    ) -> WrittenDocument:
        """Make one change.

        Raises:
            StorageError: Why it was not made: DocumentAlreadyExistsError, DocumentNotFoundError,
                DocumentInTrashError, VersionConflictError, or a mapping error.
        """
        outcome = (
            await self.write_documents(index, collection, kind, [write], refresh=refresh, after_commit=after_commit)
        )[0]
        if isinstance(outcome, FailedWrite):
            raise outcome.error
        return outcome

    @abstractmethod
    async def write_operations(
        self, operations: Sequence[Operation], *, refresh: bool = False, after_commit: AfterCommit | None = None
    ) -> list[WriteOutcome]:
        """Make changes of several kinds and collections in order, each by itself; each sees those before it.

        Returns:
            One outcome per change, in order; UnknownIndexOrCollectionError fails a change, whatever its kind.
        """

    @abstractmethod
    async def erase_trash(self, index: str, collection: str, limit: int) -> list[str]:
        """Remove documents of the trash for good, `limit` at most, and none that was revived before; return their ids.

        They are fewer than `limit` once the trash is empty, as it also is where there is no such collection."""

    # --- search

    @abstractmethod
    async def search(self, index: str, collection: str, search: Search) -> SearchPage:
        """Find documents; an unknown collection of a known index is empty.

        Raises:
            UnknownIndexError, StorageError (a query that the mapping cannot serve)
        """

    @abstractmethod
    async def open_scroll(
        self, index: str, collection: str, search: Search, lifetime_ms: int, *, owner: str | None = None
    ) -> SearchPage:
        """Find documents and keep the search open: the pages that follow are of the same snapshot.

        Args:
            owner: Who alone may read on; None: whoever knows the scroll.

        Returns:
            The first page. Its `scroll_id` is valid for `lifetime_ms` after it and after each further page.

        Raises:
            TooManyOperationsError: As many scrolls are open as may be.
            UnknownIndexError, StorageError (a query that the mapping cannot serve, or `offset`, `after` or a
                size of 0, which scrolls do not have)
        """

    @abstractmethod
    async def next_scroll_page(
        self, scroll_id: str, lifetime_ms: int, *, within: tuple[str, str] | None = None, owner: str | None = None
    ) -> SearchPage:
        """Return the next page of a scroll; past its end, an empty one.

        Args:
            owner: Who reads on.
            within: Index and collection that the scroll must be of; None: of any index that is not internal.

        Raises:
            UnknownScrollIdError: No such scroll there, it is somebody else's, or its time is over.
        """

    @abstractmethod
    def end_scrolls(self) -> None:
        """End all scrolls, at once.

        Raises:
            StorageUnavailableError: The store is closed.
        """

    @abstractmethod
    async def count(self, index: str, collection: str, query: Query = MATCH_ALL) -> int:
        """Count the documents that match; as `search` otherwise."""

    @abstractmethod
    async def find_ids(self, index: str, collection: str, query: Query = MATCH_ALL) -> list[str]:
        """Return the ids of all documents that match, in no particular order; as `search` otherwise."""

    @abstractmethod
    async def refresh(self, index: str) -> None:
        """Make every acknowledged write of an index visible to searches.

        Raises:
            UnknownIndexError
        """
