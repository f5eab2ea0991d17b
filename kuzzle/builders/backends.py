"""The backends that the configuration names; no other is imported."""

from __future__ import annotations

import time

from kuzzle.cache.base import Cache
from kuzzle.config import Config, ConfigError
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


def build_cache(config: Config) -> Cache:
    """Build the backend that `cache.backend` names; only that one is imported.

    Raises:
        ConfigError: It is a database that clients may write to.
    """
    options = config.section("cache")
    if options["backend"] == "memory":
        from kuzzle.cache.memory import MemoryCache

        return MemoryCache(time.monotonic)
    of_clients = config.section("memoryStorage")
    place = ("host", "port", "database")
    if of_clients["backend"] == "redis" and all(of_clients["redis"][name] == options["redis"][name] for name in place):
        raise ConfigError(["cache.redis.database: the one of memoryStorage.redis, which clients may read and change"])
    from kuzzle.cache.redis_server import RedisCache

    return RedisCache(options["redis"])
