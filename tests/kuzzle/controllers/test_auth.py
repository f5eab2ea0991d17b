"""Logging in and out, and the tokens between, as clients see it."""

from __future__ import annotations

import base64
import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Reply, Server
from people import CHEAP_PASSWORDS, PASSWORD, add_user, bearer, login, message, refusal, until_refused

from kuzzle.storage.internal import INTERNAL_INDEX


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS}})


async def whoami(server: Server, headers: dict[str, str] | None = None, query: str = "") -> Reply:
    """An action that only somebody who is logged in may run."""
    return await server.http("GET", f"/credentials/local/_me{query}", headers=headers)


# --- login


async def test_a_login_gives_a_token_that_says_who_one_is(server: Server) -> None:
    await add_user(server, "u1", username="emma")
    before_ms = int(time.time() * 1000)
    result = await login(server, "emma")
    assert result.keys() == {"_id", "jwt", "expiresAt", "ttl"}
    assert (result["_id"], result["ttl"]) == ("u1", 3_600_000)
    assert before_ms + 3_600_000 <= result["expiresAt"] <= int(time.time() * 1000) + 3_600_000
    claims = json.loads(base64.urlsafe_b64decode(result["jwt"].split(".")[1] + "=="))
    assert claims["_id"] == "u1"
    assert result["expiresAt"] <= claims["exp"] * 1000 < result["expiresAt"] + 1000
    assert (await whoami(server, bearer(result["jwt"]))).result == {"username": "emma", "kuid": "u1"}


async def test_a_token_comes_in_the_envelope_the_header_or_the_query_string(server: Server) -> None:
    await add_user(server, "u1")
    await add_user(server, "u2")
    token, other = (await login(server, "u1"))["jwt"], (await login(server, "u2"))["jwt"]
    assert (await whoami(server, bearer(token))).result["kuid"] == "u1"
    assert (await whoami(server, query=f"?jwt={token}")).result["kuid"] == "u1"
    assert (await whoami(server, bearer(other), query=f"?jwt={token}")).result["kuid"] == "u1"
    for header in (f"bearer {token}", f"Basic {token}", token):  # no Bearer: nobody is logged in
        assert refusal(await whoami(server, {"Authorization": header})) == (401, "security.rights.unauthorized")
    websocket = await server.websocket()
    answer = await websocket.request("auth", "getMyCredentials", strategy="local", jwt=token)
    assert answer["result"]["kuid"] == "u1"
    answer = await websocket.request("auth", "getMyCredentials", strategy="local")
    assert answer["error"]["id"] == "security.rights.unauthorized", "a connection is not logged in, requests are"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "x" * 10_000])
async def test_a_wrong_token_is_refused_whatever_the_action(server: Server, token: str) -> None:
    websocket = await server.websocket()
    for controller, action in (("server", "now"), ("auth", "login"), ("auth", "checkToken"), ("nothing", "at all")):
        answer = await websocket.request(controller, action, jwt=token)
        assert (answer["status"], answer["error"]["id"]) == (401, "security.token.invalid")
        assert answer["error"]["message"] == "Invalid token."


async def test_the_user_name_and_password_come_in_the_body_or_as_arguments(server: Server) -> None:
    await add_user(server, "u1")
    by_query = f"/_login/local?username=u1&password={PASSWORD}"
    assert (await server.http("GET", by_query)).result["_id"] == "u1"
    assert (await server.http("POST", by_query)).result["_id"] == "u1"
    assert (await server.http("POST", "/_login/local?username=u1", {"password": PASSWORD})).result["_id"] == "u1"
    websocket = await server.websocket()
    answer = await websocket.request("auth", "login", strategy="local", username="u1", password=PASSWORD)
    assert answer["result"]["_id"] == "u1"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"username": "u1", "password": "wrong"}, "wrong username or password"),
        ({"username": "nobody", "password": PASSWORD}, "wrong username or password"),
        ({"username": "U1", "password": PASSWORD}, "wrong username or password"),
        ({"username": "u1"}, "Missing credentials"),
        ({"password": PASSWORD}, "Missing credentials"),
        ({"username": "", "password": ""}, "Missing credentials"),
        ({"username": {"$ne": None}, "password": {"$ne": None}}, "Missing credentials"),
        ({}, "Missing credentials"),
    ],
)
async def test_what_proves_nothing_is_refused(server: Server, body: dict[str, Any], expected: str) -> None:
    await add_user(server, "u1")
    reply = await server.http("POST", "/_login/local", body)
    assert refusal(reply) == (401, "plugin.strategy.missing_user")
    assert message(reply) == expected
    assert reply.json["result"] is None


async def test_a_login_names_its_strategy(server: Server) -> None:
    reply = await server.http("POST", "/_login/unheard", {})
    assert refusal(reply) == (400, "security.credentials.unknown_strategy")
    websocket = await server.websocket()
    answer = await websocket.request("auth", "login", body={"username": "a", "password": "b"})
    assert (answer["status"], answer["error"]["id"]) == (400, "api.assert.missing_argument")
    assert (await websocket.request("auth", "getStrategies"))["result"] == ["local"]
    assert (await server.http("GET", "/strategies")).result == ["local"]


async def test_the_lifetime_may_be_asked_for(server: Server) -> None:
    await add_user(server, "u1")
    for asked, expected_ms in (("2h", 7_200_000), ("90000", 90_000), ("0", 3_600_000), ("1500", 1500)):
        assert (await login(server, "u1", expiresIn=asked))["ttl"] == expected_ms
    websocket = await server.websocket()
    body = {"username": "u1", "password": PASSWORD}
    for value, expected_ms in ((90_000, 90_000), (0, 3_600_000), (None, 3_600_000), ("1 day", 86_400_000)):
        answer = await websocket.request("auth", "login", strategy="local", body=body, expiresIn=value)
        assert answer["result"]["ttl"] == expected_ms
    for wrong in ("soon", -1, "1month"):
        answer = await websocket.request("auth", "login", strategy="local", body=body, expiresIn=wrong)
        assert (answer["status"], answer["error"]["id"]) == (400, "api.assert.invalid_argument")
    answer = await websocket.request("auth", "login", strategy="local", body=body, expiresIn=[])
    assert (answer["status"], answer["error"]["id"]) == (400, "api.assert.invalid_type")


async def test_the_longest_lifetime_is_the_operators(tmp_path: Path) -> None:
    jwt = {"maxTTL": 60_000, "expiresIn": 30_000}
    async with Server(tmp_path, {"security": {"jwt": jwt, "passwords": CHEAP_PASSWORDS}}) as server:
        await add_user(server, "u1")
        assert (await login(server, "u1"))["ttl"] == 30_000
        reply = await server.http("POST", "/_login/local?expiresIn=1h", {"username": "u1", "password": PASSWORD})
        assert refusal(reply) == (400, "security.token.ttl_exceeded")


async def test_credentials_of_a_user_who_is_gone_open_nothing(server: Server) -> None:
    await add_user(server, "u1")
    await server.app.storage.delete_index(INTERNAL_INDEX)  # behind the back of everybody
    await server.app.credentials.create("u1", {"local": {"username": "u1", "password": PASSWORD}})
    reply = await server.http("POST", "/_login/local", {"username": "u1", "password": PASSWORD})
    assert refusal(reply) == (404, "services.storage.not_found")


# --- tokens


async def test_a_logout_ends_this_session_and_a_global_one_all(server: Server) -> None:
    await add_user(server, "u1")
    await add_user(server, "u2")
    tokens = [(await login(server, "u1"))["jwt"] for _ in range(3)]
    other = (await login(server, "u2"))["jwt"]
    assert (await server.http("POST", "/_logout", headers=bearer(tokens[0]))).result == {"acknowledged": True}
    assert refusal(await whoami(server, bearer(tokens[0]))) == (401, "security.token.invalid")
    assert (await whoami(server, bearer(tokens[1]))).status == 200
    websocket = await server.websocket()
    answer = await websocket.request("auth", "logout", jwt=tokens[1], **{"global": "yes"})
    assert answer["error"]["id"] == "api.assert.invalid_type"
    answer = await websocket.request("auth", "logout", jwt=tokens[1], **{"global": True})
    assert answer["result"] == {"acknowledged": True}
    for token in tokens[1:]:
        assert refusal(await whoami(server, bearer(token))) == (401, "security.token.invalid")
    assert (await whoami(server, bearer(other))).status == 200


async def test_a_global_logout_over_http_is_a_flag(server: Server) -> None:
    await add_user(server, "u1")
    first, second = (await login(server, "u1"))["jwt"], (await login(server, "u1"))["jwt"]
    await server.http("POST", "/_logout?global", headers=bearer(first))
    assert refusal(await whoami(server, bearer(second))) == (401, "security.token.invalid")


async def test_a_token_is_exchanged_for_a_new_one(server: Server) -> None:
    await add_user(server, "u1")
    old = (await login(server, "u1"))["jwt"]
    reply = await server.http("POST", "/_refreshToken?expiresIn=2h", headers=bearer(old))
    assert (reply.result["_id"], reply.result["ttl"]) == ("u1", 7_200_000)
    assert (await whoami(server, bearer(old))).status == 200, "queued requests of the client still pass"
    again = await server.http("POST", "/_refreshToken", headers=bearer(old))
    assert refusal(again) == (401, "security.token.invalid")
    refused = await until_refused(lambda: whoami(server, bearer(old)), lambda answer: answer.status)
    assert refusal(refused) == (401, "security.token.invalid")
    assert (await whoami(server, bearer(reply.result["jwt"]))).status == 200


async def test_an_expired_token_has_the_text_that_clients_look_for(server: Server) -> None:
    await add_user(server, "u1")
    result = await login(server, "u1", expiresIn=200)
    reply = await until_refused(lambda: whoami(server, bearer(result["jwt"])), lambda answer: answer.status)
    assert refusal(reply) == (401, "security.token.expired")
    assert message(reply) == "Token expired"
    checked = await server.http("POST", "/_checkToken", {"token": result["jwt"]})
    assert checked.result == {"valid": False, "state": "Token expired"}


async def test_a_token_can_be_asked_about(server: Server) -> None:
    await add_user(server, "u1")
    result = await login(server, "u1")
    expected = {"valid": True, "expiresAt": result["expiresAt"]}
    assert (await server.http("POST", "/_checkToken", {"token": result["jwt"]})).result == expected
    websocket = await server.websocket()
    await websocket.request("auth", "logout", jwt=result["jwt"])
    for wrong in (result["jwt"], "", "x"):
        answer = await websocket.request("auth", "checkToken", body={"token": wrong})
        if wrong:
            assert answer["result"] == {"valid": False, "state": "Invalid token."}
    answer = await websocket.request("auth", "checkToken")
    assert answer["error"]["id"] == "api.assert.body_required"
    answer = await websocket.request("auth", "checkToken", body={})
    assert answer["error"]["id"] == "api.assert.missing_argument"
    answer = await websocket.request("auth", "checkToken", body={"token": 5})
    assert answer["error"]["id"] == "api.assert.invalid_type"


@pytest.mark.parametrize("action", ["logout", "refreshToken"])
async def test_anonymous_has_no_session(server: Server, action: str) -> None:
    assert refusal(await server.http("POST", f"/_{action}")) == (401, "security.rights.unauthorized")


async def test_sessions_outlive_the_server(tmp_path: Path) -> None:
    options = {"security": {"passwords": CHEAP_PASSWORDS}}
    async with Server(tmp_path, options) as first:
        await add_user(first, "u1")
        kept, gone = (await login(first, "u1"))["jwt"], (await login(first, "u1"))["jwt"]
        await first.http("POST", "/_logout", headers=bearer(gone))
    secret = tmp_path / "data" / "kuzzle.db.jwt-secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    async with Server(tmp_path, options) as second:
        assert (await whoami(second, bearer(kept))).result["kuid"] == "u1"
        assert refusal(await whoami(second, bearer(gone))) == (401, "security.token.invalid")
        shown = json.dumps((await second.http("GET", "/_getConfig")).json)
        assert secret.read_text().strip() not in shown
        assert "secret" not in json.loads(shown)["result"]["security"]["jwt"]


async def test_a_secret_of_ones_own_signs_the_tokens(tmp_path: Path) -> None:
    secret = "a secret of one's own, long enough"
    async with Server(tmp_path, {"security": {"jwt": {"secret": secret}, "passwords": CHEAP_PASSWORDS}}) as server:
        await add_user(server, "u1")
        assert (await whoami(server, bearer((await login(server, "u1"))["jwt"]))).status == 200
        assert not (tmp_path / "data" / "kuzzle.db.jwt-secret").exists()


# --- tokens of others


async def test_the_tokens_of_a_user_are_taken_back(server: Server) -> None:
    await add_user(server, "u1")
    await add_user(server, "u2")
    tokens = [(await login(server, kuid))["jwt"] for kuid in ("u1", "u1", "u2")]
    reply = await server.http("DELETE", "/users/u1/tokens")
    assert (reply.status, reply.result) == (200, None)
    for token in tokens[:2]:
        assert refusal(await whoami(server, bearer(token))) == (401, "security.token.invalid")
    assert (await whoami(server, bearer(tokens[2]))).status == 200
    websocket = await server.websocket()
    answer = await websocket.request("security", "revokeTokens", _id="nobody")
    assert (answer["status"], answer["error"]["id"]) == (404, "services.storage.not_found")


async def test_a_deleted_user_has_neither_tokens_nor_credentials(server: Server) -> None:
    await add_user(server, "u1")
    token = (await login(server, "u1"))["jwt"]
    assert (await server.http("DELETE", "/users/u1")).status == 200
    assert refusal(await whoami(server, bearer(token))) == (401, "security.token.invalid")
    reply = await server.http("POST", "/_login/local", {"username": "u1", "password": PASSWORD})
    assert refusal(reply) == (401, "plugin.strategy.missing_user")
    await add_user(server, "u1")
    assert refusal(await whoami(server, bearer(token))) == (401, "security.token.invalid")


async def test_a_reset_of_everything_ends_all_sessions(server: Server) -> None:
    await add_user(server, "u1")
    token = (await login(server, "u1"))["jwt"]
    websocket = await server.websocket()
    await server.prepare()
    await websocket.request("realtime", "subscribe", index="library", collection="books", body={}, jwt=token)
    assert (await server.http("POST", "/admin/_resetKuzzleData")).status == 200
    assert refusal(await whoami(server, bearer(token))) == (401, "security.token.invalid")
    await server.http("POST", "/library/books/_create", {"title": "Emma"})
    await websocket.settle()
    assert websocket.notifications.empty()
