"""The backends that the configuration names; no other is imported."""

from __future__ import annotations

from kuzzle.config import Config
from kuzzle.memory_storage.base import MemoryStorage
from kuzzle.storage.base import Storage


def build_storage(config: Config) -> Storage:
    """Build the backend that `storage.backend` names; only that one is imported."""
    options = config.section("storage")
    from kuzzle.storage.sqlite import SqliteStorage

    return SqliteStorage(
        config.path(options["sqlite"]["path"]),
        durability=options["sqlite"]["durability"],
        refresh_interval_ms=options["refreshInterval"],
        max_scrolls=config.section("limits")["scrolls"],
        search_limit_ms=config.section("limits")["searchDuration"],
    )


def build_memory_storage(config: Config) -> MemoryStorage:
    """Build the backend that `memoryStorage.backend` names; only that one is imported."""
    options = config.section("memoryStorage")
    if options["backend"] == "redis":
        from kuzzle.memory_storage.redis_server import RedisMemoryStorage

        return RedisMemoryStorage(options["redis"])
    from kuzzle.memory_storage.embedded import EmbeddedMemoryStorage
    from kuzzle.storage.sqlite.value_file import SqliteValueFile

    memory = options["memory"]
    return EmbeddedMemoryStorage(
        max_bytes=memory["maxBytes"],
        file=None if memory["path"] is None else SqliteValueFile(config.path(memory["path"])),
        save_interval_ms=memory["saveInterval"],
    )
