"""Reads of single documents by their ids, on the event loop: microseconds each.

Taking and leaving a read transaction costs as much as the read itself, so reads share one: as long as nothing is
written it shows what there is. While the writer works, those of one turn of the loop share one: what a transaction
still reads cannot leave the log.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import apsw

from kuzzle.storage.base import StoredDocument
from kuzzle.storage.names import is_text
from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.readers import failure
from kuzzle.storage.sqlite.writer import Writer
from kuzzle.storage.stored_content import StoredContent


class PointReads:
    """The connection that single documents are read by. It is used on the event loop only."""

    def __init__(self, connection: apsw.Connection, loop: asyncio.AbstractEventLoop, writer: Writer) -> None:
        """Whoever gives `writer` a change calls `end_turn` before, and again when it is made."""
        self._connection = connection
        self._cursor = connection.cursor()
        self._loop = loop
        self._writer = writer
        self._is_in_turn = False

    def find(self, index: str, state: CollectionState, document_id: str) -> StoredDocument | None:
        """Return a document, None if there is none.

        Raises:
            StorageFailedError: The medium did not give it.
        """
        if not is_text(document_id):
            return None
        try:
            if not self._is_in_turn:
                self._begin_turn()
            found: Any = self._cursor.execute(state.point_read, (document_id,)).get
        except apsw.SQLError:
            # Its index was deleted a moment ago, and the news is on its way to this thread.
            return None
        except apsw.Error as error:
            with contextlib.suppress(apsw.Error):
                self.end_turn()
            raise failure(error) from error
        if found is None:
            return None
        version, text, start, size = found
        return StoredDocument(index, state.name, document_id, version, StoredContent(text, start, size))

    def _begin_turn(self) -> None:
        self._cursor.execute("BEGIN")
        self._is_in_turn = True
        if not self._writer.is_idle:
            self._loop.call_soon(self.end_turn)

    def end_turn(self) -> None:
        """Let the next read see what is committed by then."""
        if self._is_in_turn:
            self._is_in_turn = False
            if self._connection.in_transaction:  # an error of the disk may have ended it
                self._cursor.execute("COMMIT")

    def close(self) -> None:
        """Close the connection; there are no reads from now on."""
        self.end_turn()
        self._connection.close()
