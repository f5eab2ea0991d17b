"""The embedded storage keeps the contract of storages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tornado.ioloop

from kuzzle.storage.sqlite import SqliteStorage
from tests.contracts.search import SearchContract
from tests.contracts.storage import StorageContract


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "data" / "kuzzle.db")
    io_loop.run_sync(storage.open)
    yield storage
    io_loop.run_sync(storage.close)


class TestStorage(StorageContract):
    """Every test of the contract, run by the embedded storage."""


class TestSearch(SearchContract):
    """Every search of the contract, run by the embedded storage."""
