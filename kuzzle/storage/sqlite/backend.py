"""The embedded storage: documents in one SQLite file.

Threads: reads by id run on the event loop itself (microseconds, on a connection of their own); searches
run on the readers' threads; every change runs on the writer's thread, with group commit.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from kuzzle.storage.base import (
    AfterCommit,
    CollectionMapping,
    DocumentWrite,
    FailedWrite,
    Operation,
    Storage,
    StoredDocument,
    WriteKind,
    WriteOutcome,
)
from kuzzle.storage.errors import (
    DocumentInTrashError,
    DocumentNotFoundError,
    MappingNotFoundError,
    StorageError,
    StorageUnavailableError,
    StoreOpenError,
    UnknownIndexError,
)
from kuzzle.storage.figures import StoreFigures
from kuzzle.storage.hits import SearchPage
from kuzzle.storage.reading import bad_request
from kuzzle.storage.sqlite.catalogue import Catalogue, CollectionState, IndexState
from kuzzle.storage.sqlite.definitions import create_collection, create_index, delete_index, update_mapping
from kuzzle.storage.sqlite.lock import StoreLock
from kuzzle.storage.sqlite.point_reads import PointReads
from kuzzle.storage.sqlite.readers import Readers
from kuzzle.storage.sqlite.schema import load_catalogue, open_reader, open_writer
from kuzzle.storage.sqlite.scrolls import Scrolls, StartedScroll
from kuzzle.storage.sqlite.searching import count_documents, find_document_ids, search_documents
from kuzzle.storage.sqlite.trash import erase_trash
from kuzzle.storage.sqlite.upgrade import upgrade
from kuzzle.storage.sqlite.writer import Change, Transaction, Writer
from kuzzle.storage.sqlite.writing import write_documents, write_operations
from kuzzle.storage.tree import MATCH_ALL, Query, Search

T = TypeVar("T")

# Enough to keep a long search from holding up the short ones; more would only take turns on the disk.
READERS: Final = 2
# A store that has not answered by then is not healthy.
HEALTH_TIMEOUT_S: Final = 5
# Reads by id that run in one go on the event loop, before others get their turn.
POINT_READS_PER_TURN: Final = 50


@dataclass(slots=True)
class _OpenStore:
    """What there is while the store is open."""

    loop: asyncio.AbstractEventLoop
    writer_connection: apsw.Connection
    point_reads: PointReads
    writer: Writer
    readers: Readers
    scrolls: Scrolls


class SqliteStorage(Storage):
    """Documents in one SQLite file."""

    def __init__(
        self,
        path: Path,
        *,
        durability: str = "full",
        refresh_interval_ms: int = 0,
        max_scrolls: int = 200,
        search_limit_ms: int = 0,
    ) -> None:
        """Choose the file; nothing is touched yet.

        Args:
            path: The file; it and its folder are made if there are none.
            durability: `full`: an acknowledged write survives a power failure. `normal`: it survives the
                end of the process; a power failure may take the last moments, and never corrupts.
            refresh_interval_ms: How old the snapshot of a search may be; 0: always fresh.
            max_scrolls: How many scrolls may be open at a time.
            search_limit_ms: How long a search may take; 0: as long as it does.
        """
        self.path = path
        self._durability = durability
        self._max_scrolls = max_scrolls
        self._search_limit_ms = search_limit_ms
        self._refresh_interval_s = refresh_interval_ms / 1000
        self._lock = StoreLock(path)
        self._store: _OpenStore | None = None
        self._refresh_timer: asyncio.TimerHandle | None = None

    @property
    def commits(self) -> int:
        """Number of transactions committed since the store was opened; several writes may share one."""
        return self._opened().writer.commits

    # --- opening and closing

    async def open(self) -> None:
        if self._store is not None:
            return
        loop = asyncio.get_running_loop()
        writer, point, readers, catalogue = self._open_files()
        limit_ms = self._search_limit_ms
        threads = Readers(readers, loop, keeps_snapshots=self._refresh_interval_s > 0, limit_ms=limit_ms)
        open_scroll = functools.partial(open_reader, self.path)
        scrolls = Scrolls(threads, open_scroll, loop, limit=self._max_scrolls, limit_ms=limit_ms)
        writing = Writer(writer, catalogue, loop)
        self._store = _OpenStore(loop, writer, PointReads(point, loop, writing), writing, threads, scrolls)

    def _open_files(self) -> tuple[apsw.Connection, apsw.Connection, list[apsw.Connection], Catalogue]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreOpenError(f"Cannot make the data folder {self.path.parent}: {error.strerror}") from error
        self._lock.take()
        opened: list[apsw.Connection] = []
        try:
            opened.append(open_writer(self.path, self._durability))
            upgrade(opened[0])
            catalogue = load_catalogue(opened[0])
            opened.extend(open_reader(self.path) for _ in range(READERS + 1))
        except (StoreOpenError, apsw.Error, ValueError) as error:
            for connection in opened:
                connection.close()
            self._lock.give_back()
            if isinstance(error, StoreOpenError):
                raise
            raise StoreOpenError(f"Cannot read the store {self.path}: {error}") from error
        writer, point, *readers = opened
        return writer, point, readers, catalogue

    async def close(self) -> None:
        opened, self._store = self._store, None
        if opened is None:
            return
        if self._refresh_timer is not None:
            self._refresh_timer.cancel()
            self._refresh_timer = None
        await opened.writer.close()
        await opened.readers.close()
        opened.scrolls.close()
        opened.point_reads.close()
        # The last to close puts the log into the file, which takes as long as the disk does.
        await asyncio.to_thread(opened.writer_connection.close)
        self._lock.give_back()

    def figures(self) -> StoreFigures:
        opened = self._opened()
        return StoreFigures(
            self._size_bytes(),
            opened.writer.commits,
            opened.writer.waiting,
            opened.readers.waiting,
            len(opened.scrolls),
        )

    def _size_bytes(self) -> int:
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    async def describe(self) -> dict[str, Any]:
        return {
            "type": "sqlite",
            "version": apsw.sqlite_lib_version(),
            "status": "green" if await self.is_healthy() else "red",
            "spaceUsed": str(self._size_bytes()),
        }

    async def is_healthy(self) -> bool:
        # A time-out needs a task, and a request may run outside of any.
        return await asyncio.create_task(self._reads_and_writes())

    async def _reads_and_writes(self) -> bool:
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                await self._change(lambda _transaction: None)
                await self._read(lambda connection: connection.execute("SELECT count(*) FROM indexes").fetchall())
        except (StorageError, apsw.Error, TimeoutError):
            return False
        return True

    # --- ways to the file

    def _opened(self) -> _OpenStore:
        if self._store is None:
            raise StorageUnavailableError
        return self._store

    async def _change(
        self,
        run: Callable[[Transaction], T],
        *,
        after_commit: Callable[[T], None] | None = None,
        is_compound: bool = False,
    ) -> T:
        opened = self._opened()
        future: asyncio.Future[T] = opened.loop.create_future()

        def committed(result: T) -> None:
            opened.point_reads.end_turn()
            self._schedule_refresh()
            if after_commit is not None:
                after_commit(result)

        opened.point_reads.end_turn()
        opened.writer.submit(Change(run, future, committed, is_compound))
        return await future

    async def _read(self, read: Callable[[apsw.Connection], T]) -> T:
        return await self._opened().readers.run(read)

    def _schedule_refresh(self) -> None:
        if self._refresh_interval_s > 0 and self._refresh_timer is None and self._store is not None:
            self._refresh_timer = self._store.loop.call_later(self._refresh_interval_s, self._refresh_now)

    def _refresh_now(self) -> None:
        if self._refresh_timer is not None:
            self._refresh_timer.cancel()
            self._refresh_timer = None
        if self._store is not None:
            self._store.readers.refresh()

    def _index(self, index: str) -> IndexState:
        state = self._opened().writer.catalogue.find_index(index)
        if state is None:
            raise UnknownIndexError(index)
        return state

    # --- indexes and collections

    async def create_index(self, index: str) -> None:
        await self._change(
            lambda transaction: create_index(transaction, index),
            after_commit=lambda _: self.on_added(index, None),
            is_compound=True,
        )

    async def delete_index(self, index: str) -> None:
        await self._change(
            lambda transaction: delete_index(transaction, index),
            after_commit=lambda _: self.on_removed(index),
            is_compound=True,
        )

    async def index_exists(self, index: str) -> bool:
        return self._opened().writer.catalogue.find_index(index) is not None

    async def list_indexes(self) -> list[str]:
        return sorted(name for name in self._opened().writer.catalogue.indexes if not name.startswith("%"))

    async def create_collection(self, index: str, collection: str, mapping: dict[str, Any] | None) -> None:
        def committed(is_new: bool) -> None:
            if is_new:
                self.on_added(index, collection)

        await self._change(
            lambda transaction: create_collection(transaction, index, collection, mapping),
            after_commit=committed,
            is_compound=True,
        )

    async def update_mapping(self, index: str, collection: str, mapping: dict[str, Any]) -> None:
        await self._change(
            lambda transaction: update_mapping(transaction, index, collection, mapping), is_compound=True
        )

    async def get_mapping(self, index: str, collection: str) -> CollectionMapping:
        state = self._index(index).collections.get(collection)
        if state is None:
            raise MappingNotFoundError(index)
        mapping = state.mapping
        return CollectionMapping(mapping.dynamic, deepcopy(mapping.meta), deepcopy(mapping.properties))

    async def collection_exists(self, index: str, collection: str) -> bool:
        return self._opened().writer.catalogue.find_collection(index, collection) is not None

    async def list_collections(self, index: str) -> list[str]:
        return sorted(self._index(index).collections)

    # --- documents

    async def get_document(
        self, index: str, collection: str, document_id: str, *, include_trash: bool = False
    ) -> StoredDocument:
        opened = self._opened()
        found = opened.writer.catalogue.indexes.get(index)
        if found is None:
            raise UnknownIndexError(index)
        state = found.collections.get(collection)
        document = None if state is None else opened.point_reads.find(index, state, document_id)
        if document is None:
            raise DocumentNotFoundError
        if document.is_in_trash and not include_trash:
            raise DocumentInTrashError(document_id, index, collection)
        return document

    async def get_documents(
        self, index: str, collection: str, document_ids: Sequence[str]
    ) -> list[StoredDocument | None]:
        documents: list[StoredDocument | None] = []
        for position, document_id in enumerate(document_ids):
            if position and position % POINT_READS_PER_TURN == 0:
                await asyncio.sleep(0)
            opened = self._opened()
            state = opened.writer.catalogue.find_collection(index, collection)
            documents.append(None if state is None else opened.point_reads.find(index, state, document_id))
        return documents

    async def write_documents(
        self,
        index: str,
        collection: str,
        kind: WriteKind,
        writes: Sequence[DocumentWrite],
        *,
        refresh: bool = False,
        after_commit: AfterCommit | None = None,
    ) -> list[WriteOutcome]:
        return await self._change(
            lambda transaction: write_documents(transaction, index, collection, kind, writes),
            after_commit=lambda outcomes: self._announce(outcomes, refresh, after_commit),
        )

    def _announce(self, outcomes: list[WriteOutcome], refresh: bool, after_commit: AfterCommit | None) -> None:
        if refresh:
            self._refresh_now()
        written = [outcome for outcome in outcomes if not isinstance(outcome, FailedWrite)]
        if after_commit is not None and written:
            after_commit(written)

    async def write_operations(
        self, operations: Sequence[Operation], *, refresh: bool = False, after_commit: AfterCommit | None = None
    ) -> list[WriteOutcome]:
        return await self._change(
            lambda transaction: write_operations(transaction, operations),
            after_commit=lambda outcomes: self._announce(outcomes, refresh, after_commit),
        )

    async def erase_trash(self, index: str, collection: str, limit: int) -> list[str]:
        return await self._change(lambda transaction: erase_trash(transaction, index, collection, limit))

    # --- search

    async def search(self, index: str, collection: str, search: Search) -> SearchPage:
        now_ms = wall_clock_ms()
        found = await self._search(
            index,
            collection,
            lambda state, connection: search_documents(connection, index, state, search, now_ms),
        )
        return SearchPage([], 0, None, 0) if found is None else found

    @property
    def scrolls(self) -> Scrolls:
        """The open scrolls."""
        return self._opened().scrolls

    async def open_scroll(
        self, index: str, collection: str, search: Search, lifetime_ms: int, *, owner: str | None = None
    ) -> SearchPage:
        now_ms, scrolls = wall_clock_ms(), self.scrolls

        def start() -> Awaitable[StartedScroll | None]:
            # A scroll brings a connection of its own; the reader lends it only its thread.
            return self._search(
                index, collection, lambda state, _connection: scrolls.start(index, state, search, now_ms)
            )

        return await scrolls.open((index, collection), search, start, lifetime_ms, owner)

    async def next_scroll_page(
        self, scroll_id: str, lifetime_ms: int, *, within: tuple[str, str] | None = None, owner: str | None = None
    ) -> SearchPage:
        return await self.scrolls.next_page(scroll_id, lifetime_ms, within, owner)

    def end_scrolls(self) -> None:
        self.scrolls.end_all()

    async def count(self, index: str, collection: str, query: Query = MATCH_ALL) -> int:
        now_ms = wall_clock_ms()
        found = await self._search(
            index, collection, lambda state, connection: count_documents(connection, state, query, now_ms)
        )
        return found or 0

    async def find_ids(self, index: str, collection: str, query: Query = MATCH_ALL) -> list[str]:
        now_ms = wall_clock_ms()
        found = await self._search(
            index, collection, lambda state, connection: find_document_ids(connection, state, query, now_ms)
        )
        return found or []

    async def _search(
        self, index: str, collection: str, read: Callable[[CollectionState, apsw.Connection], T]
    ) -> T | None:
        """Run a search; None when there is no such collection."""
        for _ in range(2):
            state = self._index(index).collections.get(collection)
            if state is None:
                return None
            try:
                return await self._opened().readers.run(functools.partial(read, state))
            except apsw.SQLError as error:
                if "Expression tree is too large" in str(error):
                    raise bad_request("The query is nested too deep") from None
                if "no such table" not in str(error):
                    raise
                # The collection is newer than the snapshot, or was deleted a moment ago.
                self._refresh_now()
        raise UnknownIndexError(index)

    async def refresh(self, index: str) -> None:
        self._index(index)
        self._refresh_now()


def wall_clock_ms() -> int:
    """Return the time that `now` means in queries, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
