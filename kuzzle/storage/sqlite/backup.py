"""Copies of a store, made and put back by a process beside the server.

A backup reads one snapshot of the store, which SQLite's log gives for nothing: it holds what was
acknowledged before it began, whole, and the server writes on meanwhile. A copy is written beside its
place, checked, brought to the disk and only then moved there: a file of that name is always whole.

Locks: a restore takes the server's lock, so that it never pulls a store from under a server. It also
shares one with backups: a backup that is still reading the old store would, at its end, remove the
log of the new one, which has the same name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

from kuzzle.storage.errors import StoreOpenError
from kuzzle.storage.sqlite.lock import StoreLock
from kuzzle.storage.sqlite.schema import APPLICATION_ID, FORMAT, open_reader

# Pages copied at a time: some megabytes, so that Ctrl-C is heard.
_PAGES_PER_STEP: Final = 1024


class StoreCopyError(StoreOpenError):
    """A store cannot be copied; the text is one line that tells the operator why."""


def back_up(store: Path, file: Path, *, overwrite: bool = False) -> int:
    """Copy a store, used by a server or not, into a file that stands alone.

    Returns:
        The size of the file in bytes.

    Raises:
        StoreOpenError: Nothing was written.
    """
    if not store.is_file():
        raise StoreCopyError(f"There is no store {store}")
    _check_place(store, file)
    if file.exists() and not overwrite:
        raise StoreCopyError(f"{file} exists already; --force overwrites it")
    with _held(_backup_lock(store)):
        return _copy(store, file, lambda: None)


def restore(file: Path, store: Path, *, overwrite: bool = False) -> int:
    """Put a backup in the place of a store that no server uses.

    Returns:
        The size of the store in bytes.

    Raises:
        StoreOpenError: The store is as it was.
    """
    if not file.is_file():
        raise StoreCopyError(f"There is no file {file}")
    _check_place(store, file)
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreCopyError(f"Cannot make the data folder {store.parent}: {error.strerror}") from error

    def remove_log() -> None:
        # Before the new store comes: SQLite would play the old log into it.
        for suffix in ("-wal", "-shm"):
            store.with_name(store.name + suffix).unlink(missing_ok=True)

    with _held(StoreLock(store)), _held(_backup_lock(store)):
        if store.exists() and not overwrite:
            raise StoreCopyError(f"There is a store {store} already; --force overwrites it")
        return _copy(file, store, remove_log)


def _backup_lock(store: Path) -> StoreLock:
    return StoreLock(store, suffix=".backup.lock", holder="another backup or restore")


@contextmanager
def _held(lock: StoreLock) -> Iterator[None]:
    lock.take()
    try:
        yield
    finally:
        lock.give_back()


def _check_place(store: Path, file: Path) -> None:
    if store.exists() and file.exists() and store.samefile(file):
        raise StoreCopyError(f"{file} is the store itself")


def _copy(source: Path, target: Path, before_move: Callable[[], None]) -> int:
    """Copy a database, check the copy, call `before_move` and move it to its place."""
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # it holds what only the server may read
        _copy_pages(source, part)
        _check(part, source)
        _sync(part)
        size = part.stat().st_size
        before_move()
        part.replace(target)
        _sync(target.parent)
    except apsw.NotADBError as error:
        raise StoreCopyError(f"The file {source} is not a database") from error
    except apsw.Error as error:
        raise StoreCopyError(f"Cannot copy {source} to {target}: {error}") from error
    except OSError as error:
        raise StoreCopyError(f"Cannot write {target}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return size


def _copy_pages(source: Path, part: Path) -> None:
    reader = open_reader(source)
    try:
        # All steps in one read transaction: else each write of the server would start the copy anew.
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        writer = apsw.Connection(str(part))
        try:
            writer.execute("PRAGMA synchronous = OFF")  # brought to the disk once, at the end
            with writer.backup("main", reader, "main") as backup:
                while not backup.done:
                    backup.step(_PAGES_PER_STEP)
        finally:
            writer.close()
    finally:
        reader.close()


def _check(part: Path, source: Path) -> None:
    """Make the copy a file that stands alone, and make sure of what is in it.

    Raises:
        StoreCopyError: It is no store of ours, from a newer version, or damaged.
    """
    copy = open_reader(part)
    try:
        if copy.pragma("application_id") != APPLICATION_ID:
            raise StoreCopyError(f"The file {source} is a database of another program")
        version = copy.pragma("user_version")
        if version > FORMAT:
            raise StoreCopyError(
                f"The store {source} is from a newer version: its format is {version}, this one reads up to {FORMAT}"
            )
        verdict = copy.execute("PRAGMA quick_check(1)").get
        if verdict != "ok":
            raise StoreCopyError(f"The store {source} is damaged: {' '.join(str(verdict).split())}")
        copy.execute("PRAGMA query_only = OFF")
        copy.execute("PRAGMA journal_mode = DELETE")  # without a log beside it
    finally:
        copy.close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
