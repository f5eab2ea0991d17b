"""Deleting whatever matches a query."""

from __future__ import annotations

from typing import Final

from kuzzle.request import Request
from kuzzle.storage.base import AfterCommit, DocumentWrite, Storage, WriteKind, WrittenDocument
from kuzzle.storage.query import Query

# A chunk is one batch of writes: large enough to share a commit, small enough to let others in between.
_CHUNK: Final = 500


async def delete_matching(
    storage: Storage, request: Request, query: Query, after_commit: AfterCommit | None, *, refresh: bool
) -> list[str]:
    """Delete the documents of the request's collection that match, as its API generation deletes.

    Args:
        refresh: Return once searches see it.

    Returns:
        The ids of those that were deleted; one that somebody else deleted meanwhile is left out.

    Raises:
        UnknownIndexError, StorageError (a query that the mapping cannot serve)
    """
    index, collection = request.target()
    found = await storage.find_ids(index, collection, request.api.visible(query, request))
    if refresh and not found:  # what was written before is seen, as after any other write that waits
        await storage.refresh(index)
    content = request.api.stamp(WriteKind.DELETE, None, request)
    deleted: list[str] = []
    for start in range(0, len(found), _CHUNK):
        chunk = found[start : start + _CHUNK]
        outcomes = await storage.write_documents(
            index,
            collection,
            WriteKind.DELETE,
            [DocumentWrite(document_id, content) for document_id in chunk],
            refresh=refresh and start + _CHUNK >= len(found),
            after_commit=after_commit,
        )
        deleted += [outcome.id for outcome in outcomes if isinstance(outcome, WrittenDocument)]
    return deleted
