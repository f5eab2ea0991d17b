"""Against the guessing of passwords: failed logins are counted by user name and by address.

- Some failures are free; each further one makes the name, or the address, wait twice as long as the last.
  Failures are forgotten one by one, as time goes.
- A success is never counted, and never waits for its own sake. While a name has to wait, those who logged
  in by it before, from the address they come from now, do not: strangers cannot lock anybody out.
- What was verified while the wait began is not told: guesses made at once count as if made one after the other.
- Unknown names are counted like known ones, so that nothing shows which is which.

No I/O; the clock is handed in. The tables are bounded: where one is full, its oldest entry goes.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

MAX_ENTRIES: Final = 10_000
"""Names, addresses and familiar pairs that are remembered, of each kind; some 200 bytes each."""

# Addresses of one customer of a provider: whoever has one of IPv6 has these many bits of them.
_IPV6_PREFIX: Final = 64
# Beyond it the delay is the longest anyway; larger powers would only be slow.
_MAX_DOUBLINGS: Final = 40

KeyType = TypeVar("KeyType")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tries to log in.

    Attributes:
        user: What stands for strategy and user name; None where the request tells no name.
        address: Where from.
    """

    user: bytes | None
    address: str


@dataclass(slots=True)
class _Failures:
    count: int
    counted_at_s: float
    blocked_until_s: float = 0.0


class _Counter(Generic[KeyType]):
    """Failures by key."""

    def __init__(self, free: int, options: Mapping[str, Any]) -> None:
        self._free = free
        self._first_s = options["firstDelay"] / 1000
        self._longest_s = options["maxDelay"] / 1000
        self._forget_one_s = options["forgetAfter"] / 1000 / max(1, free)
        self._entries: OrderedDict[KeyType, _Failures] = OrderedDict()

    def wait_s(self, key: KeyType, now_s: float) -> float:
        """Return how long a key has to wait still; 0 or less: no longer."""
        entry = self._entries.get(key)
        return 0.0 if entry is None else entry.blocked_until_s - now_s

    def add(self, key: KeyType, now_s: float) -> None:
        """Count a failure."""
        if not self._free:
            return
        entry = self._entries.pop(key, None) or _Failures(0, now_s)
        forgotten = int((now_s - entry.counted_at_s) / self._forget_one_s)
        entry.counted_at_s = now_s if forgotten >= entry.count else entry.counted_at_s + forgotten * self._forget_one_s
        entry.count = max(0, entry.count - forgotten) + 1
        excess = entry.count - self._free
        if excess > 0:
            delay_s = self._first_s * 2.0 ** min(excess - 1, _MAX_DOUBLINGS)
            entry.blocked_until_s = now_s + min(delay_s, self._longest_s)
        self._entries[key] = entry  # the last to be forgotten
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)

    def forget(self, key: KeyType) -> None:
        """Count no failures of a key."""
        self._entries.pop(key, None)


class LoginLimits:
    """The failed logins of one server."""

    def __init__(self, options: Mapping[str, Any], clock: Callable[[], float]) -> None:
        """Start with none.

        Args:
            options: `perUser` and `perAddress` (failures that are free, 0: all), `firstDelay`, `maxDelay`,
                `forgetAfter` (ms).
            clock: Seconds from any start.
        """
        self._clock = clock
        self._users: _Counter[tuple[bytes, str | None]] = _Counter(options["perUser"], options)
        self._addresses: _Counter[str] = _Counter(options["perAddress"], options)
        self._familiar: OrderedDict[tuple[bytes, str], None] = OrderedDict()

    def wait_s(self, attempt: Attempt) -> float:
        """Return how long an attempt has to wait; 0: not at all."""
        now_s = self._clock()
        waits_s = [self._addresses.wait_s(attempt.address, now_s)]
        if attempt.user is not None:
            waits_s.append(self._users.wait_s(self._user_key(attempt.user, attempt.address), now_s))
        return max(0.0, *waits_s)

    def failed(self, attempt: Attempt) -> None:
        """Count a failure."""
        now_s = self._clock()
        self._addresses.add(attempt.address, now_s)
        if attempt.user is not None:
            self._users.add(self._user_key(attempt.user, attempt.address), now_s)

    def succeeded(self, attempt: Attempt) -> None:
        """Take note of a success; the address still answers for its failures with other names."""
        if attempt.user is None:
            return
        self._users.forget(self._user_key(attempt.user, attempt.address))
        pair = (attempt.user, attempt.address)
        self._familiar.pop(pair, None)
        self._familiar[pair] = None
        if len(self._familiar) > MAX_ENTRIES:
            self._familiar.popitem(last=False)

    def _user_key(self, user: bytes, address: str) -> tuple[bytes, str | None]:
        """Return what failures are counted by: the name, but for those who are known from their address."""
        return user, address if (user, address) in self._familiar else None


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
        return address[:64]
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
