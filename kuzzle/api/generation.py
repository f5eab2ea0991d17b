"""What an API generation decides; one module per generation stands beside this one.

A generation is a property of the request. Controllers and services speak domain values and ask
`request.api` for what differs between generations; nothing else in the server tests for a version.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from kuzzle.catalogue import Catalogue
from kuzzle.errors import KuzzleError
from kuzzle.realtime.notifications import DocumentEvent, UserEvent
from kuzzle.request import Request
from kuzzle.response import Response
from kuzzle.storage.base import WriteKind
from kuzzle.storage.query import Query


class ApiGeneration(ABC):
    """The wire shapes and manners of one generation of the API.

    Attributes:
        has_later_filter_keywords: Whether filters of its subscriptions may hold `match` and `select`.
    """

    number: int
    catalogue: Catalogue
    has_later_filter_keywords: bool

    @abstractmethod
    def success(self, request: Request, result: Any) -> Response:
        """Word a result: domain values become wire shapes, JSON values stay as they are.

        A batch of which parts failed is worded as this generation does it (a 206 in API 1).
        """

    @abstractmethod
    def word(self, request: Request, result: Any) -> Any:
        """Return a result in the shapes of this generation, which a success carries.

        Raises:
            PartialError: Parts of it failed.
        """

    @abstractmethod
    def failure(self, request: Request, error: KuzzleError) -> Response:
        """Word an error; a PartialError or ResultingError keeps its result."""

    @abstractmethod
    def error(self, error: KuzzleError) -> dict[str, Any]:
        """Return the error member of an envelope, also sent bare by HTTP."""

    @abstractmethod
    def check_sdk(self, volatile: Mapping[str, Any]) -> None:
        """Refuse the mark of an SDK that belongs to another generation.

        Raises:
            KuzzleError: `api.process.incompatible_sdk_version`.
        """

    @abstractmethod
    def public_actions(self) -> Mapping[str, Any]:
        """Return what `server:publicApi` answers: controller to action to its routes."""

    # --- metadata and trash

    @abstractmethod
    def stamp(
        self, kind: WriteKind, source: dict[str, Any] | None, request: Request, *, many: bool = False
    ) -> dict[str, Any]:
        """Return the content to write: `source` with the metadata (`_kuzzle_info`) of this write.

        For DELETE the metadata alone, that sends a document to the trash. `many`: an m* action, where
        metadata differ in details.
        """

    @abstractmethod
    def stamp_imported_change(self, source: dict[str, Any], request: Request) -> dict[str, Any]:
        """Return the changes, or the content in place of a missing document, of an update in a bulk import."""

    @abstractmethod
    def visible(self, query: Query, request: Request) -> Query:
        """Return the query that finds, of what `query` matches, what this request may see."""

    # --- notifications

    @abstractmethod
    def document_notification(self, event: DocumentEvent) -> dict[str, Any]:
        """Word what happened to a document, or a published message."""

    @abstractmethod
    def user_notification(self, event: UserEvent) -> dict[str, Any]:
        """Word that somebody entered or left a room."""

    @abstractmethod
    def token_expired_notification(self) -> dict[str, Any]:
        """Word that the token a client has subscribed by is good no longer."""
