"""Logins that have begun and wait for their second step, the return from the provider.

What the first step made is known to the provider by `state` alone, and is given out once: a state that is
replayed is unknown. No I/O; the clock is handed in. The table is bounded: where it is full, its oldest
entry goes, which makes that person begin again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MAX_LOGINS: Final = 10_000
"""Logins under way at a time, of each strategy; some 600 bytes each."""

_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Login:
    """A login that has begun.

    Attributes:
        state: What stands for it.
        nonce: Comes back in the ID token.
        verifier: What PKCE proves by (RFC 7636).
        origin: The protocol it began by.
        browser: What the browser that began it keeps as a cookie; empty where it began by no browser.
        ends_at_s: When it is too late.
    """

    state: str
    nonce: str
    verifier: str
    origin: str
    browser: str
    ends_at_s: float

    @property
    def challenge(self) -> str:
        """What tells the provider, without giving it away, what the verifier will be (S256)."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

    def is_of(self, browser: str) -> bool:
        """Tell whether a browser is the one that began."""
        return hmac.compare_digest(self.browser.encode(), browser.encode(errors="replace"))


class OidcLogins:
    """The logins of one strategy that are under way."""

    def __init__(self, lifetime_s: float, clock: Callable[[], float]) -> None:
        """Start with none; `clock` tells seconds from any start."""
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._logins: OrderedDict[str, Login] = OrderedDict()

    def begin(self, origin: str, *, in_browser: bool) -> Login:
        """Begin a login."""
        now_s = self._clock()
        while self._logins and next(iter(self._logins.values())).ends_at_s <= now_s:
            self._logins.popitem(last=False)
        state, nonce, verifier, browser = (secrets.token_urlsafe(_SECRET_BYTES) for _ in range(4))
        login = Login(state, nonce, verifier, origin, browser if in_browser else "", now_s + self._lifetime_s)
        self._logins[state] = login
        if len(self._logins) > MAX_LOGINS:
            self._logins.popitem(last=False)
        return login

    def end(self, state: str) -> Login | None:
        """Take the login of a state out; None: there is none, no longer or too late."""
        login = self._logins.pop(state, None)
        return None if login is None or login.ends_at_s <= self._clock() else login
