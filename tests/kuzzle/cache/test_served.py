"""Servers whose cache is a Redis: what they share, and what happens while it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis_process
import tornado.ioloop
from harness import Server
from redis_process import RedisProcess, cache_options, running_redis

from kuzzle.builders.backends import build_cache
from kuzzle.cache.redis_server import RedisCache
from kuzzle.config import Config, ConfigError

RESET = "/admin/_resetCache?database=internalCache"


@pytest.fixture
def process(io_loop: tornado.ioloop.IOLoop, redis_server: RedisProcess) -> Iterator[RedisProcess]:
    """The Redis of the run, with an empty cache."""
    cache = RedisCache(cache_options(redis_server))
    io_loop.run_sync(cache.clear)
    io_loop.run_sync(cache.close)
    return redis_server


def serving(folder: Path, process: RedisProcess, **options: Any) -> Server:
    """A server whose cache a process is: an asynchronous context."""
    folder.mkdir(exist_ok=True)
    section = {"backend": "redis", "redis": {"host": "127.0.0.1", "port": process.port}}
    return Server(folder, {"cache": section, **options})


async def test_the_cache_is_told_of(tmp_path: Path, process: RedisProcess) -> None:
    async with serving(tmp_path, process) as server:
        told = (await server.http("GET", "/")).result["serverInfo"]["services"]["internalCache"]
        assert told.keys() == {"type", "mode", "version", "memoryUsed", "memoryPeak"}
        assert (told["type"], told["mode"]) == ("redis", "standalone")
        assert (await server.http("GET", "/_healthCheck")).result["services"]["internalCache"] == "green"


async def test_frames_of_all_servers_are_told_by_each_and_outlive_them(tmp_path: Path, process: RedisProcess) -> None:
    async with serving(tmp_path / "one", process) as one:
        async with serving(tmp_path / "other", process) as other:
            websocket = await other.websocket()
            await websocket.request("server", "now")
            for server in (one, other, one):
                await server.app.statistics.close_frame()
            for server in (one, other):
                told = (await server.http("GET", "/_getAllStats")).result
                assert told["total"] == 3
                counts = [frame["completedRequests"].get("websocket") for frame in told["hits"]]
                assert counts.count(1) == 1
        assert (await one.http("GET", "/_getStats?startTime=2020-01-01")).result["total"] == 3
    async with serving(tmp_path / "one", process) as again:
        assert (await again.http("GET", "/_getAllStats")).result["total"] == 3
        assert (await again.http("POST", RESET)).status == 200
        assert (await again.http("GET", "/_getAllStats")).result["total"] == 1, "the live one"


async def test_a_server_works_on_while_the_cache_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    redis_process.demand()
    folder = tmp_path / "redis"
    folder.mkdir()
    with running_redis(folder) as process:
        async with serving(tmp_path, process) as server:
            await server.app.statistics.close_frame()
            process.stop()
            websocket = await server.websocket()
            await websocket.request("server", "now")
            await server.app.statistics.close_frame()
            for verb, path in (
                ("GET", "/_getLastStats"),
                ("GET", "/_getAllStats"),
                ("POST", "/_getStats"),
                ("POST", RESET),
            ):
                reply = await server.http(verb, path)
                assert (reply.status, reply.error_id) == (503, "services.cache.not_connected")
            reply = await server.http("GET", "/_healthCheck")
            assert (reply.status, reply.error_id) == (500, "core.fatal.service_unavailable")
            assert reply.result["services"] == {
                "internalCache": "red",
                "memoryStorage": "green",
                "storageEngine": "green",
            }
            assert (await server.http("GET", "/")).status == 200
            assert (await server.http("POST", "/admin/_dump?refresh=wait_for")).status == 200
            assert (await server.http("POST", "/admin/_resetKuzzleData")).status == 200
            await server.prepare()
            assert (await server.http("GET", "/library/_list")).status == 200
            process.start()
            assert (await server.http("GET", "/_healthCheck")).result["status"] == "green"
            await server.app.statistics.close_frame()
            (frame,) = (await server.http("GET", "/_getAllStats")).result["hits"]
            assert frame["completedRequests"]["websocket"] == 1, "what could not be kept goes into the next frame"
    assert "The cache at 127.0.0.1" in caplog.text
    assert "The cache keeps what it has" in caplog.text


async def test_a_server_starts_and_stops_without_its_cache(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    redis_process.demand()
    folder = tmp_path / "redis"
    folder.mkdir()
    with running_redis(folder) as process:
        process.stop()
        async with serving(tmp_path, process) as server:
            assert (await server.http("GET", "/_now")).status == 200
            await server.app.statistics.close_frame()
        assert "does not answer" in caplog.text


@pytest.mark.parametrize(("database", "is_refused"), [(3, True), (4, False)])
def test_clients_must_not_reach_the_cache(tmp_path: Path, database: int, is_refused: bool) -> None:
    path = tmp_path / "kuzzle.yml"
    path.write_text(
        "cache: {backend: redis, redis: {database: 3}}\n"
        f"memoryStorage: {{backend: redis, redis: {{database: {database}}}}}\n"
    )
    config = Config.load(path, {})
    if not is_refused:
        assert isinstance(build_cache(config), RedisCache)
        return
    with pytest.raises(ConfigError) as caught:
        build_cache(config)
    assert caught.value.faults == [
        "cache.redis.database: the one of memoryStorage.redis, which clients may read and change"
    ]
