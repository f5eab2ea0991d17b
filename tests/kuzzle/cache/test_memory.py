"""The cache in memory."""

from __future__ import annotations

import pytest

from kuzzle.cache.base import Cache, TableBounds
from kuzzle.cache.memory import MemoryCache
from tests.contracts.cache import CacheContract, Pause


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 5.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> Cache:
    return MemoryCache(clock)


@pytest.fixture
def pause(clock: Clock) -> Pause:
    async def move(time_ms: int) -> None:
        clock.now += time_ms / 1000

    return move


class TestMemory(CacheContract):
    """The contract."""


async def test_an_entry_ends_on_the_millisecond(clock: Clock) -> None:
    table = MemoryCache(clock).table(TableBounds("visits", 5, 5))
    await table.put("a", b"1", 1500)
    clock.now = 6.4999
    assert await table.get_many(["a"]) == [b"1"]
    clock.now = 6.5
    assert await table.get_many(["a"]) == [None]


async def test_entries_that_nobody_asks_for_are_swept(clock: Clock) -> None:
    table = MemoryCache(clock).table(TableBounds("visits", 1000, 5))
    for number in range(500):
        await table.put(str(number), b"1", 1000)
    clock.now += 2
    await table.put("a", b"1", 1000)
    assert len(table) == 1
