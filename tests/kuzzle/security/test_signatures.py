"""The text of tokens, and what is not one."""

from __future__ import annotations

import base64
import hmac
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from kuzzle.security.signatures import Claims, Signatures, read_or_make_secret

SECRET = "s" * 64
CLAIMS = Claims("u1", "token-1", 2_000_000_000)
HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def encoded(content: Any) -> str:
    data = content if isinstance(content, bytes) else json.dumps(content, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(header: Any, content: Any, secret: str = SECRET, digest: str = "sha256") -> str:
    text = f"{encoded(header)}.{encoded(content)}"
    return f"{text}.{encoded(hmac.digest(secret.encode(), text.encode(), digest))}"


@pytest.mark.parametrize("algorithm", list(HASHES))
def test_a_token_is_a_jwt_that_clients_and_others_can_read(algorithm: str) -> None:
    signatures = Signatures(SECRET, algorithm)
    text = signatures.sign(CLAIMS, 1_000_000_000)
    assert signatures.read(text) == CLAIMS
    header, content, signature = text.split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": algorithm, "typ": "JWT"}
    assert json.loads(base64.urlsafe_b64decode(content + "==")) == {
        "_id": "u1",
        "iat": 1_000_000_000,
        "exp": 2_000_000_000,
        "jti": "token-1",
    }
    expected = hmac.digest(SECRET.encode(), f"{header}.{content}".encode(), HASHES[algorithm])
    assert signature == encoded(expected)


def test_every_change_of_a_token_is_found() -> None:
    signatures = Signatures(SECRET, "HS256")
    text = signatures.sign(CLAIMS, 1_000_000_000)
    for position, character in enumerate(text[:-1]):  # of the last character some bits mean nothing
        changed = text[:position] + ("A" if character != "A" else "B") + text[position + 1 :]
        assert signatures.read(changed) is None, position
    for wrong in ("", ".", "..", "a.b.c", text[:-4], f"{text}.x", f" {text}", text * 50, text.replace(".", "..")):
        assert signatures.read(wrong) is None
    assert Signatures("t" * 64, "HS256").read(text) is None


HEADER = {"typ": "JWT", "alg": "HS256"}
CONTENT = {"_id": "u1", "jti": "token-1", "iat": 1, "exp": 2_000_000_000}


def ours(content: Any) -> str:
    """A token with our header and our secret, whatever it says."""
    beginning = Signatures(SECRET, "HS256").sign(CLAIMS, 1).partition(".")[0]
    text = f"{beginning}.{encoded(content)}"
    return f"{text}.{encoded(hmac.digest(SECRET.encode(), text.encode(), 'sha256'))}"


def test_the_forger_of_these_tests_can_make_a_good_token() -> None:
    assert Signatures(SECRET, "HS256").read(ours(CONTENT)) == CLAIMS


@pytest.mark.parametrize(
    "text",
    [
        forged({"alg": "none", "typ": "JWT"}, CONTENT),
        f"{encoded({'alg': 'none'})}.{encoded(CONTENT)}.",
        forged({"alg": "HS512", "typ": "JWT"}, CONTENT, digest="sha512"),
        forged({"alg": "HS256", "typ": "JWT", "jwk": {"kty": "oct", "k": encoded(b"x")}}, CONTENT, "x"),
        forged({"alg": "RS256", "typ": "JWT"}, CONTENT),
        forged(b"[" * 1000, CONTENT),
        ours({}),
        ours([]),
        ours(b"no JSON"),
        ours(b"\xff"),
        ours({**CONTENT, "_id": 5}),
        ours({**CONTENT, "_id": {"$ne": None}}),
        ours({**CONTENT, "jti": None}),
        ours({**CONTENT, "exp": "never"}),
    ],
)
def test_neither_another_algorithm_nor_other_claims_make_a_token(text: str) -> None:
    assert Signatures(SECRET, "HS256").read(text) is None


def test_a_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kuzzle.db.jwt-secret"
    secret = read_or_make_secret(path)
    assert len(secret) == 128
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_or_make_secret(path) == secret
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert read_or_make_secret(tmp_path / "other") != secret


def test_half_a_secret_is_none(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("short\n")
    with pytest.raises(ValueError, match="holds no secret"):
        read_or_make_secret(path)
