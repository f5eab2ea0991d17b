"""The embedded memory storage."""

from __future__ import annotations

import pytest

from kuzzle.memory_storage.base import MemoryStorage
from tests.contracts.memory_storage import MemoryStorageContract


@pytest.fixture
def store(embedded: MemoryStorage) -> MemoryStorage:
    return embedded


class TestEmbedded(MemoryStorageContract):
    """The contract."""
