"""What the server gives to a plugin beside the plain things: calls of the API, and a store of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class EmbeddedClient(ABC):
    """Calls the API from inside the server, without a protocol.

    No rights apply, unless `as_user` says for whom it asks: whoever lets users decide what is called has to use that.
    Arguments are checked as those of clients are. Calls take no slot and count in no statistics.
    """

    @abstractmethod
    async def execute(
        self, controller: str, action: str, *, body: Any = None, triggers_events: bool = False, **arguments: Any
    ) -> Any:
        """Call an action and return its result, as JSON values in the shapes of API 1.

        Args:
            body: The body of the request; None: none.
            triggers_events: Whether pipes and hooks get to know of the call. One that a plugin makes in a pipe of the
                same event calls that pipe again.
            arguments: The arguments by their wire names (`index`, `collection`, `_id`, `refresh`, `volatile`...).

        Raises:
            PartialError: Some parts of it failed: `errors` and `result` hold what a 206 answer does.
            KuzzleError: What a client would be answered; `plugin.context.unavailable_realtime` for what needs a
                connection (subscriptions); `api.process.overloaded`: the plugin has too many calls at work.
        """

    @abstractmethod
    def as_user(self, kuid: str) -> EmbeddedClient:
        """Return a client that asks for a user: by the rights that he has when he asks, and as the author of what
        is written. A call for a user who does not exist raises `services.storage.not_found`.

        Raises:
            KuzzleError: `plugin.context.invalid_user`: it is no id.
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
    """One collection of a plugin's own. Every method raises KuzzleError when the store refuses or is gone.

    A collection that nobody has created is made by the first document, which maps what it has. Contents are JSON
    objects; a member `_kuzzle_info` is left out. What was written is found by searches at once.
    """

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
        """Return those of some documents that there are, in the order of the ids.

        Raises:
            KuzzleError: `services.storage.get_limit_exceeded`: more than the option `limits.documentsFetchCount`.
        """

    @abstractmethod
    async def search(self, body: Mapping[str, Any], *, offset: int = 0, size: int = 10) -> PrivatePage:
        """Find documents.

        Args:
            body: `query`, `sort` and `search_after`, in the query language of documents.

        Raises:
            KuzzleError: What is wrong with the search; `services.storage.get_limit_exceeded`, as `m_get`.
        """


class PluginStorage(ABC):
    """The collections of one plugin, in an index that no client can name: `%plugin:<name>`, in lower case.

    They survive restarts and `admin:resetDatabase`, and backups hold them.
    """

    @abstractmethod
    async def create_collection(self, name: str, mappings: Mapping[str, Any] | None = None) -> None:
        """Make a collection, or add mappings to one that is there.

        Args:
            mappings: As the body of `collection:create`; None: what comes is mapped as it comes.

        Raises:
            KuzzleError: What is wrong with the name or the mappings.
        """

    @abstractmethod
    async def bootstrap(self, mappings: Mapping[str, Mapping[str, Any]]) -> None:
        """Make the collections that `init` counts on: names to mappings, as `create_collection` takes them."""

    @abstractmethod
    def repository(self, collection: str) -> Repository:
        """Return the documents of a collection."""
