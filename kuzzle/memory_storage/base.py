"""The contract of a memory storage: it runs commands of Redis, and answers as Redis does in RESP 2.

tests/contracts/memory_storage.py holds every backend to it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

from kuzzle.errors import KuzzleError

Words = Sequence[bytes]
"""A command: its name in capitals, then its arguments."""

Answer = Any
"""int, bytes, None, or a list of answers."""

# Codes in front of Redis' error texts that tell of the store's state instead of the client's mistake.
_UNREACHABLE: Final = frozenset(
    {"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOAUTH", "WRONGPASS", "NOPERM"}
)
_UNWRITABLE: Final = frozenset({"OOM", "READONLY", "MISCONF", "NOREPLICAS"})


class MemoryStorage(ABC):
    """Keys and values, and the commands of Redis on them."""

    @abstractmethod
    async def open(self) -> None:
        """Make the storage ready, with what it kept. A server that is not there is no error."""

    @abstractmethod
    async def close(self) -> None:
        """Keep what is to be kept, and let go of everything. A second call does nothing."""

    @abstractmethod
    async def execute(self, words: Words) -> Answer:
        """Run a command.

        Raises:
            KuzzleError: `services.storage.unexpected_bad_request` with Redis' own text when it refuses the
                command, `services.cache.write_failed` when it cannot take more, `services.cache.not_connected`
                when it does not answer.
        """

    @abstractmethod
    async def describe(self) -> dict[str, Any]:
        """Return `type`, `mode` and `version` of the engine."""

    @abstractmethod
    async def is_healthy(self) -> bool:
        """Tell whether commands can be run."""


def refusal(text: str) -> KuzzleError:
    """Turn an error reply of Redis (`WRONGTYPE Operation against a key...`) into the error that clients see."""
    code = text.partition(" ")[0]
    if code in _UNREACHABLE:
        return KuzzleError("services.cache.not_connected")
    if code in _UNWRITABLE:
        return KuzzleError("services.cache.write_failed", text)
    return KuzzleError("services.storage.unexpected_bad_request", text)
