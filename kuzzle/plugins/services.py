"""What the server gives to a plugin beside the plain things: calls of the API, and a store of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class EmbeddedClient(ABC):
    """Calls the API from inside the server, without a protocol."""

    @abstractmethod
    async def execute(
        self, controller: str, action: str, *, body: Any = None, user: str | None = None, **arguments: Any
    ) -> Any:
        """Call an action and return its result, as JSON values in the shapes of API 1.

        No rights apply unless `user` names who asks: then those of that user do, who is also the author of
        what is written. The call counts in no statistics and takes no slot.

        Args:
            body: The body of the request; None: none.
            user: The id of a user; None: the server itself.
            arguments: The arguments by their wire names (`index`, `collection`, `_id`, `refresh`...).

        Raises:
            KuzzleError: What a client would be answered; `plugin.context.unavailable_realtime` for what needs a
                connection (`realtime:subscribe`).
        """


@dataclass(frozen=True, slots=True)
class PrivateDocument:
    """A document of a plugin's own.

    Attributes:
        content: What it holds, without metadata.
        version: 1 at creation, plus 1 with each write.
    """

    id: str
    content: dict[str, Any]
    version: int


@dataclass(frozen=True, slots=True)
class PrivatePage:
    """What a search found: one page of it, and how many documents match in all."""

    documents: Sequence[PrivateDocument]
    total: int


class Repository(ABC):
    """One collection of a plugin's own. Every method raises KuzzleError when the store refuses or is gone."""

    @abstractmethod
    async def create(self, content: Mapping[str, Any], document_id: str | None = None) -> PrivateDocument:
        """Store a new document; None lets the store make an id.

        Raises:
            KuzzleError: `services.storage.document_already_exists`.
        """

    @abstractmethod
    async def create_or_replace(self, document_id: str, content: Mapping[str, Any]) -> PrivateDocument:
        """Store a document, whatever was there."""

    @abstractmethod
    async def replace(self, document_id: str, content: Mapping[str, Any]) -> PrivateDocument:
        """Store a document in place of one.

        Raises:
            KuzzleError: `services.storage.not_found`.
        """

    @abstractmethod
    async def update(self, document_id: str, changes: Mapping[str, Any]) -> PrivateDocument:
        """Merge changes deeply into a document, and return it whole.

        Raises:
            KuzzleError: `services.storage.not_found`.
        """

    @abstractmethod
    async def delete(self, document_id: str) -> None:
        """Remove a document for good.

        Raises:
            KuzzleError: `services.storage.not_found`.
        """

    @abstractmethod
    async def get(self, document_id: str) -> PrivateDocument:
        """Return a document.

        Raises:
            KuzzleError: `services.storage.not_found`.
        """

    @abstractmethod
    async def m_get(self, document_ids: Sequence[str]) -> list[PrivateDocument]:
        """Return those of some documents that there are, in the order of their ids."""

    @abstractmethod
    async def search(self, body: Mapping[str, Any], *, offset: int = 0, size: int = 10) -> PrivatePage:
        """Find documents.

        Args:
            body: `query` and `sort`, in the query language of documents.

        Raises:
            KuzzleError: What is wrong with the search.
        """


class PluginStorage(ABC):
    """The collections of one plugin, in an index that no client sees: `%plugin:<name>`, in lower case."""

    @abstractmethod
    async def create_collection(self, name: str, mappings: Mapping[str, Any] | None = None) -> None:
        """Make a collection, or add mappings to one that is there.

        Args:
            mappings: As the body of `collection:create`; None: what comes is mapped as it comes.
        """

    @abstractmethod
    def repository(self, collection: str) -> Repository:
        """Return the documents of a collection."""
