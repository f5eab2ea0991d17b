"""Against the guessing of passwords: failed logins are counted by user name and by address.

- Some failures are free; each further one makes the name, or the address, wait twice as long as the last.
  Failures are forgotten one by one, as time goes.
- A success is never counted, and never waits for its own sake. While a name has to wait, those who logged
  in by it before, from the address they come from now, do not: strangers cannot lock anybody out.
- What was verified while the wait began is not told: guesses made at once count as if made one after the other,
  on whichever of the servers that share a cache.
- Unknown names are counted like known ones, so that nothing shows which is which.

The counts are in the cache, in bounded tables: where one is full, its oldest entry goes. While the cache does not
answer nobody logs in: guesses that nobody counts would be free.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.cache.base import Cache, TableBounds
from kuzzle.encoding import decode_json, encode_json

MAX_ENTRIES: Final = 10_000
"""Names, addresses and familiar pairs that are remembered, of each kind; some 300 bytes each."""

_VALUE_BYTES: Final = 100
_FAMILIAR_MS: Final = 30 * 24 * 3_600_000
"""How long an address is familiar after a login: as long as people keep to one without logging in anew."""

# Addresses of one customer of a provider: whoever has one of IPv6 has these many bits of them.
_IPV6_PREFIX: Final = 64
# Beyond it the delay is the longest anyway; larger powers would only be slow.
_MAX_DOUBLINGS: Final = 40


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tries to log in.

    Attributes:
        user: What stands for strategy and user name; None where the request tells no name.
        address: Where from.
    """

    user: bytes | None
    address: str


@dataclass(frozen=True, slots=True)
class _Failures:
    """Failures of one key, in seconds of the cache's clock."""

    count: int
    counted_at_s: float
    blocked_until_s: float = 0.0


class _Counter:
    """Failures by key."""

    def __init__(self, name: str, free: int, options: Mapping[str, Any], cache: Cache) -> None:
        self._free = free
        self._first_s = options["firstDelay"] / 1000
        self._longest_s = options["maxDelay"] / 1000
        self._forget_one_s = options["forgetAfter"] / 1000 / max(1, free)
        self._cache = cache
        self._table = cache.table(TableBounds(name, MAX_ENTRIES, _VALUE_BYTES))

    async def wait_s(self, key: str) -> float:
        """Return how long a key has to wait still; 0 or less: no longer."""
        if not self._free:
            return 0.0
        (kept,) = await self._table.get_many([key])
        return self._wait_s(kept)

    async def add(self, key: str) -> float:
        """Count a failure; where the key has to wait by now, count none and return how long."""
        while self._free:  # once more when another failure was counted meanwhile
            (kept,) = await self._table.get_many([key])
            wait_s = self._wait_s(kept)
            if wait_s > 0:
                return wait_s
            failures, ttl_ms = self._after_one_more(kept)
            value = encode_json([failures.count, failures.counted_at_s, failures.blocked_until_s])
            if await self._table.replace(key, kept, value, ttl_ms):
                break
        return 0.0

    async def forget(self, key: str) -> None:
        """Count no failures of a key."""
        if self._free:
            await self._table.take(key)

    def _wait_s(self, kept: bytes | None) -> float:
        return 0.0 if kept is None else _read(kept).blocked_until_s - self._cache.now_s()

    def _after_one_more(self, kept: bytes | None) -> tuple[_Failures, int]:
        """Return the failures with one more, and how long they matter (ms)."""
        now_s = self._cache.now_s()
        old = _Failures(0, now_s) if kept is None else _read(kept)
        forgotten = max(0, int((now_s - old.counted_at_s) / self._forget_one_s))
        counted_at_s = now_s if forgotten >= old.count else old.counted_at_s + forgotten * self._forget_one_s
        count = max(0, old.count - forgotten) + 1
        excess, blocked_until_s = count - self._free, 0.0
        if excess > 0:
            delay_s = self._first_s * 2.0 ** min(excess - 1, _MAX_DOUBLINGS)
            blocked_until_s = now_s + min(delay_s, self._longest_s)
        ends_at_s = max(blocked_until_s, counted_at_s + count * self._forget_one_s)
        return _Failures(count, counted_at_s, blocked_until_s), max(1, math.ceil((ends_at_s - now_s) * 1000))


class LoginLimits:
    """The failed logins of the servers that share a cache."""

    def __init__(self, name: str, options: Mapping[str, Any], cache: Cache) -> None:
        """Keep the parts.

        Args:
            name: Of what is counted; other names count for themselves.
            options: `perUser` and `perAddress` (failures that are free, 0: all), `firstDelay`, `maxDelay`,
                `forgetAfter` (ms).
        """
        self._users = _Counter(f"{name}-users", options["perUser"], options, cache)
        self._addresses = _Counter(f"{name}-addresses", options["perAddress"], options, cache)
        self._familiar = cache.table(TableBounds(f"{name}-familiar", MAX_ENTRIES, _VALUE_BYTES))

    async def wait_s(self, attempt: Attempt) -> float:
        """Return how long an attempt has to wait; 0: not at all.

        Raises:
            KuzzleError: `services.cache.*`: the cache does not answer, or refuses.
        """
        wait_s = max(0.0, await self._addresses.wait_s(attempt.address))
        if attempt.user is None:
            return wait_s
        return max(wait_s, await self._users.wait_s(await self._user_key(attempt.user, attempt.address)))

    async def failed(self, attempt: Attempt) -> float:
        """Count a failure; where the attempt has to wait by now, return how long, and tell nobody that it failed.

        Raises:
            KuzzleError: As `wait_s`.
        """
        wait_s = await self._addresses.add(attempt.address)
        if wait_s > 0 or attempt.user is None:
            return wait_s
        return await self._users.add(await self._user_key(attempt.user, attempt.address))

    async def succeeded(self, attempt: Attempt) -> None:
        """Take note of a success; the address still answers for its failures with other names.

        Raises:
            KuzzleError: As `wait_s`.
        """
        if attempt.user is None:
            return
        await self._users.forget(await self._user_key(attempt.user, attempt.address))
        await self._familiar.put(_pair(attempt.user, attempt.address), b"", _FAMILIAR_MS)

    async def _user_key(self, user: bytes, address: str) -> str:
        """Return what failures are counted by: the name, but for those who are known from their address."""
        pair = _pair(user, address)
        (familiar,) = await self._familiar.get_many([pair])
        return user.hex() if familiar is None else pair


def _pair(user: bytes, address: str) -> str:
    return f"{user.hex()} {address}"


def _read(kept: bytes) -> _Failures:
    return _Failures(*decode_json(kept))


def attempt_of(strategy: str, login_name: str | None, address: str) -> Attempt:
    """Return who tries to log in; however long a name is, what stands for it is short."""
    user = None
    if login_name is not None:
        text = f"{len(strategy)} {strategy} {login_name}"
        user = hashlib.blake2b(text.encode(errors="replace"), digest_size=16).digest()
    return Attempt(user, _network(address))


def _network(address: str) -> str:
    """Return the part of an address that its owner cannot change at will."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return hashlib.blake2b(address.encode(errors="replace"), digest_size=16).hexdigest()
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
