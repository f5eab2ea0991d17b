"""The embedded memory storage."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from redis_commands import Commands

from kuzzle.controllers.memory_storage.commands import COMMANDS
from kuzzle.errors import KuzzleError
from kuzzle.memory_storage.base import MemoryStorage
from kuzzle.memory_storage.embedded import EmbeddedMemoryStorage
from kuzzle.memory_storage.embedded.engine import GROWING, MAX_SCANS, SWEPT_KEYS
from kuzzle.memory_storage.embedded.keyspace import KEY_OVERHEAD_BYTES, size_of
from tests.contracts.memory_storage import MemoryStorageContract, run, until


@pytest.fixture
def store(embedded: MemoryStorage) -> MemoryStorage:
    return embedded


class TestEmbedded(MemoryStorageContract):
    """The contract."""


async def test_expired_keys_leave_the_memory_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kuzzle.memory_storage.embedded.SWEEP_INTERVAL_S", 0.01)
    store = EmbeddedMemoryStorage(max_bytes=2**30)
    for number in range(2 * SWEPT_KEYS + 1):
        await run(store, "SET", f"key{number}", "x", "PX", 1)
    await run(store, "SET", "kept", "x")
    engine = store._engine
    assert engine is not None
    await until(lambda: len(engine.keyspace._dict) <= 1)
    assert list(engine.keyspace._dict) == [b"kept"]
    assert engine.keyspace.used_bytes < 1000
    await store.close()


FILLINGS = [
    "SET {key} {key}",
    "APPEND text {value}",
    "RPUSH list {value}",
    "LPUSH {key} {value}",
    "SADD set {value}",
    "HSET hash {key} {value}",
    "HMSET {key} a {value} b {value}",
    "ZADD scores 1 {value}",
    "GEOADD map 1 1 {value}",
    "PFADD {key} {value}",
    "MSET {key} {value} x{key} {value}",
    "SETEX {key} 1000 {value}",
]


@pytest.mark.parametrize("filling", FILLINGS)
async def test_a_storage_takes_no_more_than_its_bound(filling: str) -> None:
    store = EmbeddedMemoryStorage(max_bytes=200_000)
    taken = 0

    async def fill() -> None:
        nonlocal taken
        while taken < 10_000:
            await run(store, *filling.format(key=f"key{taken}", value="v" * 100 + str(taken)).split())
            taken += 1

    with pytest.raises(KuzzleError) as caught:
        await fill()
    assert (caught.value.id, caught.value.status) == ("services.cache.write_failed", 500)
    assert "OOM command not allowed when used memory > 'maxmemory'." in caught.value.message
    assert 5 < taken < 2500
    # What does not add works on, and makes room.
    assert await run(store, "DBSIZE") >= 1
    await run(store, "FLUSHDB")
    await run(store, *filling.format(key="key", value="v").split())
    await store.close()


@pytest.mark.parametrize("seed", range(3))
async def test_what_values_take_is_known_after_any_commands(seed: int) -> None:
    store = EmbeddedMemoryStorage(max_bytes=2**30)
    commands = Commands(f"sizes {seed}")
    for _ in range(2000):
        with contextlib.suppress(KuzzleError):
            await store.execute(commands.draw())
    engine = store._engine
    assert engine is not None
    keyspace = engine.keyspace
    expected = sum(KEY_OVERHEAD_BYTES + len(key) + size_of(item.value) for key, item in keyspace._dict.items())
    assert keyspace.used_bytes == expected
    for key in list(keyspace._dict):
        await run(store, "DEL", key)
    assert keyspace.used_bytes == 0
    await store.close()


async def test_long_values_are_not_counted_anew_at_every_change(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 0

    def count(value: Any) -> int:
        nonlocal counted
        counted += len(value)
        return size_of(value)

    monkeypatch.setattr("kuzzle.memory_storage.embedded.keyspace.size_of", count)
    store = EmbeddedMemoryStorage(max_bytes=2**30)
    for number in range(5000):
        await run(store, "RPUSH", "list", f"item{number}")
    assert counted < 10 * 5000  # not 5000²/2
    engine = store._engine
    assert engine is not None
    real = size_of(engine.keyspace._dict[b"list"].value)
    assert real * 0.8 < engine.keyspace.used_bytes < real * 2
    await store.close()


async def test_the_commands_refused_for_want_of_memory_are_those_of_redis(real: MemoryStorage) -> None:
    refused = set()
    for name in COMMANDS:
        word = {"georadius": "GEORADIUS_RO", "georadiusbymember": "GEORADIUSBYMEMBER_RO"}.get(name, name.upper())
        (told,) = await run(real, "COMMAND", "INFO", word)
        if b"denyoom" in told[2]:
            refused.add(word.encode())
    assert refused == GROWING


async def test_many_unfinished_scans_do_not_fill_the_memory(embedded: MemoryStorage) -> None:
    for number in range(200):
        await run(embedded, "SET", f"key{number}", number)
    for number in range(500):
        await run(embedded, "SET", f"new{number}", number)
        assert (await run(embedded, "SCAN", 0))[0] != b"0"
    assert isinstance(embedded, EmbeddedMemoryStorage)
    assert embedded._engine is not None
    assert len(embedded._engine._processor._server.scan_cursors) <= MAX_SCANS


@pytest.mark.parametrize(
    "words",
    [
        ["MGET", *["text"] * 1000],
        ["HMGET", "hash", *["field"] * 1000],
        ["SORT", "names", "ALPHA", *["GET", "te*"] * 500],
        ["SUNION", *["set"] * 1000],
        ["SDIFFSTORE", "out", *["set"] * 1000],
        ["ZUNIONSTORE", "out", "1000", *["scores"] * 1000],
        ["PFCOUNT", *["visitors"] * 1000],
        ["BITOP", "OR", "out", *["text"] * 1000],
        ["SRANDMEMBER", "names", "-900000000000"],
    ],
    ids=lambda words: words[0],
)
async def test_a_value_named_a_thousand_times_fills_no_memory(words: list[str]) -> None:
    store = EmbeddedMemoryStorage(max_bytes=1_000_000)
    await run(store, "SET", "text", "x" * 100_000)
    await run(store, "HSET", "hash", "field", "x" * 100_000)
    await run(store, "RPUSH", "names", *["xt"] * 10)
    for number in range(200):
        await run(store, "SADD", "set", number)
        await run(store, "ZADD", "scores", number, number)
    await run(store, "PFADD", "visitors", "a")
    with pytest.raises(KuzzleError) as caught:
        await run(store, *words)
    if words[0] == "SRANDMEMBER":
        assert caught.value.message == "ERR value is out of range"
    else:
        assert (caught.value.id, caught.value.status) == ("services.cache.read_failed", 500)
    assert await run(store, "EXISTS", "out") == 0
    assert len(await run(store, "MGET", *["text"] * 10)) == 10
    await store.close()
