"""What a provider, or whoever stands between, may state, and what of it is believed."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from harness import Reply, Server
from lying_provider import CLIENT_SECRET, EC, RSA, STRANGE_RSA, WEAK_RSA, LyingProvider, confused, signed, unsigned

from kuzzle.config import ConfigError

REDIRECT_URI = "http://localhost:9/_login/house"
Forge = Callable[[LyingProvider, str], str]


@asynccontextmanager
async def house(folder: Path, provider: LyingProvider, **options: Any) -> AsyncIterator[Server]:
    """A server that believes in a provider."""
    section = {
        "issuer": provider.issuer,
        "clientId": "kuzzle",
        "clientSecret": CLIENT_SECRET,
        "redirectUri": REDIRECT_URI,
        "onUnknown": "create",
        **options,
    }
    try:
        async with Server(folder, {"security": {"oidc": {"house": section}}}) as server:
            yield server
    finally:
        await provider.end()


async def begin(server: Server) -> tuple[dict[str, str], dict[str, str]]:
    """Do the first step; return what the provider is asked, and the headers of the second step."""
    reply = await server.http("GET", "/_login/house", follow_redirects=False)
    assert reply.status == 302, reply.json
    asked = dict(parse_qsl(urlsplit(reply.headers["Location"]).query))
    return asked, {"Cookie": reply.headers["Set-Cookie"].partition(";")[0]}


async def log_in(server: Server, provider: LyingProvider, forge: Forge) -> Reply:
    """Log in with the ID token that is forged for the nonce of the login."""
    asked, headers = await begin(server)
    provider.gives(forge(provider, asked["nonce"]))
    return await server.http("GET", f"/_login/house?code=c&state={asked['state']}", headers=headers)


def claiming(**changes: Any) -> Forge:
    """Forge tokens that are signed as they should be, with changed claims; moments count from the forging."""

    def forge(provider: LyingProvider, nonce: str) -> str:
        told = {name: value() if callable(value) else value for name, value in changes.items()}
        return signed(provider.claims(nonce, **told))

    return forge


def tampered(provider: LyingProvider, nonce: str) -> str:
    header, _, signature = signed(provider.claims(nonce, sub="Frank")).split(".")
    return f"{header}.{unsigned(provider.claims(nonce)).split('.')[1]}.{signature}"


def with_header(provider: LyingProvider, nonce: str, **header: Any) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "kid": "rsa", **header}, provider.claims(nonce))]
    text = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    signature = RSA.private_key.sign(text.encode(), PKCS1v15(), SHA256())
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def now(delta_s: float) -> Callable[[], int]:
    return lambda: int(time.time() + delta_s)


GOOD: dict[str, Forge] = {
    "as it should be": claiming(),
    "by an elliptic curve": lambda provider, nonce: signed(provider.claims(nonce), EC, "ES256"),
    "for several audiences, this one named": claiming(aud=["kuzzle", "others"], azp="kuzzle"),
    "by a clock that is a little off": claiming(iat=now(30), exp=now(-30)),
    "with a member of the header that nobody knows": lambda provider, nonce: with_header(provider, nonce, pi="x"),
    "without naming the only key of its kind": lambda provider, nonce: signed(
        provider.claims(nonce), EC, "ES256", kid=None
    ),
}
BAD: dict[str, tuple[Forge, str]] = {
    "another nonce": (claiming(nonce="another"), "nonce"),
    "no nonce": (claiming(nonce=None), "nonce"),
    "another issuer": (claiming(iss="https://other.example.org"), "issuer"),
    "another audience": (claiming(aud="others"), "audience"),
    "several audiences without a party": (claiming(aud=["kuzzle", "others"]), "another client"),
    "another party": (claiming(aud=["kuzzle", "others"], azp="others"), "another client"),
    "an audience that is none": (claiming(aud={"kuzzle": True}), "audience"),
    "a time that is over": (claiming(iat=1, exp=now(-120)), "expired"),
    "a time to come": (claiming(iat=now(3600), exp=now(7200)), "future"),
    "not to be used yet": (claiming(nbf=now(3600)), "future"),
    "no time": (claiming(exp=None), "time"),
    "an endless time": (claiming(exp=float("inf")), "time"),
    "a time that is none": (claiming(exp="9999999999"), "time"),
    "a time that is a truth": (claiming(iat=True), "time"),
    "a time beyond numbers": (claiming(exp=10**400), "time"),
    "no subject": (claiming(sub=None), "subject"),
    "a subject that is no text": (claiming(sub=5), "subject"),
    "a subject that is too long": (claiming(sub="x" * 256), "subject"),
    "no signature": (lambda provider, nonce: unsigned(provider.claims(nonce)), "algorithm"),
    "no signature, in other letters": (lambda provider, nonce: unsigned(provider.claims(nonce), "nOnE"), "algorithm"),
    "the signature cut off": (lambda provider, nonce: unsigned(provider.claims(nonce), "RS256"), "signature"),
    "a public key as a secret": (
        lambda provider, nonce: confused(provider.claims(nonce), RSA.as_pem(private=False)),
        "algorithm",
    ),
    "the secret of the client": (
        lambda provider, nonce: confused(provider.claims(nonce), CLIENT_SECRET.encode()),
        "algorithm",
    ),
    "an algorithm that is not allowed": (
        lambda provider, nonce: signed(provider.claims(nonce), RSA, "RS512"),
        "algorithm",
    ),
    "somebody's key under a known name": (
        lambda provider, nonce: signed(provider.claims(nonce), STRANGE_RSA),
        "signature",
    ),
    "a key that it brings along": (
        lambda provider, nonce: signed(provider.claims(nonce), STRANGE_RSA, jwk=STRANGE_RSA.as_dict(private=False)),
        "signature",
    ),
    "a key of another kind": (
        lambda provider, nonce: signed(provider.claims(nonce), EC, "ES256", kid="rsa"),
        "unknown key",
    ),
    "a weak key": (lambda provider, nonce: signed(provider.claims(nonce), WEAK_RSA), "unknown key"),
    "a member of the header that is critical and unknown": (
        lambda provider, nonce: with_header(provider, nonce, pi="x", crit=["pi"]),
        "signature",
    ),
    "changed claims": (tampered, "signature"),
    "no token": (lambda _provider, _nonce: "x", "no signed token"),
    "letters that are none": (lambda _provider, _nonce: "é.é.é", "no signed token"),
    "no claims": (lambda _provider, _nonce: "e30.e30.", "no signed token"),
    "too much": (lambda _provider, _nonce: "x" * 70_000, "too long"),
}


@pytest.mark.parametrize("forge", GOOD.values(), ids=GOOD)
async def test_a_good_token_lets_in(tmp_path: Path, forge: Forge) -> None:
    provider = LyingProvider()
    async with house(tmp_path, provider) as server:
        reply = await log_in(server, provider, forge)
        assert reply.status == 200, reply.json
        shown = (await server.http("GET", "/credentials/house/Emma/_byId")).result
        assert shown == {"subject": "Emma", "kuid": reply.result["_id"]}


async def test_a_bad_token_lets_nobody_in(tmp_path: Path) -> None:
    provider = LyingProvider()
    async with house(tmp_path, provider) as server:
        for name, (forge, reason) in BAD.items():
            reply = await log_in(server, provider, forge)
            assert (reply.status, reply.error_id) == (401, "plugin.strategy.missing_user"), (name, reply.json)
            text = reply.json["error"]["message"]
            assert text.startswith("the provider's token is refused: "), (name, text)
            assert reason in text, (name, text)
        assert (await server.http("POST", "/users/_search", {})).result["total"] == 0
        assert provider.asked["/jwks"] < 3, "unknown keys do not make the provider be asked again and again"


async def test_userinfo_about_somebody_else_is_refused(tmp_path: Path) -> None:
    provider = LyingProvider()
    async with house(tmp_path, provider, userinfo=True, content={"name": "name"}) as server:
        provider.answers["/me"] = (200, {"sub": "Frank", "name": "Frank Churchill"})
        reply = await log_in(server, provider, claiming())
        assert (reply.status, reply.error_id) == (401, "plugin.strategy.missing_user")
        provider.answers["/me"] = (200, {"sub": "Emma", "name": "Emma Woodhouse"})
        reply = await log_in(server, provider, claiming())
        user = await server.http("GET", f"/users/{reply.result['_id']}")
        assert user.result["_source"]["name"] == "Emma Woodhouse"


async def test_first_logins_at_once_make_one_user(tmp_path: Path) -> None:
    provider = LyingProvider()
    async with house(tmp_path, provider) as server:
        (strategy,) = server.app.oidc_strategies
        claims = provider.claims("n")
        verdicts = await asyncio.gather(*(strategy._whose(claims) for _ in range(5)))
        assert len(set(verdicts)) == 1
        assert (await server.http("POST", "/users/_search", {})).result["total"] == 1


async def test_what_is_missing_in_a_section_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        async with Server(tmp_path, {"security": {"oidc": {"house": {"issuer": "https://a.example.org"}}}}):
            pass
    assert caught.value.faults == [
        "security.oidc.house.clientId: not given, expected a text that is not empty",
        "security.oidc.house.redirectUri: not given, expected a text that is not empty",
    ]


async def test_the_secret_of_a_client_is_never_shown(tmp_path: Path) -> None:
    provider = LyingProvider()
    async with house(tmp_path, provider) as server:
        shown = server.app.config.public()["security"]["oidc"]["house"]
        assert shown["issuer"] == provider.issuer
        assert "clientSecret" not in shown
        assert CLIENT_SECRET not in str((await server.http("GET", "/_getConfig")).json)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/.well-known/openid-configuration", (404, {})),
        ("/.well-known/openid-configuration", (200, [])),
        ("/.well-known/openid-configuration", (200, b"{")),
        ("/.well-known/openid-configuration", (302, {})),
        ("/.well-known/openid-configuration", (200, b" " * 600_000 + b"{}")),
        ("/token", (200, {"access_token": "x"})),
        ("/token", (500, {})),
        ("/token", (400, {"error": "invalid_client"})),
        ("/jwks", (302, {})),
        ("/jwks", (200, b"[" * 100_000)),
        ("/me", (403, {})),
    ],
)
async def test_a_provider_that_answers_wrongly_is_an_error_and_no_failed_login(
    tmp_path: Path, path: str, answer: tuple[int, Any], caplog: pytest.LogCaptureFixture
) -> None:
    provider = LyingProvider()
    async with house(tmp_path, provider, userinfo=True) as server:
        if path.startswith("/.well"):
            provider.answers[path] = answer
            reply = await server.http("GET", "/_login/house", follow_redirects=False)
        else:
            asked, headers = await begin(server)
            provider.gives(signed(provider.claims(asked["nonce"])))
            provider.answers[path] = answer
            reply = await server.http("GET", f"/_login/house?code=c&state={asked['state']}", headers=headers)
        assert (reply.status, reply.error_id) == (500, "plugin.runtime.unexpected_error")
        assert "cannot be used" in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://other.example.org"},
        {"token_endpoint": "http://other.example.org/token"},
        {"authorization_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "https://user@other.example.org/"},
    ],
)
async def test_a_provider_that_leads_astray_is_not_followed(tmp_path: Path, changes: dict[str, Any]) -> None:
    provider = LyingProvider()
    async with house(tmp_path, provider) as server:
        provider.describes(**changes)
        reply = await server.http("GET", "/_login/house", follow_redirects=False)
        assert (reply.status, reply.error_id) == (500, "plugin.runtime.unexpected_error")


async def test_a_provider_that_does_not_answer_is_waited_for_once_by_all(tmp_path: Path) -> None:
    provider = LyingProvider()
    async with house(tmp_path, provider, timeout=300) as server:
        provider.hangs.add("/.well-known/openid-configuration")
        replies = await asyncio.gather(*(server.http("GET", "/_login/house") for _ in range(20)))
        assert {(reply.status, reply.error_id) for reply in replies} == {(500, "plugin.runtime.unexpected_error")}
        assert provider.asked["/.well-known/openid-configuration"] < 20
        provider.hangs.clear()
        await begin(server)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"issuer": "http://login.example.org"}, "issuer: must be https"),
        ({"redirectUri": "http://kuzzle.example.org/"}, "redirectUri: must be https"),
        ({"redirectUri": "https://kuzzle.example.org/#x"}, "redirectUri: must be https"),
        ({"scopes": ["profile"]}, "scopes: openid is missing"),
        ({"algorithms": ["HS256"]}, "expected a list of asymmetric algorithms"),
        ({"content": {"profileIds": "groups"}}, "other than profileIds"),
        ({"clientID": "x"}, "unknown option; did you mean `clientId`"),
        ({"clientSecret": 5}, "clientSecret: found a value that does not fit"),
    ],
)
async def test_a_section_that_cannot_be_is_refused_at_the_start(
    tmp_path: Path, changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        async with house(tmp_path, LyingProvider(), **changes):
            pass
    (line,) = caught.value.faults
    assert line.startswith("security.oidc.house.")
    assert fault in line
