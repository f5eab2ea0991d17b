"""Hashes of passwords: those that are made here, and those that come from Kuzzle."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import threading
from typing import Any

import pytest

from kuzzle.errors import KuzzleError
from kuzzle.security.imported_hashes import ImportedHash
from kuzzle.security.passwords import Passwords

CHEAP = {"memoryCost": 1024, "timeCost": 1, "parallelism": 1, "threads": 1, "maxWaiting": 3}
SALT = "5a" * 128


async def test_a_hash_is_of_one_password_only() -> None:
    passwords = Passwords(CHEAP)
    first, second = await passwords.hash("secret"), await passwords.hash("secret")
    assert first.startswith("$argon2id$")
    assert first != second
    assert await passwords.verify(first, "secret")
    assert await passwords.verify(second, "secret")
    assert not await passwords.verify(first, "Secret")
    assert not await passwords.verify("no hash at all", "secret")
    passwords.close()


async def test_hashes_of_other_costs_are_good_but_outdated() -> None:
    old, new = Passwords(CHEAP), Passwords({**CHEAP, "timeCost": 2})
    stored = await old.hash("secret")
    assert await new.verify(stored, "secret")
    assert new.is_outdated(stored)
    assert not old.is_outdated(stored)
    old.close()
    new.close()


async def test_beyond_the_queue_passwords_are_refused_and_the_others_served() -> None:
    passwords = Passwords(CHEAP)
    gate = threading.Event()
    calls = [asyncio.ensure_future(passwords.run(lambda: gate.wait(30))) for _ in range(6)]
    await asyncio.sleep(0)
    refused = [call for call in calls if call.done()]
    assert len(refused) == 2
    for call in refused:
        with pytest.raises(KuzzleError) as caught:
            call.result()
        assert (caught.value.id, caught.value.status) == ("api.process.overloaded", 503)
    gate.set()
    assert all(await asyncio.gather(*(call for call in calls if call not in refused)))
    assert await passwords.run(lambda: True)  # there is room again
    passwords.close()


async def test_nobody_costs_the_work_of_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords(CHEAP)
    await passwords.verify_nobody("first")  # makes nobody's hash
    verified: list[str] = []
    monkeypatch.setattr(passwords, "_verify", lambda stored, password: verified.append(stored))
    await passwords.verify_nobody("guess")
    assert [stored.partition("p=")[0] for stored in verified] == ["$argon2id$v=19$m=1024,t=1,"]
    passwords.close()


# --- hashes of Kuzzle


def digest_of(password: str, salt: str, algorithm: str, stretching: bool, encryption: str) -> bytes:
    """What the plugin computes, by its description."""
    if stretching:
        length = {"sha1": 40, "sha224": 224, "sha256": 256, "sha384": 384, "sha512": 512}[algorithm]
        return hashlib.pbkdf2_hmac(algorithm, password.encode(), salt.encode(), 10_000, length)
    if encryption == "hmac":
        return hmac.new(salt.encode(), password.encode(), algorithm).digest()
    return hashlib.new(algorithm, f"{salt}:{password}".encode() if salt else password.encode()).digest()


@pytest.mark.parametrize("algorithm", ["sha1", "sha224", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize(("stretching", "encryption"), [(True, "hmac"), (False, "hmac"), (False, "hash")])
def test_hashes_of_kuzzle_are_verified(algorithm: str, stretching: bool, encryption: str) -> None:
    digest = digest_of("pässword", SALT, algorithm, stretching, encryption)
    document = {"algorithm": algorithm, "userSalt": SALT, "stretching": stretching, "encryption": encryption}
    for text in (digest.hex(), base64.b64encode(digest).decode(), digest.decode("latin-1")):
        found = ImportedHash.read({**document, "userPassword": text})
        assert found is not None
        assert found.matches("pässword")
        assert not found.matches("passwörd")


def test_a_stretched_hash_has_as_many_bytes_as_its_algorithm_has_bits() -> None:
    digest = digest_of("test", SALT, "sha512", True, "hmac")
    assert len(digest.hex()) == 1024
    document = {"userPassword": digest.hex(), "userSalt": SALT, "algorithm": "sha512", "stretching": True}
    found = ImportedHash.read(document)
    assert found is not None
    assert found.matches("test")


def test_a_hash_without_salt_is_of_the_password_alone() -> None:
    document = {"userPassword": hashlib.sha256(b"secret").hexdigest(), "userSalt": "", "algorithm": "sha256"}
    found = ImportedHash.read({**document, "encryption": "hash"})
    assert found is not None
    assert found.matches("secret")
    assert not found.matches(":secret")


@pytest.mark.parametrize("alias", ["RSA-SHA256", "sha256WithRSAEncryption", "SHA256"])
def test_algorithms_have_aliases(alias: str) -> None:
    digest = digest_of("secret", SALT, "sha256", False, "hmac")
    found = ImportedHash.read({"userPassword": digest.hex(), "userSalt": SALT, "algorithm": alias})
    assert found is not None
    assert found.matches("secret")


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "md5"},
        {"algorithm": None},
        {"userPassword": ""},
        {"userPassword": 5},
        {"userPassword": "a" * 5000},
        {"userSalt": "a" * 5000},
        {"encryption": "rot13"},
        {"stretching": "yes"},
        {"stretching": True, "encryption": "hash"},
        {"pepper": True},
    ],
)
def test_what_cannot_be_verified_is_no_hash(change: dict[str, Any]) -> None:
    document = {"userPassword": "ab", "userSalt": SALT, "algorithm": "sha512", "stretching": False}
    assert ImportedHash.read(document) is not None
    assert ImportedHash.read({**document, **change}) is None
