"""The cache on a server of Redis or Valkey, which several servers may share.

An entry is a key of its own, so that Redis itself ends it: `<prefix><table>:<key>`. Beside them lies a sorted set
for each table, `<prefix><table>`, of the keys in the order they were written: by it a table is bounded and
read. A script changes both at once. Members of the set whose entry is gone are swept when something is written;
where Redis threw the set away for want of memory, entries live on until their time is over, and are not listed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kuzzle.cache.base import Cache, Table, TableBounds
from kuzzle.errors import KuzzleError
from kuzzle.redis_link import RedisLink
from kuzzle.redis_replies import state_error

# Entries read, or keys looked through, at a time: some milliseconds of the loop and of Redis.
_AT_ONCE: Final = 500

# Scores count up, so that the order of writing hangs on no clock.
_PUT: Final = b"""
local set, entry, key, value, ttl = KEYS[1], KEYS[2], ARGV[1], ARGV[2], tonumber(ARGV[3])
local present = redis.call('GET', entry)
if (ARGV[5] == 'absent' and present) or (ARGV[5] == 'equal' and present ~= ARGV[6]) then return 0 end
redis.call('SET', entry, value, 'PX', ttl)
local last = redis.call('ZREVRANGE', set, 0, 0, 'WITHSCORES')
redis.call('ZADD', set, (last[2] or 0) + 1, key)
for _, old in ipairs(redis.call('ZRANGE', set, 0, 9)) do
  if redis.call('EXISTS', set .. ':' .. old) == 1 then break end
  redis.call('ZREM', set, old)
end
for _, old in ipairs(redis.call('ZRANGE', set, 0, -1 - tonumber(ARGV[4]))) do
  redis.call('ZREM', set, old)
  redis.call('DEL', set .. ':' .. old)
end
if redis.call('PTTL', set) < ttl then redis.call('PEXPIRE', set, ttl) end
return 1
"""

_TAKE: Final = b"""
local value = redis.call('GET', KEYS[2])
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[1], ARGV[1])
return value
"""

# The newest below a score: that of the last one seen, then the values.
_NEWEST: Final = b"""
local found = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], '-inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
if #found == 0 then return {} end
local entries = {}
for place = 1, #found, 2 do entries[#entries + 1] = KEYS[1] .. ':' .. found[place] end
return {found[#found], redis.call('MGET', unpack(entries))}
"""


class RedisTable(Table):
    """One table."""

    def __init__(self, bounds: TableBounds, prefix: str, link: RedisLink) -> None:
        self._bounds = bounds
        self._set = f"{prefix}{bounds.name}".encode()
        self._link = link

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        found: list[bytes | None] = await self._link.execute([b"MGET", *map(self._entry, keys)], _unreadable)
        return found

    async def put(self, key: str, value: bytes, ttl_ms: int) -> None:
        await self._put(key, value, ttl_ms, [b"any"])

    async def replace(self, key: str, old: bytes | None, new: bytes, ttl_ms: int) -> bool:
        return await self._put(key, new, ttl_ms, [b"absent"] if old is None else [b"equal", old])

    async def take(self, key: str) -> bytes | None:
        words = [b"EVAL", _TAKE, b"2", self._set, self._entry(key), key.encode()]
        value: bytes | None = await self._link.execute(words, _unwritable)
        return value

    async def newest(self, limit: int) -> list[bytes]:
        values: list[bytes] = []
        below = b"+inf"
        while len(values) < limit:
            count = b"%d" % min(_AT_ONCE, limit - len(values))
            page = await self._link.execute([b"EVAL", _NEWEST, b"1", self._set, below, count], _unreadable)
            if not page:
                break
            values += [value for value in page[1] if value is not None]
            below = b"(" + page[0]
        return values[::-1]

    def _entry(self, key: str) -> bytes:
        return b"%b:%b" % (self._set, key.encode())

    async def _put(self, key: str, value: bytes, ttl_ms: int, condition: Sequence[bytes]) -> bool:
        self._bounds.check(key, value, ttl_ms)
        names = [self._set, self._entry(key)]
        values = [key.encode(), value, b"%d" % ttl_ms, b"%d" % self._bounds.max_entries, *condition]
        return bool(await self._link.execute([b"EVAL", _PUT, b"2", *names, *values], _unwritable))


class RedisCache(Cache):
    """Tables on another server."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` is the section `cache.redis`."""
        self._prefix: str = options["prefix"]
        self._link = RedisLink("cache", options)

    async def open(self) -> None:
        """Do nothing: the first command connects."""

    async def close(self) -> None:
        await self._link.close()

    def table(self, bounds: TableBounds) -> RedisTable:
        return RedisTable(bounds, self._prefix, self._link)

    async def clear(self) -> None:
        """Remove every key with the prefix, those that no table lists included."""
        pattern = re.sub(r"([\\*?\[\]])", r"\\\1", self._prefix).encode() + b"*"
        cursor = b"0"
        while True:
            words = [b"SCAN", cursor, b"MATCH", pattern, b"COUNT", b"%d" % _AT_ONCE]
            cursor, keys = await self._link.execute(words, _unreadable)
            if keys:
                await self._link.execute([b"UNLINK", *keys], _unwritable)
            if cursor == b"0":
                return

    def now_s(self) -> float:
        """Return the time since the epoch: the clocks of servers that share a cache should go alike."""
        return time.time()

    async def describe(self) -> dict[str, Any]:
        return dict(await self._link.describe())

    async def is_healthy(self) -> bool:
        return await self._link.is_healthy()


def _unreadable(text: str) -> KuzzleError:
    return state_error(text) or KuzzleError("services.cache.read_failed", text)


def _unwritable(text: str) -> KuzzleError:
    return state_error(text) or KuzzleError("services.cache.write_failed", text)
