"""The embedded storage answers as a real Redis does."""

from __future__ import annotations

from typing import Any

import pytest
from redis_commands import Commands, Words, comparable

from kuzzle.controllers.memory_storage.commands import COMMANDS
from kuzzle.errors import KuzzleError
from kuzzle.memory_storage.base import MemoryStorage

COMMANDS_A_SEED = 1500
# Drawn by chance, or of the moment: nothing to compare.
NOT_DRAWN = {"pttl", "randomkey", "time", "ttl"}
RENAMED = {"georadius": b"GEORADIUS_RO", "georadiusbymember": b"GEORADIUSBYMEMBER_RO"}


async def answer(store: MemoryStorage, words: Words) -> Any:
    """The answer to a command; of a refusal its id: which of several faults is told first may differ."""
    try:
        return comparable(words, await store.execute(words))
    except KuzzleError as error:
        return error.id


def test_every_command_of_the_api_is_drawn() -> None:
    expected = {RENAMED.get(name, name.upper().encode()) for name in COMMANDS.keys() - NOT_DRAWN}
    assert set(Commands(0).names) == expected


@pytest.mark.parametrize("seed", range(12))
async def test_commands_by_chance_are_answered_alike(embedded: MemoryStorage, real: MemoryStorage, seed: int) -> None:
    commands = Commands(seed)
    done = []
    for _ in range(COMMANDS_A_SEED):
        words = commands.draw()
        done.append(words)
        assert await answer(embedded, words) == await answer(real, words), done[-20:]
