"""Actions of `security`."""

from __future__ import annotations

from typing import Any

from action_table import BY_COLLECTION, IN_MEMORY, NEVER_QUEUED, Action, Refusal
from harness import Server

from tests.actions.collection import mapping_refusals

ROLE: dict[str, Any] = {"controllers": {"document": {"actions": {"get": True}}}}
PROFILE: dict[str, Any] = {"policies": [{"roleId": "reader", "restrictedTo": [{"index": "library"}]}]}
LOGIN = {"username": "ada", "password": "secret"}
USER: dict[str, Any] = {
    "content": {"profileIds": ["readers"], "name": "Ada"},
    "credentials": {"local": LOGIN},
}
NEW_LOGIN = {"username": "eve", "password": "secret"}
NEW_USER: dict[str, Any] = {"content": {"profileIds": ["default"]}, "credentials": {"local": NEW_LOGIN}}
AT_ONCE = {"refresh": "wait_for"}


def by_anybody(metadata: Any) -> bool:
    """Tell whether who has not logged in wrote this, or changed it last."""
    return "-1" in (metadata["author"], metadata["updater"])


BORN = {"year": {"of": "birth"}}
MANY_FIELDS = {f"field-{number}": number for number in range(1001)}

NOT_BY_LOCAL = "only strategies of others answer so; their own tests provoke it"
HASHING = {"api.process.overloaded": "the bounds of the password hasher have tests of their own"}
FROM_MEMORY = dict.fromkeys(("services.storage.too_many_operations", "services.storage.unexpected_error"), IN_MEMORY)
POINT_READ = {"services.storage.too_many_operations": NEVER_QUEUED}


async def prepare(server: Server) -> None:
    """Make a role, a profile that has it and a user who has that; again, if they are there."""
    securities = {"roles": {"reader": ROLE}, "profiles": {"readers": PROFILE}, "users": {"ada": USER}}
    reply = await server.http("POST", "/admin/_loadSecurities?refresh=wait_for", securities)
    assert reply.status == 200


async def prepare_unused(server: Server) -> None:
    """Make a role and a profile that nobody has."""
    securities = {"roles": {"spare": ROLE}, "profiles": {"spares": {"policies": []}}}
    reply = await server.http("POST", "/admin/_loadSecurities?refresh=wait_for", securities)
    assert reply.status == 200


async def prepare_bare(server: Server) -> None:
    """Make a user without credentials."""
    await prepare(server)
    await server.http("DELETE", "/credentials/local/ada")


async def log_in(server: Server) -> None:
    """Let a user have a token."""
    await prepare(server)
    assert (await server.http("POST", "/_login/local", LOGIN)).status == 200


async def scroll_users(server: Server) -> dict[str, Any]:
    """Open a search of users."""
    await prepare(server)
    return {"scrollId": (await server.http("POST", "/users/_search?scroll=1m&size=1", {})).result["scrollId"]}


async def scroll_profiles(server: Server) -> dict[str, Any]:
    """Open a search of profiles."""
    return {"scrollId": (await server.http("POST", "/profiles/_search?scroll=1m&size=1", {})).result["scrollId"]}


async def orphan(server: Server) -> None:
    """Leave credentials whose user is gone."""
    await prepare(server)
    await server.app.security.users.collection.remove("ada")


def roles(*faults: Refusal, _id: str = "reader", **call: Any) -> Action:
    """An action that writes a role."""

    def of(permission: Any) -> dict[str, Any]:
        return {"body": {"controllers": {"document": {"actions": {"get": permission}}}}}

    return Action(
        {"_id": _id, "body": ROLE, **AT_ONCE, **call},
        {"_id": _id, "_source": ROLE, "_meta": by_anybody},
        prepare=prepare,
        refusals=(
            Refusal("api.assert.empty_argument", {"body": {"controllers": {"index": {}}}}),
            Refusal("api.assert.missing_argument", {"body": {"controllers": {"index": {"actionz": {}}}}}),
            Refusal("api.assert.invalid_type", {"body": {"controllers": {"document": 5}}}),
            Refusal("security.role.invalid_rights", of("yes")),
            Refusal("security.role.closure_exec_failed", of({"test": "return true"})),
            Refusal("security.role.login_required", {"_id": "anonymous", "body": {"controllers": CLOSED}}),
            Refusal("services.storage.unexpected_bad_request", {"body": {**ROLE, **MANY_FIELDS}}),
            Refusal("services.storage.wrong_mapping_property", {"body": {**ROLE, "notes": ["text", {}]}}),
            *faults,
        ),
    )


CLOSED = {"auth": {"actions": {"login": False}}}


def profiles(*faults: Refusal, _id: str = "readers", **call: Any) -> Action:
    """An action that writes a profile."""

    def of(*policies: Any) -> dict[str, Any]:
        return {"body": {"policies": list(policies)}}

    return Action(
        {"_id": _id, "body": PROFILE, **AT_ONCE, **call},
        {"_id": _id, "_source": PROFILE, "_meta": by_anybody},
        prepare=prepare,
        refusals=(
            Refusal("api.assert.missing_argument", of({})),
            Refusal("api.assert.invalid_type", of(5)),
            Refusal("api.assert.unexpected_argument", of({"roleId": "reader", "allow": True})),
            Refusal("security.role.not_found", of({"roleId": "none"})),
            Refusal("security.profile.missing_anonymous_role", {"_id": "anonymous", **of({"roleId": "reader"})}),
            Refusal("services.storage.unexpected_bad_request", {"body": {**PROFILE, **MANY_FIELDS}}),
            Refusal("services.storage.wrong_mapping_property", {"body": {**PROFILE, "notes": ["text", {}]}}),
            *faults,
        ),
    )


TAKEN = Refusal("services.storage.document_already_exists", {"_id": "default"})
UNDERSCORED = Refusal("api.assert.invalid_id", {"_id": "_mine"})


def unknown(kind: str) -> Refusal:
    """The refusal of an id that has nothing."""
    return Refusal(f"security.{kind}.not_found", {"_id": "none"})


def reading(kind: str, plural: str, _id: str, source: Any) -> dict[str, Action]:
    """The actions that read, list, delete and map roles or profiles."""
    name = kind.capitalize()
    spare = "spare" if kind == "role" else "spares"
    return {
        f"get{name}": Action({"_id": _id}, {"_id": _id, "_source": source}, prepare=prepare, refusals=(unknown(kind),)),
        f"mGet{name}s": Action(
            {"body": {"ids": [_id, "none"]}},
            {"hits": [{"_id": _id, "_source": source}], "total": 1},
            prepare=prepare,
            refusals=(
                Refusal("api.assert.invalid_type", {"body": {"ids": [5]}}),
                Refusal(
                    "services.storage.get_limit_exceeded",
                    {"body": {"ids": ["a", "b"]}},
                    options={"limits": {"documentsFetchCount": 1}},
                ),
            ),
        ),
        f"delete{name}": Action(
            {"_id": spare, **AT_ONCE},
            {"_id": spare},
            prepare=prepare_unused,
            refusals=(
                unknown(kind),
                Refusal(f"security.{kind}.cannot_delete", {"_id": "admin"}),
                Refusal(f"security.{kind}.in_use", {"_id": _id}, prepare=prepare),
            ),
        ),
        f"mDelete{name}s": Action(
            {"body": {"ids": [spare]}, **AT_ONCE},
            [spare],
            prepare=prepare_unused,
            refusals=(
                *too_many_ids(),
                Refusal("services.storage.incomplete_delete", {"body": {"ids": ["none"]}}),
            ),
        ),
        f"get{name}Mapping": Action({}, {"mapping": dict}, unreachable=FROM_MEMORY),
        f"update{name}Mapping": mapping_action(),
    }


def too_many_ids() -> tuple[Refusal, ...]:
    """What is refused in a list of ids."""
    return (
        Refusal("api.assert.invalid_type", {"body": {"ids": [5]}}),
        Refusal("services.storage.write_limit_exceeded", {"body": {"ids": ["x"] * 201}}),
    )


def mapping_action() -> Action:
    """An action that adds to a mapping; it needs a field `year` for one of its refusals."""
    return Action(
        {"body": {"properties": {"note": {"type": "keyword"}, "year": {"type": "integer"}}}},
        {"acknowledged": True},
        refusals=(
            Refusal("api.assert.missing_argument", {"body": {"properties": None}}),
            *(
                Refusal(refusal.error_id, {"body": body_of(refusal)}, prepare=map_year)
                for refusal in mapping_refusals()
            ),
        ),
        unreachable={"services.storage.duplicate_field_mapping": BY_COLLECTION},
    )


def body_of(refusal: Refusal) -> dict[str, Any]:
    """The body of a refused mapping, whose `properties` are demanded here."""
    body: dict[str, Any] = dict(refusal.changes["body"])
    return {"properties": {}, **body}


async def map_year(server: Server) -> None:
    """Give users, profiles and roles a number `year`."""
    for kind in ("users", "profiles", "roles"):
        await server.http("PUT", f"/{kind}/_mapping", {"properties": {"year": {"type": "integer"}}})


def users(*faults: Refusal, content: Any = None, result: Any = None, **call: Any) -> Action:
    """An action that makes a user with credentials."""
    content = NEW_USER["content"] if content is None else content
    return Action(
        {"_id": "eve", "body": {**NEW_USER, "content": content}, **AT_ONCE, **call},
        {"_id": str, "_source": {"profileIds": result or ["default"]}, "_meta": {"author": "-1"}},
        prepare=prepare,
        refusals=(
            UNDERSCORED,
            Refusal("security.user.already_exists", {"_id": "ada"}),
            Refusal("api.assert.invalid_type", {"body": {"content": content, "credentials": 5}}),
            Refusal(
                "security.credentials.unknown_strategy", {"body": {"content": content, "credentials": {"runes": {}}}}
            ),
            Refusal("security.credentials.database_inconsistency", {"_id": "ada"}, prepare=orphan),
            Refusal(
                "services.storage.wrong_mapping_property", {"body": {"content": {**content, **BORN}}}, prepare=map_year
            ),
            Refusal("services.storage.unexpected_bad_request", {"body": {"content": {**content, **MANY_FIELDS}}}),
            *faults,
        ),
        unreachable=dict.fromkeys(("security.credentials.rejected", "plugin.runtime.unexpected_error"), NOT_BY_LOCAL),
    )


NO_PROFILE = Refusal("security.profile.not_found", {"body": {"content": {"profileIds": ["none"]}}})
NO_USER = Refusal("services.storage.not_found", {"_id": "none"})


def changing(call: Any, result: Any) -> Action:
    """An action that changes a user."""
    return Action(
        {"_id": "ada", "body": call, **AT_ONCE},
        {"_id": "ada", "_source": result},
        prepare=prepare,
        refusals=(
            NO_USER,
            Refusal("security.profile.not_found", {"body": {"profileIds": ["none"]}}),
            Refusal("api.assert.invalid_type", {"body": {"profileIds": [5]}}),
            Refusal("security.user.anonymous_profile_required", {"_id": "-1", "body": {"profileIds": ["admin"]}}),
            Refusal("api.assert.invalid_argument", {"_id": "-1", "body": {"profileIds": ["anonymous"]}}),
            Refusal("services.storage.wrong_mapping_property", {"body": {**call, **BORN}}, prepare=map_year),
            Refusal("services.storage.unexpected_bad_request", {"body": {**call, **MANY_FIELDS}}),
        ),
    )


def credentials(call: Any, result: Any, *faults: Refusal, bare: bool = False, unreachable: Any = None) -> Action:
    """An action on the credentials of a user."""
    return Action(
        {"strategy": "local", "_id": "ada", **({} if call is None else {"body": call})},
        result,
        prepare=prepare_bare if bare else prepare,
        refusals=(
            Refusal("security.credentials.unknown_strategy", {"strategy": "runes"}),
            Refusal("api.assert.invalid_type", {"strategy": 5}, only_websocket=True),
            *faults,
        ),
        unreachable={"plugin.runtime.unexpected_error": NOT_BY_LOCAL, **(unreachable or {})},
    )


SHOWN = {"username": "ada", "kuid": "ada"}
BAD_NAME = Refusal("services.storage.unexpected_bad_request", {"body": {**LOGIN, "username": "x" * 600}})
LISTED = {"controller": "document", "action": "get", "index": "library", "collection": "*", "value": "allowed"}
PAGE_TOO_LONG = Refusal("services.storage.get_limit_exceeded", {"from": None, "size": 10_001})

ACTIONS = {
    # --- roles
    "createRole": roles(TAKEN, UNDERSCORED, _id="writer"),
    "createOrReplaceRole": roles(),
    "updateRole": roles(unknown("role"), retryOnConflict=2),
    "searchRoles": Action(
        {"body": {"controllers": ["document"]}, "from": 3, "size": 5},
        {"hits": [{"_id": "reader"}], "total": 4},
        prepare=prepare,
        refusals=(PAGE_TOO_LONG,),
    ),
    **reading("role", "roles", "reader", ROLE),
    # --- profiles
    "createProfile": profiles(TAKEN, UNDERSCORED, _id="writers"),
    "createOrReplaceProfile": profiles(UNDERSCORED),
    "updateProfile": profiles(unknown("profile"), retryOnConflict=2),
    "searchProfiles": Action(
        {"body": {"roles": ["reader"]}, "size": 5},
        {"hits": [{"_id": "readers", "_source": PROFILE}], "total": 1},
        prepare=prepare,
        refusals=(
            PAGE_TOO_LONG,
            Refusal("services.storage.unexpected_bad_request", {"from": 10_000}),
        ),
    ),
    "scrollProfiles": Action(
        {"scroll": "1m"},
        {"hits": list, "total": 3, "scrollId": str},
        prepare=scroll_profiles,
        refusals=(
            Refusal("services.storage.unknown_scroll_id", {"scrollId": "none"}),
            Refusal("services.storage.unknown_scroll_id", prepare=scroll_users),
            Refusal("api.assert.invalid_type", {"scrollId": 5}, only_websocket=True),
        ),
    ),
    "getProfileRights": Action(
        {"_id": "readers"}, {"hits": [LISTED], "total": 1}, prepare=prepare, refusals=(unknown("profile"),)
    ),
    **reading("profile", "profiles", "readers", PROFILE),
    # --- users
    "createUser": users(NO_PROFILE),
    "createRestrictedUser": users(
        Refusal("api.assert.forbidden_argument", {"body": {"content": {"profileIds": ["admin"]}}}),
        Refusal("security.profile.not_found", options={"security": {"restrictedProfileIds": ["none"]}}),
        content={"name": "Eve"},
    ),
    "createFirstAdmin": users(content={"name": "Eve"}, result=["admin"], reset=False),
    "updateUser": changing({"profileIds": ["default"]}, {"profileIds": ["default"], "name": "Ada"}),
    "replaceUser": changing({"profileIds": ["default"]}, {"profileIds": ["default"]}),
    "getUser": Action(
        {"_id": "ada"},
        {"_id": "ada", "_source": USER["content"]},
        prepare=prepare,
        refusals=(NO_USER,),
        unreachable=POINT_READ,
    ),
    "getUserRights": Action(
        {"_id": "ada"}, {"hits": [LISTED], "total": 1}, prepare=prepare, refusals=(NO_USER,), unreachable=POINT_READ
    ),
    "searchUsers": Action(
        {"body": {"query": {"match": {"name": "ada"}}}, "size": 5, "scroll": "1m"},
        {"hits": [{"_id": "ada", "_source": USER["content"]}], "total": 1, "scrollId": str},
        prepare=prepare,
        refusals=(
            PAGE_TOO_LONG,
            Refusal("services.storage.unexpected_bad_request", {"body": {"query": {"nonsense": {}}}}),
        ),
    ),
    "scrollUsers": Action(
        {"scroll": "1m"},
        {"hits": [], "total": 1, "scrollId": str},
        prepare=scroll_users,
        refusals=(
            Refusal("services.storage.unknown_scroll_id", {"scrollId": "none"}),
            Refusal("services.storage.unknown_scroll_id", prepare=scroll_profiles),
            Refusal("api.assert.invalid_type", {"scrollId": 5}, only_websocket=True),
        ),
    ),
    "deleteUser": Action(
        {"_id": "ada", **AT_ONCE},
        {"_id": "ada"},
        prepare=prepare,
        refusals=(NO_USER,),
        unreachable=dict.fromkeys(("security.credentials.rejected", "plugin.runtime.unexpected_error"), NOT_BY_LOCAL),
    ),
    "mDeleteUsers": Action(
        {"body": {"ids": ["ada"]}, **AT_ONCE},
        ["ada"],
        prepare=prepare,
        refusals=(
            *too_many_ids(),
            Refusal("services.storage.incomplete_delete", {"body": {"ids": ["none"]}}),
        ),
    ),
    "getUserMapping": Action({}, {"mapping": {"profileIds": {"type": "keyword"}}}, unreachable=FROM_MEMORY),
    "updateUserMapping": mapping_action(),
    "revokeTokens": Action({"_id": "ada"}, lambda found: found is None, prepare=log_in, refusals=(NO_USER,)),
    # --- credentials
    "createCredentials": credentials(LOGIN, SHOWN, NO_USER, BAD_NAME, bare=True, unreachable=HASHING),
    "updateCredentials": credentials(
        {"username": "ada", "password": "other"}, SHOWN, NO_USER, BAD_NAME, unreachable=HASHING
    ),
    "deleteCredentials": credentials(None, {"acknowledged": True}),
    "hasCredentials": credentials(None, True),
    "validateCredentials": credentials(LOGIN, True, unreachable=POINT_READ),
    "getCredentials": credentials(None, SHOWN),
    "getCredentialsById": credentials(None, SHOWN, unreachable=POINT_READ),
    "getCredentialFields": Action(
        {"strategy": "local"},
        ["username", "password"],
        refusals=(
            Refusal("security.credentials.unknown_strategy", {"strategy": "runes"}),
            Refusal("api.assert.invalid_type", {"strategy": 5}, only_websocket=True),
        ),
    ),
    "getAllCredentialFields": Action({}, {"local": ["username", "password"]}),
}
