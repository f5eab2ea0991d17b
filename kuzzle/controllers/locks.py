"""Orders of administrators that run one at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from kuzzle.errors import KuzzleError


class Locks:
    """Names of what is under way."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    def take(self, name: str) -> None:
        """Take a lock.

        Raises:
            KuzzleError: 412 `api.process.action_locked`.
        """
        if name in self._held:
            raise KuzzleError("api.process.action_locked", name)
        self._held.add(name)

    def give_back(self, name: str) -> None:
        """Give a lock back."""
        self._held.discard(name)

    @contextlib.contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Hold a lock for a block; as `take`."""
        self.take(name)
        try:
            yield
        finally:
            self.give_back(name)
