"""What goes wrong in a storage backend, whatever it is."""

from __future__ import annotations

from typing import Self

from kuzzle.errors import KuzzleError


class StorageError(KuzzleError):
    """An error a backend raises. Its id is fixed by its class."""


class UnknownIndexError(StorageError):
    """`services.storage.unknown_index` (412)."""

    def __init__(self, index: str) -> None:
        super().__init__("services.storage.unknown_index", index)


class UnknownIndexOrCollectionError(StorageError):
    """`services.storage.unknown_index_collection` (412): a write has nowhere to go."""

    def __init__(self) -> None:
        super().__init__("services.storage.unknown_index_collection")


class MappingNotFoundError(StorageError):
    """`services.storage.no_mapping_found` (404): the collection does not exist."""

    def __init__(self, index: str) -> None:
        super().__init__("services.storage.no_mapping_found", index)


class IndexAlreadyExistsError(StorageError):
    """`services.storage.unexpected_bad_request` (400) saying that the index already exists."""

    def __init__(self, index: str) -> None:
        super().__init__("services.storage.unexpected_bad_request", f"index [{index}] already exists")


class InvalidNameError(StorageError):
    """`services.storage.unexpected_bad_request` (400): no such name for an index or a collection."""

    def __init__(self, kind: str, name: str, reason: str) -> None:
        super().__init__("services.storage.unexpected_bad_request", f"Invalid {kind} name [{name}], {reason}")


class DocumentNotFoundError(StorageError):
    """`services.storage.unexpected_not_found` (404): no document has that id."""

    def __init__(self) -> None:
        super().__init__("services.storage.unexpected_not_found", "Not Found")


class DocumentInTrashError(StorageError):
    """`services.storage.not_found` (404): the document is in the trash."""

    def __init__(self, document_id: str, index: str, collection: str) -> None:
        super().__init__("services.storage.not_found", document_id)
        self.index = index
        self.collection = collection


class DocumentToReplaceNotFoundError(StorageError):
    """`services.storage.not_found` (404): there is no document of that id to put another in place of."""

    def __init__(self, document_id: str) -> None:
        super().__init__("services.storage.not_found", document_id)


class DocumentAlreadyExistsError(StorageError):
    """`services.storage.document_already_exists` (400)."""

    def __init__(self) -> None:
        super().__init__("services.storage.document_already_exists")


class VersionConflictError(StorageError):
    """`services.storage.too_many_changes` (500): others changed the document more often than retries allow."""

    def __init__(self, document_id: str) -> None:
        super().__init__("services.storage.too_many_changes", document_id)


class StrictMappingError(StorageError):
    """`services.storage.unexpected_bad_request` (400): a strict mapping does not know a field."""

    def __init__(self, field: str, within: str) -> None:
        super().__init__(
            "services.storage.unexpected_bad_request",
            f"mapping set to strict, dynamic introduction of [{field}] within [{within}] is not allowed",
        )


class InvalidDocumentError(StorageError):
    """`services.storage.unexpected_bad_request` (400): an id or a content that cannot be stored."""

    def __init__(self, reason: str) -> None:
        super().__init__("services.storage.unexpected_bad_request", reason)


class UnknownScrollIdError(StorageError):
    """`services.storage.unknown_scroll_id` (404): no scroll has that id, or its time is over."""

    def __init__(self) -> None:
        super().__init__("services.storage.unknown_scroll_id")


class TooManyOperationsError(StorageError):
    """`services.storage.too_many_operations` (500): more reads or writes wait than the backend lets wait."""

    def __init__(self, kind: str) -> None:
        super().__init__("services.storage.too_many_operations", kind)


class SearchTooLongError(StorageError):
    """504 without id: a search took longer than the operator lets one take."""

    @classmethod
    def after(cls, limit_ms: int) -> Self:
        """Return the error of a search that was given up after so long."""
        return cls.without_id(504, f"The search was given up after {limit_ms} ms")


class StorageFailedError(StorageError):
    """`services.storage.unexpected_error` (500): the medium did not take or give the data."""

    def __init__(self) -> None:
        super().__init__("services.storage.unexpected_error", "The storage could not complete the operation")


class StorageUnavailableError(StorageError):
    """`services.storage.not_connected` (500): the backend is closed or did not answer."""

    def __init__(self) -> None:
        super().__init__("services.storage.not_connected")


class StoreOpenError(Exception):
    """The store cannot be opened; the text is one line that tells the operator why."""
