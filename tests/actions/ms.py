"""Actions of `ms`, on the embedded storage; tests/contracts/memory_storage.py compares it with a real Redis."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from action_table import CATALOGUE, Action, Refusal
from harness import Server

REFUSED = "services.storage.unexpected_bad_request"
FULL = "services.cache.write_failed"
TINY = {"memoryStorage": {"memory": {"maxBytes": 1}}}
UNREACHABLE = {
    "services.cache.not_connected": "the embedded storage is a part of the server",
    "services.cache.read_failed": "takes values of megabytes; tests/kuzzle/memory_storage has some",
}
INVALID = "api.assert.invalid_argument"
EMPTY = "api.assert.empty_argument"
EXCLUSIVE = "api.assert.mutually_exclusive"
# Whose results have an order, or a value, that nobody promises.
IN_ANY_ORDER = {"keys", "sdiff", "sinter", "smembers", "spop", "sunion", "hkeys", "hvals", "georadius"}
BY_CHANCE = {"randomkey", "srandmember"}
OF_THE_MOMENT = {"time", "pttl", "ttl"}


async def fill(server: Server) -> None:
    """Store values of every type; a storage that is full takes the first one only."""
    post = server.http
    entries = [{"key": "text", "value": "hello"}, {"key": "number", "value": 10}, {"key": "soon", "value": "gone"}]
    await post("POST", "/ms/_mset", {"entries": entries})
    await post("POST", "/ms/_expire/soon", {"seconds": 100})
    await post("POST", "/ms/_rpush/list", {"values": ["a", "b", "c"]})
    await post("POST", "/ms/_sadd/set", {"members": ["a", "b", "c"]})
    await post("POST", "/ms/_sadd/other", {"members": ["c", "d"]})
    fields = [{"field": "name", "value": "Emma"}, {"field": "age", "value": 21}]
    await post("POST", "/ms/_hmset/hash", {"entries": fields})
    scores = [{"score": score, "member": member} for member, score in (("a", 1), ("b", 2.5), ("c", 3))]
    await post("POST", "/ms/_zadd/scores", {"elements": scores})
    words = [{"score": 0, "member": member} for member in "abc"]
    await post("POST", "/ms/_zadd/words", {"elements": words})
    places = [{"lon": 2.35, "lat": 48.85, "name": "Paris"}, {"lon": 4.83, "lat": 45.75, "name": "Lyon"}]
    await post("POST", "/ms/_geoadd/places", {"points": places})
    await post("POST", "/ms/_pfadd/many", {"elements": ["a", "b", "c"]})
    await post("POST", "/ms/_pfadd/more", {"elements": ["c", "d"]})


def ms(
    result: Any, wrong: Mapping[str, Any] | None = None, *refusals: Refusal, grows: bool = False, **call: Any
) -> Action:
    """An action.

    Args:
        result: Its result.
        wrong: What makes Redis refuse the call.
        grows: It is refused when the storage is full.
        call: The call that succeeds.
    """
    by_redis = () if wrong is None else (Refusal(REFUSED, wrong),)
    when_full = (Refusal(FULL, options=TINY),) if grows else ()
    return Action(call, result, fill, (*by_redis, *refusals, *when_full))


def some(*members: str) -> Any:
    """These members, in any order."""
    return lambda found: sorted(found) == list(members)


def body(**members: Any) -> dict[str, Any]:
    return {"body": members}


A_LIST = {"_id": "list"}
A_TEXT = {"_id": "text"}
HASH = {"_id": "hash"}
SCORES = {"_id": "scores"}
SET = {"_id": "set"}
PLACES = {"_id": "places"}
NO_NUMBER = {"body": {"value": "many"}}


def entries(*pairs: tuple[Any, Any], name: str = "key") -> dict[str, Any]:
    return {"entries": [{name: key, "value": value} for key, value in pairs]}


ZERO = {"key": "a", "field": "a", "value": 0}
BAD_ENTRIES = tuple(Refusal(INVALID, {"body": {"entries": bad}}) for bad in (["a"], [{"key": "a"}], [ZERO]))
BAD_COUNT = Refusal("api.assert.invalid_type", {"count": "many"})
BAD_LIMIT = Refusal(INVALID, {"limit": "1"})
POINT = {"lon": 1, "lat": 2, "name": "x"}

_CALLS = {
    # keys
    "dbsize": ms(12),
    "del": ms(2, {"body": {"keys": []}}, **body(keys=["text", "list", "nothing"])),
    "exists": ms(2, None, Refusal(REFUSED, {"keys": []}, only_websocket=True), keys="text,list,nothing"),
    "expire": ms(1, body(seconds="soon"), **A_TEXT, **body(seconds=10)),
    "expireat": ms(1, body(timestamp="soon"), **A_TEXT, **body(timestamp=4102444800)),
    "flushdb": ms("OK"),
    "keys": ms(some("scores", "set", "soon"), pattern="s*"),
    "object": ms("embstr", {"subcommand": "unheard of"}, subcommand="encoding", **A_TEXT),
    "persist": ms(1, _id="soon"),
    "pexpire": ms(1, body(milliseconds="soon"), **A_TEXT, **body(milliseconds=10000)),
    "pexpireat": ms(1, body(timestamp="soon"), **A_TEXT, **body(timestamp=4102444800000)),
    "ping": ms("PONG"),
    "pttl": ms(lambda left: 90_000 < left <= 100_000, _id="soon"),
    "randomkey": ms(str),
    "rename": ms("OK", {"_id": "nothing"}, **A_TEXT, **body(newkey="words")),
    "renamenx": ms(0, {"_id": "nothing"}, **A_TEXT, **body(newkey="words")),
    "scan": ms(["0", some("text")], {"cursor": "first"}, BAD_COUNT, cursor=0, match="te*", count=100),
    "time": ms([str, str]),
    "touch": ms(1, body(keys=[]), **body(keys=["text", "nothing"])),
    "ttl": ms(lambda left: 90 < left <= 100, _id="soon"),
    "type": ms("zset", **SCORES),
    # strings
    "append": ms(11, A_LIST, grows=True, **A_TEXT, **body(value=" world")),
    "decr": ms(9, A_LIST, grows=True, _id="number"),
    "decrby": ms(7, NO_NUMBER, grows=True, _id="number", **body(value=3)),
    "get": ms("hello", A_LIST, **A_TEXT),
    "getbit": ms(1, {"offset": -1}, offset=1, **A_TEXT),
    "getrange": ms("ell", A_LIST, start=1, end=-2, **A_TEXT),
    "getset": ms("hello", A_LIST, grows=True, **A_TEXT, **body(value="bye")),
    "incr": ms(11, A_TEXT, grows=True, _id="number"),
    "incrby": ms(12, NO_NUMBER, grows=True, _id="number", **body(value=2)),
    "incrbyfloat": ms("10.5", NO_NUMBER, grows=True, _id="number", **body(value=0.5)),
    "mget": ms(["hello", None, None], keys="text,list,nothing"),
    "mset": ms("OK", body(entries=[]), *BAD_ENTRIES, grows=True, **body(**entries(("text", "a"), ("new", 1)))),
    "msetnx": ms(0, body(entries=[]), *BAD_ENTRIES, grows=True, **body(**entries(("text", "a"), ("new", 1)))),
    "psetex": ms("OK", body(milliseconds=-1, value="a"), grows=True, **A_TEXT, **body(milliseconds=10000, value="a")),
    "set": ms(
        None,
        body(value="a", ex=-1),
        Refusal(EXCLUSIVE, body(value="a", nx=True, xx=True)),
        Refusal(EXCLUSIVE, body(value="a", ex=1, px=1)),
        grows=True,
        **A_TEXT,
        **body(value="a", ex=10, nx=True),
    ),
    "setex": ms("OK", body(seconds=-1, value="a"), grows=True, **A_TEXT, **body(seconds=10, value="a")),
    "setnx": ms(0, None, grows=True, **A_TEXT, **body(value="a")),
    "strlen": ms(5, A_LIST, **A_TEXT),
    # bits
    "bitcount": ms(21, A_LIST, **A_TEXT),
    "bitop": ms(
        5, body(operation="NAND", keys=["text"]), grows=True, _id="out", **body(operation="not", keys=["text"])
    ),
    "bitpos": ms(1, {"bit": 2}, bit=1, **A_TEXT),
    # lists
    "lindex": ms("c", A_TEXT, idx="-1", **A_LIST),
    "linsert": ms(
        4,
        body(position="beside", pivot="b", value="x"),
        grows=True,
        **A_LIST,
        **body(position="before", pivot="b", value="x"),
    ),
    "llen": ms(3, A_TEXT, **A_LIST),
    "lpop": ms("a", A_TEXT, **A_LIST),
    "lpush": ms(5, A_TEXT, Refusal(REFUSED, body(values=[])), grows=True, **A_LIST, **body(values=["x", 1])),
    "lpushx": ms(4, A_TEXT, grows=True, **A_LIST, **body(value="x")),
    "lrange": ms(["b", "c"], A_TEXT, start=1, stop=-1, **A_LIST),
    "lrem": ms(1, A_TEXT, **A_LIST, **body(count=0, value="b")),
    "lset": ms("OK", body(index=7, value="x"), grows=True, **A_LIST, **body(index=1, value="x")),
    "ltrim": ms("OK", A_TEXT, **A_LIST, **body(start=0, stop=1)),
    "rpop": ms("c", A_TEXT, **A_LIST),
    "rpoplpush": ms("c", body(source="text", destination="x"), grows=True, **body(source="list", destination="new")),
    "rpush": ms(5, A_TEXT, Refusal(REFUSED, body(values=[])), grows=True, **A_LIST, **body(values=["x", 1])),
    "rpushx": ms(4, A_TEXT, grows=True, **A_LIST, **body(value="x")),
    # sets
    "sadd": ms(1, A_TEXT, grows=True, **SET, **body(members=["a", "x"])),
    "scard": ms(3, A_TEXT, **SET),
    "sdiff": ms(some("a", "b"), A_TEXT, keys="other,nothing", **SET),
    "sdiffstore": ms(2, A_TEXT, grows=True, **SET, **body(destination="new", keys=["other"])),
    "sinter": ms(["c"], {"keys": "set,text"}, keys="set,other"),
    "sinterstore": ms(
        1, body(destination="x", keys=["text"]), grows=True, **body(destination="new", keys=["set", "other"])
    ),
    "sismember": ms(1, A_TEXT, member="a", **SET),
    "smembers": ms(some("a", "b", "c"), A_TEXT, **SET),
    "smove": ms(1, A_TEXT, **SET, **body(destination="other", member="a")),
    "sort": ms(
        ["c", "b", "a"],
        A_TEXT,
        Refusal(INVALID, body(direction="up")),
        Refusal(INVALID, body(limit=[1])),
        grows=True,
        **A_LIST,
        **body(alpha=True, direction="desc"),
    ),
    "spop": ms(some("a", "b", "c"), A_TEXT, **SET, **body(count=5)),
    "srandmember": ms(lambda found: found in ("a", "b", "c"), A_TEXT, **SET),
    "srem": ms(1, A_TEXT, **SET, **body(members=["a", "x"])),
    "sscan": ms(["0", some("a", "b", "c")], A_TEXT, BAD_COUNT, cursor=0, count=100, **SET),
    "sunion": ms(some("a", "b", "c", "d"), {"keys": "set,text"}, keys="set,other"),
    "sunionstore": ms(
        4, body(destination="x", keys=["text"]), grows=True, **body(destination="new", keys=["set", "other"])
    ),
    # hashes
    "hdel": ms(1, A_TEXT, **HASH, **body(fields=["name", "x"])),
    "hexists": ms(1, A_TEXT, field="name", **HASH),
    "hget": ms("Emma", A_TEXT, field="name", **HASH),
    "hgetall": ms({"name": "Emma", "age": "21"}, A_TEXT, **HASH),
    "hincrby": ms(22, body(field="name", value=1), grows=True, **HASH, **body(field="age", value=1)),
    "hincrbyfloat": ms("21.5", body(field="name", value=1), grows=True, **HASH, **body(field="age", value=0.5)),
    "hkeys": ms(["name", "age"], A_TEXT, **HASH),
    "hlen": ms(2, A_TEXT, **HASH),
    "hmget": ms(["21", None], A_TEXT, fields="age,x", **HASH),
    "hmset": ms("OK", body(entries=[]), *BAD_ENTRIES, grows=True, **HASH, **body(**entries(("age", 22), name="field"))),
    "hscan": ms(["0", lambda found: len(found) == 4], A_TEXT, BAD_COUNT, cursor=0, **HASH),
    "hset": ms(1, A_TEXT, grows=True, **HASH, **body(field="new", value="x")),
    "hsetnx": ms(0, A_TEXT, grows=True, **HASH, **body(field="name", value="x")),
    "hstrlen": ms(4, A_TEXT, field="name", **HASH),
    "hvals": ms(["Emma", "21"], A_TEXT, **HASH),
    # sorted sets
    "zadd": ms(
        1,
        A_TEXT,
        Refusal(EMPTY, body(elements=[])),
        Refusal(EXCLUSIVE, body(elements=[{"score": 1, "member": "x"}], nx=True, xx=True)),
        Refusal("api.assert.too_many_arguments", body(elements=[{"score": 1, "member": "x"}] * 2, incr=True)),
        Refusal("api.assert.missing_argument", body(elements=[{"score": 1}])),
        Refusal("api.assert.invalid_type", body(elements=[{"score": "x", "member": "x"}])),
        grows=True,
        **SCORES,
        **body(elements=[{"score": 1, "member": "x"}, {"score": "2", "member": "a"}]),
    ),
    "zcard": ms(3, A_TEXT, **SCORES),
    "zcount": ms(2, {"min": "low"}, min="-inf", max="(3", **SCORES),
    "zincrby": ms(
        "2.5", NO_NUMBER | body(value="many", member="a"), grows=True, **SCORES, **body(value=1.5, member="a")
    ),
    "zinterstore": ms(
        1,
        body(keys=["text"]),
        Refusal(EMPTY, body(keys=[])),
        Refusal(INVALID, body(keys=["set"], aggregate="mean")),
        grows=True,
        _id="new",
        **body(keys=["scores", "other"], weights=[2, 1], aggregate="max"),
    ),
    "zlexcount": ms(2, {"min": "a"}, min="[a", max="(c", _id="words"),
    "zrange": ms(["a", "1", "b", "2.5"], {"options": "unheard"}, start=0, stop=1, options="withscores", **SCORES),
    "zrangebylex": ms(["b"], {"min": "a"}, BAD_LIMIT, min="-", max="+", limit="1,1", _id="words"),
    "zrangebyscore": ms(
        ["b", "2.5"], {"min": "low"}, BAD_LIMIT, min=2, max="+inf", options="WithScores", limit="0,1", **SCORES
    ),
    "zrank": ms(1, A_TEXT, member="b", **SCORES),
    "zrem": ms(1, A_TEXT, **SCORES, **body(members=["a", "x"])),
    "zremrangebylex": ms(2, body(min="a", max="b"), _id="words", **body(min="[a", max="[b")),
    "zremrangebyrank": ms(2, body(start="a", stop=1), **SCORES, **body(start=0, stop=1)),
    "zremrangebyscore": ms(2, body(min="low", max=2), **SCORES, **body(min=1, max=2.5)),
    "zrevrange": ms(["c", "b"], {"options": "unheard"}, start=0, stop=1, **SCORES),
    "zrevrangebylex": ms(["b", "a"], {"min": "a"}, BAD_LIMIT, min="-", max="(c", _id="words"),
    "zrevrangebyscore": ms(["b", "a"], {"min": "low"}, BAD_LIMIT, min=1, max="(3", **SCORES),
    "zrevrank": ms(2, A_TEXT, member="a", **SCORES),
    "zscan": ms(["0", ["a", "1", "b", "2.5", "c", "3"]], A_TEXT, BAD_COUNT, cursor=0, **SCORES),
    "zscore": ms("2.5", A_TEXT, member="b", **SCORES),
    "zunionstore": ms(
        4,
        body(keys=["text"]),
        Refusal(EMPTY, body(keys=[])),
        Refusal(INVALID, body(keys=["set"], aggregate="mean")),
        grows=True,
        _id="new",
        **body(keys=["scores", "other"]),
    ),
    # places
    "geoadd": ms(
        1,
        body(points=[{**POINT, "lat": 89}]),
        Refusal(EMPTY, body(points=[])),
        Refusal(INVALID, body(points=[{"lon": 1, "name": "x"}])),
        Refusal(INVALID, body(points=[{**POINT, "lon": 0}])),
        grows=True,
        **PLACES,
        **body(points=[POINT]),
    ),
    "geodist": ms("392.2240", {"unit": "league"}, member1="Paris", member2="Lyon", unit="km", **PLACES),
    "geohash": ms(["u09tvkz5yg0", None], A_TEXT, members="Paris,x", **PLACES),
    "geopos": ms([["2.34999865293502808", "48.84999911645039106"], None], A_TEXT, members="Paris,x", **PLACES),
    "georadius": ms(
        [["Paris", str, [str, str]]],
        {"unit": "league"},
        Refusal(REFUSED, {"options": "store,other"}),
        lon=2.3,
        lat=48.8,
        distance=100,
        unit="km",
        options="withdist,withcoord,count,1",
        **PLACES,
    ),
    "georadiusbymember": ms(["Lyon"], {"member": "x"}, member="Lyon", distance=10, unit="km", **PLACES),
    # estimates
    "pfadd": ms(1, A_LIST, grows=True, _id="many", **body(elements=["a", "x"])),
    "pfcount": ms(4, {"keys": "list"}, keys="many,more"),
    "pfmerge": ms("OK", A_LIST, grows=True, _id="many", **body(sources=["more"])),
}


def _with_explanations(name: str, action: Action) -> Action:
    definition = CATALOGUE.find("ms", name)
    assert definition is not None
    documented = definition.specification["errors"]
    explained = {error_id: why for error_id, why in UNREACHABLE.items() if error_id in documented}
    return dataclasses.replace(action, unreachable=explained)


ACTIONS = {name: _with_explanations(name, action) for name, action in _CALLS.items()}
