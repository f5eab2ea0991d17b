"""What the store of a server has committed and in which order, told by SQLite itself."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import apsw
from harness import Server


class Committed(NamedTuple):
    """A document as a commit left it."""

    id: str
    version: int
    content: dict[str, Any]

    @property
    def is_deleted(self) -> bool:
        """Whether it lies in the trash."""
        return self.content.get("_kuzzle_info", {}).get("active") is False


class CommitLog:
    """Notes every document that is written from now on, once its transaction is committed.

    The hooks run in the thread that writes; what they noted is read when the writes have been answered.
    """

    def __init__(self, server: Server) -> None:
        self._storage: Any = server.app.storage
        self._open: list[tuple[str, tuple[Any, ...]]] = []
        self._done: list[tuple[str, tuple[Any, ...]]] = []
        connection: apsw.Connection = self._storage._opened().writer_connection
        connection.preupdate_hook(self._changed, id=self)
        connection.set_commit_hook(self._committed, id=self)
        connection.set_rollback_hook(self._open.clear, id=self)

    def _changed(self, update: apsw.PreUpdate) -> None:
        if update.table_name.startswith("documents_") and update.new is not None:
            self._open.append((update.table_name, update.new))

    def _committed(self) -> bool:
        self._done += self._open
        self._open.clear()
        return False  # go ahead

    def of(self, index: str, collection: str) -> list[Committed]:
        """Return what was committed of a collection, in its order."""
        state = self._storage._opened().writer.catalogue.find_collection(index, collection)
        decoder = apsw.Connection(":memory:")
        found = []
        for table, (_rid, document_id, version, body, *_others) in self._done:
            if table == state.documents_table:
                ((text,),) = decoder.execute("SELECT json(?)", (body,))
                found.append(Committed(document_id, version, json.loads(text)))
        return found
