"""Both memory storages, empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tornado.ioloop
from redis_process import RedisProcess, redis_options

from kuzzle.memory_storage.base import MemoryStorage
from kuzzle.memory_storage.embedded import EmbeddedMemoryStorage
from kuzzle.memory_storage.redis_server import RedisMemoryStorage
from kuzzle.storage.sqlite.value_file import SqliteValueFile


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
