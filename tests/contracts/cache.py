"""The contract of a cache; each backend's tests derive from it.

They have two fixtures: `cache`, an empty one, and `pause`, which lets a time (ms) pass for it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator

import pytest

from kuzzle.cache.base import MAX_KEY_BYTES, Cache, Table, TableBounds
from kuzzle.errors import KuzzleError

BOUNDS = TableBounds("visits", 1000, 100)
HOUR_MS = 3_600_000

Pause = Callable[[int], Awaitable[None]]


async def get(table: Table, key: str) -> bytes | None:
    (found,) = await table.get_many([key])
    return found


async def fill(table: Table, keys: Iterator[int] | range, ttl_ms: int = HOUR_MS) -> None:
    for key in keys:
        await table.put(str(key), b"%d" % key, ttl_ms)


class CacheContract:
    """What every cache does."""

    async def test_what_is_put_is_found_until_it_is_taken(self, cache: Cache) -> None:
        table = cache.table(BOUNDS)
        assert await get(table, "a") is None
        await table.put("a", b"1", HOUR_MS)
        await table.put("a", b"2", HOUR_MS)
        await table.put("b", b"", HOUR_MS)
        assert await table.get_many(["b", "none", "a", "a"]) == [b"", None, b"2", b"2"]
        assert await table.take("a") == b"2"
        assert await table.take("a") is None
        assert await table.get_many(["a", "b"]) == [None, b""]
        assert await table.newest(10) == [b""]

    @pytest.mark.parametrize("key", ["", "a b", "a:b", "*?[a]\\", "é日本\U0001f600", "\r\n$5\r\n", "\x00"])
    async def test_any_text_is_a_key_and_any_bytes_are_a_value(self, cache: Cache, key: str) -> None:
        table = cache.table(BOUNDS)
        value = bytes(range(0, 256, 3)) + b"\r\n"
        await table.put("other", b"1", HOUR_MS)
        assert await table.replace(key, None, value, HOUR_MS)
        assert await get(table, key) == value
        assert await table.replace(key, value, b"", HOUR_MS)
        assert await table.newest(5) == [b"1", b""]
        assert await table.take(key) == b""
        assert await get(table, "other") == b"1"

    async def test_an_entry_ends_with_its_time_and_is_new_when_it_comes_again(self, cache: Cache, pause: Pause) -> None:
        table = cache.table(BOUNDS)
        await table.put("long", b"1", HOUR_MS)
        await table.put("short", b"1", 20)
        assert await table.replace("replaced", None, b"1", HOUR_MS)
        assert await table.replace("replaced", b"1", b"2", 20)
        await pause(40)
        assert await table.get_many(["long", "short", "replaced"]) == [b"1", None, None]
        assert await table.newest(10) == [b"1"]
        assert await table.take("short") is None
        assert not await table.replace("replaced", b"2", b"3", HOUR_MS)
        assert await table.replace("replaced", None, b"4", HOUR_MS)
        assert await table.newest(10) == [b"1", b"4"]

    async def test_writing_again_gives_the_new_time(self, cache: Cache, pause: Pause) -> None:
        table = cache.table(BOUNDS)
        await table.put("a", b"1", 20)
        await table.put("a", b"2", HOUR_MS)
        await table.put("b", b"1", HOUR_MS)
        await table.put("b", b"2", 20)
        await pause(40)
        assert await table.get_many(["a", "b"]) == [b"2", None]

    async def test_a_value_is_replaced_only_where_it_is_the_expected_one(self, cache: Cache) -> None:
        table = cache.table(BOUNDS)
        assert not await table.replace("a", b"1", b"2", HOUR_MS)
        assert await table.replace("a", None, b"1", HOUR_MS)
        assert not await table.replace("a", None, b"2", HOUR_MS)
        assert not await table.replace("a", b"11", b"2", HOUR_MS)
        assert await get(table, "a") == b"1"
        assert await table.replace("a", b"1", b"2", HOUR_MS)
        assert await get(table, "a") == b"2"

    async def test_no_increment_is_lost(self, cache: Cache) -> None:
        table = cache.table(BOUNDS)

        async def increment() -> None:
            for _ in range(10):
                while True:
                    old = await get(table, "n")
                    if await table.replace("n", old, b"%d" % (int(old or 0) + 1), HOUR_MS):
                        break

        await asyncio.gather(*(increment() for _ in range(10)))
        assert await get(table, "n") == b"100"

    async def test_of_several_who_take_one_gets_it(self, cache: Cache) -> None:
        table = cache.table(BOUNDS)
        await table.put("a", b"1", HOUR_MS)
        taken = await asyncio.gather(*(table.take("a") for _ in range(10)))
        assert sorted(taken, key=bool) == [None] * 9 + [b"1"]

    async def test_a_full_table_lets_the_oldest_go(self, cache: Cache) -> None:
        table = cache.table(TableBounds("small", 3, 100))
        await fill(table, range(3))
        await table.put("0", b"again", HOUR_MS)
        await table.put("3", b"3", HOUR_MS)
        assert await table.get_many(["0", "1", "2", "3"]) == [b"again", None, b"2", b"3"]
        assert await table.replace("2", b"2", b"anew", HOUR_MS)
        await table.put("4", b"4", HOUR_MS)
        assert await table.newest(10) == [b"3", b"anew", b"4"]
        await fill(table, range(100, 200))
        assert await table.newest(1000) == [b"197", b"198", b"199"]

    async def test_what_has_ended_pushes_nothing_out(self, cache: Cache, pause: Pause) -> None:
        table = cache.table(TableBounds("small", 3, 100))
        await fill(table, range(3), ttl_ms=20)
        await pause(40)
        await fill(table, range(3, 6))
        assert await table.newest(10) == [b"3", b"4", b"5"]

    async def test_the_newest_are_those_written_last(self, cache: Cache) -> None:
        table = cache.table(TableBounds("long", 1300, 100))
        assert await table.newest(5) == []
        await fill(table, range(1300))
        assert await table.newest(0) == []
        assert await table.newest(2) == [b"1298", b"1299"]
        assert await table.newest(1200) == [b"%d" % number for number in range(100, 1300)]
        assert await table.newest(5000) == [b"%d" % number for number in range(1300)]

    async def test_what_is_too_large_is_refused_and_changes_nothing(self, cache: Cache) -> None:
        table = cache.table(BOUNDS)
        await table.put("k" * MAX_KEY_BYTES, b"v" * 100, HOUR_MS)
        await table.put("a", b"1", HOUR_MS)
        for key, value in (("k" * MAX_KEY_BYTES + "k", b""), ("é" * MAX_KEY_BYTES, b""), ("a", b"v" * 101)):
            for write in (table.put(key, value, HOUR_MS), table.replace(key, b"1", value, HOUR_MS)):
                with pytest.raises(KuzzleError) as caught:
                    await write
                assert caught.value.id == "services.cache.write_failed"
        assert await table.newest(5) == [b"v" * 100, b"1"]

    async def test_a_time_to_keep_is_at_least_a_millisecond(self, cache: Cache) -> None:
        table = cache.table(BOUNDS)
        for ttl_ms in (0, -1):
            with pytest.raises(ValueError, match=str(ttl_ms)):
                await table.put("a", b"1", ttl_ms)
        assert await get(table, "a") is None

    async def test_tables_are_kept_apart_and_found_again_by_name(self, cache: Cache) -> None:
        one, other = cache.table(TableBounds("one", 2, 10)), cache.table(TableBounds("one-more", 2, 10))
        await one.put("a", b"1", HOUR_MS)
        await fill(other, range(100))
        assert await other.take("a") is None
        assert await one.newest(5) == [b"1"]
        assert await get(cache.table(TableBounds("one", 2, 10)), "a") == b"1"

    async def test_all_tables_are_emptied_at_once(self, cache: Cache) -> None:
        tables = [cache.table(TableBounds(name, 2000, 10)) for name in ("one", "other")]
        for table in tables:
            await fill(table, range(1200))
        await cache.clear()
        for table in tables:
            assert await get(table, "1199") is None
            assert await table.newest(10) == []
            await table.put("a", b"1", HOUR_MS)
            assert await table.newest(10) == [b"1"]
        await cache.clear()
        await cache.clear()

    @pytest.mark.parametrize("seed", range(5))
    async def test_it_answers_as_a_plain_dictionary_does(self, cache: Cache, seed: int) -> None:
        chance, plain = random.Random(seed), dict[str, bytes]()
        table = cache.table(TableBounds("drawn", 6, 10))

        def write(key: str, value: bytes) -> None:
            plain.pop(key, None)
            plain[key] = value
            if len(plain) > 6:
                del plain[next(iter(plain))]

        for _ in range(300):
            key, value = chance.choice("abcdefghij"), chance.choice((b"1", b"2"))
            match chance.randrange(5):
                case 0:
                    await table.put(key, value, HOUR_MS)
                    write(key, value)
                case 1:
                    old = chance.choice((None, b"1", b"2"))
                    assert await table.replace(key, old, value, HOUR_MS) is (plain.get(key) == old)
                    if plain.get(key) == old:
                        write(key, value)
                case 2:
                    assert await table.take(key) == plain.pop(key, None)
                case 3:
                    assert await table.get_many(list("abcdefghij")) == [plain.get(one) for one in "abcdefghij"]
                case 4:
                    limit = chance.randrange(1, 9)
                    assert await table.newest(limit) == list(plain.values())[-limit:]

    async def test_its_time_goes_on(self, cache: Cache, pause: Pause) -> None:
        before = cache.now_s()
        await pause(20)
        assert cache.now_s() > before

    async def test_it_describes_itself(self, cache: Cache) -> None:
        assert await cache.is_healthy()
        told = await cache.describe()
        assert told["mode"] == "standalone"
        assert told["version"][0].isdigit()
        assert {"type", "mode", "version"} <= told.keys() <= {"type", "mode", "version", "memoryUsed", "memoryPeak"}
