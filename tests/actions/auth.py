"""Actions of `auth`."""

from __future__ import annotations

from typing import Any

from action_table import IN_MEMORY, NEVER_QUEUED, UNUSABLE_CACHE, Action, Refusal
from harness import Server
from people import bearer

from tests.actions.security import HASHING, LOGIN, MANY_FIELDS, NOT_BY_LOCAL, orphan, prepare

POINT_READ = {"services.storage.too_many_operations": NEVER_QUEUED}
CACHED = dict.fromkeys(
    (
        "services.storage.not_connected",
        "services.storage.too_many_operations",
        "services.storage.unexpected_error",
    ),
    IN_MEMORY,
)
HOUR_MS = 3_600_000
TOKEN = {"_id": "ada", "jwt": str, "expiresAt": int, "ttl": HOUR_MS}
SHOWN = {"username": "ada", "kuid": "ada"}
NOBODY = Refusal("security.rights.unauthorized", {"jwt": None})
SHORT_LIVED = {"security": {"jwt": {"maxTTL": HOUR_MS}}}


async def logged_in(server: Server) -> dict[str, Any]:
    """Make a user who may do anything and log in."""
    await prepare(server)
    assert (await server.http("PUT", "/users/ada/_update", {"profileIds": ["default"]})).status == 200
    reply = await server.http("POST", "/_login/local", LOGIN)
    assert reply.status == 200
    return {"jwt": reply.result["jwt"]}


async def logged_in_bare(server: Server) -> dict[str, Any]:
    """Log in, then lose the credentials."""
    call = await logged_in(server)
    assert (await server.http("DELETE", "/credentials/local/ada")).status == 200
    return call


async def token_to_check(server: Server) -> dict[str, Any]:
    """Log in, to ask about the token."""
    return {"body": {"token": (await logged_in(server))["jwt"]}}


async def exchanged(server: Server) -> dict[str, Any]:
    """Exchange the token; the old one."""
    call = await logged_in(server)
    assert (await server.http("POST", "/_refreshToken", headers=bearer(call["jwt"]))).status == 200
    return call


async def vanish(server: Server) -> None:
    """Take the user away behind everybody's back."""
    await server.app.security.users.collection.remove("ada")


async def lose_profile(server: Server) -> None:
    """Give the user a profile that does not exist, behind everybody's back."""
    await server.app.security.users.collection.put("ada", {"profileIds": ["gone"]})


def mine(call: Any, result: Any, *faults: Refusal, bare: bool = False, unreachable: Any = None) -> Action:
    """An action on the caller's own credentials."""
    return Action(
        {"strategy": "local", **({} if call is None else {"body": call})},
        result,
        prepare=logged_in_bare if bare else logged_in,
        refusals=(
            NOBODY,
            Refusal("security.credentials.unknown_strategy", {"strategy": "runes"}),
            Refusal("api.assert.invalid_type", {"strategy": 5}, only_websocket=True),
            *faults,
        ),
        unreachable={"plugin.runtime.unexpected_error": NOT_BY_LOCAL, **(unreachable or {})},
    )


BAD_NAME = Refusal("services.storage.unexpected_bad_request", {"body": {**LOGIN, "username": "x" * 600}})

ACTIONS = {
    "login": Action(
        {"strategy": "local", "body": LOGIN, "expiresIn": "1h"},
        TOKEN,
        prepare=prepare,
        refusals=(
            Refusal("plugin.strategy.missing_user", {"body": {**LOGIN, "password": "wrong"}}),
            Refusal("security.credentials.unknown_strategy", {"strategy": "runes"}),
            Refusal("api.assert.invalid_argument", {"expiresIn": "soon"}),
            Refusal("security.token.ttl_exceeded", {"expiresIn": "2h"}, options=SHORT_LIVED),
            Refusal("services.storage.not_found", prepare=orphan),
        ),
        unreachable={
            "plugin.runtime.unexpected_error": NOT_BY_LOCAL,
            "plugin.strategy.invalid_verify_resolve": NOT_BY_LOCAL,
            "plugin.strategy.invalid_kuid": NOT_BY_LOCAL,
            **HASHING,
            **UNUSABLE_CACHE,
        },
    ),
    "logout": Action({}, {"acknowledged": True}, prepare=logged_in, refusals=(NOBODY,)),
    "refreshToken": Action(
        {"expiresIn": HOUR_MS},
        TOKEN,
        prepare=logged_in,
        refusals=(
            NOBODY,
            Refusal("api.assert.invalid_argument", {"expiresIn": "soon"}),
            Refusal("security.token.ttl_exceeded", {"expiresIn": "2h"}, options=SHORT_LIVED),
            Refusal("security.token.invalid", prepare=exchanged),
        ),
    ),
    "checkToken": Action({}, {"valid": True, "expiresAt": int}, prepare=token_to_check, unreachable=CACHED),
    "getStrategies": Action({}, ["local"]),
    "getCurrentUser": Action(
        {},
        {"_id": "ada", "_source": {"name": "Ada"}, "strategies": ["local"]},
        prepare=logged_in,
        refusals=(Refusal("services.storage.not_found", prepare=vanish),),
        unreachable={"plugin.runtime.unexpected_error": NOT_BY_LOCAL},
    ),
    "updateSelf": Action(
        {"body": {"name": "Countess"}},
        {"_id": "ada", "_source": {"name": "Countess", "profileIds": ["default"]}},
        prepare=logged_in,
        refusals=(
            NOBODY,
            Refusal("api.assert.forbidden_argument", {"body": {"profileIds": ["admin"]}}),
            Refusal("services.storage.unexpected_bad_request", {"body": MANY_FIELDS}),
            Refusal("services.storage.not_found", {"body": {"name": "Countess"}}, prepare=vanish),
            Refusal("security.profile.not_found", {"body": {"name": "Countess"}}, prepare=lose_profile),
        ),
    ),
    "getMyRights": Action({}, {"hits": list, "total": int}, prepare=logged_in),
    "createMyCredentials": mine(LOGIN, SHOWN, BAD_NAME, bare=True, unreachable=HASHING),
    "updateMyCredentials": mine(
        {"username": "ada", "password": "other"}, SHOWN, BAD_NAME, unreachable={**HASHING, **UNUSABLE_CACHE}
    ),
    "deleteMyCredentials": mine({}, {"acknowledged": True}, unreachable=UNUSABLE_CACHE),
    "credentialsExist": mine(None, True),
    "getMyCredentials": mine(None, SHOWN),
    "validateMyCredentials": mine(LOGIN, True, unreachable=POINT_READ),
}
