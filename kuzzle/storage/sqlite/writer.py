"""The thread that writes: group commit.

Changes that wait together share one transaction and so one write to the disk; each is answered when that
is done. On the event loop, what belongs to a batch then happens in its order: the new catalogue is
published, and for each change its `after_commit` is called and its future resolved.

A change that fails as documented has written nothing. Anything else that goes wrong undoes the whole
batch, and its changes are made again one by one: so each fails or succeeds by itself.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import apsw

from kuzzle.errors import KuzzleError
from kuzzle.storage.errors import StorageFailedError, StorageUnavailableError, TooManyOperationsError
from kuzzle.storage.sqlite.catalogue import Catalogue
from kuzzle.storage.sqlite.pending import PendingRows

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Changes that may wait; beyond, the backend is overloaded and says so.
MAX_WAITING: Final = 10_000
# Changes that share a transaction at most: those behind them wait for its end.
MAX_BATCH: Final = 512


class Transaction:
    """What a change works on.

    Attributes:
        catalogue: As this transaction sees it; a change replaces it.
        pending: Index rows that are stored before it ends.
    """

    def __init__(self, connection: apsw.Connection, catalogue: Catalogue) -> None:
        self.connection = connection
        self.catalogue = catalogue
        self.pending = PendingRows(connection)


@dataclass(slots=True)
class Change(Generic[T]):
    """One wanted change.

    Attributes:
        run: Makes it; may be called again after a rollback.
        after_commit: Called on the event loop with the result, before `future` is resolved.
        is_compound: It may fail as documented after it has written: it needs a savepoint.
    """

    run: Callable[[Transaction], T]
    future: asyncio.Future[T]
    after_commit: Callable[[T], None] | None = None
    is_compound: bool = False


@dataclass(slots=True)
class _Outcome:
    change: Change[Any]
    result: Any = None
    error: Exception | None = None


class Writer:
    """The thread and its queue.

    Attributes:
        catalogue: As last committed, for readers on the event loop.
        commits: Number of transactions that were committed.
    """

    def __init__(self, connection: apsw.Connection, catalogue: Catalogue, loop: asyncio.AbstractEventLoop) -> None:
        self.catalogue = catalogue
        self.commits = 0
        self._loop = loop
        self._transaction = Transaction(connection, catalogue)
        self._waiting: deque[Change[Any]] = deque()
        self._under_way = 0
        self._is_closing = False
        self._wake = threading.Condition()
        self._ended: asyncio.Future[None] = loop.create_future()
        # A daemon: a process that dies without closing the store must not wait for this thread.
        self._thread = threading.Thread(target=self._run, name="kuzzle-storage-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Number of changes that wait for their turn."""
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """True when no change waits, is made or is on its way back to the event loop, as seen from there."""
        return self._under_way == 0

    def submit(self, change: Change[Any]) -> None:
        """Queue a change.

        Raises:
            StorageUnavailableError: The store is closing.
            TooManyOperationsError: Too many wait already.
        """
        with self._wake:
            if self._is_closing:
                raise StorageUnavailableError
            if len(self._waiting) >= MAX_WAITING:
                raise TooManyOperationsError("write")
            self._waiting.append(change)
            self._under_way += 1
            self._wake.notify()

    async def close(self) -> None:
        """Make the changes that wait, then end the thread."""
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        await asyncio.shield(self._ended)
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            outcomes = self._write(batch)
            self._loop.call_soon_threadsafe(self._deliver, outcomes, self._transaction.catalogue)
        self._loop.call_soon_threadsafe(self._ended.set_result, None)

    def _next_batch(self) -> list[Change[Any]]:
        with self._wake:
            while not self._waiting:
                if self._is_closing:
                    return []
                self._wake.wait()
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]

    def _write(self, batch: list[Change[Any]]) -> list[_Outcome]:
        catalogue = self._transaction.catalogue
        connection = self._transaction.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._make(change) for change in batch]
            self._transaction.pending.store()
            connection.execute("COMMIT")
        except Exception as error:  # whatever it is, it belongs to those who wait for these changes
            self._transaction.catalogue = catalogue
            self._transaction.pending.discard()
            self._roll_back()
            if len(batch) > 1:
                return [outcome for change in batch for outcome in self._write([change])]
            return [_Outcome(batch[0], error=self._failure(error))]
        self.commits += 1
        return outcomes

    def _make(self, change: Change[Any]) -> _Outcome:
        catalogue = self._transaction.catalogue
        connection = self._transaction.connection
        if change.is_compound:
            self._transaction.pending.store()  # what it may drop tables of, or take back
            connection.execute("SAVEPOINT change")
        try:
            return _Outcome(change, result=change.run(self._transaction))
        except KuzzleError as error:
            self._transaction.catalogue = catalogue
            if change.is_compound:
                self._transaction.pending.discard()
                connection.execute("ROLLBACK TO change")
            return _Outcome(change, error=error)

    def _roll_back(self) -> None:
        try:
            if self._transaction.connection.in_transaction:
                self._transaction.connection.execute("ROLLBACK")
        except apsw.Error:
            logger.exception("A transaction of the store could not be rolled back")

    @staticmethod
    def _failure(error: Exception) -> Exception:
        if not isinstance(error, apsw.Error):
            return error
        logger.error("The store could not write: %s", error)
        return StorageFailedError()

    def _deliver(self, outcomes: list[_Outcome], catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._under_way -= len(outcomes)
        for outcome in outcomes:
            # Each by itself: a listener that breaks its promise not to raise breaks no other's delivery.
            self._loop.call_soon(self._answer, outcome)

    @staticmethod
    def _answer(outcome: _Outcome) -> None:
        change = outcome.change
        try:
            if outcome.error is None and change.after_commit is not None:
                change.after_commit(outcome.result)
        finally:
            if not change.future.done():
                if outcome.error is None:
                    change.future.set_result(outcome.result)
                else:
                    change.future.set_exception(outcome.error)
