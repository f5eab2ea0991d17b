"""Running a bulk import: in chunks, so that it takes bounded memory and other clients get their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from kuzzle.api.results import ImportedItem, ImportReport
from kuzzle.controllers.auto_refresh import AutoRefresh
from kuzzle.controllers.bulk_lines import ImportLine, read_import
from kuzzle.request import Request
from kuzzle.storage.base import DocumentWrite, FailedWrite, Operation, Storage, WriteKind, WriteOutcome
from kuzzle.storage.errors import StorageError, UnknownIndexOrCollectionError

# Operations that share a commit. Few enough that a change of another client waits for milliseconds only.
_CHUNK: Final = 200
# Lines that are read before others get their turn: less than a millisecond of work.
_LINES_PER_TURN: Final = 500


class Importer:
    """Writes the operations of bulk imports."""

    def __init__(self, storage: Storage, auto_refresh: AutoRefresh) -> None:
        self._storage = storage
        self._auto_refresh = auto_refresh

    async def run(
        self,
        request: Request,
        data: list[Any],
        index: str | None,
        collection: str | None,
        check_place: Callable[[str, str], None] | None = None,
    ) -> ImportReport:
        """Import lines in order; an operation that fails stops no other, and each sees those before it.

        Args:
            index, collection: Those of operations that name none.
            check_place: Asked with index and collection of each place that is written; what it raises is why
                nothing is.

        Raises:
            KuzzleError: A line is malformed or names a place that does not exist or is refused; nothing is
                written then.
        """
        started = time.monotonic()
        lines = await self._read(data, index, collection, check_place)
        refresh = self._auto_refresh.waits(request, *{line.index for line in lines})
        items: list[ImportedItem] = []
        for start in range(0, len(lines), _CHUNK):
            chunk = lines[start : start + _CHUNK]
            is_last = start + _CHUNK >= len(lines)
            outcomes = await self._write([_operation(line, request) for line in chunk], refresh=refresh and is_last)
            items += map(_item, chunk, outcomes)
            await asyncio.sleep(0)
        return ImportReport(items, int((time.monotonic() - started) * 1000))

    async def _read(
        self,
        data: list[Any],
        index: str | None,
        collection: str | None,
        check_place: Callable[[str, str], None] | None,
    ) -> list[ImportLine]:
        lines: list[ImportLine] = []
        for line in read_import(data, index, collection):
            lines.append(line)
            if len(lines) % _LINES_PER_TURN == 0:
                await asyncio.sleep(0)
        for place in {(line.index, line.collection) for line in lines}:
            if check_place is not None:
                check_place(*place)
            if not await self._storage.collection_exists(*place):
                raise UnknownIndexOrCollectionError
        return lines

    async def _write(self, operations: list[Operation], *, refresh: bool) -> list[WriteOutcome]:
        try:
            return await self._storage.write_operations(operations, refresh=refresh)
        except StorageError as error:  # the chunks before it are written: the answer has to tell
            return [FailedWrite(operation.write, error) for operation in operations]


def _operation(line: ImportLine, request: Request) -> Operation:
    stamp, change = request.api.stamp, request.api.stamp_imported_change
    if line.action == "delete" or line.source is None:
        kind, write = WriteKind.DELETE, DocumentWrite(line.id, None, allow_trashed=True)
    elif line.action == "update":
        upsert = None if line.upsert is None else change(line.upsert, request)
        kind = WriteKind.UPDATE
        write = DocumentWrite(line.id, change(line.source, request), allow_trashed=True, upsert=upsert)
    else:
        content = stamp(WriteKind.CREATE, line.source, request, many=True)
        if line.action == "create":
            # Version 0: not even a document in the trash may be there.
            kind, write = WriteKind.CREATE, DocumentWrite(line.id, content, version=0)
        else:
            kind, write = WriteKind.CREATE_OR_REPLACE, DocumentWrite(line.id, content)
    return Operation(line.index, line.collection, kind, write)


def _item(line: ImportLine, outcome: WriteOutcome) -> ImportedItem:
    if isinstance(outcome, FailedWrite):
        return ImportedItem(line.action, line.index, line.collection, line.id, error=outcome.error)
    return ImportedItem(
        line.action, line.index, line.collection, outcome.id, version=outcome.version, created=outcome.created
    )
