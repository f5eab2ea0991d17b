"""The cache on a real Redis."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis_process
import tornado.ioloop
from redis_process import RedisProcess, cache_options, redis_options, running_redis

from kuzzle.cache.base import Cache, TableBounds
from kuzzle.cache.redis_server import RedisCache
from kuzzle.errors import CacheUnavailableError, KuzzleError
from kuzzle.memory_storage.redis_server import RedisMemoryStorage
from tests.contracts.cache import BOUNDS, HOUR_MS, CacheContract, Pause, get


@pytest.fixture
def cache(io_loop: tornado.ioloop.IOLoop, redis_server: RedisProcess) -> Iterator[Cache]:
    cache = RedisCache(cache_options(redis_server))
    io_loop.run_sync(cache.open)
    io_loop.run_sync(cache.clear)
    yield cache
    io_loop.run_sync(cache.close)


@pytest.fixture
def raw(io_loop: tornado.ioloop.IOLoop, redis_server: RedisProcess) -> Iterator[RedisMemoryStorage]:
    """The same database of Redis, by its commands."""
    store = RedisMemoryStorage(redis_options(redis_server))
    yield store
    io_loop.run_sync(store.close)


@pytest.fixture
def pause() -> Pause:
    async def wait(time_ms: int) -> None:
        await asyncio.sleep(time_ms / 1000)

    return wait


class TestRedis(CacheContract):
    """The contract."""


async def test_two_servers_see_the_same_entries(cache: Cache, redis_server: RedisProcess) -> None:
    other = RedisCache(cache_options(redis_server))
    here, there = cache.table(BOUNDS), other.table(BOUNDS)
    await here.put("a", b"1", HOUR_MS)
    assert await there.replace("a", b"1", b"2", HOUR_MS)
    assert not await here.replace("a", b"1", b"3", HOUR_MS)
    await there.put("b", b"1", HOUR_MS)
    assert await here.newest(5) == [b"2", b"1"]
    taken = await asyncio.gather(*(table.take("a") for table in (here, there) * 5))
    assert sorted(taken, key=bool) == [None] * 9 + [b"2"]
    await cache.clear()
    assert await there.newest(5) == []
    await other.close()


async def test_no_increment_of_two_servers_is_lost(cache: Cache, redis_server: RedisProcess) -> None:
    other = RedisCache(cache_options(redis_server))

    async def increment(one: Cache) -> None:
        table = one.table(BOUNDS)
        for _ in range(20):
            while True:
                old = await get(table, "n")
                if await table.replace("n", old, b"%d" % (int(old or 0) + 1), HOUR_MS):
                    break

    await asyncio.gather(*(increment(one) for one in (cache, other) * 3))
    assert await get(other.table(BOUNDS), "n") == b"120"
    await other.close()


@pytest.mark.parametrize("prefix", ["kuzzle", "kuzzle:x", "*", "[a-z]*:", "k?zzle:", "\\"])
async def test_what_has_another_prefix_is_left_alone(
    cache: Cache, raw: RedisMemoryStorage, redis_server: RedisProcess, prefix: str
) -> None:
    await raw.execute([b"FLUSHDB"])
    await cache.table(BOUNDS).put("a", b"1", HOUR_MS)
    other = RedisCache(cache_options(redis_server, prefix=prefix))
    await other.table(BOUNDS).put("a", b"2", HOUR_MS)
    await raw.execute([b"SET", b"of somebody else", b"3"])
    await (cache if prefix == "kuzzle" else other).clear()
    mine = cache if prefix != "kuzzle" else other
    assert await mine.table(BOUNDS).newest(5) == [b"1" if mine is cache else b"2"]
    assert await raw.execute([b"GET", b"of somebody else"]) == b"3"
    await raw.execute([b"FLUSHDB"])
    await other.close()


async def test_nothing_is_left_in_redis_once_its_time_is_over(
    cache: Cache, raw: RedisMemoryStorage, pause: Pause
) -> None:
    table = cache.table(BOUNDS)
    for number in range(20):
        await table.put(str(number), b"1", 10 + number)
    async with asyncio.timeout(30):
        while await raw.execute([b"KEYS", b"kuzzle:*"]):
            await pause(10)


async def test_a_set_ends_with_the_last_of_its_entries(cache: Cache, raw: RedisMemoryStorage) -> None:
    table = cache.table(BOUNDS)
    await table.put("a", b"1", HOUR_MS)
    await table.put("b", b"1", 1000)
    left = await raw.execute([b"PTTL", b"kuzzle:visits"])
    assert HOUR_MS - 60_000 < left <= HOUR_MS
    await table.put("c", b"1", 2 * HOUR_MS)
    assert await raw.execute([b"PTTL", b"kuzzle:visits"]) > HOUR_MS


async def test_entries_of_a_set_that_redis_threw_away_can_still_be_used(cache: Cache, raw: RedisMemoryStorage) -> None:
    table = cache.table(BOUNDS)
    await table.put("a", b"1", HOUR_MS)
    await raw.execute([b"DEL", b"kuzzle:visits"])
    assert await table.newest(5) == []
    assert await table.replace("a", b"1", b"2", HOUR_MS)
    assert await table.newest(5) == [b"2"]
    await raw.execute([b"DEL", b"kuzzle:visits"])
    await cache.clear()
    assert await table.get_many(["a"]) == [None]


async def test_what_others_wrote_in_its_place_is_an_error_that_says_so(cache: Cache, raw: RedisMemoryStorage) -> None:
    table = cache.table(BOUNDS)
    await raw.execute([b"SET", b"kuzzle:visits", b"no set"])
    for call, error_id in (
        (table.newest(5), "services.cache.read_failed"),
        (table.put("a", b"1", HOUR_MS), "services.cache.write_failed"),
    ):
        with pytest.raises(KuzzleError, match="WRONGTYPE") as caught:
            await call
        assert caught.value.id == error_id


async def unreachable(cache: Cache) -> None:
    table = cache.table(BOUNDS)
    for call in (
        table.get_many(["a"]),
        table.put("a", b"1", HOUR_MS),
        table.replace("a", None, b"1", HOUR_MS),
        table.take("a"),
        table.newest(5),
        cache.clear(),
    ):
        with pytest.raises(CacheUnavailableError) as caught:
            await call
        assert (caught.value.id, caught.value.status) == ("services.cache.not_connected", 503)
    assert not await cache.is_healthy()
    assert await cache.describe() == {"type": "redis", "mode": "unknown", "version": "unknown"}


async def test_a_lost_redis_is_a_503_and_comes_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    redis_process.demand()
    with caplog.at_level(logging.INFO, "kuzzle.redis_link"), running_redis(tmp_path) as process:
        cache = RedisCache(cache_options(process))
        table = cache.table(BOUNDS)
        await table.put("a", b"1", HOUR_MS)
        process.stop()
        await unreachable(cache)
        process.start()
        assert await table.get_many(["a"]) == [None]
        assert await table.replace("a", None, b"2", HOUR_MS)
        assert await table.newest(5) == [b"2"]
        await cache.close()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "The cache at 127.0.0.1" in caplog.text


async def test_a_redis_that_says_nothing_is_a_503_after_the_timeout(
    redis_server: RedisProcess, caplog: pytest.LogCaptureFixture
) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    cache = RedisCache(cache_options(redis_server, port=silent.sockets[0].getsockname()[1], timeout=20))
    await unreachable(cache)
    await cache.close()
    silent.close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_full_redis_is_a_failed_write(tmp_path: Path) -> None:
    redis_process.demand()
    with running_redis(tmp_path, "--maxmemory", "1", "--maxmemory-policy", "noeviction") as process:
        cache = RedisCache(cache_options(process))
        table = cache.table(TableBounds("visits", 5, 5))
        with pytest.raises(KuzzleError, match="OOM command not allowed") as caught:
            await table.put("a", b"1", HOUR_MS)
        assert caught.value.id == "services.cache.write_failed"
        assert await table.get_many(["a"]) == [None]
        await cache.close()
