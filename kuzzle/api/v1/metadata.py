"""The metadata that API 1 keeps in each document, its trash included.

`_kuzzle_info` says who made and changed a document and when, in milliseconds since the epoch. A deleted
document stays, with `active: false`: it is in the trash until somebody writes it again. Metadata that a
client sends is never taken over.
"""

from __future__ import annotations

from typing import Any, Final

from kuzzle.storage.base import WriteKind
from kuzzle.storage.query import Bool, Query, Term

# The fields of `_kuzzle_info` as `collection:getMapping` shows them.
METADATA_MAPPING: Final = {
    "properties": {
        "active": {"type": "boolean"},
        "author": {"type": "keyword"},
        "createdAt": {"type": "date"},
        "updatedAt": {"type": "date"},
        "updater": {"type": "keyword"},
        "deletedAt": {"type": "date"},
    }
}
_IN_TRASH: Final = Term("_kuzzle_info.active", False)


def metadata_of_write(kind: WriteKind, author: str | None, now: int, *, many: bool) -> dict[str, Any]:
    """Return the metadata that a write leaves in its document.

    Args:
        author: Id of the user who writes; None: nobody, the server itself.
        now: Milliseconds since the epoch.
        many: The write is one of an m* action: these never set the updater of a new content, and their
            updates take a document out of the trash.
    """
    if kind is WriteKind.DELETE:
        return {"active": False, "deletedAt": now, "updater": author}
    if kind is WriteKind.UPDATE:
        changes = {"active": True, "updatedAt": now, "updater": author}
        return {**changes, "deletedAt": None} if many else changes
    replaces = kind is not WriteKind.CREATE and not many
    return {
        "author": author,
        "createdAt": now,
        "updatedAt": now if replaces else None,
        "updater": author if replaces else None,
        "active": True,
        "deletedAt": None,
    }


def without_trash(query: Query) -> Query:
    """Return the query that finds the same documents, but for those in the trash; scores stay the same."""
    return Bool(must=(query,), must_not=(_IN_TRASH,))
