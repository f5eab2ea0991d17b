"""What actions answer, as domain values that an API generation words.

Beside these stand the values of storage (`WrittenDocument`, `StoredDocument`, `SearchPage`,
`CollectionMapping`) and realtime (`Subscription`). A result that is the same JSON in every generation
is answered as that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from kuzzle.errors import KuzzleError
from kuzzle.security.stored import SecurityObject
from kuzzle.security.verified_tokens import Token
from kuzzle.storage.base import DocumentWrite, StoredDocument, WriteKind, WriteOutcome


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The change is made; there is nothing to tell about it."""


@dataclass(frozen=True, slots=True)
class CreatedIndex:
    """The index exists from now on."""

    index: str


@dataclass(frozen=True, slots=True)
class RefreshedIndex:
    """Searches see every acknowledged write of the index."""


@dataclass(frozen=True, slots=True)
class DocumentCount:
    """How many documents matched."""

    count: int


@dataclass(frozen=True, slots=True)
class DeletedDocuments:
    """The documents that matched a query and were deleted, by id."""

    ids: list[str]


@dataclass(frozen=True, slots=True)
class FetchedDocuments:
    """The documents that were asked for by id, in the order of the request; None where there is none."""

    entries: list[tuple[str, StoredDocument | None]]


class EntryFault(Enum):
    """Why an entry of an m* action never reached the storage."""

    MALFORMED = "malformed"
    """It is no object, its body is none, or its id is no text."""
    NO_ID = "no id"
    """The action needs an id."""
    ID_NOT_TEXT = "id is no text"
    """In a list of ids, something else than a text."""


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry of an m* action that never reached the storage.

    Attributes:
        entry: As it was sent.
        write: The wanted change, as far as the entry could be read.
    """

    entry: Any
    fault: EntryFault
    write: DocumentWrite | None = None


@dataclass(frozen=True, slots=True)
class DocumentBatch:
    """What became of the entries of an m* action.

    Attributes:
        outcomes: One per entry that reached the storage, in the order of the request.
        refused: The other entries.
        is_import: They were written as they are; what fails is a failed import.
    """

    kind: WriteKind
    index: str
    collection: str
    outcomes: list[WriteOutcome]
    refused: list[RefusedEntry]
    is_import: bool = False


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """What became of one operation of a bulk import.

    Attributes:
        action: `index`, `create`, `update` or `delete`.
        id: None when the operation named none and failed.
        version: Version after the operation, None when it failed.
        error: Why it failed, None otherwise.
    """

    action: str
    index: str
    collection: str
    id: str | None
    version: int | None = None
    created: bool = False
    error: KuzzleError | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a bulk import, operation by operation."""

    items: list[ImportedItem]
    took_ms: int


@dataclass(frozen=True, slots=True)
class FailedImport:
    """An import of which parts failed, where only failures are told."""

    report: ImportReport


@dataclass(frozen=True, slots=True)
class AcknowledgedOrder:
    """An order of an administrator is carried out, or will be."""


@dataclass(frozen=True, slots=True)
class ResetSecurities:
    """What a reset of the securities has deleted, in numbers."""

    users: int
    profiles: int
    roles: int


@dataclass(frozen=True, slots=True)
class LeftRoom:
    """The connection is no longer in this room."""

    room_id: str


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A login or an exchange gave this token."""

    token: Token


@dataclass(frozen=True, slots=True)
class LoginStep:
    """A login goes on elsewhere: the answer has this HTTP status and these headers."""

    status: int
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """Who asks; `strategies` are those with credentials of this user, None for anonymous."""

    user: SecurityObject
    strategies: list[str] | None
