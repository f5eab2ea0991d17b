"""A disk that tells what is written and synced, can hold a sync back, and fails when it is told to."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Final, Self

import apsw

NAME: Final = "watched"


@dataclass(frozen=True)
class DiskEvent:
    """What happened, in the order of the disk's list.

    Attributes:
        kind: `write`, `truncate`, `delete`, `sync` (when it is done), or what a test notes itself.
        file: Name of the file.
        data: What was written.
        offset: Where it was written, or the size after `truncate`.
    """

    kind: str
    file: str = ""
    data: bytes = b""
    offset: int = 0


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

            def xDelete(self, filename: str, syncdir: bool) -> None:
                super().xDelete(filename, syncdir)
                disk.events.append(DiskEvent("delete", PurePath(filename).name))

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
        self._disk.events.append(DiskEvent("write", self._name, bytes(data), offset))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._disk.events.append(DiskEvent("truncate", self._name, offset=newsize))

    def xSync(self, flags: int) -> None:
        self._disk.may_sync.wait()
        self._disk.fault("sync", self._name)
        super().xSync(flags)
        self._disk.events.append(DiskEvent("sync", self._name))


class Platter:
    """What of a list of events a power failure leaves: all that was synced, and of the rest what chance decides."""

    def __init__(self) -> None:
        self._synced: dict[str, bytes] = {}
        self._since: dict[str, list[DiskEvent]] = {}

    def take(self, event: DiskEvent) -> None:
        """Go on by one event."""
        if event.kind == "sync":
            self._synced[event.file] = self._content(event.file, self._since.pop(event.file, []))
        elif event.kind == "delete":
            self._synced.pop(event.file, None)
            self._since.pop(event.file, None)
        elif event.kind in ("write", "truncate"):
            self._since.setdefault(event.file, []).append(event)

    def leave(self, folder: Path, chance: random.Random) -> None:
        """Write the files as the failure leaves them."""
        for name in self._synced.keys() | self._since.keys():
            kept = chance.random()
            events = [_torn(event, chance) for event in self._since.get(name, []) if chance.random() < kept]
            (folder / name).write_bytes(self._content(name, events))

    def _content(self, name: str, events: list[DiskEvent]) -> bytes:
        content = bytearray(self._synced.get(name, b""))
        for event in events:
            if event.kind == "truncate":
                del content[event.offset :]
            else:
                content.extend(bytes(max(0, event.offset - len(content))))
                content[event.offset : event.offset + len(event.data)] = event.data
        return bytes(content)


def _torn(event: DiskEvent, chance: random.Random) -> DiskEvent:
    """Cut a write between two sectors of the disk, now and then."""
    if event.kind != "write" or chance.random() < 0.8:
        return event
    return replace(event, data=event.data[: chance.randrange(0, len(event.data) + 1, 512)])
