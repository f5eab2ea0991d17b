"""Commands of Redis by chance, for stores that must answer them alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

Words = list[bytes]

KEYS = [b"k%d" % number for number in range(6)]
VALUES = [
    b"",
    b"a",
    b"10",
    b"-3",
    b"2.5",
    b"1e3",
    b"\xff\x00\x81",
    b"hello world",
    b"9223372036854775807",
    b"007",
    b"x" * 70,
]
INTEGERS = [b"0", b"1", b"2", b"-1", b"-2", b"5", b"-100", b"100", b"1.5", b"x", b"", b"9223372036854775808"]
FLOATS = [b"0", b"1", b"-1", b"2.5", b"inf", b"-inf", b"1e2", b"0.1", b"3", b"x"]
BOUNDS = [*FLOATS, b"(1", b"(2.5"]
TEXT_BOUNDS = [b"-", b"+", b"[a", b"(a", b"[b", b"(c", b"[10", b"a"]
MEMBERS = [b"a", b"b", b"c", b"d", b"10", b"3"]
PLACES = [
    (b"2.35", b"48.85"),
    (b"4.83", b"45.75"),
    (b"-70.1", b"-33.4"),
    (b"179.99", b"85"),
    (b"13.361389", b"38.115556"),
]
WRONG_PLACES = [(b"181", b"0"), (b"0", b"86"), (b"x", b"1")]
UNITS = [b"m", b"km", b"MI", b"ft"]
ESTIMATES = [b"p1", b"p2"]
# Sorted sets whose scores are all equal: ranges of texts mean nothing in others.
TEXTS = b"texts"
MAP = b"map"


class Commands:
    """Draws commands."""

    def __init__(self, seed: object) -> None:
        self._chance = Random(f"{seed}")
        self._makers: Mapping[bytes, Callable[[], Words]] = self._all()

    @property
    def names(self) -> Iterable[bytes]:
        """The commands that are drawn."""
        return self._makers.keys()

    def draw(self, name: bytes | None = None) -> Words:
        """Draw a command; emptying everything is rare."""
        chosen = name or self._one(list(self._makers))
        if name is None and chosen == b"FLUSHDB" and self._chance.random() < 0.95:
            chosen = b"GET"
        return [chosen, *self._makers[chosen]()]

    def _one(self, choices: Any) -> Any:
        return self._chance.choice(choices)

    def _some(self, choices: Any, least: int = 1, most: int = 4) -> Words:
        return [self._one(choices) for _ in range(self._chance.randint(least, most))]

    def _pairs(self, first: Any, second: Any, least: int = 1) -> Words:
        return [self._one(choices) for _ in range(self._chance.randint(least, 3)) for choices in (first, second)]

    def _words(self, *choices: Any) -> Callable[[], Words]:
        """A command whose arguments are each one of some choices; a choice that is a list stands for several words."""

        def make() -> Words:
            words: Words = []
            for choice in choices:
                part = choice() if callable(choice) else self._one(choice)
                words += part if isinstance(part, list) else [part]
            return words

        return make

    def _all(self) -> Mapping[bytes, Callable[[], Words]]:
        key, value, integer, member = KEYS, VALUES, INTEGERS, MEMBERS
        keys, members = (lambda: self._some(KEYS)), (lambda: self._some(MEMBERS))
        return {
            **self._of_keys(key, integer, keys),
            **self._of_strings(key, value, integer, keys),
            **self._of_lists_and_sets(key, integer, member, keys, members),
            **self._of_hashes(key, value, integer, member, members),
            **self._of_sorted_sets(key, integer, member, members),
            **self._of_places_and_estimates(key, member, members),
        }

    def _scanned(self) -> Words:
        # All in one answer: where it is cut is up to the store.
        found: Words = self._one([[b"COUNT", b"1000"], [b"COUNT", b"1000", b"MATCH", b"[ab]*"]])
        return found

    def _of_keys(self, key: Any, integer: Any, keys: Any) -> Mapping[bytes, Callable[[], Words]]:
        words = self._words
        spans, moments = [b"1000", b"-1", b"0", b"x", b"99999999999999999"], [b"4102444800", b"1", b"x"]
        return {
            b"DBSIZE": words(),
            b"DEL": words(keys),
            b"EXISTS": words(keys),
            b"EXPIRE": words(key, spans),
            b"EXPIREAT": words(key, moments),
            b"FLUSHDB": words(),
            b"KEYS": words([b"*", b"k?", b"k[1-3]", b"k[^1]", b"\\k1", b"", b"k1*", b"[k"]),
            b"OBJECT": words([b"foo", b"freq"], key),
            b"PERSIST": words(key),
            b"PEXPIRE": words(key, [b"1000000", b"-1", b"x"]),
            b"PEXPIREAT": words(key, [b"4102444800000", b"1", b"x"]),
            b"PING": words(),
            b"RENAME": words(key, key),
            b"RENAMENX": words(key, key),
            b"SCAN": words([b"0", b"0", b"x"], self._scanned),
            b"TOUCH": words(keys),
            b"TYPE": words(key),
        }

    def _of_strings(self, key: Any, value: Any, integer: Any, keys: Any) -> Mapping[bytes, Callable[[], Words]]:
        words = self._words
        options = [[], [b"NX"], [b"XX"], [b"EX", b"1000"], [b"PX", b"1000000", b"NX"], [b"EX", b"0"], [b"EX", b"x"]]
        spans = [b"1000000", b"0", b"-1", b"x"]
        return {
            b"APPEND": words(key, value),
            b"BITCOUNT": words(key, lambda: self._one([[], [self._one(integer), self._one(integer)]])),
            b"BITOP": words([b"AND", b"or", b"XOR"], key, keys),
            b"BITPOS": words(key, [b"0", b"1", b"2"], lambda: self._some(integer, 0, 2)),
            b"DECR": words(key),
            b"DECRBY": words(key, integer),
            b"GET": words(key),
            b"GETBIT": words(key, integer),
            b"GETRANGE": words(key, integer, integer),
            b"GETSET": words(key, value),
            b"INCR": words(key),
            b"INCRBY": words(key, integer),
            b"INCRBYFLOAT": words(key, FLOATS),
            b"MGET": words(keys),
            b"MSET": lambda: self._pairs(key, value),
            b"MSETNX": lambda: self._pairs(key, value),
            b"PSETEX": words(key, spans, value),
            b"SET": words(key, value, options),
            b"SETEX": words(key, spans, value),
            b"SETNX": words(key, value),
            b"STRLEN": words(key),
        }

    def _of_lists_and_sets(
        self, key: Any, integer: Any, member: Any, keys: Any, members: Any
    ) -> Mapping[bytes, Callable[[], Words]]:
        words = self._words
        sorting = [
            [],
            [b"ALPHA"],
            [b"DESC", b"ALPHA"],
            [b"ALPHA", b"LIMIT", b"1", b"2"],
            [b"ALPHA", b"GET", b"k*", b"GET", b"#"],
            [b"ALPHA", b"STORE", b"k1"],
            [b"FOO"],
        ]
        return {
            b"LINDEX": words(key, integer),
            b"LINSERT": words(key, [b"BEFORE", b"after", b"x"], member, member),
            b"LLEN": words(key),
            b"LPOP": words(key),
            b"LPUSH": words(key, members),
            b"LPUSHX": words(key, member),
            b"LRANGE": words(key, integer, integer),
            b"LREM": words(key, integer, member),
            b"LSET": words(key, integer, member),
            b"LTRIM": words(key, integer, integer),
            b"RPOP": words(key),
            b"RPOPLPUSH": words(key, key),
            b"RPUSH": words(key, members),
            b"RPUSHX": words(key, member),
            b"SADD": words(key, members),
            b"SCARD": words(key),
            b"SDIFF": words(keys),
            b"SDIFFSTORE": words(key, keys),
            b"SINTER": words(keys),
            b"SINTERSTORE": words(key, keys),
            b"SISMEMBER": words(key, member),
            b"SMEMBERS": words(key),
            b"SMOVE": words(key, key, member),
            b"SORT": words(key, sorting),
            b"SPOP": words(key, [b"100", b"-1", b"x", b"0"]),
            b"SRANDMEMBER": words(key, [b"100", b"x", b"0"]),
            b"SREM": words(key, members),
            b"SSCAN": words(key, [b"0"], self._scanned),
            b"SUNION": words(keys),
            b"SUNIONSTORE": words(key, keys),
        }

    def _of_hashes(
        self, key: Any, value: Any, integer: Any, member: Any, members: Any
    ) -> Mapping[bytes, Callable[[], Words]]:
        words = self._words
        return {
            b"HDEL": words(key, members),
            b"HEXISTS": words(key, member),
            b"HGET": words(key, member),
            b"HGETALL": words(key),
            b"HINCRBY": words(key, member, integer),
            b"HINCRBYFLOAT": words(key, member, FLOATS),
            b"HKEYS": words(key),
            b"HLEN": words(key),
            b"HMGET": words(key, members),
            b"HMSET": words(key, lambda: self._pairs(member, value)),
            b"HSCAN": words(key, [b"0"], self._scanned),
            b"HSET": words(key, member, value),
            b"HSETNX": words(key, member, value),
            b"HSTRLEN": words(key, member),
            b"HVALS": words(key),
        }

    def _of_sorted_sets(self, key: Any, integer: Any, member: Any, members: Any) -> Mapping[bytes, Callable[[], Words]]:
        words = self._words
        scores = [[], [b"WITHSCORES"], [b"withscores"], [b"FOO"]]
        slices = [[], [b"LIMIT", b"0", b"2"], [b"LIMIT", b"1", b"-1"], [b"LIMIT", b"x", b"1"]]
        conditions = [[], [], [b"NX"], [b"XX"], [b"CH"]]
        combined = [[], [b"WEIGHTS", b"2", b"0.5"], [b"AGGREGATE", b"min"], [b"AGGREGATE", b"FOO"], [b"WEIGHTS", b"2"]]
        texts = [TEXTS, TEXTS, b"k1"]
        return {
            b"ZADD": self._added_scores(key, conditions),
            b"ZCARD": words(key),
            b"ZCOUNT": words(key, BOUNDS, BOUNDS),
            b"ZINCRBY": words(key, FLOATS, member),
            b"ZINTERSTORE": words(key, [b"2"], key, key, combined),
            b"ZLEXCOUNT": words([TEXTS], TEXT_BOUNDS, TEXT_BOUNDS),
            b"ZRANGE": words(key, integer, integer, scores),
            b"ZRANGEBYLEX": words([TEXTS], TEXT_BOUNDS, TEXT_BOUNDS, slices),
            b"ZRANGEBYSCORE": words(key, BOUNDS, BOUNDS, scores, slices),
            b"ZRANK": words(key, member),
            b"ZREM": words(texts, members),
            b"ZREMRANGEBYLEX": words([TEXTS], TEXT_BOUNDS, TEXT_BOUNDS),
            b"ZREMRANGEBYRANK": words(key, integer, integer),
            b"ZREMRANGEBYSCORE": words(key, BOUNDS, BOUNDS),
            b"ZREVRANGE": words(key, integer, integer, scores),
            b"ZREVRANGEBYLEX": words([TEXTS], TEXT_BOUNDS, TEXT_BOUNDS, slices),
            b"ZREVRANGEBYSCORE": words(key, BOUNDS, BOUNDS, scores, slices),
            b"ZREVRANK": words(key, member),
            b"ZSCAN": words(key, [b"0"], self._scanned),
            b"ZSCORE": words(key, member),
            b"ZUNIONSTORE": words(key, [b"2"], key, key, combined),
        }

    def _added_scores(self, key: Any, conditions: Any) -> Callable[[], Words]:
        def make() -> Words:
            if self._one([True, False]):
                return [TEXTS, *(word for member in self._some(MEMBERS) for word in (b"0", member))]
            return [self._one(key), *self._one(conditions), *self._pairs(FLOATS, MEMBERS)]

        return make

    def _of_places_and_estimates(self, key: Any, member: Any, members: Any) -> Mapping[bytes, Callable[[], Words]]:
        words = self._words
        options = [
            [],
            [b"WITHDIST"],
            [b"WITHCOORD", b"WITHDIST", b"ASC"],
            [b"COUNT", b"100"],
            [b"DESC", b"WITHHASH"],
            [b"COUNT", b"0"],
            [b"COUNT"],
            [b"FOO"],
            [b"STORE", b"k1"],
            [b"ANY"],
        ]
        radii = [b"100", b"5000", b"x", b"20000000", b"0"]

        def place() -> Words:
            return [*self._one([*PLACES, *PLACES, *WRONG_PLACES])]

        def placed() -> Words:
            return [word for name in self._some(MEMBERS, 1, 2) for word in (*place(), name)]

        return {
            b"GEOADD": words([MAP, MAP, MAP, b"k1"], placed),
            b"GEODIST": words([MAP, b"k1"], member, member, [[], [b"km"], [b"ft"], [b"league"]]),
            b"GEOHASH": words([MAP], members),
            b"GEOPOS": words([MAP], members),
            b"GEORADIUS_RO": words([MAP, b"nothing"], place, radii, UNITS, options),
            b"GEORADIUSBYMEMBER_RO": words([MAP, b"nothing"], member, radii, UNITS, options),
            b"PFADD": words(ESTIMATES, lambda: self._some(VALUES, 0, 4)),
            b"PFCOUNT": lambda: self._some([*ESTIMATES, *ESTIMATES, b"k1"]),
            b"PFMERGE": words(ESTIMATES, lambda: self._some([*ESTIMATES, b"k1"], 0, 3)),
        }


_IN_ANY_ORDER = {b"KEYS", b"SDIFF", b"SINTER", b"SMEMBERS", b"SPOP", b"SRANDMEMBER", b"SUNION", b"HKEYS", b"HVALS"}


def comparable(words: Words, answer: Any) -> Any:
    """Return an answer such that equal ones are alike: what Redis gives in any order is sorted."""
    name = words[0]
    if not isinstance(answer, list):
        return answer
    if name in _IN_ANY_ORDER or name.startswith(b"GEORADIUS"):
        return sorted(answer, key=repr)
    if name in {b"SCAN", b"SSCAN"}:
        return [answer[0], sorted(answer[1])]
    if name in {b"HSCAN", b"ZSCAN"}:
        return [answer[0], sorted(zip(answer[1][::2], answer[1][1::2], strict=True))]
    if name == b"HGETALL":
        return sorted(zip(answer[::2], answer[1::2], strict=True))
    return answer
