"""Both memory storages, empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis_process
import tornado.ioloop
from redis_process import RedisProcess, running_redis

from kuzzle.memory_storage.base import MemoryStorage
from kuzzle.memory_storage.embedded import EmbeddedMemoryStorage
from kuzzle.memory_storage.redis_server import RedisMemoryStorage
from kuzzle.storage.sqlite.value_file import SqliteValueFile


def redis_options(process: RedisProcess, **changes: Any) -> dict[str, Any]:
    """The section `memoryStorage.redis` for a process."""
    nobody = {"username": None, "password": None, "tls": False}
    return {"host": "127.0.0.1", "port": process.port, "database": 0, "timeout": 5000, **nobody, **changes}


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    """One Redis for all tests of a run."""
    redis_process.demand()
    with running_redis(tmp_path_factory.mktemp("redis")) as process:
        yield process


@pytest.fixture
def real(io_loop: tornado.ioloop.IOLoop, redis_server: RedisProcess) -> Iterator[MemoryStorage]:
    """The storage on a real Redis."""
    store = RedisMemoryStorage(redis_options(redis_server))
    io_loop.run_sync(store.open)
    io_loop.run_sync(lambda: store.execute([b"FLUSHDB"]))
    yield store
    io_loop.run_sync(store.close)


@pytest.fixture
def embedded(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[MemoryStorage]:
    """The embedded storage."""
    store = EmbeddedMemoryStorage(max_bytes=2**30, file=SqliteValueFile(tmp_path / "values.db"))
    io_loop.run_sync(store.open)
    yield store
    io_loop.run_sync(store.close)
