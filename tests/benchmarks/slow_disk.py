"""Runs a program on a disk that takes its time: `slow_disk.py MILLISECONDS (-m MODULE | SCRIPT) [ARGUMENT ...]`.

Every sync of a file of SQLite's takes so much longer. The sleep leaves the processor and the interpreter to others, as
a disk does.
"""

import runpy
import sys
import time

import apsw


class SlowDisk(apsw.VFS):
    """The default of every connection that is opened from now on."""

    def __init__(self, sync_s: float) -> None:
        super().__init__("slow", "unix", makedefault=True)
        self._sync_s = sync_s

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        """Open a file."""
        return SlowFile(self._sync_s, name, flags)


class SlowFile(apsw.VFSFile):
    """A file whose sync takes longer."""

    def __init__(self, sync_s: float, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._sync_s = sync_s

    def xSync(self, flags: int) -> None:
        """Sync, and wait."""
        super().xSync(flags)
        time.sleep(self._sync_s)


def main() -> None:
    """Put the disk in place, and become the program."""
    _, milliseconds, *program = sys.argv
    disk = SlowDisk(float(milliseconds) / 1000)
    sys.path.pop(0)  # the program's own modules, not the benchmarks'
    if program[0] == "-m":
        sys.argv = program[1:]
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = program
        runpy.run_path(program[0], run_name="__main__")
    del disk


if __name__ == "__main__":
    main()
