"""The embedded storage keeps the contract of storages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tornado.ioloop

from kuzzle.storage.sqlite import SqliteStorage
from tests.contracts.collapse import CollapseContract, HitPartsContract
from tests.contracts.highlights import HighlightContract
from tests.contracts.operations import OperationsContract
from tests.contracts.paging import PagingContract
from tests.contracts.query_strings import QueryStringContract
from tests.contracts.search import SearchContract
from tests.contracts.storage import StorageContract
from tests.contracts.types import TypeContract
from tests.contracts.writes import WritesContract


@pytest.fixture
def storage(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[SqliteStorage]:
    storage = SqliteStorage(tmp_path / "data" / "kuzzle.db")
    io_loop.run_sync(storage.open)
    yield storage
    io_loop.run_sync(storage.close)


class TestStorage(StorageContract):
    """Indexes, collections, reading by id and the end, by the embedded storage."""


class TestWrites(WritesContract):
    """Writes, by the embedded storage."""


class TestOperations(OperationsContract):
    """Sequences of changes, by the embedded storage."""


class TestSearch(SearchContract):
    """Searches, by the embedded storage."""


class TestQueryStrings(QueryStringContract):
    """Query strings, by the embedded storage."""


class TestPaging(PagingContract):
    """Pages of searches, by search_after and scroll, by the embedded storage."""


class TestHighlights(HighlightContract):
    """Highlights, by the embedded storage."""


class TestTypes(TypeContract):
    """Values of each type, by the embedded storage."""


class TestCollapse(CollapseContract):
    """Groups of hits, by the embedded storage."""


class TestHitParts(HitPartsContract):
    """What hits carry besides, by the embedded storage."""
