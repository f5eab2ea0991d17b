"""Which names indexes, collections and documents may have, as Elasticsearch 5 rules."""

from __future__ import annotations

from kuzzle.storage.errors import InvalidDocumentError, InvalidNameError

MAX_INDEX_BYTES = 255
MAX_COLLECTION_LENGTH = 255
MAX_ID_BYTES = 512

_FORBIDDEN_IN_INDEXES = frozenset('\\/*?"<>| ,#')
_FORBIDDEN_IN_COLLECTIONS = frozenset(",#")


def check_index_name(name: str) -> None:
    """Refuse what cannot name an index.

    Raises:
        InvalidNameError
    """
    if not name:
        raise InvalidNameError("index", name, "must not be empty")
    if name != name.lower():
        raise InvalidNameError("index", name, "must be lowercase")
    if _FORBIDDEN_IN_INDEXES.intersection(name) or not is_printable_text(name):
        raise InvalidNameError(
            "index", name, 'must not contain the following characters [ , ", *, \\, <, |, ,, >, /, ?, #]'
        )
    if name.startswith(("_", "-", "+")):
        raise InvalidNameError("index", name, "must not start with '_', '-', or '+'")
    if name in (".", ".."):
        raise InvalidNameError("index", name, "must not be '.' or '..'")
    if len(name.encode()) > MAX_INDEX_BYTES:
        raise InvalidNameError("index", name, f"index name is too long, ({len(name.encode())} > {MAX_INDEX_BYTES})")


def check_collection_name(name: str) -> None:
    """Refuse what cannot name a collection.

    Raises:
        InvalidNameError
    """
    if not name:
        raise InvalidNameError("collection", name, "must not be empty")
    if name.startswith(("_", ".")):
        raise InvalidNameError("collection", name, "must not start with '_' or '.'")
    if _FORBIDDEN_IN_COLLECTIONS.intersection(name) or not is_printable_text(name):
        raise InvalidNameError("collection", name, "must not contain the following characters [,, #]")
    if len(name) > MAX_COLLECTION_LENGTH:
        raise InvalidNameError("collection", name, f"name is too long, ({len(name)} > {MAX_COLLECTION_LENGTH})")


def check_document_id(document_id: str) -> None:
    """Refuse what cannot be the id of a document.

    Raises:
        InvalidDocumentError
    """
    if not document_id:
        raise InvalidDocumentError("if _id is specified it must not be empty")
    if not is_text(document_id):
        raise InvalidDocumentError("the id is no valid Unicode text")
    size = len(document_id.encode())
    if size > MAX_ID_BYTES:
        raise InvalidDocumentError(f"id is too long, must be no longer than {MAX_ID_BYTES} bytes but was: {size}")


def is_text(text: str) -> bool:
    """Tell whether a text can be written as UTF-8: half of a surrogate pair cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def is_printable_text(text: str) -> bool:
    """Tell whether a text is valid and free of control characters."""
    return is_text(text) and not any(ord(character) < 32 or ord(character) == 127 for character in text)
