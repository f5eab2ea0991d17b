"""The memory storage on a real Redis."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
import redis_process
from harness import Server
from redis_process import RedisProcess, redis_options, running_redis

from kuzzle.errors import KuzzleError
from kuzzle.memory_storage.base import MemoryStorage
from kuzzle.memory_storage.redis_server import RedisMemoryStorage
from kuzzle.redis_link import BATCH
from tests.contracts.memory_storage import MemoryStorageContract, refused, run


@pytest.fixture
def store(real: MemoryStorage) -> MemoryStorage:
    return real


class TestRedis(MemoryStorageContract):
    """The contract."""


async def unreachable(store: MemoryStorage) -> None:
    with pytest.raises(KuzzleError) as caught:
        await run(store, "PING")
    assert (caught.value.id, caught.value.status) == ("services.cache.not_connected", 503)


async def test_more_commands_than_a_batch_are_answered_in_order(real: MemoryStorage) -> None:
    answers = await asyncio.gather(*(run(real, "INCR", "n") for _ in range(3 * BATCH + 7)))
    assert answers == list(range(1, 3 * BATCH + 8))


async def test_a_lost_connection_is_a_503_and_comes_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    redis_process.demand()
    with caplog.at_level(logging.INFO, "kuzzle.redis_link"), running_redis(tmp_path) as process:
        store = RedisMemoryStorage(redis_options(process))
        await run(store, "SET", "a", "1")
        process.stop()
        for _ in range(3):
            await unreachable(store)
        assert not await store.is_healthy()
        assert await store.describe() == {"type": "redis", "mode": "unknown", "version": "unknown"}
        process.start()
        assert await run(store, "SET", "a", "2") == b"OK"
        assert await store.is_healthy()
        await store.close()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_restart_between_two_commands_goes_unnoticed(tmp_path: Path) -> None:
    redis_process.demand()
    with running_redis(tmp_path) as process:
        store = RedisMemoryStorage(redis_options(process))
        assert await run(store, "PING") == b"PONG"
        process.stop()
        process.start()
        await asyncio.sleep(0.01)  # the loop sees the end of the connection
        assert await run(store, "PING") == b"PONG"
        await store.close()


async def test_a_server_that_does_not_answer_is_a_503_after_the_timeout(
    redis_server: RedisProcess, caplog: pytest.LogCaptureFixture
) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    store = RedisMemoryStorage(redis_options(redis_server, port=port, timeout=50))
    await unreachable(store)
    await store.close()
    silent.close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_wrong_password_is_a_503_and_a_right_one_works(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    redis_process.demand()
    with running_redis(tmp_path, "--requirepass", "open sesame") as process:
        for password in (None, "wrong"):
            store = RedisMemoryStorage(redis_options(process, password=password))
            await unreachable(store)
            await store.close()
        store = RedisMemoryStorage(redis_options(process, password="open sesame"))
        assert await run(store, "PING") == b"PONG"
        await store.close()
    assert len(caplog.records) == 2
    assert "sesame" not in caplog.text


async def test_a_full_redis_is_a_failed_write(tmp_path: Path) -> None:
    redis_process.demand()
    with running_redis(tmp_path, "--maxmemory", "1", "--maxmemory-policy", "noeviction") as process:
        store = RedisMemoryStorage(redis_options(process))
        with pytest.raises(KuzzleError) as caught:
            await run(store, "SET", "a", "1")
        assert caught.value.id == "services.cache.write_failed"
        assert "OOM command not allowed" in caught.value.message
        assert await refused(store, "GET") == "ERR wrong number of arguments for 'get' command"
        await store.close()


async def test_databases_are_kept_apart(real: MemoryStorage, redis_server: RedisProcess) -> None:
    other = RedisMemoryStorage(redis_options(redis_server, database=7))
    await run(real, "SET", "a", "1")
    await run(other, "SET", "a", "2")
    await run(other, "FLUSHDB")
    assert await run(real, "GET", "a") == b"1"
    await other.close()


async def test_a_server_works_on_and_tells_that_redis_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    redis_process.demand()
    folder = tmp_path / "redis"
    folder.mkdir()
    with running_redis(folder) as process:
        options = {"memoryStorage": {"backend": "redis", "redis": {"port": process.port}}}
        async with Server(tmp_path, options) as server:
            assert (await server.http("POST", "/ms/_set/a", {"value": "1"})).result == "OK"
            told = (await server.http("GET", "/")).result["serverInfo"]["services"]["memoryStorage"]
            assert (told["type"], told["version"] > "6") == ("redis", True)
            assert told.keys() == {"type", "mode", "version", "memoryUsed", "memoryPeak"}
            process.stop()
            reply = await server.http("GET", "/ms/a")
            assert (reply.status, reply.error_id) == (503, "services.cache.not_connected")
            reply = await server.http("GET", "/_healthCheck")
            assert reply.result["services"]["memoryStorage"] == "red"
            await server.prepare()
            assert (await server.http("GET", "/library/_list")).status == 200
            process.start()
            assert (await server.http("GET", "/ms/a")).result is None
            assert (await server.http("GET", "/_healthCheck")).result["status"] == "green"
    assert "does not answer" in caplog.text
