"""Tokens against the clock and the store: how long they are good, and that what is taken back stays so."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from harness import Server

from kuzzle.config import ConfigError
from kuzzle.errors import KuzzleError
from kuzzle.security.signatures import Signatures
from kuzzle.security.tokens import Tokens
from kuzzle.security.verified_tokens import Token, VerifiedTokens
from kuzzle.storage.internal import INTERNAL_INDEX

OPTIONS: Mapping[str, Any] = {"expiresIn": "1h", "maxTTL": -1, "gracePeriod": 1000}
HOUR_MS = 3_600_000


class World:
    """Tokens on a server's store, with a clock of the test's own."""

    def __init__(self, server: Server, options: Mapping[str, Any] = OPTIONS, secret: str = "s" * 64) -> None:
        self.now = 1_000_000.25
        self.server = server
        self.ended: list[tuple[str, bool]] = []
        self.tokens = self.restarted(options, secret)

    def restarted(self, options: Mapping[str, Any] = OPTIONS, secret: str = "s" * 64) -> Tokens:
        """What another start finds."""
        tokens = Tokens(self.server.app.storage, options, lambda: Signatures(secret, "HS256"), clock=lambda: self.now)
        tokens._signatures = tokens._make_signatures()  # `start` would sweep by the clock of the test
        tokens.on_ended = lambda token_id, is_expired: self.ended.append((token_id, is_expired))
        return tokens


async def refusal(tokens: Tokens, text: str) -> str | None:
    with pytest.raises(KuzzleError) as caught:
        await tokens.authenticate(text)
    assert caught.value.status == 401
    return caught.value.id


async def test_a_token_is_good_until_its_time_is_over(server: Server) -> None:
    world = World(server)
    token = await world.tokens.issue("u1", 1500)
    world.now += 1.499
    assert (await world.tokens.authenticate(token.text)).kuid == "u1"
    assert (await world.restarted().authenticate(token.text)).expires_at_ms == 1_000_001_750
    world.now += 0.001
    assert await refusal(world.tokens, token.text) == "security.token.expired"
    assert await refusal(world.restarted(), token.text) == "security.token.expired"
    world.now += 3600
    assert await refusal(world.tokens, token.text) == "security.token.expired"


async def test_two_tokens_of_one_moment_are_two(server: Server) -> None:
    world = World(server)
    first, second = await asyncio.gather(*(world.tokens.issue("u1", HOUR_MS) for _ in range(2)))
    assert first.text != second.text
    await world.tokens.revoke(first)
    assert await refusal(world.tokens, first.text) == "security.token.invalid"
    assert await world.tokens.authenticate(second.text) is second


async def test_what_is_taken_back_stays_so_after_a_restart(server: Server) -> None:
    world = World(server)
    tokens = [await world.tokens.issue(kuid, HOUR_MS) for kuid in ("u1", "u1", "u2", "u1#x")]
    again = world.restarted()
    for token in tokens:
        assert (await again.authenticate(token.text)).kuid == token.kuid
    await again.revoke_all("u1")
    assert sorted(world.ended) == sorted((token.id, False) for token in tokens[:2])
    for known in (again, world.restarted()):
        for token in tokens[:2]:
            assert await refusal(known, token.text) == "security.token.invalid"
        for token in tokens[2:]:
            await known.authenticate(token.text)


async def test_a_token_asked_about_while_it_is_taken_back_does_not_come_back(server: Server) -> None:
    world = World(server)
    tokens = [await world.tokens.issue("u1", HOUR_MS) for _ in range(20)]

    async def ask(token: Token) -> None:
        for _ in range(200):
            try:
                await world.tokens.authenticate(token.text)
            except KuzzleError:
                return
            await asyncio.sleep(0)

    await asyncio.gather(*map(ask, tokens), world.tokens.revoke_all("u1"))
    for token in tokens:
        assert await refusal(world.tokens, token.text) == "security.token.invalid"


async def test_the_store_keeps_no_token_that_could_be_used(server: Server) -> None:
    world = World(server)
    token = await world.tokens.issue("u1", HOUR_MS)
    (found,) = await server.app.storage.get_documents(INTERNAL_INDEX, "tokens", [token.id])
    assert found is not None
    assert found.source == {
        "userId": "u1",
        "expiresAt": token.expires_at_ms,
        "ttl": HOUR_MS,
        "refreshed": False,
    }
    assert token.text not in str(found)


async def test_a_new_secret_ends_all_sessions(server: Server) -> None:
    world = World(server)
    token = await world.tokens.issue("u1", HOUR_MS)
    assert await refusal(world.restarted(secret="t" * 64), token.text) == "security.token.invalid"


async def test_an_exchanged_token_is_good_for_the_grace_period_and_for_no_second_exchange(server: Server) -> None:
    world = World(server)
    old = await world.tokens.issue("u1", HOUR_MS)
    new = await world.tokens.refresh(old, 2 * HOUR_MS)
    assert (new.kuid, new.ttl_ms, new.text != old.text) == ("u1", 2 * HOUR_MS, True)
    for tokens in (world.tokens, world.restarted()):
        world.now += 0.4
        assert (await tokens.authenticate(old.text)).is_refreshed
        with pytest.raises(KuzzleError, match="Invalid token"):
            await tokens.refresh(await tokens.authenticate(old.text), HOUR_MS)
    world.now += 0.2
    for tokens in (world.tokens, world.restarted()):
        assert await refusal(tokens, old.text) == "security.token.invalid"
        await tokens.authenticate(new.text)


async def test_of_two_exchanges_at_once_one_succeeds(server: Server) -> None:
    world = World(server)
    old = await world.tokens.issue("u1", HOUR_MS)
    results = await asyncio.gather(*(world.tokens.refresh(old, HOUR_MS) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, Token) for result in results) == 1
    assert {result.id for result in results if isinstance(result, KuzzleError)} == {"security.token.invalid"}


async def test_an_exchange_never_brings_back_what_is_taken_back(server: Server) -> None:
    world = World(server)
    old = await world.tokens.issue("u1", HOUR_MS)
    exchange, _ = await asyncio.gather(
        world.tokens.refresh(old, HOUR_MS), world.tokens.revoke(old), return_exceptions=True
    )
    assert isinstance(exchange, Token | KuzzleError)
    assert await refusal(world.tokens, old.text) == "security.token.invalid"
    with pytest.raises(KuzzleError, match="Invalid token"):
        await world.tokens.refresh(old, HOUR_MS)


async def test_the_lifetime_is_bounded(server: Server) -> None:
    tokens = World(server, {**OPTIONS, "maxTTL": 7_200_000}).tokens
    assert [tokens.read_ttl_ms(asked) for asked in (None, 0, "0", "2h", 7_200_000.9, 1)] == [
        HOUR_MS,
        HOUR_MS,
        HOUR_MS,
        7_200_000,
        7_200_000,
        1,
    ]
    for asked, error_id in (
        (7_200_001, "security.token.ttl_exceeded"),
        ("1y", "security.token.ttl_exceeded"),
        (-1, "api.assert.invalid_argument"),
        ("soon", "api.assert.invalid_argument"),
    ):
        with pytest.raises(KuzzleError) as caught:
            tokens.read_ttl_ms(asked)
        assert caught.value.id == error_id, asked
    unbounded = World(server).tokens
    assert unbounded.read_ttl_ms("100y") == 3_155_760_000_000
    with pytest.raises(KuzzleError) as caught:
        unbounded.read_ttl_ms(2**53 - 1)
    assert caught.value.id == "security.token.ttl_exceeded"
    with pytest.raises(ConfigError):
        World(server, {**OPTIONS, "maxTTL": 1000})


async def test_a_watched_token_tells_its_end_by_itself(server: Server) -> None:
    world = World(server)
    token, other, gone = [await world.tokens.issue("u1", 50) for _ in range(3)]
    world.tokens.watch(token)
    world.tokens.watch(token)
    world.tokens.watch(gone)
    world.tokens.unwatch(gone)
    await asyncio.sleep(0.1)
    assert world.ended == []  # the clock stands still
    world.now += 0.05
    world.tokens.watch(other)
    for _ in range(3000):
        if len(world.ended) == 2:
            break
        await asyncio.sleep(0.01)
    assert sorted(world.ended) == sorted([(token.id, True), (other.id, True)])
    await world.tokens.stop()


async def test_expired_tokens_leave_the_store(server: Server) -> None:
    world = World(server)
    await world.tokens.issue("u1", 1000)
    kept = await world.tokens.issue("u1", HOUR_MS)
    world.now += 11.1
    assert await world.tokens.sweep() == 1
    assert await world.tokens.sweep() == 0
    await world.restarted().authenticate(kept.text)


async def test_memory_holds_the_tokens_used_last_and_only_so_many() -> None:
    verified = VerifiedTokens(size=3)
    tokens = [Token(f"t{number}", f"u{number % 2}", f"text{number}", 1, 1) for number in range(5)]
    for token in tokens:
        verified.add(token)
        verified.add(token)
    assert list(verified) == tokens[2:]
    assert verified.find("text0") is None
    assert verified.find("text4") is tokens[4]
    assert verified.of_user("u0") == [tokens[2], tokens[4]]
    assert verified.find_of_user("u1", "t3") is tokens[3]
    assert verified.find_of_user("u1", "t1") is None
    for token in tokens:
        verified.remove(token)
    assert list(verified) == []
    assert verified.of_user("u0") == []
