"""Actions of `admin`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from action_table import BY_COLLECTION, UNUSABLE_CACHE, Action, Refusal
from harness import Server

from tests.actions.bulk import BY_ITEM, LINES
from tests.actions.collection import mapping_refusals

WAITING = {"refresh": "wait_for"}
DONE = {"acknowledge": True}


async def log_in(server: Server) -> None:
    """Let a user have a token."""
    user = {**USER, "content": {"profileIds": ["default"]}}
    await server.http("POST", "/admin/_loadSecurities?refresh=wait_for", {"users": {"ada": user}})
    assert (await server.http("POST", "/_login/local", USER["credentials"]["local"])).status == 200


def locked(name: str) -> Refusal:
    """The refusal of what runs already."""

    async def take(server: Server) -> None:
        method: Any = server.app.funnel._registry.find("admin", name)
        method.__self__._locks.take(name)

    return Refusal("api.process.action_locked", prepare=take)


async def block_dumps(server: Server) -> None:
    """Put a file where the folder of dumps would be."""
    folder = server.app.config.path(server.app.config.section("dump")["path"])
    folder.write_text("")


def at_books(refusals: Sequence[Refusal]) -> Iterator[Refusal]:
    """The same faults in what is loaded for library/books."""
    for refusal in refusals:
        yield Refusal(refusal.error_id, {"body": {"library": {"books": refusal.changes["body"]}}})


def lines(*operations: Any) -> dict[str, Any]:
    """Fixtures of library/books."""
    return {"body": {"library": {"books": list(operations)}}}


OF_SECURITY = "told by what it does to users and their credentials, whose own tests provoke it"
ROLE = {"controllers": {"document": {"actions": {"get": True}}}}
PROFILE = {"policies": [{"roleId": "reader"}]}
USER = {
    "content": {"profileIds": ["readers"]},
    "credentials": {"local": {"username": "ada", "password": "secret"}},
}


def securities(roles: Any = None, profiles: Any = None, users: Any = None) -> dict[str, Any]:
    """A body of these parts."""
    parts = {"roles": roles, "profiles": profiles, "users": users}
    return {"body": {name: part for name, part in parts.items() if part is not None}}


def user(**changes: Any) -> dict[str, Any]:
    """A body with all three parts, and these changes to its user."""
    return securities({"reader": ROLE}, {"readers": PROFILE}, {"ada": {**USER, **changes}})


ACTIONS = {
    "loadSecurities": Action(
        {**WAITING, **securities({"reader": ROLE}, {"readers": PROFILE}, {"ada": USER})},
        DONE,
        refusals=(
            Refusal("api.assert.invalid_argument", securities(roles=5)),
            Refusal("api.assert.missing_argument", user(content={})),
            Refusal("api.assert.empty_argument", securities(roles={"reader": {"controllers": {}}})),
            Refusal("api.assert.invalid_type", securities(roles={"reader": {"controllers": 5}})),
            Refusal("api.assert.invalid_id", securities(roles={"reader": ROLE}, profiles={"_readers": PROFILE})),
            Refusal("security.role.not_found", securities(profiles={"readers": {"policies": [{"roleId": "none"}]}})),
            Refusal("security.profile.not_found", user(content={"profileIds": ["none"]})),
            Refusal("security.credentials.unknown_strategy", user(credentials={"runes": {}})),
        ),
        unreachable=dict.fromkeys(
            (
                "security.role.invalid_rights",
                "security.role.closure_exec_failed",
                "security.role.login_required",
                "services.storage.unexpected_bad_request",
                "api.assert.unexpected_argument",
                "security.profile.missing_anonymous_role",
                "security.user.already_exists",
                "security.credentials.database_inconsistency",
                "security.credentials.rejected",
                "plugin.runtime.unexpected_error",
                "services.storage.write_limit_exceeded",
                "services.storage.wrong_mapping_property",
            ),
            OF_SECURITY,
        ),
    ),
    "resetSecurity": Action(
        {},
        {"deletedUsers": int, "deletedProfiles": int, "deletedRoles": int},
        refusals=(locked("resetSecurity"),),
        unreachable=dict.fromkeys(("security.credentials.rejected", "plugin.runtime.unexpected_error"), OF_SECURITY),
    ),
    "resetKuzzleData": Action(
        {},
        DONE,
        refusals=(locked("resetKuzzleData"),),
        unreachable=dict.fromkeys(("security.credentials.rejected", "plugin.runtime.unexpected_error"), OF_SECURITY),
    ),
    "dump": Action(
        {"suffix": "proof", **WAITING},
        DONE,
        refusals=(locked("dump"), Refusal("core.fatal.unexpected_error", prepare=block_dumps)),
    ),
    "loadMappings": Action(
        {**WAITING, "body": {"archive": {"maps": {"properties": {"scale": {"type": "float"}}}}}},
        DONE,
        refusals=(
            Refusal("api.assert.invalid_argument", {"body": {"archive": 5}}),
            Refusal("services.storage.index_reserved", {"body": {"%kuzzle": {}}}),
            *at_books(mapping_refusals()),
        ),
        unreachable={
            "services.storage.duplicate_field_mapping": BY_COLLECTION,
            "services.storage.unknown_index": "only when somebody deletes the index meanwhile",
        },
    ),
    "loadFixtures": Action(
        {**WAITING, "body": {"library": {"books": LINES}}},
        DONE,
        refusals=(
            Refusal("api.assert.invalid_argument", {"body": {"library": {"books": {}}}}),
            Refusal("services.storage.index_reserved", {"body": {"%kuzzle": {}}}),
            Refusal("services.storage.unexpected_bad_request", lines({"unheard of": {}})),
            Refusal("services.storage.invalid_argument", lines({"index": {"_index": 5}}, {})),
            Refusal("services.storage.unknown_index_collection", {"body": {"nowhere": {"books": [{"index": {}}, {}]}}}),
            Refusal("services.storage.index_protected", lines({"index": {"_index": "%kuzzle", "_type": "a"}}, {})),
            Refusal("services.storage.import_failed", lines({"index": {}}, {"year": "long ago"})),
        ),
        unreachable={
            **BY_ITEM,
            "services.storage.missing_argument": "every operation has the index and collection it is listed under",
        },
    ),
    "resetCache": Action(
        {"database": "internalCache"},
        DONE,
        prepare=log_in,
        refusals=(Refusal("services.cache.database_not_found", {"database": "unheard of"}),),
        unreachable=UNUSABLE_CACHE,
    ),
    "resetDatabase": Action({}, DONE, refusals=(locked("resetDatabase"),)),
    "shutdown": Action({}, DONE, refusals=(locked("shutdown"),)),
}
