"""Keys and values of clients, with the commands of Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kuzzle.controllers.base import Controller, Method
from kuzzle.controllers.memory_storage.commands import COMMANDS, Command
from kuzzle.memory_storage.base import MemoryStorage
from kuzzle.request import Request


class MemoryStorageController(Controller):
    """Keys and values of clients: every action is a row of the table `COMMANDS`."""

    name = "ms"

    def __init__(self, store: MemoryStorage) -> None:
        self._store = store

    def actions(self) -> Iterator[tuple[str, Method]]:
        """Yield name and method of each row."""
        for name, command in COMMANDS.items():
            yield name, _method(self._store, command)


def _method(store: MemoryStorage, command: Command) -> Method:
    build, shape, nothing = command.build, command.shape, command.nothing

    async def run(request: Request) -> Any:
        words = build(request)
        if nothing is not None and len(words) == 1:
            return nothing
        return shape(await store.execute(words))

    return run
