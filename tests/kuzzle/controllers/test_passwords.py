"""New passwords for those who have lost theirs, and where there is no such thing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from harness import Reply, Server
from people import CHEAP_PASSWORDS, PASSWORD, add_user, bearer, login

from kuzzle.errors import KuzzleError
from kuzzle.security.reset_tokens import ResetTokens, is_mark_of

CONTROLLER = "kuzzle-plugin-auth-passport-local/password"
LONG = f"/_plugin/{CONTROLLER}"
SHORT = "/_/password"


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server that hands out tokens for new passwords."""
    policies: list[dict[str, Any]] = [
        {"appliesTo": "*", "passwordRegex": "^.{6,}$"},
        {"appliesTo": {"profiles": ["guests"]}, "mustChangePasswordIfSetByAdmin": True},
    ]
    local = {"passwordReset": True, "resetPasswordExpiresIn": "2h", "passwordPolicies": policies}
    return start_server({"security": {"passwords": CHEAP_PASSWORDS, "local": local}})


async def token_for(server: Server, kuid: str) -> str:
    reply = await server.http("GET", f"{SHORT}/resetToken/{kuid}")
    assert reply.status == 200
    return str(reply.result["resetToken"])


async def reset(server: Server, token: str, password: str, path: str = f"{SHORT}/reset") -> Reply:
    return await server.http("POST", path, {"token": token, "password": password})


async def log_in(server: Server, username: str, password: str) -> Reply:
    return await server.http("POST", "/_login/local", {"username": username, "password": password})


async def test_a_token_sets_a_new_password_and_logs_in(server: Server) -> None:
    await add_user(server, "u1", username="emma")
    reply = await reset(server, await token_for(server, "u1"), "Donwell")
    assert reply.result.keys() == {"_id", "jwt", "expiresAt", "ttl"}
    me = await server.http("GET", "/users/_me", headers=bearer(reply.result["jwt"]))
    assert me.result["_id"] == "u1"
    assert (await log_in(server, "emma", PASSWORD)).status == 401
    assert (await log_in(server, "emma", "Donwell")).status == 200


async def test_every_way_leads_there(server: Server) -> None:
    await add_user(server, "u1")
    websocket = await server.websocket()
    for number, path in enumerate((SHORT, LONG)):
        token = (await server.http("GET", f"{path}/resetToken/u1")).result["resetToken"]
        assert (await reset(server, token, f"Donwell {number}", f"{path}/reset")).status == 200
    token = (await websocket.request(CONTROLLER, "getResetPasswordToken", _id="u1"))["result"]["resetToken"]
    body = {"token": token, "password": "Highbury again"}
    assert (await websocket.request(CONTROLLER, "reset", body=body))["result"]["_id"] == "u1"


async def test_a_token_is_good_once(server: Server) -> None:
    await add_user(server, "u1")
    token = await token_for(server, "u1")
    replies = await asyncio.gather(*(reset(server, token, f"Donwell {number}") for number in range(4)))
    assert sorted(reply.status for reply in replies) == [200, 400, 400, 400]
    assert (await reset(server, token, "Donwell")).status == 400
    other = await token_for(server, "u1")
    await server.http("PUT", "/credentials/local/u1/_update", {"password": "Hartfield"})
    assert (await reset(server, other, "Donwell")).status == 400, "the password has changed since"


async def test_a_policy_refuses_here_too_and_leaves_the_token_good(server: Server) -> None:
    await add_user(server, "u1")
    token = await token_for(server, "u1")
    assert (await reset(server, token, "short")).status == 400
    assert (await reset(server, token, "longer")).status == 200


async def test_tokens_of_sessions_and_of_passwords_are_not_taken_for_each_other(server: Server) -> None:
    await add_user(server, "u1")
    session = (await login(server, "u1"))["jwt"]
    for wrong in (session, "x", "a.b.c", "e30.e30.", f"{await token_for(server, 'u1')}x", "[" * 5000):
        reply = await reset(server, wrong, "Donwell")
        assert (reply.status, reply.error_id) == (400, None), wrong
    reply = await server.http("GET", "/_now", headers=bearer(await token_for(server, "u1")))
    assert reply.error_id == "security.token.invalid"


async def test_who_has_no_password_gets_no_token(server: Server) -> None:
    assert (await server.http("GET", f"{SHORT}/resetToken/nobody")).status == 400


async def test_a_login_refused_for_an_old_password_brings_the_token_to_change_it(server: Server) -> None:
    await server.http("PUT", "/profiles/guests", {"policies": [{"roleId": "default"}]})
    await add_user(server, "u1", "guests")
    refused = await log_in(server, "u1", PASSWORD)
    assert refused.status == 401
    token = refused.json["error"]["resetToken"]
    assert (await reset(server, token, "Donwell")).status == 200
    assert (await log_in(server, "u1", "Donwell")).status == 200, "he has set it himself now"
    wrong = await log_in(server, "u1", "wrong")
    assert "resetToken" not in wrong.json["error"]


async def test_a_token_ends_with_its_time() -> None:
    now = [1_000_000.0]
    tokens = ResetTokens("s" * 64, "us", 7_200_000, clock=lambda: now[0])
    token = tokens.issue("u1", "the hash")
    kuid, mark = tokens.read(token)
    assert (kuid, is_mark_of(mark, "the hash"), is_mark_of(mark, "another")) == ("u1", True, False)
    now[0] += 7199
    tokens.read(token)
    now[0] += 1
    with pytest.raises(KuzzleError) as caught:
        tokens.read(token)
    assert (caught.value.status, caught.value.id) == (401, None)
    for other in (ResetTokens("t" * 64, "us", None), ResetTokens("s" * 64, "them", None)):
        with pytest.raises(KuzzleError) as caught:
            other.read(token)
        assert caught.value.status == 400
    endless = ResetTokens("s" * 64, "us", None, clock=lambda: now[0])
    token = endless.issue("u1", "the hash")
    now[0] += 1e9
    assert endless.read(token)[0] == "u1"


@pytest.fixture
def plain_server(start_server: Callable[..., Server]) -> Server:
    """A server with the defaults."""
    return start_server()


async def test_there_is_nothing_of_it_by_default(plain_server: Server) -> None:
    assert (await plain_server.http("GET", f"{SHORT}/resetToken/u1")).status == 404
    assert (await plain_server.http("POST", f"{LONG}/reset", {"token": "a", "password": "b"})).status == 404
    websocket = await plain_server.websocket()
    answer = await websocket.request(CONTROLLER, "reset", body={"token": "a", "password": "b"})
    assert (answer["status"], answer["error"]["id"]) == (404, "api.process.controller_not_found")
    assert CONTROLLER not in (await plain_server.http("GET", "/_publicApi")).result
    assert b"_plugin" not in (await plain_server.http("GET", "/swagger.json")).body
