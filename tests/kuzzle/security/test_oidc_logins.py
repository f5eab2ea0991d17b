"""Logins that wait for their second step: given out once, in time, and not without end."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest

from kuzzle.cache.memory import MemoryCache
from kuzzle.security.strategies.kept_answers import KeptAnswer
from kuzzle.security.strategies.oidc_logins import MAX_LOGINS, Login, OidcLogins


class World:
    """The logins of a strategy, with a clock of the test's own."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.cache = MemoryCache(lambda: self.now_s)
        self.logins = OidcLogins("house", 10.0, self.cache)

    async def begin(self, origin: str = "http", *, in_browser: bool = True) -> Login:
        return await self.logins.begin(origin, in_browser=in_browser)


async def test_a_login_is_given_out_once_and_in_time() -> None:
    world = World()
    first, second = await world.begin(), await world.begin()
    assert await world.logins.end(first.state) == first
    assert await world.logins.end(first.state) is None
    world.now_s = 10.0
    assert await world.logins.end(second.state) is None


@pytest.mark.parametrize("state", ["", "x" * 1_000_000, "\ud800", "\x00:*"])
async def test_any_text_is_a_state_that_is_unknown(state: str) -> None:
    assert await World().logins.end(state) is None


async def test_the_logins_of_a_strategy_are_no_others() -> None:
    world = World()
    login = await world.begin()
    assert await OidcLogins("work", 10.0, world.cache).end(login.state) is None
    assert await OidcLogins("house", 10.0, world.cache).end(login.state) == login


async def test_nothing_of_a_login_can_be_guessed_from_another() -> None:
    world = World()
    secrets = {
        secret
        for login in [await world.begin() for _ in range(100)]
        for secret in (login.state, login.nonce, login.verifier, login.browser)
    }
    assert len(secrets) == 400
    assert {len(secret) for secret in secrets} == {43}


async def test_the_challenge_is_the_digest_of_the_verifier() -> None:
    login = await World().begin("mqtt", in_browser=False)
    assert base64.urlsafe_b64decode(f"{login.challenge}=") == hashlib.sha256(login.verifier.encode()).digest()
    assert login.browser == ""


async def test_logins_that_nobody_ends_make_room_for_others() -> None:
    world = World()
    states = [(await world.begin()).state for _ in range(MAX_LOGINS + 1)]
    assert await world.logins.end(states[0]) is None
    assert await world.logins.end(states[1]) is not None


async def test_an_answer_is_asked_for_once_by_all_and_again_when_it_is_old_or_failed() -> None:
    now_s = 0.0
    asked = 0
    go_on = asyncio.Event()
    is_broken = False

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await go_on.wait()
        if is_broken:
            raise ValueError(asked)
        return asked

    kept = KeptAnswer(ask, lambda: now_s)
    impatient, *others = [asyncio.ensure_future(kept.get(10.0)) for _ in range(3)]
    await asyncio.sleep(0)
    impatient.cancel()
    go_on.set()
    assert await asyncio.gather(*others) == [1, 1]
    assert await kept.get(10.0) == 1
    now_s, is_broken = 11.0, True
    with pytest.raises(ValueError, match="2"):
        await kept.get(10.0)
    is_broken = False
    assert await kept.get(10.0) == 3
