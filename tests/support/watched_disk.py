"""A disk that tells what is written and synced, can hold a sync back, and fails when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final, Self

import apsw

NAME: Final = "watched"


@dataclass(frozen=True)
class DiskEvent:
    """What happened, in the order of the disk's list.

    Attributes:
        kind: `write`, `sync` (when it is done), or what a test notes itself.
        file: Name of the file.
        data: What was written.
    """

    kind: str
    file: str = ""
    data: bytes = b""


class WatchedDisk:
    """The disk of every store that is opened inside the block.

    Attributes:
        events: What happened so far.
        fault: Asked before each `read`, `write` and `sync` with the kind and the file's name; raises what fails.
        may_sync: Cleared, it holds syncs back.
    """

    def __init__(self) -> None:
        self.events: list[DiskEvent] = []
        self.fault: Callable[[str, str], None] = lambda _kind, _file: None
        self.may_sync = threading.Event()
        self.may_sync.set()
        self._vfs: apsw.VFS | None = None

    def note(self, kind: str, text: str = "") -> None:
        """Put something of the test's own into the list."""
        self.events.append(DiskEvent(kind, data=text.encode()))

    def __enter__(self) -> Self:
        disk = self

        class Files(apsw.VFS):
            def __init__(self) -> None:
                super().__init__(NAME, "unix", makedefault=True)

            def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
                return _File(disk, name, flags)

        self._vfs = Files()
        return self

    def __exit__(self, *details: object) -> None:
        self.may_sync.set()
        assert self._vfs is not None
        self._vfs.unregister()
        self._vfs = None


class _File(apsw.VFSFile):
    def __init__(self, disk: WatchedDisk, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or "temporary"
        self._name = PurePath(path).name
        self._disk = disk

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.fault("read", self._name)
        return super().xRead(amount, offset)

    def xWrite(self, data: Any, offset: int) -> None:
        self._disk.fault("write", self._name)
        super().xWrite(data, offset)
        self._disk.events.append(DiskEvent("write", self._name, bytes(data)))

    def xSync(self, flags: int) -> None:
        self._disk.may_sync.wait()
        self._disk.fault("sync", self._name)
        super().xSync(flags)
        self._disk.events.append(DiskEvent("sync", self._name))
