"""What attackers try with logins, tokens and credentials."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from harness import Server
from people import CHEAP_PASSWORDS, PASSWORD, add_user, bearer, login

from kuzzle.request import Request
from kuzzle.security.strategies.base import Redirected, Secrets, Strategy, Verdict


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS}})


def encoded(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


async def test_a_token_of_no_algorithm_is_refused(server: Server) -> None:
    await add_user(server, "u1")
    claims = (await login(server, "u1"))["jwt"].split(".")[1]
    for algorithm in ("none", "None", "NONE", "nOnE", ""):
        forged = f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{claims}."
        assert (await server.http("GET", "/users/_me", headers=bearer(forged))).error_id == "security.token.invalid"


async def test_the_claims_of_a_token_cannot_be_changed(server: Server) -> None:
    await add_user(server, "u1")
    await add_user(server, "boss", "admin")
    header, claims, signature = (await login(server, "u1"))["jwt"].split(".")
    content = json.loads(base64.urlsafe_b64decode(claims + "=="))
    for change in ({"_id": "boss"}, {"exp": 2**40}, {"jti": "x"}):
        forged = f"{header}.{encoded({**content, **change})}.{signature}"
        assert (await server.http("GET", "/users/_me", headers=bearer(forged))).error_id == "security.token.invalid"


@pytest.mark.parametrize("odd", [{"$ne": None}, ["a"], 5, True], ids=str)
async def test_operators_in_place_of_texts_find_nobody(server: Server, odd: Any) -> None:
    await add_user(server, "u1")
    websocket = await server.websocket()
    await websocket.send({"controller": "auth", "action": "getCurrentUser", "requestId": "r", "jwt": odd})
    assert (await websocket.other())["status"] == 400
    for body in ({"username": odd, "password": PASSWORD}, {"username": "u1", "password": odd}):
        answer = await websocket.request("auth", "login", strategy="local", body=body)
        assert (answer["status"], answer["error"]["message"]) == (401, "Missing credentials")
    answer = await websocket.request("auth", "checkToken", body={"token": odd})
    assert answer["error"]["id"] == "api.assert.invalid_type"


async def test_credentials_are_not_given_to_others_by_their_content(server: Server) -> None:
    await add_user(server, "u1")
    await add_user(server, "boss", "admin")
    headers = bearer((await login(server, "u1"))["jwt"])
    for body in (
        {"username": "x", "password": PASSWORD, "kuid": "boss"},
        {"username": "boss", "password": PASSWORD},
        {"username": "boss"},
    ):
        reply = await server.http("PUT", "/credentials/local/_me/_update", body, headers)
        assert reply.status in (400, 412)
    assert (await login(server, "boss"))["_id"] == "boss"
    body = {"password": "changed", "hash": "x", "updater": "boss", "_kuzzle_info": {"author": "boss"}}
    assert (await server.http("PUT", "/credentials/local/_me/_update", body, headers)).status == 200
    assert (await server.http("GET", "/credentials/local/u1/_exists")).result is True


async def test_names_that_differ_only_to_the_eye_are_other_names(server: Server) -> None:
    await add_user(server, "u1", username="ada")
    for name in ("Ada", "ada ", " ada", "ada\u0000", "\u0430da", "ada/", "%61da"):
        reply = await server.http("POST", "/_login/local", {"username": name, "password": PASSWORD})
        assert reply.status == 401, name


@pytest.mark.parametrize("depth", [100, 10_000])
async def test_a_deep_login_is_refused_in_no_time(server: Server, depth: int) -> None:
    body = b'{"username":' + b"[" * depth + b"]" * depth + b',"password":"x"}'
    reply = await server.http("POST", "/_login/local", body, {"Content-Type": "application/json"})
    assert reply.status in (400, 401)


async def test_long_names_and_passwords_are_only_wrong(server: Server) -> None:
    await add_user(server, "u1")
    for body in ({"username": "x" * 500_000, "password": "y"}, {"username": "u1", "password": "y" * 500_000}):
        reply = await server.http("POST", "/_login/local", body)
        assert reply.status == 401


async def test_neither_answers_nor_documents_show_a_hash(server: Server) -> None:
    await add_user(server, "u1")
    headers = bearer((await login(server, "u1"))["jwt"])
    for path in ("/users/_me", "/users/u1", "/credentials/local/u1", "/credentials/local/u1/_byId", "/_getConfig"):
        assert b"argon2" not in (await server.http("GET", path, headers=headers)).body
    for path in ("/%25kuzzle/credentials-local/u1", "/%25kuzzle/tokens/x", "/%25kuzzle/users/u1"):
        assert (await server.http("GET", path, headers=headers)).error_id == "services.storage.index_reserved"
    reply = await server.http("POST", "/%25kuzzle/credentials-local/_search", {}, headers)
    assert reply.error_id == "services.storage.index_reserved"


class Reflecting(Strategy):
    """Sends people to an address that they give."""

    name = "reflecting"

    async def verify(self, request: Request) -> Verdict:
        return Redirected(302, {"Location": f"https://example.org/?state={request.payload['state']}"})

    async def exists(self, request: Request | None, kuid: str) -> bool:
        return False

    async def validate(self, request: Request | None, secrets: Secrets, kuid: str | None, *, is_update: bool) -> None:
        return None

    async def create(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        return {}

    async def update(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        return {}

    async def delete(self, request: Request | None, kuid: str) -> None:
        return None


async def test_what_a_strategy_repeats_adds_no_headers(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    await server.app.credentials.strategies.register(Reflecting(), "roads")
    path = "/_login/reflecting?state=a%0d%0aSet-Cookie:%20stolen=1"
    reply = await server.http("GET", path, follow_redirects=False, checks=False)
    assert "Set-Cookie" not in reply.headers
    assert reply.status == 500
    caplog.clear()
