"""Kuzzle's official JavaScript SDK uses the memory storage, embedded and on a Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis_process
from harness import Server
from node import node
from redis_process import running_redis

EXPECTED: dict[str, Any] = {
    "get": "hello",
    "absent": None,
    "append": 11,
    "part": "hello",
    "mget": ["1", "2", None],
    "incrby": 6,
    "incrbyfloat": 6.5,
    "exists": 2,
    "expire": True,
    "ttl": True,
    "persist": [True, False],
    "type": "string",
    "scan": {"cursor": "0", "values": ["greeting"]},
    "keys": ["a", "b", "greeting"],
    "del": 2,
    "bits": [45, 1, 11],
    "ping": "PONG",
    "time": ["number", "number"],
    "rpush": 3,
    "lrange": ["a", "b", "c"],
    "lindex": "b",
    "linsert": 4,
    "sort": ["x", "c"],
    "sadd": 2,
    "sinter": ["b"],
    "sdiff": ["a"],
    "sismember": True,
    "hset": True,
    "hgetall": {"name": "Emma", "age": "21", "town": "Highbury"},
    "hmget": ["21", None],
    "hincrby": 22,
    "zadd": 3,
    "zrange": [{"member": "a", "score": 1}, {"member": "b", "score": 2.5}],
    "zrangebyscore": [{"member": "b", "score": 2.5}],
    "zrevrank": 2,
    "zscore": 2.5,
    "zincrby": "1.5",
    "zunionstore": 3,
    "geodist": 392.224,
    "geopos": ["2.350", "48.850"],
    "georadius": [{"name": "Paris", "distance": 6.6582}],
    "pfadd": [True, False],
    "pfcount": 2,
    "wrongType": {
        "status": 400,
        "id": "services.storage.unexpected_bad_request",
        "message": "WRONGTYPE Operation against a key holding the wrong kind of value",
    },
}


@pytest.fixture(params=["memory", "redis"])
def options(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Options of a server, by backend."""
    if request.param == "memory":
        yield {}
        return
    redis_process.demand()
    with running_redis(tmp_path_factory.mktemp("redis")) as process:
        yield {"memoryStorage": {"backend": "redis", "redis": {"port": process.port}}}


@pytest.mark.parametrize("protocol", ["http", "websocket"])
async def test_the_sdk_reads_every_kind_of_answer(tmp_path: Path, options: dict[str, Any], protocol: str) -> None:
    async with Server(tmp_path, options) as server:
        (seen,) = await node("sdk_memory.js", protocol, str(server.port(protocol)))
    assert seen == EXPECTED
