"""Logging in and out, and the tokens between, as clients see it."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Reply, Server
from people import CHEAP_PASSWORDS, PASSWORD, add_user, bearer, login, until_refused

from kuzzle.errors import KuzzleError
from kuzzle.events import Pipe
from kuzzle.request import Request
from kuzzle.security.strategies.base import Accepted, Redirected, Refused, Secrets, Strategy, Verdict
from kuzzle.storage.internal import INTERNAL_INDEX


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS}})


def refusal(reply: Reply) -> tuple[int, str | None]:
    return reply.status, reply.error_id


def message(reply: Reply) -> str:
    return str(reply.json["error"]["message"])


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


# --- credentials of one's own


async def test_people_manage_their_own_credentials(server: Server) -> None:
    await add_user(server, "u1")
    headers = bearer((await login(server, "u1"))["jwt"])
    me = "/credentials/local/_me"
    assert (await server.http("GET", f"{me}/_exists", headers=headers)).result is True
    updated = await server.http("PUT", f"{me}/_update", {"username": "emma"}, headers)
    assert updated.result == {"username": "emma", "kuid": "u1"}
    reply = await server.http("PUT", f"{me}/_update", {"imported": {"userPassword": "a"}}, headers)
    assert refusal(reply) == (400, None)
    assert (await server.http("DELETE", me, headers=headers)).result == {"acknowledged": True}
    assert (await server.http("GET", f"{me}/_exists", headers=headers)).result is False, "the token lives on"
    assert (await server.http("GET", me, headers=headers)).status == 412
    assert (await server.http("DELETE", me, headers=headers)).status == 412
    mine = {"username": "woodhouse", "password": "Donwell"}
    assert (await server.http("POST", f"{me}/_validate", mine, headers)).result is True
    created = await server.http("POST", f"{me}/_create", mine, headers)
    assert created.result == {"username": "woodhouse", "kuid": "u1"}
    assert (await server.http("POST", f"{me}/_create", mine, headers)).status == 412
    assert (await server.http("POST", "/_login/local", mine)).result["_id"] == "u1"


@pytest.mark.parametrize(
    "action",
    [
        "createMyCredentials",
        "updateMyCredentials",
        "deleteMyCredentials",
        "credentialsExist",
        "getMyCredentials",
        "validateMyCredentials",
    ],
)
async def test_anonymous_has_no_credentials(server: Server, action: str) -> None:
    websocket = await server.websocket()
    answer = await websocket.request("auth", action, strategy="local", body={"username": "a", "password": "b"})
    assert (answer["status"], answer["error"]["id"]) == (401, "security.rights.unauthorized")
    await add_user(server, "u1")
    token = (await login(server, "u1"))["jwt"]
    answer = await websocket.request("auth", action, strategy="unheard", body={}, jwt=token)
    assert (answer["status"], answer["error"]["id"]) == (400, "security.credentials.unknown_strategy")


async def test_an_imported_hash_is_made_anew_at_the_next_login(server: Server) -> None:
    await add_user(server, "u1")
    imported = {
        "userPassword": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "userSalt": "",
        "algorithm": "sha256",
        "stretching": False,
        "encryption": "hash",
    }
    await server.http("PUT", "/credentials/local/u1/_update", {"imported": imported})
    assert (await server.http("POST", "/_login/local", {"username": "u1", "password": "bar"})).status == 401
    (before,) = await server.app.storage.get_documents(INTERNAL_INDEX, "credentials-local", ["u1"])
    assert (await server.http("POST", "/_login/local", {"username": "u1", "password": "foo"})).status == 200
    (after,) = await server.app.storage.get_documents(INTERNAL_INDEX, "credentials-local", ["u1"])
    assert before is not None
    assert after is not None
    assert before.source.keys() - imported.keys() == {"kuid", "username", "changedAt", "updater"}
    assert after.source.keys() == {"kuid", "username", "changedAt", "updater", "hash"}
    assert (await server.http("POST", "/_login/local", {"username": "u1", "password": "foo"})).status == 200


# --- strategies of others


class Wanderer(Strategy):
    """A strategy that answers what it is told to."""

    name = "wanderer"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Request] = []

    async def verify(self, request: Request) -> Verdict:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        answer: Verdict = self.answer
        return answer

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


async def test_a_strategy_of_two_steps_redirects_first(server: Server) -> None:
    await add_user(server, "u1")
    wanderer = Wanderer(Redirected(302, {"Location": "https://example.org/authorize?state=5"}))
    await server.app.credentials.strategies.register(wanderer, "roads")
    reply = await server.http("GET", "/_login/wanderer", follow_redirects=False)
    assert (reply.status, reply.headers["Location"]) == (302, "https://example.org/authorize?state=5")
    assert reply.result == {"headers": {"Location": "https://example.org/authorize?state=5"}, "statusCode": 302}
    websocket = await server.websocket()
    answer = await websocket.request("auth", "login", strategy="wanderer")
    assert (answer["status"], answer["result"]["statusCode"]) == (302, 302)
    wanderer.answer = Accepted("u1")
    reply = await server.http("GET", "/_login/wanderer?code=abc&state=5", headers={"X-Note": "n"})
    assert reply.result["_id"] == "u1"
    asked = wanderer.asked[-1]
    assert (asked.payload["code"], asked.payload["state"]) == ("abc", "5")
    assert asked.connection.headers["x-note"] == "n"


@pytest.mark.parametrize(
    ("answer", "status", "error_id", "text"),
    [
        (Refused("not today"), 401, "plugin.strategy.missing_user", "not today"),
        (
            Refused(),
            401,
            "plugin.strategy.missing_user",
            'Unable to log in using the strategy "wanderer"',
        ),
        (None, 500, "plugin.strategy.invalid_verify_resolve", "[wanderer] invalid authentication strategy result"),
        (Accepted(5), 500, "plugin.strategy.invalid_kuid", "[wanderer] invalid authentication kuid returned"),  # type: ignore[arg-type]
        (Accepted("nobody"), 404, "services.storage.not_found", 'Document "nobody" not found.'),
        (KuzzleError("api.assert.missing_argument", "code"), 400, "api.assert.missing_argument", "Missing argument"),
    ],
)
async def test_what_comes_out_of_a_strategy_is_looked_at(
    server: Server, answer: Any, status: int, error_id: str, text: str
) -> None:
    await server.app.credentials.strategies.register(Wanderer(answer), "roads")
    reply = await server.http("POST", "/_login/wanderer", {})
    assert refusal(reply) == (status, error_id)
    assert message(reply).startswith(text)


async def test_a_pipe_may_put_something_else_in_place_of_the_user(server: Server) -> None:
    await add_user(server, "u1")
    told: list[Any] = []

    async def watch(event: dict[str, Any]) -> dict[str, Any]:
        told.append((event["strategy"], event["content"].id))
        return event

    async def ask_more(event: dict[str, Any]) -> dict[str, Any]:
        return {**event, "content": {"question": "the second factor"}}

    pipe: Pipe = watch
    server.app.events.add_pipe("auth:strategyAuthenticated", pipe)
    assert (await login(server, "u1"))["_id"] == "u1"
    server.app.events.add_pipe("auth:strategyAuthenticated", ask_more)
    assert await login(server, "u1") == {"question": "the second factor"}
    assert told == [("local", "u1")] * 2
    await server.http("POST", "/_login/local", {"username": "u1", "password": "wrong"})
    assert len(told) == 2


# --- guessing


@pytest.fixture
def strict_server(start_server: Callable[..., Server]) -> Server:
    """A server that lets a name fail three times, and an address six times."""
    limits = {"perUser": 3, "perAddress": 6, "firstDelay": 60_000}
    return start_server({"security": {"passwords": CHEAP_PASSWORDS, "failedLogins": limits}})


async def guess(server: Server, username: str, password: str = "wrong") -> Reply:
    return await server.http("POST", "/_login/local", {"username": username, "password": password})


@pytest.mark.parametrize("username", ["u1", "nobody"])
async def test_who_guesses_too_often_has_to_wait_whether_the_name_exists_or_not(
    strict_server: Server, username: str
) -> None:
    await add_user(strict_server, "u1")
    await add_user(strict_server, "u2")
    answers = [await guess(strict_server, username) for _ in range(4)]
    assert [answer.status for answer in answers] == [401] * 4
    refused = await guess(strict_server, username, PASSWORD)
    assert refusal(refused) == (429, None)
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert message(refused) == f"Too many failed logins: try again in {refused.headers['Retry-After']} s"
    websocket = await strict_server.websocket()
    body = {"username": username, "password": PASSWORD}
    assert (await websocket.request("auth", "login", strategy="local", body=body))["status"] == 429
    assert (await guess(strict_server, "u2", PASSWORD)).status == 200, "others log in as ever"


async def test_guesses_made_at_once_are_worth_no_more(strict_server: Server) -> None:
    await add_user(strict_server, "u1")
    passwords = [f"guess {number}" for number in range(20)] + [PASSWORD]
    answers = await asyncio.gather(*(guess(strict_server, "u1", password) for password in passwords))
    assert [answer.status for answer in answers].count(401) == 4
    assert answers[-1].status == 429, "the right one came too late"


async def test_an_address_that_tries_many_names_has_to_wait(strict_server: Server) -> None:
    await add_user(strict_server, "u1")
    for number in range(7):
        assert (await guess(strict_server, f"user {number}")).status == 401
    assert (await guess(strict_server, "u1", PASSWORD)).status == 429


@pytest.fixture
def proxied_server(start_server: Callable[..., Server]) -> Server:
    """A server behind a proxy that lets a name fail three times."""
    options = {"passwords": CHEAP_PASSWORDS, "failedLogins": {"perUser": 3, "firstDelay": 60_000}}
    return start_server({"security": options, "server": {"trustedProxies": 1}})


async def test_who_logged_in_before_is_not_locked_out_by_strangers(proxied_server: Server) -> None:
    await add_user(proxied_server, "u1")

    async def log_in(address: str, password: str) -> int:
        body = {"username": "u1", "password": password}
        # What the client itself writes comes first, what the proxy appends last.
        forwarded = {"X-Forwarded-For": f"192.0.2.1, {address}"}
        return (await proxied_server.http("POST", "/_login/local", body, forwarded)).status

    assert await log_in("203.0.113.7", PASSWORD) == 200
    for number in range(4):
        assert await log_in(f"198.51.100.{number}", "wrong") == 401
    assert await log_in("198.51.100.9", PASSWORD) == 429
    assert await log_in("203.0.113.7", PASSWORD) == 200


async def test_many_successful_logins_are_not_slowed(strict_server: Server) -> None:
    await add_user(strict_server, "u1")
    answers = await asyncio.gather(*(guess(strict_server, "u1", PASSWORD) for _ in range(30)))
    assert {answer.status for answer in answers} == {200}


async def test_unknown_names_and_wrong_passwords_cost_the_same_work(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_user(server, "u1")
    await guess(server, "nobody")  # makes what unknown names are compared with
    passwords = server.app.passwords
    compared: list[str] = []
    verify = passwords._verify

    def watch(stored: str, password: str) -> bool:
        compared.append(stored.rpartition("p=")[0])
        return verify(stored, password)

    monkeypatch.setattr(passwords, "_verify", watch)
    known, unknown = await guess(server, "u1"), await guess(server, "nobody")
    assert compared == ["$argon2id$v=19$m=1024,t=1,"] * 2
    for answer in (known, unknown):
        del answer.json["requestId"]
    assert known.json == unknown.json


# --- who one is


async def test_people_learn_who_they_are(server: Server) -> None:
    await add_user(server, "u1", "default", username="emma")
    headers = bearer((await login(server, "emma"))["jwt"])
    me = (await server.http("GET", "/users/_me", headers=headers)).result
    assert (me["_id"], me["_source"]["profileIds"], me["strategies"]) == ("u1", ["default"], ["local"])
    await server.http("DELETE", "/credentials/local/_me", headers=headers)
    assert (await server.http("GET", "/users/_me", headers=headers)).result["strategies"] == []
    websocket = await server.websocket()
    anonymous = (await websocket.request("auth", "getCurrentUser"))["result"]
    assert anonymous == {
        "_id": "-1",
        "_source": {"name": "Anonymous", "profileIds": ["anonymous"]},
        "_meta": {},
    }


async def test_people_change_their_own_content_and_nothing_that_gives_rights(server: Server) -> None:
    author = {"author": "somebody", "createdAt": 5}
    users = server.app.security.users
    await users.create("u1", {"profileIds": ["default"], "name": "Emma", "home": {"town": "x"}, "_kuzzle_info": author})
    await server.app.credentials.create("u1", {"local": {"username": "u1", "password": PASSWORD}})
    headers = bearer((await login(server, "u1"))["jwt"])
    body = {"home": {"village": "Highbury"}, "_kuzzle_info": {"author": "me"}, "profileIds": None}
    updated = await server.http("PUT", "/_updateSelf", body, headers)
    expected = {
        "profileIds": ["default"],
        "name": "Emma",
        "home": {"village": "Highbury"},
        "_kuzzle_info": author,
    }
    assert updated.result == {"_id": "u1", "_source": expected, "_meta": author}
    assert (await server.http("GET", "/users/_me", headers=headers)).result["_source"] == expected
    websocket = await server.websocket()
    token = headers["Authorization"].removeprefix("Bearer ")
    for wrong in ({"profileIds": ["admin"]}, {"profileIds": []}, {"_id": "u2"}):
        answer = await websocket.request("auth", "updateSelf", body=wrong, jwt=token)
        assert (answer["status"], answer["error"]["id"]) == (400, "api.assert.forbidden_argument")
        assert f"body.{next(iter(wrong))}" in answer["error"]["message"]
    answer = await websocket.request("auth", "updateSelf", body={})
    assert (answer["status"], answer["error"]["id"]) == (401, "security.rights.unauthorized")
    assert (await server.http("GET", "/users/_me", headers=headers)).result["_source"] == expected


async def test_people_learn_what_they_may_do(server: Server) -> None:
    everything = {"controller": "*", "action": "*", "index": "*", "collection": "*", "value": "allowed"}
    assert (await server.http("GET", "/users/_me/_rights")).result == {"hits": [everything], "total": 1}
    role = {"controllers": {"auth": {"actions": {"*": True}}, "document": {"actions": {"get": True, "create": False}}}}
    await server.http("PUT", "/roles/reader", role)
    restricted = {"policies": [{"roleId": "reader", "restrictedTo": [{"index": "library", "collections": ["books"]}]}]}
    await server.http("PUT", "/profiles/readers", restricted)
    await add_user(server, "u1", "readers")
    token = (await login(server, "u1"))["jwt"]
    websocket = await server.websocket()
    rights = (await websocket.request("auth", "getMyRights", jwt=token))["result"]
    assert [(right["controller"], right["action"], right["value"]) for right in rights["hits"]] == [
        ("auth", "*", "allowed"),
        ("document", "get", "allowed"),
        ("document", "create", "denied"),
    ]
    assert {(right["index"], right["collection"]) for right in rights["hits"]} == {("library", "books")}
    answer = await websocket.request("server", "now", jwt=token)
    assert (answer["status"], answer["error"]["id"]) == (403, "security.rights.forbidden")


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
