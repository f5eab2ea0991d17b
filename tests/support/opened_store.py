"""An embedded store in a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kuzzle.storage.sqlite import SqliteStorage


@asynccontextmanager
async def opened(path: Path, **options: Any) -> AsyncIterator[SqliteStorage]:
    """Open a storage with the collection `i`/`c`, and close it."""
    storage = SqliteStorage(path, **options)
    await storage.open()
    try:
        if not await storage.index_exists("i"):
            await storage.create_index("i")
            await storage.create_collection("i", "c", None)
        yield storage
    finally:
        await storage.close()
