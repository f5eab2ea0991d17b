"""What passwords must be like, where the configuration asks for anything."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from harness import Reply, Server
from people import CHEAP_PASSWORDS, PASSWORD, add_user, bearer, login

from kuzzle.config import ConfigError
from kuzzle.errors import KuzzleError
from kuzzle.security.password_policies import (
    Membership,
    MustChangePasswordError,
    PasswordPolicies,
)

MEMBERS = {
    "u1": Membership(frozenset({"readers"}), frozenset({"reader"})),
    "boss": Membership(frozenset({"bosses"}), frozenset({"admin", "reader"})),
}
DAY_MS = 86_400_000


def policies(*options: dict[str, Any]) -> PasswordPolicies:
    async def membership_of(kuid: str) -> Membership:
        return MEMBERS.get(kuid, Membership(frozenset(), frozenset()))

    return PasswordPolicies(options, membership_of)


async def refusal_of_form(options: dict[str, Any], password: str) -> str | None:
    found = policies({"appliesTo": "*", **options})
    try:
        found.check_form(await found.of("u1"), "Emma", password)
    except KuzzleError as error:
        return f"{error.status} {error.message}"
    return None


async def must_change(options: dict[str, Any], kuid: str, document: dict[str, Any], now_ms: int = 0) -> bool:
    try:
        await policies({"appliesTo": "*", **options}).check_login(kuid, document, now_ms)
    except MustChangePasswordError as error:
        return error.status == 401
    return False


@pytest.mark.parametrize(
    ("applies_to", "expected"),
    [
        ("*", {"u1", "boss", "nobody"}),
        ({"users": ["u1", "nobody"]}, {"u1", "nobody"}),
        ({"profiles": ["bosses"]}, {"boss"}),
        ({"roles": ["reader"]}, {"u1", "boss"}),
        ({"users": ["nobody"], "roles": ["admin"]}, {"boss", "nobody"}),
    ],
)
async def test_a_policy_is_for_those_it_names(applies_to: Any, expected: set[str]) -> None:
    found = policies({"appliesTo": applies_to})
    assert {kuid for kuid in ("u1", "boss", "nobody") if await found.of(kuid)} == expected


async def test_a_user_name_may_be_forbidden_in_the_password() -> None:
    refused = await refusal_of_form({"forbidLoginInPassword": True}, "xEMMAx")
    assert refused == "400 The password must not contain the user name."
    assert await refusal_of_form({"forbidLoginInPassword": True}, "Highbury") is None
    assert await refusal_of_form({}, "Emma") is None


@pytest.mark.parametrize(
    ("pattern", "password", "is_good"),
    [
        ("^.{8,}$", "Highbury", True),
        ("^.{8,}$", "Donwell", False),
        (r"(?=.*\d)(?=.*[A-Z])", "highbury1", False),
        (r"(?=.*\d)(?=.*[A-Z])", "Highbury1", True),
        ("/highbury/", "Highbury", False),
        ("/highbury/i", "Highbury", True),
        ("/a/b/gu", "xa/bx", True),
    ],
)
async def test_a_password_may_have_to_match_a_pattern(pattern: str, password: str, is_good: bool) -> None:
    assert (await refusal_of_form({"passwordRegex": pattern}, password) is None) is is_good


async def test_a_password_may_expire() -> None:
    document = {"changedAt": 5 * DAY_MS, "updater": "u1"}
    assert not await must_change({"expiresAfter": "2d"}, "u1", document, 7 * DAY_MS - 1)
    assert await must_change({"expiresAfter": "2d"}, "u1", document, 7 * DAY_MS)
    assert await must_change({"expiresAfter": "2d"}, "u1", {}, 7 * DAY_MS)
    assert not await must_change({}, "u1", {}, 7 * DAY_MS)


async def test_what_others_set_may_have_to_be_changed_but_by_administrators() -> None:
    option = {"mustChangePasswordIfSetByAdmin": True}
    assert await must_change(option, "u1", {"updater": "boss"})
    assert await must_change(option, "u1", {"updater": None})
    assert not await must_change(option, "u1", {"updater": "u1"})
    assert not await must_change(option, "boss", {"updater": "u1"})


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"appliesTo": {}}, "appliesTo"),
        ({"appliesTo": {"users": []}}, "appliesTo"),
        ({"appliesTo": "*", "expiresAfter": "soon"}, "expiresAfter"),
        ({"appliesTo": "*", "passwordRegex": "("}, "passwordRegex"),
        ({"appliesTo": "*", "passwordRegex": "/a/x"}, "passwordRegex"),
    ],
)
def test_a_policy_that_means_nothing_stops_the_start(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        policies({"appliesTo": "*"}, options)
    assert [line.split(":")[0] for line in caught.value.faults] == [f"security.local.passwordPolicies.1.{fault}"]


# --- through the server


@pytest.fixture
def strict_server(start_server: Callable[..., Server]) -> Server:
    """A server with policies, that asks for the present password."""
    everybody = {"appliesTo": "*", "forbidLoginInPassword": True, "passwordRegex": "^.{8,}$"}
    remembers = {"appliesTo": {"users": ["u1"]}, "forbidReusedPasswordCount": 3}
    changes = {"appliesTo": {"profiles": ["guests"]}, "mustChangePasswordIfSetByAdmin": True}
    local = {"requirePassword": True, "passwordPolicies": [everybody, remembers, changes]}
    failed = {"perUser": 3, "firstDelay": 60_000}
    return start_server({"security": {"passwords": CHEAP_PASSWORDS, "local": local, "failedLogins": failed}})


async def update(server: Server, headers: dict[str, str], **body: Any) -> Reply:
    return await server.http("PUT", "/credentials/local/_me/_update", body, headers)


async def test_policies_hold_wherever_a_password_is_set(strict_server: Server) -> None:
    await add_user(strict_server, "u1", "default")
    headers = bearer((await login(strict_server, "u1"))["jwt"])
    for password in ("short", "my u1 password"):
        body = {"username": "u1", "password": password}
        assert (await strict_server.http("PUT", "/credentials/local/u1/_update", body)).status == 400
        assert (await update(strict_server, headers, password=password, currentPassword=PASSWORD)).status == 400
        assert (await strict_server.http("POST", "/credentials/local/u1/_validate", body)).status == 400
        user = {"content": {"profileIds": ["default"]}, "credentials": {"local": {**body, "username": "u1x"}}}
        if password == "short":
            assert (await strict_server.http("POST", "/users/u9/_create", user)).status == 400
            assert (await strict_server.http("GET", "/users/u9")).status == 404
    assert (await login(strict_server, "u1"))["_id"] == "u1"


async def test_old_passwords_are_not_taken_again(strict_server: Server) -> None:
    await add_user(strict_server, "u1", "default")
    headers = bearer((await login(strict_server, "u1"))["jwt"])
    words = [PASSWORD, "Donwell Abbey", "Hartfield", "Randalls's"]
    for old, new in itertools.pairwise(words):
        assert (await update(strict_server, headers, password=new, currentPassword=old)).status == 200
    now = words[-1]
    for used in words[1:]:
        reply = await update(strict_server, headers, password=used, currentPassword=now)
        assert (reply.status, "before" in reply.json["error"]["message"]) == (400, True), used
    assert (await update(strict_server, headers, password=words[0], currentPassword=now)).status == 200


async def test_who_changes_his_own_credentials_gives_his_password(strict_server: Server) -> None:
    await add_user(strict_server, "u1", "default")
    headers = bearer((await login(strict_server, "u1"))["jwt"])
    assert (await update(strict_server, headers, username="emma")).status == 400
    assert (await update(strict_server, headers, username="emma", currentPassword="wrong")).status == 403
    assert (await strict_server.http("DELETE", "/credentials/local/_me", headers=headers)).status == 400
    assert (await update(strict_server, headers, username="emma", currentPassword=PASSWORD)).status == 200
    assert (await strict_server.http("PUT", "/credentials/local/u1/_update", {"username": "u1"})).status == 200
    body = {"currentPassword": PASSWORD}
    assert (await strict_server.http("DELETE", "/credentials/local/_me", body, headers)).status == 200


async def test_the_present_password_is_not_guessed_by_a_stolen_token(strict_server: Server) -> None:
    await add_user(strict_server, "u1", "default")
    headers = bearer((await login(strict_server, "u1"))["jwt"])
    statuses = [(await update(strict_server, headers, username="e", currentPassword="wrong")).status for _ in range(5)]
    assert statuses == [403] * 4 + [429]
    assert (await update(strict_server, headers, username="e", currentPassword=PASSWORD)).status == 429


async def test_a_password_set_by_somebody_else_must_be_changed(strict_server: Server) -> None:
    policy = {"policies": [{"roleId": "default"}]}
    assert (await strict_server.http("PUT", "/profiles/guests", policy)).status == 200
    await add_user(strict_server, "u2", "guests")
    reply = await strict_server.http("POST", "/_login/local", {"username": "u2", "password": PASSWORD})
    assert (reply.status, "must be changed" in reply.json["error"]["message"]) == (401, True)
    assert (await strict_server.http("POST", "/_login/local", {"username": "u2", "password": "wrong"})).json["error"][
        "message"
    ] == "wrong username or password"


# --- searches


async def test_users_are_found_by_their_names_and_by_nothing_secret(strict_server: Server) -> None:
    for name in ("emma", "elton", "harriet"):
        await add_user(strict_server, f"kuid-of-{name}", "default", username=name)
    strategy = strict_server.app.credentials.strategies.get("local")
    found = await strategy.search({"query": {"prefix": {"username": "e"}}, "sort": ["username"]}, None, None)
    assert (found.total, [hit["username"] for hit in found.hits]) == (2, ["elton", "emma"])
    assert found.hits[0] == {"username": "elton", "kuid": "kuid-of-elton"}
    query = {"bool": {"must_not": [{"terms": {"username": ["emma"]}}], "filter": {"exists": {"field": "username"}}}}
    found = await strategy.search({"query": query, "sort": [{"kuid": "desc"}]}, 1, 1)
    assert (found.total, found.hits) == (2, [{"username": "elton", "kuid": "kuid-of-elton"}])
    assert (await strategy.search({}, None, None)).total == 3
    for body, status in (
        ({"query": {"prefix": {"hash": "$argon2id"}}}, 403),
        ({"query": {"bool": {"must": {"range": {"changedAt": {"gte": 0}}}}}}, 403),
        ({"query": {"exists": {"field": "history"}}}, 403),
        ({"sort": [{"hash": "asc"}]}, 403),
        ({"sort": "hash"}, 403),
        ({"query": {"query_string": {"query": "hash:a*"}}}, 400),
        ({"query": {"multi_match": {"query": "a", "fields": ["hash"]}}}, 400),
        ({"query": {"bool": {"boost": 2}}}, 400),
        ({"query": [1]}, 400),
    ):
        with pytest.raises(KuzzleError) as caught:
            await strategy.search(body, None, None)
        assert caught.value.status == status, body
