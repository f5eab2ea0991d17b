"""Tokens by which somebody may set a new password: JSON Web Tokens of a key of their own.

Each holds a mark of the credentials it was made for, so that it is good once: the new password changes the
mark. A token of a session is never taken for one, nor the other way round.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from kuzzle.errors import KuzzleError

_ALGORITHMS: Final = ["HS256"]
_PURPOSE: Final = b"kuzzle: reset of a password"
_MAX_CHARACTERS: Final = 4096


class ResetTokens:
    """Signs and reads such tokens."""

    def __init__(
        self, secret: str, issuer: str, lifetime_ms: int | None, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Derive the key from the secret of all tokens; `lifetime_ms` None: for ever."""
        self._key = OctKey.import_key(hmac.digest(secret.encode(), _PURPOSE, "sha256"))
        self._issuer = issuer
        self._lifetime_ms = lifetime_ms
        self._clock = clock

    def issue(self, kuid: str, stored_password: str) -> str:
        """Return a token for a user, good as long as the stored password is this one."""
        now_s = int(self._clock())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "iat": now_s,
            "resetForKuid": kuid,
            "mark": _mark(stored_password),
        }
        if self._lifetime_ms is not None:
            claims["exp"] = now_s + -(-self._lifetime_ms // 1000)
        return jwt.encode({"alg": _ALGORITHMS[0], "typ": "JWT"}, claims, self._key, _ALGORITHMS)

    def read(self, text: str) -> tuple[str, str]:
        """Return whom a token is for, and the mark of the password that it was made for.

        Raises:
            KuzzleError: 400 without id: it is none of this server; 401: its time is over.
        """
        try:
            token = jwt.decode(text[:_MAX_CHARACTERS], self._key, algorithms=_ALGORITHMS)
        except (JoseError, ValueError, RecursionError):  # of others: no base64, no JSON, too deep
            raise KuzzleError.without_id(400, "Invalid token.") from None
        claims = token.claims
        kuid, mark, expires_at_s = claims.get("resetForKuid"), claims.get("mark"), claims.get("exp")
        if claims.get("iss") != self._issuer or not isinstance(kuid, str) or not isinstance(mark, str):
            raise KuzzleError.without_id(400, "Invalid token.")
        if isinstance(expires_at_s, int) and expires_at_s <= self._clock():
            raise KuzzleError.without_id(401, "The token has expired.")
        return kuid, mark


def is_mark_of(mark: str, stored_password: str) -> bool:
    """Tell whether a token's mark is that of a stored password."""
    return hmac.compare_digest(mark.encode(), _mark(stored_password).encode())


def _mark(stored_password: str) -> str:
    return hashlib.blake2b(stored_password.encode(), digest_size=16).hexdigest()
