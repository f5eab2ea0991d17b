"""Random bytes of the operating system, asked for in advance.

Each call of the system costs half a microsecond and lets another thread take the interpreter's lock, which the caller
then waits for. Ids are needed by the thousand, in several threads.
"""

from __future__ import annotations

import os
from typing import Final

SIZE_BYTES: Final = 16
# A page of the system's: half a hundredth of the calls, and nothing worth counting in memory.
_AHEAD: Final = 256

# Taking from the end and adding there are one step each, whichever threads do it.
_unused: list[bytes] = []
# No two processes may hand out the same.
os.register_at_fork(after_in_child=_unused.clear)


def random_bytes() -> bytes:
    """Return 16 random bytes, fit for ids that nobody may guess; for keys and secrets ask the system itself."""
    try:
        return _unused.pop()
    except IndexError:
        asked = os.urandom(SIZE_BYTES * _AHEAD)
        _unused.extend(asked[start : start + SIZE_BYTES] for start in range(SIZE_BYTES, len(asked), SIZE_BYTES))
        return asked[:SIZE_BYTES]
