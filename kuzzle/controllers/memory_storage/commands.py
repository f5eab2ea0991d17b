"""Every action of `ms`: one row each, in the language of `rows.py`, and how its answer becomes the result.

What a row cannot say has a function in `building.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.controllers.memory_storage.building import (
    INTERSECTION,
    UNION,
    CombinedSets,
    build_set,
    build_sort,
    build_zadd,
)
from kuzzle.controllers.memory_storage.rows import Build, Row, Shape, fields, texts


@dataclass(frozen=True, slots=True)
class Command:
    """An action.

    Attributes:
        build: Makes the command of a request.
        shape: Makes the result of an answer.
        nothing: The result when the command would have no arguments, and is not run; None runs it all the same.
    """

    build: Build
    shape: Shape = texts
    nothing: Any = None


# The exceptions of the table below.
_BUILT: Final[Mapping[str, Build]] = {
    "set": build_set,
    "sort": build_sort,
    "zadd": build_zadd,
    "zinterstore": CombinedSets(INTERSECTION),
    "zunionstore": CombinedSets(UNION),
}
_SHAPES: Final[Mapping[str, Shape]] = {"hgetall": fields}
_NOTHING: Final[Mapping[str, Any]] = {"mget": []}

_ROWS: Final[Mapping[str, str]] = {
    # keys
    "dbsize": "DBSIZE",
    "del": "DEL .keys...",
    "exists": "EXISTS keys...",
    "expire": "EXPIRE _id .seconds",
    "expireat": "EXPIREAT _id .timestamp",
    "flushdb": "FLUSHDB",
    "keys": "KEYS pattern",
    "object": "OBJECT subcommand _id",
    "persist": "PERSIST _id",
    "pexpire": "PEXPIRE _id .milliseconds",
    "pexpireat": "PEXPIREAT _id .timestamp",
    "ping": "PING",
    "pttl": "PTTL _id",
    "randomkey": "RANDOMKEY",
    "rename": "RENAME _id .newkey",
    "renamenx": "RENAMENX _id .newkey",
    "scan": "SCAN cursor [MATCH match] [COUNT count]",
    "time": "TIME",
    "touch": "TOUCH .keys...",
    "ttl": "TTL _id",
    "type": "TYPE _id",
    # strings
    "append": "APPEND _id .value",
    "decr": "DECR _id",
    "decrby": "DECRBY _id .value",
    "get": "GET _id",
    "getrange": "GETRANGE _id start end",
    "getset": "GETSET _id .value",
    "incr": "INCR _id",
    "incrby": "INCRBY _id .value",
    "incrbyfloat": "INCRBYFLOAT _id .value",
    "mget": "MGET keys...",
    "mset": "MSET .entries(key value)...",
    "msetnx": "MSETNX .entries(key value)...",
    "psetex": "PSETEX _id .milliseconds .value",
    "setex": "SETEX _id .seconds .value",
    "setnx": "SETNX _id .value",
    "strlen": "STRLEN _id",
    # bits
    "bitcount": "BITCOUNT _id [start] [end]",
    "bitop": "BITOP .operation _id .keys...",
    "bitpos": "BITPOS _id bit [start] [end]",
    "getbit": "GETBIT _id offset",
    # lists
    "lindex": "LINDEX _id idx",
    "linsert": "LINSERT _id .position .pivot .value",
    "llen": "LLEN _id",
    "lpop": "LPOP _id",
    "lpush": "LPUSH _id [.values...]",
    "lpushx": "LPUSHX _id .value",
    "lrange": "LRANGE _id start stop",
    "lrem": "LREM _id .count .value",
    "lset": "LSET _id .index .value",
    "ltrim": "LTRIM _id .start .stop",
    "rpop": "RPOP _id",
    "rpoplpush": "RPOPLPUSH .source .destination",
    "rpush": "RPUSH _id [.values...]",
    "rpushx": "RPUSHX _id .value",
    # sets
    "sadd": "SADD _id [.members...]",
    "scard": "SCARD _id",
    "sdiff": "SDIFF _id keys...",
    "sdiffstore": "SDIFFSTORE .destination _id .keys...",
    "sinter": "SINTER keys...",
    "sinterstore": "SINTERSTORE .destination .keys...",
    "sismember": "SISMEMBER _id member",
    "smembers": "SMEMBERS _id",
    "smove": "SMOVE _id .destination .member",
    "spop": "SPOP _id [.count]",
    "srandmember": "SRANDMEMBER _id [count]",
    "srem": "SREM _id [.members...]",
    "sscan": "SSCAN _id cursor [MATCH match] [COUNT count]",
    "sunion": "SUNION keys...",
    "sunionstore": "SUNIONSTORE .destination .keys...",
    # hashes
    "hdel": "HDEL _id [.fields...]",
    "hexists": "HEXISTS _id field",
    "hget": "HGET _id field",
    "hgetall": "HGETALL _id",
    "hincrby": "HINCRBY _id .field .value",
    "hincrbyfloat": "HINCRBYFLOAT _id .field .value",
    "hkeys": "HKEYS _id",
    "hlen": "HLEN _id",
    "hmget": "HMGET _id fields...",
    "hmset": "HMSET _id .entries(field value)...",
    "hscan": "HSCAN _id cursor [MATCH match] [COUNT count]",
    "hset": "HSET _id .field .value",
    "hsetnx": "HSETNX _id .field .value",
    "hstrlen": "HSTRLEN _id field",
    "hvals": "HVALS _id",
    # sorted sets
    "zcard": "ZCARD _id",
    "zcount": "ZCOUNT _id min max",
    "zincrby": "ZINCRBY _id .value .member",
    "zlexcount": "ZLEXCOUNT _id min max",
    "zrange": "ZRANGE _id start stop [options^...]",
    "zrangebylex": "ZRANGEBYLEX _id min max [LIMIT limit...]",
    "zrangebyscore": "ZRANGEBYSCORE _id min max [options^...] [LIMIT limit...]",
    "zrank": "ZRANK _id member",
    "zrem": "ZREM _id .members...",
    "zremrangebylex": "ZREMRANGEBYLEX _id .min .max",
    "zremrangebyrank": "ZREMRANGEBYRANK _id .start .stop",
    "zremrangebyscore": "ZREMRANGEBYSCORE _id .min .max",
    "zrevrange": "ZREVRANGE _id start stop [options^...]",
    "zrevrangebylex": "ZREVRANGEBYLEX _id max min [LIMIT limit...]",
    "zrevrangebyscore": "ZREVRANGEBYSCORE _id max min [options^...] [LIMIT limit...]",
    "zrevrank": "ZREVRANK _id member",
    "zscan": "ZSCAN _id cursor [MATCH match] [COUNT count]",
    "zscore": "ZSCORE _id member",
    # places; the read-only forms, whose options cannot store anything
    "geoadd": "GEOADD _id .points(lon lat name)...",
    "geodist": "GEODIST _id member1 member2 [unit]",
    "geohash": "GEOHASH _id members...",
    "geopos": "GEOPOS _id members...",
    "georadius": "GEORADIUS_RO _id lon lat distance unit [options^...]",
    "georadiusbymember": "GEORADIUSBYMEMBER_RO _id member distance unit [options^...]",
    # estimates of how many there are
    "pfadd": "PFADD _id [.elements...]",
    "pfcount": "PFCOUNT keys...",
    "pfmerge": "PFMERGE _id [.sources...]",
}

_BUILDS: Final[Mapping[str, Build]] = {**{name: Row(text) for name, text in _ROWS.items()}, **_BUILT}

COMMANDS: Final[Mapping[str, Command]] = {
    name: Command(build, _SHAPES.get(name, texts), _NOTHING.get(name)) for name, build in _BUILDS.items()
}
"""Action to its command."""
