"""The embedded storage computes what the contract of storages says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tornado.ioloop

from kuzzle.storage.sqlite import SqliteStorage
from tests.contracts.aggregations import AggregationContract


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    io_loop.run_sync(storage.open)
    yield storage
    io_loop.run_sync(storage.close)


class TestAggregations(AggregationContract):
    """Aggregations, by the embedded storage."""
