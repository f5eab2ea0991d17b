"""What every memory storage must do: the suite of `kuzzle/memory_storage/base.py`.

A backend's test module defines a fixture `store` (open, empty) and a class that inherits from `MemoryStorageContract`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from kuzzle.errors import KuzzleError
from kuzzle.memory_storage.base import MemoryStorage


async def run(store: MemoryStorage, *words: str | bytes | int) -> Any:
    """Run a command of texts, bytes and integers."""
    return await store.execute([word if isinstance(word, bytes) else str(word).encode() for word in words])


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("waited in vain")


async def refused(store: MemoryStorage, *words: str | bytes | int) -> str:
    """Return the text with which a command is refused."""
    with pytest.raises(KuzzleError) as caught:
        await run(store, *words)
    assert (caught.value.id, caught.value.status) == ("services.storage.unexpected_bad_request", 400)
    return caught.value.message


class MemoryStorageContract:
    """Commands."""

    async def test_values_are_bytes_of_any_kind(self, store: MemoryStorage) -> None:
        for value in (b"", b"\0", b"\r\n", b"*1\r\n$4\r\nPING\r\n", bytes(range(256)), b"x" * 1_000_000):
            assert await run(store, "SET", value[:1000], value) == b"OK"
            assert await run(store, "GET", value[:1000]) == value
            assert await run(store, "STRLEN", value[:1000]) == len(value)

    async def test_commands_asked_together_are_run_in_order(self, store: MemoryStorage) -> None:
        calls = [run(store, "APPEND", "log", f"{number % 10}") for number in range(1000)]
        assert await asyncio.gather(*calls) == list(range(1, 1001))
        assert await run(store, "GET", "log") == b"0123456789" * 100

    async def test_a_refused_command_does_not_disturb_the_others(self, store: MemoryStorage) -> None:
        await run(store, "SET", "text", "a")
        answers = await asyncio.gather(
            run(store, "GET", "text"),
            run(store, "LPUSH", "text", "b"),
            run(store, "GET", "text"),
            return_exceptions=True,
        )
        assert answers[0] == answers[2] == b"a"
        assert isinstance(answers[1], KuzzleError)

    async def test_a_caller_who_leaves_does_not_disturb_the_others(self, store: MemoryStorage) -> None:
        await run(store, "PING")
        calls = [asyncio.create_task(run(store, "INCR", "n")) for _ in range(20)]
        await asyncio.sleep(0)
        calls[3].cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert await run(store, "INCR", "n") == max(answer for answer in answers if isinstance(answer, int)) + 1

    async def test_a_key_is_gone_when_its_time_is_over(self, store: MemoryStorage) -> None:
        await run(store, "PSETEX", "a", 30, "x")
        await run(store, "RPUSH", "b", "x")
        assert await run(store, "PEXPIRE", "b", 30) == 1
        await run(store, "SET", "c", "x", "PX", 60_000)
        assert await run(store, "PERSIST", "c") == 1
        await asyncio.sleep(0.06)
        assert await run(store, "MGET", "a", "b", "c") == [None, None, b"x"]
        assert await run(store, "EXISTS", "a", "b", "c") == 1
        assert [await run(store, "TTL", key) for key in "abc"] == [-2, -2, -1]
        assert (await run(store, "KEYS", "*"), await run(store, "DBSIZE")) == ([b"c"], 1)
        assert await run(store, "SCAN", 0) == [b"0", [b"c"]]
        assert await run(store, "RPUSH", "b", "y") == 1

    @pytest.mark.parametrize(
        "words",
        [
            "SETEX a 100 x",
            "PSETEX a 100000 x",
            "SET a x EX 100",
            "SET a x PX 100000",
            "EXPIRE b 100",
            "PEXPIRE b 100000",
        ],
    )
    async def test_an_expiry_is_as_far_as_was_said(self, store: MemoryStorage, words: str) -> None:
        await run(store, "SET", "b", "x")
        start = time.monotonic()
        await run(store, *words.split())
        key = words.split()[1]
        left_ms = await run(store, "PTTL", key)
        assert 100_000 - (time.monotonic() - start) * 1000 - 5 <= left_ms <= 100_000
        left_s = await run(store, "TTL", key)
        assert await run(store, "PTTL", key) / 1000 - 0.51 <= left_s <= left_ms / 1000 + 0.51

    async def test_a_scan_finds_every_key_that_was_there_all_the_time(self, store: MemoryStorage) -> None:
        for number in range(500):
            await run(store, "SET", f"key{number}", number)
        found, cursor, rounds = set(), b"0", 0
        while rounds == 0 or cursor != b"0":
            cursor, keys = await run(store, "SCAN", cursor, "COUNT", 20)
            found.update(keys)
            rounds += 1
            await run(store, "SET", f"new{rounds}", "x")
            await run(store, "DEL", f"new{rounds}")
        assert rounds > 5
        assert {f"key{number}".encode() for number in range(500)} <= found

    @pytest.mark.parametrize(("name", "scanned"), [("SADD", "SSCAN"), ("HSET", "HSCAN"), ("ZADD", "ZSCAN")])
    async def test_a_scan_of_a_value_finds_all_of_it(self, store: MemoryStorage, name: str, scanned: str) -> None:
        for number in range(600):
            pair = {"SADD": (f"m{number}",), "HSET": (f"m{number}", number), "ZADD": (number, f"m{number}")}[name]
            await run(store, name, "key", *pair)
        found, cursor, is_first = set(), b"0", True
        while is_first or cursor != b"0":
            cursor, part = await run(store, scanned, "key", cursor, "COUNT", 50)
            found.update(part if name == "SADD" else part[::2])
            is_first = False
        assert found == {f"m{number}".encode() for number in range(600)}

    @pytest.mark.parametrize(
        ("words", "position"),
        [
            ("1", 1),
            ("0", 0),
            ("1 1", 9),
            ("1 -1", 33),
            ("1 -100 -100", 1),
            ("0 0 -100", 0),
            ("1 3 1", -1),
            ("1 100 200", -1),
            ("0 1 1", 8),
        ],
    )
    async def test_a_bit_is_found_between_two_bytes(self, store: MemoryStorage, words: str, position: int) -> None:
        await run(store, "SET", "text", "hello")
        assert await run(store, "BITPOS", "text", *words.split()) == position

    async def test_estimates_come_near(self, store: MemoryStorage) -> None:
        for start in range(0, 3000, 500):
            await run(store, "PFADD", f"p{start % 1000}", *(f"visitor{number}" for number in range(start, start + 500)))
        assert abs(await run(store, "PFCOUNT", "p0", "p500") - 3000) < 100
        assert await run(store, "TYPE", "p0") == b"string"
        assert await run(store, "PFADD", "p0", "visitor1") == 0

    @pytest.mark.parametrize(
        ("words", "text"),
        [
            ("INCR text", "ERR value is not an integer or out of range"),
            ("INCRBYFLOAT text 1", "ERR value is not a valid float"),
            ("INCRBYFLOAT number inf", "ERR increment would produce NaN or Infinity"),
            ("HINCRBYFLOAT hash name 1", "ERR hash value is not a float"),
            ("HINCRBY hash name 1", "ERR hash value is not an integer"),
            ("LPUSH text a", "WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("GEOADD text 1 1 a", "WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("PFCOUNT text", "WRONGTYPE Key is not a valid HyperLogLog string value."),
            ("LPUSH list", "ERR wrong number of arguments for 'lpush' command"),
            ("TOUCH", "ERR wrong number of arguments for 'touch' command"),
            ("LSET list 9 a", "ERR index out of range"),
            ("LSET nothing 0 a", "ERR no such key"),
            ("RENAME nothing a", "ERR no such key"),
            ("LINSERT list beside a b", "ERR syntax error"),
            ("BITOP NOT a text text", "ERR BITOP NOT must be called with a single source key."),
            ("BITPOS text 2", "ERR The bit argument must be 1 or 0."),
            ("GETBIT text -1", "ERR bit offset is not an integer or out of range"),
            ("SETEX a 0 x", "ERR invalid expire time in 'setex' command"),
            ("PSETEX a -1 x", "ERR invalid expire time in 'psetex' command"),
            ("SET a x EX 0", "ERR invalid expire time in 'set' command"),
            ("EXPIRE text 99999999999999999", "ERR invalid expire time in 'expire' command"),
            ("SCAN x", "ERR invalid cursor"),
            ("ZADD scores x a", "ERR value is not a valid float"),
            ("ZADD scores NX INCR 1 a 2 b", "ERR INCR option supports a single increment-element pair"),
            ("ZRANGE scores 0 x", "ERR value is not an integer or out of range"),
            ("ZRANGEBYSCORE scores x 1", "ERR min or max is not a float"),
            ("ZRANGEBYLEX scores a b", "ERR min or max not valid string range item"),
            ("ZUNIONSTORE a 1 scores AGGREGATE MEAN", "ERR syntax error"),
            ("SORT list", "ERR One or more scores can't be converted into double"),
            ("GEOADD map 181 1 a", "ERR invalid longitude,latitude pair 181.000000,1.000000"),
            ("GEODIST map a b league", "ERR unsupported unit provided. please use M, KM, FT, MI"),
            ("GEORADIUSBYMEMBER_RO map nobody 1 m", "ERR could not decode requested zset member"),
            ("GEORADIUS_RO map 1 1 -1 m", "ERR radius cannot be negative"),
            ("GEORADIUS_RO map 1 1 1 m STORE a", "ERR syntax error"),
            ("OBJECT WEIGHT text", "ERR unknown subcommand 'WEIGHT'. Try OBJECT HELP."),
            ("SPOP set -1", "ERR value is out of range, must be positive"),
        ],
    )
    async def test_what_cannot_be_done_is_refused_in_the_words_of_redis(
        self, store: MemoryStorage, words: str, text: str
    ) -> None:
        for filling in (
            "SET text hello",
            "SET number 10",
            "RPUSH list a b",
            "SADD set a b",
            "HSET hash name Emma",
            "ZADD scores 1 a 2 b",
            "GEOADD map 2 48 a 4 45 b",
        ):
            await run(store, *filling.split())
        assert await refused(store, *words.split()) == text

    @pytest.mark.parametrize(
        ("filling", "encoding"),
        [
            ("SET key 5", "int"),
            ("SET key hello", "embstr"),
            (f"SET key {'x' * 45}", "raw"),
            ("RPUSH key a", "quicklist"),
            ("SADD key 1 2", "intset"),
            ("SADD key a", "hashtable"),
            ("HSET key a b", "listpack"),
            (f"HSET key a {'x' * 65}", "hashtable"),
            ("ZADD key 1 a", "listpack"),
            (f"ZADD key 1 {'x' * 65}", "skiplist"),
        ],
    )
    async def test_objects_tell_of_their_inside(self, store: MemoryStorage, filling: str, encoding: str) -> None:
        start = time.monotonic()
        await run(store, *filling.split())
        assert await run(store, "OBJECT", "ENCODING", "key") == encoding.encode()
        if encoding != "int":  # small integers are shared, and used by whom one does not know
            idle_s = await run(store, "OBJECT", "IDLETIME", "key")
            # Redis counts by the ticks of its clock, so a second may have turned over in less.
            assert 0 <= idle_s <= time.monotonic() - start + 1
            assert await run(store, "OBJECT", "REFCOUNT", "key") == 1
        assert await run(store, "OBJECT", "ENCODING", "nothing") is None

    async def test_it_describes_itself(self, store: MemoryStorage) -> None:
        assert await store.is_healthy()
        told = await store.describe()
        assert {"type", "mode", "version"} <= told.keys() <= {"type", "mode", "version", "memoryUsed", "memoryPeak"}
        assert told["mode"] == "standalone"
        assert told["version"][0].isdigit()
