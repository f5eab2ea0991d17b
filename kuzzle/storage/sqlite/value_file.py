"""A file of values by key, changed in one step: what the embedded memory storage is kept in.

One caller at a time, in any thread. A save is one transaction: a process that dies in it leaves the values of
the save before. What the values mean is the caller's matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final, TypeVar

import apsw

from kuzzle.storage.errors import StoreOpenError
from kuzzle.storage.sqlite.lock import StoreLock

FORMAT: Final = 1
APPLICATION_ID: Final = 0x4B5A4D53  # "KZMS", so that no other program's file is taken for one

_TABLE: Final = 'CREATE TABLE "values" (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID'

# A statement gives up the interpreter's lock once, and may wait 5 ms for it beside a busy event loop: a statement a row
# would take that long for each. SQLite takes up to 32,766 parameters.
_ROWS_PER_STATEMENT: Final = 1000

T = TypeVar("T")


class SqliteValueFile:
    """A file of values."""

    def __init__(self, path: Path) -> None:
        """Choose the file; nothing is touched yet."""
        self._path = path
        self._lock = StoreLock(path)
        self._connection: apsw.Connection | None = None

    def open(self) -> None:
        """Open the file; without one, the first save makes it.

        Raises:
            StoreOpenError: It is in use, is something else, or is of a newer version.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreOpenError(f"The data folder cannot be made: {self._path.parent}: {error.strerror}") from error
        self._lock.take()
        try:
            if self._path.exists():
                self._connection = self._connect()
        except BaseException:
            self._lock.give_back()
            raise

    def load(self) -> list[tuple[bytes, bytes]]:
        """Return all keys with their values."""
        if self._connection is None:
            return []
        return list(self._connection.execute('SELECT key, value FROM "values"'))

    def save(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Set values, and delete those that are None; all of them or, when it fails, none.

        Raises:
            OSError: The file cannot be written.
        """
        try:
            connection = self._connection or self._connect()
            self._connection = connection
            with connection:
                for pairs in _batches([(key, value) for key, value in changes.items() if value is not None]):
                    rows = ", ".join(["(?, ?)"] * len(pairs))
                    connection.execute(f'INSERT OR REPLACE INTO "values" VALUES {rows}', [*chain(*pairs)])
                for keys in _batches([key for key, value in changes.items() if value is None]):
                    marks = ", ".join("?" * len(keys))
                    connection.execute(f'DELETE FROM "values" WHERE key IN ({marks})', keys)
        except (apsw.Error, StoreOpenError) as error:
            raise OSError(f"{self._path}: {error}") from error

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.give_back()

    def _connect(self) -> apsw.Connection:
        try:
            connection = apsw.Connection(str(self._path))
        except apsw.Error as error:
            raise StoreOpenError(f"The memory storage's file cannot be opened: {self._path}: {error}") from error
        try:
            self._check(connection)
        except apsw.Error as error:
            connection.close()
            raise StoreOpenError(f"This is no file of a memory storage: {self._path}: {error}") from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _check(self, connection: apsw.Connection) -> None:
        """Make sure that the file is ours, and make its table when it is new."""
        connection.pragma("synchronous", "FULL")
        found = connection.pragma("application_id"), connection.pragma("user_version")
        if found == (0, 0) and not connection.pragma("schema_version"):
            with connection:
                connection.execute(_TABLE)
                connection.pragma("application_id", APPLICATION_ID)
                connection.pragma("user_version", FORMAT)
        elif found[0] != APPLICATION_ID:
            raise StoreOpenError(f"This is no file of a memory storage: {self._path}")
        elif found[1] != FORMAT:
            raise StoreOpenError(f"A newer version of Kuzzle wrote {self._path}; this one cannot read it")


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _ROWS_PER_STATEMENT):
        yield items[start : start + _ROWS_PER_STATEMENT]
