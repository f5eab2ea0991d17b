"""The actions of `security` on users, over HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from harness import Reply, Server
from plain_rights import role_of

from kuzzle.config import ConfigError

ADA: dict[str, Any] = {"content": {"profileIds": ["default"], "name": "Ada", "born": 1815}}
LOGIN = {"credentials": {"local": {"username": "ada", "password": "engine"}}}


def refusal(reply: Reply) -> tuple[int, str | None]:
    return reply.status, reply.error_id


async def has_credentials(server: Server, kuid: str) -> bool:
    found: bool = (await server.http("GET", f"/credentials/local/{kuid}/_exists")).result
    return found


# --- creating


async def test_a_user_is_created_once_and_read(server: Server) -> None:
    created = (await server.http("POST", "/users/ada/_create", ADA)).result
    assert created["_id"] == "ada"
    assert created["_source"] == {**ADA["content"], "_kuzzle_info": created["_meta"]}
    assert created["_meta"] | {"createdAt": 0} == {"author": "-1", "createdAt": 0, "updatedAt": None, "updater": None}
    websocket = await server.websocket()
    assert (await websocket.request("security", "getUser", _id="ada"))["result"] == created
    assert refusal(await server.http("POST", "/users/ada/_create", ADA)) == (412, "security.user.already_exists")
    reply = await websocket.request("security", "createUser", _id="ada", body=ADA)
    assert reply["error"]["id"] == "security.user.already_exists"
    assert refusal(await server.http("GET", "/users/bob")) == (404, "services.storage.not_found")


async def test_a_user_without_id_gets_a_uuid(server: Server) -> None:
    first = (await server.http("POST", "/users/_create", ADA)).result["_id"]
    second = (await server.http("POST", "/users/_create", ADA)).result["_id"]
    assert len(first) == len(second) == 36
    assert first != second


async def test_a_user_comes_with_its_credentials_or_not_at_all(server: Server) -> None:
    created = (await server.http("POST", "/users/ada/_create", {**ADA, **LOGIN})).result
    assert "credentials" not in created["_source"]
    assert (await server.http("GET", "/credentials/local/ada")).result == {"username": "ada", "kuid": "ada"}
    taken = await server.http("POST", "/users/other/_create", {**ADA, **LOGIN})
    assert taken.status == 412
    unknown = await server.http("POST", "/users/other/_create", {**ADA, "credentials": {"magic": {}}})
    assert refusal(unknown) == (400, "security.credentials.unknown_strategy")
    weak = await server.http("POST", "/users/other/_create", {**ADA, "credentials": {"local": {"username": "x"}}})
    assert weak.status == 400
    assert refusal(await server.http("GET", "/users/other")) == (404, "services.storage.not_found")


async def test_of_two_users_who_want_one_name_at_once_one_is_left(server: Server) -> None:
    """The second one passes the check of its credentials, and is taken back when they cannot be stored."""
    replies = await asyncio.gather(
        *(server.http("POST", f"/users/u{number}/_create", {**ADA, **LOGIN}) for number in range(4))
    )
    assert sorted(reply.status for reply in replies) == [200, 412, 412, 412]
    found = (await server.http("POST", "/users/_search", {})).result
    assert found["total"] == 1
    assert await has_credentials(server, found["hits"][0]["_id"])


async def test_credentials_that_a_deleted_user_left_are_an_inconsistency(server: Server) -> None:
    await server.http("POST", "/users/ada/_create", {**ADA, **LOGIN})
    await server.app.security.users.collection.remove("ada")
    reply = await server.http("POST", "/users/ada/_create", {**ADA, **LOGIN})
    assert refusal(reply) == (500, "security.credentials.database_inconsistency")
    assert refusal(await server.http("GET", "/users/ada")) == (404, "services.storage.not_found")


@pytest.mark.parametrize(
    ("body", "error_id", "text"),
    [
        ({}, "api.assert.missing_argument", "body.content"),
        ({"content": 1}, "api.assert.invalid_type", "body.content"),
        ({"content": {}}, "api.assert.missing_argument", "body.content.profileIds"),
        ({"content": {"profileIds": None}}, "api.assert.missing_argument", "body.content.profileIds"),
        ({"content": {"profileIds": "admin"}}, "api.assert.invalid_type", "body.content.profileIds"),
        ({"content": {"profileIds": [1]}}, "api.assert.invalid_type", "body.content.profileIds.0"),
        ({"content": {"profileIds": []}, "credentials": []}, "api.assert.invalid_type", "body.credentials"),
        ({"content": {"profileIds": []}, "credentials": {"local": 1}}, "api.assert.invalid_type", "credentials.local"),
        ({"content": {"profileIds": ["no"]}}, "security.profile.not_found", '"no"'),
    ],
)
async def test_what_is_no_user_is_refused(server: Server, body: dict[str, Any], error_id: str, text: str) -> None:
    reply = await server.http("POST", "/users/ada/_create", body)
    assert reply.error_id == error_id
    assert text in reply.json["error"]["message"]
    assert refusal(await server.http("GET", "/users/ada")) == (404, "services.storage.not_found")


async def test_an_id_with_an_underscore_is_refused(server: Server) -> None:
    for path in ("/users/_ada/_create", "/users/_ada/_createRestricted", "/_createFirstAdmin/_ada"):
        reply = await server.http("POST", path, {"content": {"profileIds": ["default"]}})
        assert refusal(reply) == (400, "api.assert.invalid_id")


async def test_metadata_and_id_of_a_client_are_dropped(server: Server) -> None:
    content = {"profileIds": ["default"], "_id": "root", "_kuzzle_info": {"author": "root"}}
    created = (await server.http("POST", "/users/ada/_create", {"content": content})).result
    assert created["_id"] == "ada"
    assert "_id" not in created["_source"]
    assert created["_meta"]["author"] == "-1"


async def test_no_profiles_mean_the_restricted_ones(tmp_path: Path) -> None:
    async with Server(tmp_path, {"security": {"restrictedProfileIds": ["anonymous", "default"]}}) as server:
        for path in ("/users/ada/_create", "/users/bob/_createRestricted"):
            content = {"profileIds": []} if path.endswith("_create") else {}
            created = (await server.http("POST", path, {"content": content})).result
            assert created["_source"]["profileIds"] == ["anonymous", "default"]


async def test_standard_roles_come_from_the_configuration(tmp_path: Path) -> None:
    anonymous = role_of({"auth": {"login": True}, "server": {"now": True}})
    async with Server(tmp_path, {"security": {"standard": {"roles": {"anonymous": anonymous}}}}) as server:
        await server.http("POST", "/_createFirstAdmin?reset", {"content": {}})
        assert (await server.http("GET", "/_now")).status == 200
        assert (await server.http("GET", "/_serverInfo")).status == 401


@pytest.mark.parametrize(
    ("standard", "fault"),
    [
        ({"roles": {"anonymous": role_of({"server": {"now": True}})}}, "roles.anonymous: Cannot remove"),
        ({"roles": {"default": {}}}, "roles.default: The argument"),
        ({"profiles": {"default": {"policies": [{"roleId": "no"}]}}}, 'profiles.default: Role "no" not found.'),
    ],
)
def test_a_wrong_standard_role_or_profile_stops_the_start(tmp_path: Path, standard: Any, fault: str) -> None:
    with pytest.raises(ConfigError, match=f"security.standard.{re.escape(fault)}"):
        Server(tmp_path, {"security": {"standard": standard}})


async def test_a_restricted_user_cannot_choose_its_profiles(server: Server) -> None:
    created = (await server.http("POST", "/users/ada/_createRestricted", {"content": {"name": "Ada"}})).result
    assert created["_source"]["profileIds"] == ["default"]
    for profiles in (["admin"], [], None):
        reply = await server.http("POST", "/users/_createRestricted", {"content": {"profileIds": profiles}})
        assert refusal(reply) == (400, "api.assert.forbidden_argument")
        assert "body.content.profileIds" in reply.json["error"]["message"]
    assert refusal(await server.http("POST", "/users/_createRestricted", {})) == (400, "api.assert.missing_argument")


# --- the first administrator


async def test_there_is_one_first_administrator(server: Server) -> None:
    body = {"content": {"profileIds": ["default"], "name": "Root"}, **LOGIN}
    created = (await server.http("POST", "/_createFirstAdmin/root", body)).result
    assert created["_source"]["profileIds"] == ["admin"]
    assert (await server.http("GET", "/_adminExists")).result == {"exists": True}
    again = await server.http("POST", "/_createFirstAdmin", {"content": {}})
    assert again.status == 412
    assert again.json["error"]["message"] == "Admin user is already set."
    await server.http("DELETE", "/users/root")
    assert (await server.http("POST", "/boss/_createFirstAdmin", {"content": {}})).result["_id"] == "boss"


async def test_of_many_who_want_to_be_the_first_administrator_one_is(server: Server) -> None:
    replies = await asyncio.gather(
        *(server.http("POST", f"/_createFirstAdmin/a{number}", {"content": {}}) for number in range(5))
    )
    assert sorted(reply.status for reply in replies) == [200, 412, 412, 412, 412]


async def test_without_reset_everything_stays_open(server: Server) -> None:
    await server.http("POST", "/_createFirstAdmin/root", {"content": {}})
    assert (await server.http("GET", "/_list")).status == 200


async def test_a_reset_leaves_everything_to_the_administrator(server: Server) -> None:
    websocket = await server.websocket()
    reply = await websocket.request(
        "security", "createFirstAdmin", _id="root", reset=True, body={"content": {}, **LOGIN}
    )
    assert reply["status"] == 200
    assert (await websocket.request("server", "info"))["status"] == 200
    for controller, action in (("index", "list"), ("server", "now"), ("security", "getUser"), ("no", "such")):
        refused = await websocket.request(controller, action)
        assert (refused["status"], refused["error"]["id"]) == (401, "security.rights.unauthorized")
    roles = server.app.security.roles
    assert roles.get("admin").source["controllers"] == {"*": {"actions": {"*": True}}}
    assert roles.get("default").source["controllers"]["server"] == {"actions": {"info": True}}
    assert "login" not in roles.get("default").source["controllers"]["auth"]["actions"]
    assert roles.get("anonymous").source["controllers"]["auth"]["actions"]["login"] is True
    assert [policy.role_id for policy in server.app.security.profiles.get("admin").policies] == ["admin"]


# --- changing


async def test_an_update_merges_and_a_replacement_does_not(server: Server) -> None:
    await server.http("POST", "/users/ada/_create", {**ADA, **LOGIN})
    updated = (await server.http("PUT", "/users/ada/_update?retryOnConflict=2", {"name": "Augusta"})).result
    assert updated["_source"] | {"_kuzzle_info": 0} == {**ADA["content"], "name": "Augusta", "_kuzzle_info": 0}
    assert updated["_meta"]["updater"] == "-1"
    replaced = (await server.http("PUT", "/users/ada/_replace", {"profileIds": ["admin"]})).result
    assert replaced["_source"] == {"profileIds": ["admin"], "_kuzzle_info": replaced["_meta"]}
    assert replaced["_meta"]["updater"] is None
    assert await has_credentials(server, "ada")
    for path, body in (("_update", {}), ("_replace", {"profileIds": []})):
        assert refusal(await server.http("PUT", f"/users/no/{path}", body)) == (404, "services.storage.not_found")


@pytest.mark.parametrize(
    ("action", "profile_ids", "error_id"),
    [
        ("_update", ["no"], "security.profile.not_found"),
        ("_update", "no", "security.profile.not_found"),
        ("_update", 5, "api.assert.invalid_type"),
        ("_update", [5], "api.assert.invalid_type"),
        ("_update", None, "api.assert.missing_argument"),
        ("_replace", ["no"], "security.profile.not_found"),
        ("_replace", None, "api.assert.missing_argument"),
    ],
)
async def test_a_change_to_wrong_profiles_changes_nothing(
    server: Server, action: str, profile_ids: Any, error_id: str
) -> None:
    before = (await server.http("POST", "/users/ada/_create", ADA)).result
    reply = await server.http("PUT", f"/users/ada/{action}", {"name": "x", "profileIds": profile_ids})
    assert reply.error_id == error_id
    assert (await server.http("GET", "/users/ada")).result == before


async def test_an_update_takes_a_single_profile_and_none(server: Server) -> None:
    await server.http("POST", "/users/ada/_create", ADA)
    updated = (await server.http("PUT", "/users/ada/_update", {"profileIds": "admin"})).result
    assert updated["_source"]["profileIds"] == ["admin"]
    updated = (await server.http("PUT", "/users/ada/_update", {"profileIds": []})).result
    assert updated["_source"]["profileIds"] == ["default"]


async def test_the_anonymous_user_is_built_in(server: Server) -> None:
    for name in ("-1", "anonymous"):
        found = (await server.http("GET", f"/users/{name}")).result
        assert found == {"_id": "-1", "_source": {"name": "Anonymous", "profileIds": ["anonymous"]}, "_meta": {}}
        reply = await server.http("PUT", f"/users/{name}/_update", {"profileIds": ["admin"]})
        assert refusal(reply) == (400, "security.user.anonymous_profile_required")
        reply = await server.http("PUT", f"/users/{name}/_replace", {"profileIds": ["anonymous", "admin"]})
        assert refusal(reply) == (400, "api.assert.invalid_argument")
        assert refusal(await server.http("POST", f"/users/{name}/_create", ADA)) == (
            412,
            "security.user.already_exists",
        )
        assert refusal(await server.http("DELETE", f"/users/{name}")) == (404, "services.storage.not_found")
    assert (await server.http("POST", "/users/_search", {})).result == {"hits": [], "total": 0}


async def test_a_deleted_user_takes_its_credentials_along(server: Server) -> None:
    await server.http("POST", "/users/ada/_create", {**ADA, **LOGIN})
    assert (await server.http("DELETE", "/users/ada?refresh=wait_for")).result == {"_id": "ada"}
    assert not await has_credentials(server, "ada")
    assert refusal(await server.http("DELETE", "/users/ada")) == (404, "services.storage.not_found")
    assert (await server.http("POST", "/users/ada/_create", {**ADA, **LOGIN})).status == 200


async def test_several_users_are_deleted_each_by_itself(server: Server) -> None:
    for name in ("ada", "bob"):
        await server.http("POST", f"/users/{name}/_create", ADA)
    assert (await server.http("POST", "/users/_mDelete", {"ids": ["ada"]})).result == ["ada"]
    reply = await server.http("POST", "/users/_mDelete", {"ids": ["ada", "bob", "-1"]})
    assert refusal(reply) == (206, "services.storage.incomplete_delete")
    assert reply.result == ["bob"]
    assert [error["id"] for error in reply.json["error"]["errors"]] == ["services.storage.not_found"] * 2


async def test_a_profile_that_a_user_has_is_not_deleted(server: Server) -> None:
    await server.http("PUT", "/profiles/clerk", {"policies": [{"roleId": "default"}]})
    await server.http("POST", "/users/ada/_create", {"content": {"profileIds": ["default", "clerk"]}})
    assert refusal(await server.http("DELETE", "/profiles/clerk")) == (412, "security.profile.in_use")
    await server.http("PUT", "/users/ada/_update", {"profileIds": ["default"]})
    assert (await server.http("DELETE", "/profiles/clerk")).status == 200


async def test_what_a_user_may_do_is_known_at_once_and_read_once(server: Server) -> None:
    users = server.app.security.users
    await server.http("POST", "/users/ada/_create", ADA)
    first = await users.get("ada")
    assert await users.get("ada") is first
    await server.http("PUT", "/users/ada/_update", {"profileIds": ["admin", "default"]})
    assert (await users.get("ada")).profile_ids == ("admin", "default")
    await server.http("DELETE", "/users/ada")
    reply = await server.http("GET", "/users/ada/_rights")
    assert refusal(reply) == (404, "services.storage.not_found")


# --- reading


async def test_the_rights_of_a_user_are_those_of_its_profiles(server: Server) -> None:
    await server.http("PUT", "/roles/reader", role_of({"document": {"get": True}, "server": {"now": False}}))
    await server.http("PUT", "/roles/writer", role_of({"server": {"now": True}}))
    for name in ("reader", "writer"):
        await server.http("PUT", f"/profiles/{name}", {"policies": [{"roleId": name}]})
    await server.http("POST", "/users/ada/_create", {"content": {"profileIds": ["reader", "writer"]}})
    everywhere = {"index": "*", "collection": "*", "value": "allowed"}
    assert (await server.http("GET", "/users/ada/_rights")).result == {
        "hits": [
            {"controller": "document", "action": "get", **everywhere},
            {"controller": "server", "action": "now", **everywhere},
        ],
        "total": 2,
    }
    anonymous = (await server.http("GET", "/users/-1/_rights")).result
    assert anonymous == {"hits": [{"controller": "*", "action": "*", **everywhere}], "total": 1}


async def test_users_are_found_by_whatever_they_hold(server: Server) -> None:
    for name, born in (("ada", 1815), ("bob", 1900), ("eve", 2000)):
        content = {"profileIds": ["default"], "name": name, "born": born, "city": {"name": f"City of {name}"}}
        await server.http("POST", f"/users/{name}/_create", {"content": content})

    async def ids(body: dict[str, Any], query: str = "") -> list[str]:
        found = (await server.http("POST", f"/users/_search{query}", body)).result
        return [hit["_id"] for hit in found["hits"]]

    assert await ids({"range": {"born": {"lt": 1950}}}) == ["ada", "bob"]  # a query alone
    assert await ids({"query": {"match": {"city.name": "bob"}}}) == ["bob"]
    by_birth = {"sort": [{"born": "desc"}]}
    assert await ids(by_birth) == ["eve", "bob", "ada"]
    assert await ids(by_birth, "?from=1&size=1") == ["bob"]
    assert await ids({"query": {"terms": {"_id": ["ada", "-1"]}}}) == ["ada"]
    counted = (await server.http("POST", "/users/_search", {"size": 0, "aggs": {"n": {"avg": {"born": {}}}}})).error_id
    assert counted == "services.storage.unexpected_bad_request"
    page = (await server.http("POST", "/users/_search", {"size": 0, "aggs": {"n": {"max": {"field": "born"}}}})).result
    assert page == {"hits": [], "total": 3, "aggregations": {"n": {"value": 2000.0}}}
    for body in ({"version": True}, {"collapse": {"field": "born"}}, {"nonsense": 1}, {"query": {"no": 1}}):
        reply = await server.http("POST", "/users/_search", body)
        assert refusal(reply) == (400, "services.storage.unexpected_bad_request")
    too_many = await server.http("POST", "/users/_search?size=10001", {})
    assert refusal(too_many) == (413, "services.storage.get_limit_exceeded")


async def test_users_are_scrolled(server: Server) -> None:
    for number in range(5):
        await server.http("POST", f"/users/u{number}/_create", ADA)
    page = (await server.http("POST", "/users/_search?scroll=1m&size=2", {})).result
    found = [hit["_id"] for hit in page["hits"]]
    while page["hits"]:
        page = (await server.http("GET", f"/users/_scroll/{page['scrollId']}?scroll=1m")).result
        found += [hit["_id"] for hit in page["hits"]]
    assert sorted(found) == [f"u{number}" for number in range(5)]
    path = f"/profiles/_scroll/{page['scrollId']}"
    assert refusal(await server.http("GET", path)) == (404, "services.storage.unknown_scroll_id")


async def test_the_mapping_of_users_grows_with_their_contents(server: Server) -> None:
    assert (await server.http("GET", "/users/_mapping")).result == {"mapping": {"profileIds": {"type": "keyword"}}}
    await server.http("PUT", "/users/_mapping", {"properties": {"name": {"type": "keyword"}}})
    await server.http("POST", "/users/ada/_create", ADA)
    assert (await server.http("GET", "/users/_mapping")).result["mapping"] == {
        "profileIds": {"type": "keyword"},
        "name": {"type": "keyword"},
        "born": {"type": "long"},
    }
    wrong = {"content": {"profileIds": ["default"], "born": {"year": 1815}}}
    reply = await server.http("POST", "/users/eve/_create", wrong)
    assert refusal(reply) == (400, "services.storage.wrong_mapping_property")
