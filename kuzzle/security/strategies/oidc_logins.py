"""Logins that have begun and wait for their second step, the return from the provider.

What the first step made is known to the provider by `state` alone, and is given out once: a state that is
replayed is unknown. It is in the cache, so that people may come back to another server than they left. The table is
bounded: where it is full, its oldest entry goes, which makes that person begin again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from kuzzle.cache.base import Cache, TableBounds
from kuzzle.encoding import decode_json, encode_json

MAX_LOGINS: Final = 10_000
"""Logins under way at a time, of each strategy; some 400 bytes each."""

_MAX_LOGIN_BYTES: Final = 512

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
    """

    state: str
    nonce: str
    verifier: str
    origin: str
    browser: str

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

    def __init__(self, strategy: str, lifetime_s: float, cache: Cache) -> None:
        """`strategy` is its name; its logins are no others'."""
        self._lifetime_ms = int(lifetime_s * 1000)
        self._table = cache.table(TableBounds(f"logins-by-{strategy}", MAX_LOGINS, _MAX_LOGIN_BYTES))

    async def begin(self, origin: str, *, in_browser: bool) -> Login:
        """Begin a login.

        Raises:
            KuzzleError: `services.cache.*`: the cache does not answer, or refuses.
        """
        state, nonce, verifier, browser = (secrets.token_urlsafe(_SECRET_BYTES) for _ in range(4))
        login = Login(state, nonce, verifier, origin, browser if in_browser else "")
        await self._table.put(_key(state), encode_json([nonce, verifier, origin, login.browser]), self._lifetime_ms)
        return login

    async def end(self, state: str) -> Login | None:
        """Take the login of a state out; None: there is none, no longer or too late.

        Raises:
            KuzzleError: `services.cache.*`: the cache does not answer, or refuses.
        """
        kept = await self._table.take(_key(state))
        return None if kept is None else Login(state, *decode_json(kept))


def _key(state: str) -> str:
    """Return what a login is found by: a digest, since clients send a state of any length."""
    return hashlib.sha256(state.encode(errors="replace")).hexdigest()
