"""The entries of m* actions, read one by one: a bad one is reported and stops no other."""

from __future__ import annotations

from typing import Any

from kuzzle.api.results import EntryFault, RefusedEntry
from kuzzle.request import Request
from kuzzle.storage.base import DocumentWrite, WriteKind


def read_documents(
    request: Request, kind: WriteKind, *, needs_id: bool, is_stamped: bool = True
) -> tuple[list[DocumentWrite], list[RefusedEntry]]:
    """Read `body.documents`, a list of `{"_id", "body"}`; contents that are not stamped stay as they are."""
    writes: list[DocumentWrite] = []
    refused: list[RefusedEntry] = []
    for entry in request.body["documents"]:
        content = entry.get("body") if isinstance(entry, dict) else None
        if not isinstance(content, dict):
            refused.append(RefusedEntry(entry, EntryFault.MALFORMED))
            continue
        document_id = entry.get("_id")
        is_text = isinstance(document_id, str)
        write = DocumentWrite(
            document_id if is_text and document_id else None,
            request.api.stamp(kind, content, request, many=True) if is_stamped else content,
            allow_trashed=True,
        )
        if needs_id and write.id is None:
            refused.append(RefusedEntry(entry, EntryFault.NO_ID, write))
        elif document_id is not None and not is_text:
            refused.append(RefusedEntry(entry, EntryFault.MALFORMED))
        else:
            writes.append(write)
    return writes, refused


def read_ids(request: Request) -> tuple[list[DocumentWrite], list[RefusedEntry]]:
    """Read `body.ids`, the documents to delete."""
    content = request.api.stamp(WriteKind.DELETE, None, request, many=True)
    ids: list[Any] = request.body["ids"]
    writes = [DocumentWrite(entry, content, allow_trashed=True) for entry in ids if isinstance(entry, str)]
    refused = [RefusedEntry(entry, EntryFault.ID_NOT_TEXT) for entry in ids if not isinstance(entry, str)]
    return writes, refused
