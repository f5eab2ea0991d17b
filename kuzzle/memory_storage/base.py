"""The contract of a memory storage: it runs commands of Redis, and answers as Redis does in RESP 2.

tests/contracts/memory_storage.py holds every backend to it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from kuzzle.errors import KuzzleError
from kuzzle.redis_replies import state_error

Words = Sequence[bytes]
"""A command: its name in capitals, then its arguments."""

Answer = Any
"""int, bytes, None, or a list of answers."""


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
        """Return `type`, `mode` and `version` of the engine; a server also tells `memoryUsed` and `memoryPeak`."""

    @abstractmethod
    async def is_healthy(self) -> bool:
        """Tell whether commands can be run."""


def refusal(text: str) -> KuzzleError:
    """Turn an error reply of Redis (`WRONGTYPE Operation against a key...`) into the error that clients see."""
    return state_error(text) or KuzzleError("services.storage.unexpected_bad_request", text)
