"""The threads that search: each with a connection of its own, on read snapshots.

With a refresh interval of 0 each search gets a fresh snapshot. With a longer one a thread keeps its
snapshot until the interval is over or a refresh was asked for; the threads that have nothing to do
renew theirs at that moment, so that later writes stay unseen until the next refresh.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import apsw

from kuzzle.storage.errors import StorageFailedError, StorageUnavailableError, StoreOpenError, TooManyOperationsError
from kuzzle.storage.sqlite.deadlines import bounded

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Searches that may wait; beyond, the backend is overloaded and says so.
MAX_WAITING: Final = 10_000


@dataclass(slots=True)
class _Job:
    run: Callable[[apsw.Connection], Any]
    future: asyncio.Future[Any]


class Readers:
    """The threads and their queue."""

    def __init__(
        self,
        connections: list[apsw.Connection],
        loop: asyncio.AbstractEventLoop,
        *,
        keeps_snapshots: bool,
        limit_ms: int,
    ) -> None:
        """`limit_ms` is how long a read may take; 0: as long as it does."""
        self._loop = loop
        self._keeps_snapshots = keeps_snapshots
        self._limit_ms = limit_ms
        self._waiting: deque[_Job] = deque()
        self._snapshot = 0
        self._is_closing = False
        self._wake = threading.Condition()
        self._ended = [loop.create_future() for _ in connections]
        # Daemons: a process that dies without closing the store must not wait for them.
        self._threads = [
            threading.Thread(target=self._run, args=(connection, ended), name="kuzzle-storage-reader", daemon=True)
            for connection, ended in zip(connections, self._ended, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Number of reads that wait for their turn."""
        return len(self._waiting)

    async def run(self, read: Callable[[apsw.Connection], T]) -> T:
        """Run a read on one of the threads and return its result, or raise its error.

        Raises:
            StorageUnavailableError: The store is closing.
            TooManyOperationsError: Too many reads wait already.
        """
        job = _Job(read, self._loop.create_future())
        with self._wake:
            if self._is_closing:
                raise StorageUnavailableError
            if len(self._waiting) >= MAX_WAITING:
                raise TooManyOperationsError("search")
            self._waiting.append(job)
            self._wake.notify()
        result: T = await job.future
        return result

    def refresh(self) -> None:
        """Make what is committed now visible to all later reads."""
        if self._keeps_snapshots:
            with self._wake:
                self._snapshot += 1
                self._wake.notify_all()

    async def close(self) -> None:
        """Run the reads that wait, then end the threads."""
        with self._wake:
            self._is_closing = True
            self._wake.notify_all()
        await asyncio.gather(*self._ended)
        for thread in self._threads:
            thread.join()

    def _run(self, connection: apsw.Connection, ended: asyncio.Future[None]) -> None:
        snapshot = -1
        while True:
            with self._wake:
                while (
                    not self._waiting
                    and not self._is_closing
                    and (not self._keeps_snapshots or snapshot == self._snapshot)
                ):
                    self._wake.wait()
                job = self._waiting.popleft() if self._waiting else None
                is_stale = snapshot != self._snapshot or not self._keeps_snapshots
                snapshot = self._snapshot
                if job is None and self._is_closing:
                    break
            # A read that nobody waits for any more is left out.
            if job is None:
                if is_stale:
                    self._renew_idle(connection)
            elif not job.future.cancelled():
                self._read(connection, job, is_stale=is_stale)
        connection.close()
        self._loop.call_soon_threadsafe(ended.set_result, None)

    @staticmethod
    def _renew(connection: apsw.Connection) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute("BEGIN")
        # The snapshot is only taken by the first read.
        connection.execute("SELECT count(*) FROM indexes").fetchall()

    def _renew_idle(self, connection: apsw.Connection) -> None:
        try:
            self._renew(connection)
        except apsw.Error as error:
            logger.error("The store could not read: %s", error)
            self._let_go(connection)

    def _read(self, connection: apsw.Connection, job: _Job, *, is_stale: bool) -> None:
        try:
            # Without a snapshot (the medium failed at the last one) there is nothing to read on.
            if is_stale or not connection.in_transaction:
                self._renew(connection)
            with bounded(connection, self._limit_ms):
                result = job.run(connection)
        except Exception as error:  # whatever it is, it belongs to the one who waits for this read
            self._let_go(connection)
            self._loop.call_soon_threadsafe(_fail, job.future, failure(error))
        else:
            if not self._keeps_snapshots:
                self._let_go(connection)
            self._loop.call_soon_threadsafe(_succeed, job.future, result)

    @staticmethod
    def _let_go(connection: apsw.Connection) -> None:
        """Give the snapshot back. A thread outlives whatever the medium does."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except apsw.Error:
            logger.exception("A snapshot of the store could not be given back")


def failure(error: Exception) -> Exception:
    """Return the error that who reads is told: what the medium did is documented, and logged for the operator."""
    if not isinstance(error, apsw.Error | StoreOpenError) or isinstance(error, apsw.SQLError):
        return error
    logger.error("The store could not read: %s", error)
    return StorageFailedError()


def _succeed(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
