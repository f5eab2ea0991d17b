"""Authentication tokens: issued, verified, exchanged, taken back.

A token is good while its signature is, its time is not over, and the store keeps it: to take it back is
to remove it there, which a restart does not undo. The store keeps the id of a token, not its text, so
that whoever reads the file has no tokens. Who asks by a token that was verified lately costs one look-up.

Rule: what is remembered of a token is forgotten on the loop, at the latest when the commit of its removal
is told, so that a request that reads the store meanwhile cannot bring it back.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from kuzzle.config import ConfigError
from kuzzle.errors import KuzzleError
from kuzzle.security.durations import MAX_MOMENT_MS, read_duration_ms
from kuzzle.security.signatures import Claims, Signatures
from kuzzle.security.verified_tokens import Token, VerifiedTokens
from kuzzle.storage.base import Storage, WrittenDocument
from kuzzle.storage.errors import DocumentNotFoundError
from kuzzle.storage.internal import InternalCollection
from kuzzle.storage.tree import Range, Term

_ID_BYTES: Final = 16
_SWEEP_S: Final = 60.0
# Expired tokens stay in the store for this long: a client gets "Token expired" either way, since `exp` is
# rounded up to seconds.
_SWEEP_DELAY_MS: Final = 10_000

logger = logging.getLogger(__name__)


class Tokens:
    """The tokens of one server.

    Attributes:
        on_ended: Called with the id of a token that is good no longer, and whether its time was over.
        on_user_revoked: Called with the id of a user who has no token any more.
    """

    def __init__(
        self,
        storage: Storage,
        options: Mapping[str, Any],
        signatures: Callable[[], Signatures],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep the parts.

        Args:
            options: `expiresIn` (default lifetime), `maxTTL` (ms, -1: none), `gracePeriod` (ms).
            signatures: Makes what signs; asked once, at the start.
            clock: Seconds since the epoch.

        Raises:
            ConfigError: The default lifetime is longer than the longest one.
        """
        self.on_ended: Callable[[str, bool], None] = lambda _token_id, _is_expired: None
        self.on_user_revoked: Callable[[str], None] = lambda _kuid: None
        self._default_ttl_ms = read_duration_ms(options["expiresIn"]) or 0
        self._max_ttl_ms: int = options["maxTTL"]
        if 0 <= self._max_ttl_ms < self._default_ttl_ms:
            raise ConfigError(["security.jwt.expiresIn: longer than security.jwt.maxTTL"])
        self._grace_ms: int = options["gracePeriod"]
        self._documents = InternalCollection(
            storage, "tokens", {"userId": {"type": "keyword"}, "expiresAt": {"type": "long"}}
        )
        self._make_signatures = signatures
        self._signatures: Signatures
        self._clock = clock
        self._verified = VerifiedTokens()
        self._refreshing: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._watchers: dict[str, int] = {}
        self._sweeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Make ready to sign, and sweep expired tokens from now on."""
        self._signatures = self._make_signatures()
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_regularly())

    async def stop(self) -> None:
        """Sweep no more, watch no token."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._watchers.clear()
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])
            self._sweeper = None

    # --- who asks

    def find(self, text: str) -> Token | None:
        """Return the token of a text if it is good and was verified lately."""
        token = self._verified.find(text)
        return token if token is not None and token.expires_at_ms > self._clock() * 1000 else None

    async def authenticate(self, text: str) -> Token:
        """Return the token of a text.

        Raises:
            KuzzleError: `security.token.invalid` (malformed, unknown, taken back), `security.token.expired`.
        """
        token = self._verified.find(text)
        if token is None:
            token = await self._verify(text)
        if token.expires_at_ms <= self._clock() * 1000:
            self._verified.remove(token)
            raise KuzzleError("security.token.invalid" if token.is_refreshed else "security.token.expired")
        return token

    def is_token(self, text: str) -> bool:
        """Tell whether a text has the form of a token of this server, good or not."""
        return self._signatures.has_our_header(text)

    async def _verify(self, text: str) -> Token:
        claims = self._signatures.read(text)
        if claims is None:
            raise KuzzleError("security.token.invalid")
        if claims.expires_at_s <= self._clock():
            raise KuzzleError("security.token.expired")
        # A point read: nothing else runs on the loop until the token is remembered.
        stored = await self._documents.find(claims.token_id)
        if stored is None or stored["userId"] != claims.kuid:
            raise KuzzleError("security.token.invalid")
        token = Token(
            id=claims.token_id,
            kuid=claims.kuid,
            text=text,
            expires_at_ms=stored["expiresAt"],
            ttl_ms=stored["ttl"],
            is_refreshed=stored["refreshed"],
        )
        self._verified.add(token)
        return token

    # --- issue

    def read_ttl_ms(self, expires_in: Any) -> int:
        """Return the lifetime that a client asks for; null, 0 and nothing mean the default.

        Raises:
            KuzzleError: `api.assert.invalid_argument`, `security.token.ttl_exceeded`.
        """
        ttl_ms = self._default_ttl_ms if expires_in is None else read_duration_ms(expires_in)
        if ttl_ms is None:
            raise KuzzleError("api.assert.invalid_argument", "expiresIn", "a duration")
        ttl_ms = ttl_ms or self._default_ttl_ms
        if (0 <= self._max_ttl_ms < ttl_ms) or ttl_ms + self._now_ms() > MAX_MOMENT_MS:
            raise KuzzleError("security.token.ttl_exceeded")
        return ttl_ms

    async def issue(self, kuid: str, ttl_ms: int) -> Token:
        """Return a new token of a user, once it is stored."""
        token = self._new(kuid, ttl_ms)
        await self._documents.put(token.id, _document(token))
        self._verified.add(token)
        return token

    async def refresh(self, old: Token, ttl_ms: int) -> Token:
        """Exchange a token for a new one; the old one is good for the grace period, and not for another exchange.

        Raises:
            KuzzleError: `security.token.invalid`: it was exchanged already, or taken back meanwhile.
        """
        current = await self.authenticate(old.text)
        if current.is_refreshed or current.id in self._refreshing:
            raise KuzzleError("security.token.invalid")
        ends_at_ms = min(current.expires_at_ms, self._now_ms() + self._grace_ms)
        self._refreshing.add(current.id)
        try:
            await self._documents.update(current.id, {"expiresAt": ends_at_ms, "refreshed": True})
        except DocumentNotFoundError:
            raise KuzzleError("security.token.invalid") from None
        finally:
            self._refreshing.discard(current.id)
        current.is_refreshed = True
        current.expires_at_ms = ends_at_ms
        if current.id in self._timers:
            self._timers[current.id].cancel()
            self._set_timer(current)
        return await self.issue(old.kuid, ttl_ms)

    def _new(self, kuid: str, ttl_ms: int) -> Token:
        now_ms = self._now_ms()
        claims = Claims(kuid, secrets.token_urlsafe(_ID_BYTES), -(-(now_ms + ttl_ms) // 1000))
        text = self._signatures.sign(claims, now_ms // 1000)
        return Token(claims.token_id, kuid, text, now_ms + ttl_ms, ttl_ms)

    # --- the end

    async def revoke(self, token: Token) -> None:
        """Take a token back; it is good no longer once this returns, not even after a restart."""
        self._verified.remove(token)
        await self._documents.remove(token.id, after_commit=self._forget)

    async def revoke_all(self, kuid: str) -> None:
        """Take back every token of a user."""
        for token in self._verified.of_user(kuid):
            self._verified.remove(token)
        await self._documents.remove_all(
            await self._documents.find_ids(Term("userId", kuid)), after_commit=self._forget
        )
        self.on_user_revoked(kuid)

    async def revoke_everything(self) -> None:
        """Take back the tokens of all users."""
        for token in list(self._verified):
            self._verified.remove(token)
        await self._documents.remove_all(await self._documents.ids(), after_commit=self._forget)

    async def forget_all(self) -> None:
        """Take note that the store keeps no token any more."""
        for token in list(self._verified):
            self._verified.remove(token)
        for token_id in list(self._timers):
            self._unset_timer(token_id)
            self.on_ended(token_id, False)

    def watch(self, token: Token) -> None:
        """Tell `on_ended` when the time of a token is over, and not only when somebody asks by it.

        Each call asks for one of `unwatch`, unless the token ends before.
        """
        watchers = self._watchers[token.id] = self._watchers.get(token.id, 0) + 1
        if watchers == 1:
            self._set_timer(token)

    def unwatch(self, token: Token) -> None:
        """Watch a token for one watcher less."""
        watchers = self._watchers.get(token.id, 0)
        if watchers > 1:
            self._watchers[token.id] = watchers - 1
        elif watchers:
            self._unset_timer(token.id)

    def _unset_timer(self, token_id: str) -> None:
        if self._watchers.pop(token_id, None):
            self._timers.pop(token_id).cancel()

    def _set_timer(self, token: Token) -> None:
        delay_s = max(0.0, token.expires_at_ms / 1000 - self._clock())
        self._timers[token.id] = asyncio.get_running_loop().call_later(delay_s, self._expire, token)

    def _expire(self, token: Token) -> None:
        if token.expires_at_ms > self._clock() * 1000:  # the clock of the machine was set back
            self._set_timer(token)
            return
        self._unset_timer(token.id)
        self._verified.remove(token)
        self.on_ended(token.id, True)

    def _forget(self, removed: Sequence[WrittenDocument]) -> None:
        """Called in commit order with the documents of tokens that were taken back."""
        for document in removed:
            token = self._verified.find_of_user(document.source["userId"], document.id)
            if token is not None:
                self._verified.remove(token)
            self._unset_timer(document.id)
            self.on_ended(document.id, False)

    async def sweep(self) -> int:
        """Remove expired tokens from the store; return how many there were."""
        limit_ms = self._now_ms() - _SWEEP_DELAY_MS
        ids = await self._documents.find_ids(Range("expiresAt", upper=limit_ms))
        await self._documents.remove_all(ids)
        return len(ids)

    async def _sweep_regularly(self) -> None:
        while True:
            try:
                await self.sweep()
            except KuzzleError as error:  # the store is busy; the next time will do
                logger.info("Expired tokens stay for now: %s", error.message)
            await asyncio.sleep(_SWEEP_S)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _document(token: Token) -> dict[str, Any]:
    return {
        "userId": token.kuid,
        "expiresAt": token.expires_at_ms,
        "ttl": token.ttl_ms,
        "refreshed": token.is_refreshed,
    }
