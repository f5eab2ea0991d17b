"""Hashes of passwords as Kuzzle's own `local` strategy stores them.

They are only verified: at the next successful login the password is hashed anew. A document tells
`userPassword` (text of the hash), `userSalt`, `algorithm`, `stretching`, `encryption`, `pepper`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

# PBKDF2 of the plugin: rounds, and how many bytes (not bits) of a key it takes by algorithm.
_ROUNDS: Final = 10_000
_KEY_SIZES: Final = {"sha1": 40, "sha224": 224, "sha256": 256, "sha384": 384, "sha512": 512}
# `sha512`, and its aliases `RSA-SHA512` and `sha512WithRSAEncryption`.
_ALGORITHM: Final = re.compile(r"(?:RSA-)?(SHA(?:1|224|256|384|512))(?:WithRSAEncryption)?", re.IGNORECASE)
# Far above what the plugin writes (1,024 digits, a salt of 256): nothing of any length is hashed.
_MAX_CHARACTERS: Final = 4096


@dataclass(frozen=True, slots=True)
class ImportedHash:
    """One stored hash.

    Attributes:
        encoded: The hash as text: hexadecimal, base64 or Latin-1.
        salt: The text that was the salt.
        algorithm: Name of the digest, as hashlib knows it.
        is_stretched: PBKDF2; otherwise one round.
        is_keyed: Without stretching: HMAC, the salt being its key; otherwise a plain digest.
    """

    encoded: str
    salt: str
    algorithm: str
    is_stretched: bool
    is_keyed: bool

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> ImportedHash | None:
        """Read a stored document; None when it is no hash that can be verified."""
        encoded, salt, name = document.get("userPassword"), document.get("userSalt", ""), document.get("algorithm")
        if not (isinstance(encoded, str) and isinstance(salt, str) and isinstance(name, str)):
            return None
        found = _ALGORITHM.fullmatch(name)
        encryption, stretching = document.get("encryption", "hmac"), document.get("stretching", False)
        if found is None or encryption not in ("hmac", "hash") or not isinstance(stretching, bool):
            return None
        if not 0 < len(encoded) <= _MAX_CHARACTERS or len(salt) > _MAX_CHARACTERS or document.get("pepper"):
            return None
        if stretching and encryption == "hash":
            return None
        return cls(encoded, salt, found[1].lower(), stretching, encryption == "hmac")

    def matches(self, password: str) -> bool:
        """Tell whether the hash was made of a password; stretched ones take 100 ms, so not on the loop."""
        digest = self._digest(password.encode())
        spellings = (digest.hex(), base64.b64encode(digest).decode(), digest.decode("latin-1"))
        expected = self.encoded.encode()
        return sum(hmac.compare_digest(spelling.encode(), expected) for spelling in spellings) > 0  # compares all

    def _digest(self, password: bytes) -> bytes:
        salt = self.salt.encode()
        if self.is_stretched:
            return hashlib.pbkdf2_hmac(self.algorithm, password, salt, _ROUNDS, _KEY_SIZES[self.algorithm])
        if self.is_keyed:
            return hmac.digest(salt, password, self.algorithm)
        return hashlib.new(self.algorithm, salt + b":" + password if salt else password).digest()
