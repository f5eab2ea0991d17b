"""The embedded storage backend, on SQLite through apsw; nothing else in the server knows SQL."""

from kuzzle.storage.sqlite.backend import SqliteStorage

__all__ = ["SqliteStorage"]
