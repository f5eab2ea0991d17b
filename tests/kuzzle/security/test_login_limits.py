"""Failed logins: who has to wait, and who never does."""

from __future__ import annotations

import asyncio
import random

import pytest

from kuzzle.cache.memory import MemoryCache
from kuzzle.security.login_limits import MAX_ENTRIES, Attempt, LoginLimits, attempt_of

OPTIONS = {"perUser": 3, "perAddress": 6, "firstDelay": 1000, "maxDelay": 60_000, "forgetAfter": 3_600_000}
HOME, ELSEWHERE = "203.0.113.7", "198.51.100.2"


class World:
    """Limits with a clock of the test's own."""

    def __init__(self, **options: int) -> None:
        self.now = 1000.0
        self.cache = MemoryCache(lambda: self.now)
        self.limits = LoginLimits("logins", {**OPTIONS, **options}, self.cache)

    async def fail(self, name: str | None, address: str = HOME, times: int = 1) -> None:
        """Fail as soon as one may, so many times."""
        for _ in range(times):
            while wait_s := await self.limits.failed(attempt_of("local", name, address)):
                self.now += wait_s

    async def succeed(self, name: str, address: str = HOME) -> None:
        await self.limits.succeeded(attempt_of("local", name, address))

    async def wait(self, name: str | None, address: str = HOME) -> float:
        return await self.limits.wait_s(attempt_of("local", name, address))


async def test_some_failures_are_free_and_each_further_one_doubles_the_wait() -> None:
    world = World(perAddress=0)
    waits = []
    for _ in range(10):
        await world.fail("emma")
        waits.append(await world.wait("emma"))
        world.now += waits[-1]
        assert await world.wait("emma") == 0
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60]


async def test_a_name_waits_wherever_one_comes_from_and_no_other_name_does() -> None:
    world = World()
    for number in range(4):
        await world.fail("emma", f"203.0.113.{number}")
    assert await world.wait("emma", ELSEWHERE) == 1
    assert await world.wait("harriet", ELSEWHERE) == 0
    assert await world.wait(None, ELSEWHERE) == 0
    assert await world.limits.wait_s(attempt_of("other", "emma", ELSEWHERE)) == 0


async def test_an_address_waits_whatever_names_it_tries() -> None:
    world = World()
    for number in range(7):
        await world.fail(f"user {number}")
    assert await world.wait("emma") == 1
    assert await world.wait(None) == 1
    assert await world.wait("emma", ELSEWHERE) == 0


async def test_logins_without_a_name_are_counted_by_address() -> None:
    world = World()
    await world.fail(None, times=7)
    assert await world.wait(None) == 1


async def test_strangers_lock_nobody_out_who_was_there_before() -> None:
    world = World()
    await world.succeed("emma", HOME)
    for number in range(50):
        await world.fail("emma", f"198.51.100.{number}")
    assert await world.wait("emma", ELSEWHERE) == 60
    assert await world.wait("emma", HOME) == 0
    await world.fail("emma", HOME, times=4)
    assert await world.wait("emma", HOME) == 1, "from home, too, passwords are not guessed"


async def test_a_success_clears_the_name_and_not_the_address() -> None:
    world = World()
    await world.fail("emma", times=3)
    await world.succeed("emma")
    await world.fail("emma", times=3)
    assert await world.wait("emma") == 0
    await world.fail("harriet")
    assert await world.wait("emma") == 1
    assert await world.wait("somebody") == 1


async def test_successes_alone_never_wait() -> None:
    world = World()
    for _ in range(1000):
        await world.succeed("emma")
        assert await world.wait("emma") == 0


async def test_failures_are_forgotten_one_by_one() -> None:
    world = World(perAddress=0)
    await world.fail("emma", times=3)
    world.now += 3600 / 3 * 1.5
    await world.fail("emma")
    assert await world.wait("emma") == 0
    world.now += 3600 / 3 * 0.6  # with what was left of the first pause, the time of another one
    await world.fail("emma")
    assert await world.wait("emma") == 0
    await world.fail("emma")
    assert await world.wait("emma") == 1
    world.now += 2 * 3600
    await world.fail("emma", times=3)
    assert await world.wait("emma") == 0


async def test_without_a_number_nothing_is_counted() -> None:
    world = World(perUser=0, perAddress=0)
    await world.fail("emma", times=1000)
    assert await world.wait("emma") == 0


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("made up", "made up", True),
        ("made up", "else", False),
    ],
)
def test_an_address_is_what_its_owner_cannot_change(one: str, other: str, is_same: bool) -> None:
    assert (attempt_of("local", None, one) == attempt_of("local", None, other)) is is_same


def test_names_and_strategies_are_told_apart_and_take_no_room() -> None:
    attempts = {attempt_of(*pair, HOME) for pair in (("a", "b c"), ("a b", "c"), ("1 a", "b"), ("a", "b"))}
    assert len(attempts) == 4
    long = attempt_of("local", "x" * 1_000_000, "y" * 1_000_000)
    assert long.user is not None
    assert len(long.user) + len(long.address) < 100


async def test_the_tables_are_bounded_and_forget_the_oldest() -> None:
    world = World()
    for number in range(MAX_ENTRIES + 10):
        attempt = Attempt(str(number).encode(), str(number))
        await world.limits.succeeded(attempt)
        for _ in range(7):
            await world.limits.failed(attempt)
    assert await world.limits.wait_s(Attempt(b"9", "9")) == 0
    assert await world.limits.wait_s(Attempt(b"10", "10")) > 0
    for table in world.cache._tables.values():
        assert len(table) == MAX_ENTRIES


async def test_guesses_made_at_once_count_as_if_made_one_after_the_other() -> None:
    world = World(perAddress=0)
    attempts = [world.limits.failed(attempt_of("local", "emma", f"203.0.113.{number}")) for number in range(20)]
    told = await asyncio.gather(*attempts)
    assert told == [0] * 4 + [1] * 16, "no more is told than the free ones, and the one that begins the wait"


async def test_what_is_counted_under_another_name_counts_for_itself() -> None:
    world = World()
    other = LoginLimits("passwords", OPTIONS, world.cache)
    await world.fail("emma", times=4)
    assert await world.wait("emma") == 1
    assert await other.wait_s(attempt_of("local", "emma", HOME)) == 0


@pytest.mark.parametrize("seed", range(20))
async def test_guesses_by_one_name_are_as_few_as_promised(seed: int) -> None:
    """Whoever tries whenever he may has the free guesses, those forgotten meanwhile, and one for each delay."""
    chance = random.Random(seed)
    for _ in range(20):
        world = World(perAddress=0)
        start = world.now
        guesses = 0
        for _ in range(chance.randrange(1, 60)):
            world.now += chance.choice([0.0, 0.5, 1.0, 30.0, 5000.0])
            if await world.wait("emma") == 0:
                guesses += 1
                await world.fail("emma")
        elapsed = world.now - start
        delays = sum(1 for power in range(40) if 2.0**power <= elapsed) + elapsed / 60
        assert guesses <= 3 + elapsed / 1200 + 1 + delays
