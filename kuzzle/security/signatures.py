"""The text of tokens: JSON Web Tokens (RFC 7519), signed with one secret by one algorithm.

A token must begin with the very header that this server writes, before anything of it is parsed: no
other algorithm, none at all, and no key that the token itself names can come into play (RFC 8725).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_SECRET_BYTES: Final = 64
# Ours take some 200 characters, and a kuid of the longest id 700 more.
_MAX_CHARACTERS: Final = 4096


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says.

    Attributes:
        kuid: The user it was issued to.
        token_id: Its own id (`jti`): two tokens of one user and second differ.
        expires_at_s: Seconds since the epoch, rounded up.
    """

    kuid: str
    token_id: str
    expires_at_s: int


class Signatures:
    """Signs and verifies tokens."""

    def __init__(self, secret: str, algorithm: str) -> None:
        """`algorithm` is HS256, HS384 or HS512."""
        self._key = OctKey.import_key(secret)
        self._algorithms = [algorithm]
        self._header = {"alg": algorithm, "typ": "JWT"}
        self._beginning = jwt.encode(dict(self._header), {}, self._key, self._algorithms).partition(".")[0] + "."

    def sign(self, claims: Claims, issued_at_s: int) -> str:
        """Return the text of a token; clients read `_id` and `exp` in it."""
        content = {"_id": claims.kuid, "iat": issued_at_s, "exp": claims.expires_at_s, "jti": claims.token_id}
        return jwt.encode(dict(self._header), content, self._key, self._algorithms)

    def has_our_header(self, text: str) -> bool:
        """Tell whether a text begins as all tokens of this server do."""
        return text.startswith(self._beginning)

    def read(self, text: str) -> Claims | None:
        """Return what a token says, None when this server did not sign it."""
        if not self.has_our_header(text) or len(text) > _MAX_CHARACTERS:
            return None
        try:
            content: dict[str, Any] = jwt.decode(text, self._key, algorithms=self._algorithms).claims
        except (JoseError, ValueError):  # ValueError: a part is no base64 or no JSON
            return None
        kuid, token_id, expires_at_s = content.get("_id"), content.get("jti"), content.get("exp")
        # Others may sign with the same secret: Kuzzle does, where both are configured with it.
        if isinstance(kuid, str) and isinstance(token_id, str) and isinstance(expires_at_s, int):
            return Claims(kuid, token_id, expires_at_s)
        return None


def read_or_make_secret(path: Path) -> str:
    """Return the secret that a file keeps; make it at the first start, readable for its owner alone.

    Raises:
        OSError: It can neither be read nor made.
        ValueError: It holds no secret.
    """
    with contextlib.suppress(FileNotFoundError):
        secret = path.read_text(encoding="ascii").strip()
        if len(secret) < _SECRET_BYTES:
            raise ValueError(f"{path} holds no secret")
        return secret
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_hex(_SECRET_BYTES)
    # mkstemp makes files of mode 0600; the rename lets nobody see half of it.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secret}\n")
            file.flush()
            os.fsync(file.fileno())
        os.rename(name, path)
    except BaseException:
        os.unlink(name)
        raise
    return secret
