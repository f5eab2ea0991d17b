"""One server per store: a lock on a file beside it, which the system lets go when the process ends, however it does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kuzzle.storage.errors import StoreOpenError


class StoreLock:
    """Holds a store for this process."""

    def __init__(self, path: Path, *, suffix: str = ".lock", holder: str = "another server") -> None:
        """Choose the file of the lock; nothing is touched yet.

        Args:
            suffix: What follows the store's name.
            holder: Whose the lock is when it is taken, for the operator.
        """
        self._path = path.with_name(path.name + suffix)
        self._holder = holder
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock.

        Raises:
            StoreOpenError: Another server has it, or the file cannot be made.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise StoreOpenError(f"The data folder is not writable: {self._path}: {error.strerror}") from error
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            raise StoreOpenError(f"The store is in use by {self._holder}: {self._path} is locked") from None
        self._descriptor = descriptor

    def give_back(self) -> None:
        """Let the lock go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
