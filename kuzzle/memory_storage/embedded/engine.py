"""Runs commands on fakeredis, bounds what it keeps, and adds what it lacks.

fakeredis is made for tests: a client of redis-py that talks with a server in the same process. Here its command
processor is asked directly, which spares redis-py's client (17 instead of 50 us a command). The private names that
this needs are all in this package; setup.py pins the version for them. Everything runs on the event loop.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

import redis.asyncio
from fakeredis import FakeServer
from fakeredis.aioredis import AsyncFakeSocket
from fakeredis.model import ZSet

from kuzzle.errors import KuzzleError
from kuzzle.memory_storage.base import Answer, Words, refusal
from kuzzle.memory_storage.embedded.additions import ADDITIONS
from kuzzle.memory_storage.embedded.faults import WRONG_TYPE, reworded
from kuzzle.memory_storage.embedded.kept import encode, restore
from kuzzle.memory_storage.embedded.keyspace import Keyspace

# As Redis marks its commands: refused when memory is short.
GROWING: Final = frozenset(
    b"APPEND BITOP DECR DECRBY GEOADD GETSET HINCRBY HINCRBYFLOAT HMSET HSET HSETNX INCR INCRBY INCRBYFLOAT LINSERT"
    b" LPUSH LPUSHX LSET MSET MSETNX PFADD PFMERGE PSETEX RPOPLPUSH RPUSH RPUSHX SADD SDIFFSTORE SET SETEX SETNX"
    b" SINTERSTORE SORT SUNIONSTORE ZADD ZINCRBY ZINTERSTORE ZUNIONSTORE".split()
)
OUT_OF_MEMORY: Final = "OOM command not allowed when used memory > 'maxmemory'."
# Commands that read whole values of as many keys as they name, the same one as often as it is named.
COMBINING: Final = frozenset(
    b"BITOP PFCOUNT PFMERGE SDIFF SDIFFSTORE SINTER SINTERSTORE SUNION SUNIONSTORE ZINTERSTORE ZUNIONSTORE".split()
)
# How many times what the storage may hold such a command reads, or an answer holds: a client that names a long value
# a thousand times must neither fill the memory nor hold the event loop for minutes.
READ_SHARE: Final = 2
TOO_MUCH: Final = "the command would read more than twice what the memory storage may hold"
# Keys whose expiry one slice of a sweep looks at: half a millisecond of the event loop.
SWEPT_KEYS: Final = 500
# How long one slice of saving or restoring holds the event loop, when no value in it is long.
SLICE_S: Final = 0.001
# How often a save goes through what has changed meanwhile with pauses: the first round reads everything, the next what
# changed in the time of that. Keys that still change are read without a pause, or a save might never end.
PAUSED_ROUNDS: Final = 3
# Unfinished scans: each holds a list of all names it goes through. A cursor older than that starts over, as Redis' own
# may after a change of its tables.
MAX_SCANS: Final = 64


class Engine:
    """A Redis of one database."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        server = FakeServer(version=(7,))
        server.SCAN_CURSORS_LIMIT = MAX_SCANS  # type: ignore[misc]
        self.keyspace = server.dbs[0] = Keyspace(server.lock)
        self._processor = _Processor(server)

    def execute(self, words: Words) -> Answer:
        """Run a command.

        Raises:
            KuzzleError: As `MemoryStorage.execute`.
        """
        name = words[0]
        if name in GROWING and self.keyspace.used_bytes > self._max_bytes:
            raise refusal(OUT_OF_MEMORY)
        if name in COMBINING and sum(map(self.keyspace.size_of_key, words)) > READ_SHARE * self._max_bytes:
            raise KuzzleError("services.cache.read_failed", TOO_MUCH)
        try:
            addition = ADDITIONS.get(name)
            answer = self.ask(*words) if addition is None else addition(self, words)
        finally:
            self.keyspace.settle(words)
        if type(answer) is list and bytes_in(answer) > READ_SHARE * self._max_bytes:
            raise KuzzleError("services.cache.read_failed", TOO_MUCH)
        return answer

    def ask(self, *words: bytes) -> Answer:
        """Run a command of fakeredis.

        Raises:
            KuzzleError: As `MemoryStorage.execute`.
        """
        answer = self._processor.ask(words)
        if isinstance(answer, KuzzleError):
            raise answer
        return answer

    def scores(self, key: bytes) -> Mapping[bytes, float]:
        """Return the members of a sorted set with their scores; none without the key.

        Raises:
            KuzzleError: The key holds something else.
        """
        self.keyspace.time = time.time()
        item = self.keyspace.get(key)
        if item is None:
            return {}
        if not isinstance(item.value, ZSet):
            raise refusal(WRONG_TYPE)
        members: Mapping[bytes, float] = item.value._bylex
        return members

    def read_changes(self, changes: dict[bytes, bytes | None]) -> Iterator[None]:
        """Read the changed keys as they are, None for what is gone; yield after each slice, for others to come between.

        What changes meanwhile is read again, in further rounds and at last without a pause: so it ends however much is
        written, and holds what there was at one moment, that of its end.
        """
        for _ in range(PAUSED_ROUNDS):
            until = time.perf_counter() + SLICE_S
            for key in tuple(self.keyspace.unsaved):
                self._read_change(key, changes)
                if time.perf_counter() >= until:
                    yield
                    until = time.perf_counter() + SLICE_S
        for key in tuple(self.keyspace.unsaved):
            self._read_change(key, changes)

    def _read_change(self, key: bytes, changes: dict[bytes, bytes | None]) -> None:
        self.keyspace.unsaved.discard(key)
        item = self.keyspace.peek(key)
        changes[key] = None if item is None else encode(item)

    def restore(self, kept: list[tuple[bytes, bytes]]) -> bool:
        """Make kept values again, from the end of a list, a slice of them; tell whether some are left."""
        until = time.perf_counter() + SLICE_S
        while kept and time.perf_counter() < until:
            key, value = kept.pop()
            restore(self, key, value)
            self.keyspace.settle((key, value))
            if self.keyspace.peek(key) is not None:  # what has expired is to be deleted there too
                self.keyspace.unsaved.discard(key)
        return bool(kept)

    def sweep(self) -> bool:
        """Delete expired keys, a slice of them; tell whether more are left."""
        return self.keyspace.sweep(SWEPT_KEYS)


def bytes_in(answer: list[Answer]) -> int:
    """Return how many bytes the texts of an answer have."""
    total = 0
    for item in answer:
        if type(item) is bytes:
            total += len(item)
        elif type(item) is list:
            total += bytes_in(item)
    return total


class _Processor(AsyncFakeSocket):
    """Asks fakeredis for one command at a time, and keeps the answer instead of sending it."""

    def __init__(self, server: FakeServer) -> None:
        super().__init__(server, 0, client_class=redis.asyncio.Redis, lua_modules=set(), client_info={})
        self._answer: Any = None

    def ask(self, words: Words) -> Any:
        """Return the answer to a command; a KuzzleError is one too."""
        self._answer = None
        self._process_command(list(words))
        return self._answer

    def put_response(self, msg: Any) -> None:
        self._answer = msg

    def _decode_error(self, error: Any) -> Any:
        return refusal(reworded(error.value))

    def _blocking(self, *_arguments: Any, **_options: Any) -> NoReturn:
        raise NotImplementedError("no command of the API waits")
