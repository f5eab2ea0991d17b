"""Logins that wait for their second step: given out once, in time, and not without end."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest

from kuzzle.security.strategies.kept_answers import KeptAnswer
from kuzzle.security.strategies.oidc_logins import MAX_LOGINS, OidcLogins


def test_a_login_is_given_out_once_and_in_time() -> None:
    now_s = 0.0
    logins = OidcLogins(10.0, lambda: now_s)
    first, second = logins.begin("http", in_browser=True), logins.begin("http", in_browser=True)
    assert logins.end(first.state) is first
    assert logins.end(first.state) is None
    now_s = 10.0
    assert logins.end(second.state) is None
    assert logins.end("") is None


def test_nothing_of_a_login_can_be_guessed_from_another() -> None:
    logins = OidcLogins(10.0, lambda: 0.0)
    secrets = {
        secret
        for login in (logins.begin("http", in_browser=True) for _ in range(100))
        for secret in (login.state, login.nonce, login.verifier, login.browser)
    }
    assert len(secrets) == 400
    assert {len(secret) for secret in secrets} == {43}


def test_the_challenge_is_the_digest_of_the_verifier() -> None:
    login = OidcLogins(10.0, lambda: 0.0).begin("mqtt", in_browser=False)
    assert base64.urlsafe_b64decode(f"{login.challenge}=") == hashlib.sha256(login.verifier.encode()).digest()
    assert login.browser == ""


def test_logins_that_nobody_ends_make_room_for_others() -> None:
    now_s = 0.0
    logins = OidcLogins(10.0, lambda: now_s)
    states = [logins.begin("http", in_browser=False).state for _ in range(MAX_LOGINS + 1)]
    assert len(logins._logins) == MAX_LOGINS
    assert logins.end(states[0]) is None
    assert logins.end(states[1]) is not None
    now_s = 20.0
    logins.begin("http", in_browser=False)
    assert len(logins._logins) == 1


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
