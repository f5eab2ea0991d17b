"""ID tokens: what a provider states about who has logged in (OpenID Connect Core 1.0, 3.1.3.7).

Only asymmetric signatures of the algorithms that are allowed count, by keys that the provider publishes for
them: neither `none`, nor a public key taken as the secret of HS256, nor a key that the token itself brings.
No I/O; keys and the time are handed in.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

Key = RSAKey | ECKey

MAX_TOKEN_CHARACTERS: Final = 65_536
"""Longer ID tokens are refused before they are parsed."""
MAX_KEYS: Final = 100
"""Keys of a provider that are looked at; those behind are passed over."""
MAX_SUBJECT_CHARACTERS: Final = 255
"""The longest `sub` that OpenID Connect allows."""

_MIN_RSA_BITS: Final = 2048


class _Registry(jws.JWSRegistry):
    """Takes headers that it does not know, unless they are critical, and certificates in them."""

    max_header_length = 8192


class IdTokenError(Exception):
    """An ID token is refused; the text says why, without telling what it holds."""


class UnknownKeyError(IdTokenError):
    """It is signed by a key that is not among those given; the provider may have new ones."""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key that a provider signs with; `algorithm` is the only one it is for, None: any of its kind."""

    id: str | None
    algorithm: str | None
    key: Key


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an ID token must say; the skew is by how much clocks may differ."""

    issuer: str
    client_id: str
    nonce: str
    algorithms: Sequence[str]
    clock_skew_s: float


def read_keys(document: Any) -> list[PublishedKey]:
    """Return the keys of a JSON Web Key Set that can verify signatures; others are passed over."""
    entries = document.get("keys") if isinstance(document, Mapping) else None
    found = []
    for entry in entries[:MAX_KEYS] if isinstance(entries, list) else []:
        key = _read_key(entry) if isinstance(entry, dict) and entry.get("use", "sig") == "sig" else None
        if key is not None:
            key_id, algorithm = entry.get("kid"), entry.get("alg")
            found.append(
                PublishedKey(
                    key_id if isinstance(key_id, str) else None, algorithm if isinstance(algorithm, str) else None, key
                )
            )
    return found


def _read_key(entry: dict[str, Any]) -> Key | None:
    public: dict[str, Any] = {name: entry[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in entry}
    try:
        if public.get("kty") == "RSA":
            return RSAKey.import_key(public) if _bits(public["n"]) >= _MIN_RSA_BITS else None
        return ECKey.import_key(public) if public.get("kty") == "EC" else None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):  # what a member of the wrong form leads to
        return None


def _bits(number: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(f"{number}===")).bit_length()


def read_id_token(text: str, keys: Sequence[PublishedKey], expected: Expectation, now_s: float) -> dict[str, Any]:
    """Return the claims of an ID token that is good.

    Args:
        now_s: Seconds since the epoch.

    Raises:
        UnknownKeyError: None of the keys is the one that it names.
        IdTokenError: Why it is refused.
    """
    if len(text) > MAX_TOKEN_CHARACTERS:
        raise IdTokenError("it is too long")
    claims = _read_signed(text, keys, expected.algorithms)
    _check_parties(claims, expected)
    _check_times(claims, now_s, expected.clock_skew_s)
    if claims.get("nonce") != expected.nonce:
        raise IdTokenError("its nonce is not that of this login")
    return claims


def _read_signed(text: str, keys: Sequence[PublishedKey], algorithms: Sequence[str]) -> dict[str, Any]:
    try:
        registry = _Registry(algorithms=list(algorithms), strict_check_header=False)
        header = jws.extract_compact(text.encode("ascii"), registry=registry).headers()
    except (JoseError, ValueError) as error:
        raise IdTokenError("it is no signed token") from error
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise IdTokenError("its algorithm is not allowed")
    kind = ECKey if algorithm.startswith("ES") else RSAKey
    fitting = [
        one.key
        for one in keys
        if isinstance(one.key, kind) and one.algorithm in (None, algorithm) and key_id in (None, one.id)
    ]
    if not fitting:
        raise UnknownKeyError("it is signed by an unknown key")
    if len(fitting) > 1:  # without a name of a key, or with one that two have
        raise IdTokenError("it does not tell which key it is signed by")
    try:
        return dict(jwt.decode(text, fitting[0], algorithms=[algorithm], registry=registry).claims)
    except (JoseError, ValueError, RecursionError) as error:
        raise IdTokenError("its signature is wrong") from error


def _check_parties(claims: Mapping[str, Any], expected: Expectation) -> None:
    if claims.get("iss") != expected.issuer:
        raise IdTokenError("its issuer is another one")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or expected.client_id not in audiences:
        raise IdTokenError("it is for another audience")
    authorized = claims.get("azp")
    if (authorized is None and len(audiences) > 1) or authorized not in (None, expected.client_id):
        raise IdTokenError("it was issued to another client")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARACTERS:
        raise IdTokenError("it has no subject")


def _check_times(claims: Mapping[str, Any], now_s: float, skew_s: float) -> None:
    expires_at_s, issued_at_s = _time(claims, "exp"), _time(claims, "iat")
    if expires_at_s is None or issued_at_s is None:
        raise IdTokenError("it does not tell its time")
    if expires_at_s + skew_s <= now_s:
        raise IdTokenError("it has expired")
    not_before_s = _time(claims, "nbf") if "nbf" in claims else issued_at_s
    if not_before_s is None or max(issued_at_s, not_before_s) - skew_s > now_s:
        raise IdTokenError("it is of the future")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a moment in seconds since the epoch; None: it is none."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
