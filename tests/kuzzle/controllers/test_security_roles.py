"""The actions of `security` on roles, over HTTP and WebSocket, and what they do to live connections."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from harness import Reply, Server
from plain_rights import role_of

READER = role_of({"document": {"get": True, "search": True}})
CLOSED = role_of({"auth": {"login": True}, "security": {"*": True}})


def refusal(reply: Reply) -> tuple[int, str | None]:
    return reply.status, reply.error_id


async def test_a_new_server_has_three_open_roles(server: Server) -> None:
    found = (await server.http("POST", "/roles/_search")).result
    assert [hit["_id"] for hit in found["hits"]] == ["admin", "anonymous", "default"]
    assert found["total"] == 3
    for hit in found["hits"]:
        assert hit["_source"]["controllers"] == {"*": {"actions": {"*": True}}}
        assert hit["_meta"]["author"] is None


async def test_a_role_is_created_once_and_read(server: Server) -> None:
    created = (await server.http("POST", "/roles/reader/_create", {**READER, "_id": "x", "note": "mine"})).result
    assert created["_id"] == "reader"
    assert created["_source"] == {**READER, "note": "mine", "_kuzzle_info": created["_meta"]}
    assert created["_meta"].keys() == {"author", "createdAt", "updatedAt", "updater"}
    assert created["_meta"]["author"] == "-1"
    websocket = await server.websocket()
    assert (await websocket.request("security", "getRole", _id="reader"))["result"] == created
    assert refusal(await server.http("POST", "/roles/reader/_create", READER)) == (
        400,
        "services.storage.document_already_exists",
    )
    assert refusal(await server.http("GET", "/roles/writer")) == (404, "security.role.not_found")


async def test_a_role_survives_a_restart(tmp_path: Path) -> None:
    async with Server(tmp_path, {}) as server:
        await server.http("PUT", "/roles/reader", READER)
        await server.http("PUT", "/roles/default", READER)
    async with Server(tmp_path, {}) as server:
        for name in ("reader", "default"):
            assert (await server.http("GET", f"/roles/{name}")).result["_source"]["controllers"] == READER[
                "controllers"
            ]


async def test_the_metadata_of_a_client_are_replaced(server: Server) -> None:
    body = {**READER, "_kuzzle_info": {"author": "root", "createdAt": 1}}
    created = (await server.http("PUT", "/roles/reader", body)).result
    assert created["_meta"]["author"] == "-1"
    assert created["_meta"]["createdAt"] > 1
    updated = (await server.http("PUT", "/roles/reader/_update", {"_kuzzle_info": {"author": "root"}})).result
    assert updated["_meta"]["author"] == "-1"
    assert updated["_meta"]["updater"] == "-1"
    assert updated["_meta"]["updatedAt"] >= updated["_meta"]["createdAt"]


async def test_a_role_is_replaced_whole_and_updated_by_merging(server: Server) -> None:
    await server.http("PUT", "/roles/reader", {**READER, "note": "mine"})
    replaced = (await server.http("PUT", "/roles/reader", READER)).result
    assert "note" not in replaced["_source"]
    changes = role_of({"document": {"search": False}, "server": {"now": True}})
    updated = (await server.http("PUT", "/roles/reader/_update?retryOnConflict=3", changes)).result
    assert updated["_source"]["controllers"] == {
        "document": {"actions": {"get": True, "search": False}},
        "server": {"actions": {"now": True}},
    }
    assert refusal(await server.http("PUT", "/roles/writer/_update", READER)) == (404, "security.role.not_found")


async def test_an_id_with_an_underscore_is_refused_but_when_replacing(server: Server) -> None:
    assert refusal(await server.http("POST", "/roles/_mine/_create", READER)) == (400, "api.assert.invalid_id")
    assert (await server.http("PUT", "/roles/_mine", READER)).status == 200


@pytest.mark.parametrize(
    ("body", "error_id", "text"),
    [
        ({}, "api.assert.empty_argument", "controllers"),
        ({"controllers": {}}, "api.assert.empty_argument", "controllers"),
        ({"controllers": []}, "api.assert.invalid_type", "controllers"),
        ({"controllers": {"a": {}}}, "api.assert.empty_argument", "controllers.a"),
        ({"controllers": {"a": 1}}, "api.assert.invalid_type", "controllers.a"),
        ({"controllers": {"a": {"b": 1}}}, "api.assert.missing_argument", "controllers.a.actions"),
        ({"controllers": {"a": {"actions": {}}}}, "api.assert.empty_argument", "controllers.a.actions"),
        ({"controllers": {"a": {"actions": [1]}}}, "api.assert.invalid_type", "controllers.a.actions"),
        ({"controllers": {"a": {"actions": {"b": "yes"}}}}, "security.role.invalid_rights", "a.actions.b"),
        ({"controllers": {"a": {"actions": {"b": None}}}}, "security.role.invalid_rights", "a.actions.b"),
        (
            {"controllers": {"a": {"actions": {"b": {"test": "return true", "args": {}}}}}},
            "security.role.closure_exec_failed",
            "JavaScript",
        ),
    ],
)
async def test_what_is_no_role_is_refused(server: Server, body: dict[str, Any], error_id: str, text: str) -> None:
    for verb, path in (("POST", "/roles/reader/_create"), ("PUT", "/roles/reader")):
        reply = await server.http(verb, path, body)
        assert refusal(reply) == (400, error_id)
        assert text in reply.json["error"]["message"]
    assert refusal(await server.http("GET", "/roles/reader")) == (404, "security.role.not_found")


async def test_an_update_that_would_leave_no_role_changes_nothing(server: Server) -> None:
    await server.http("PUT", "/roles/reader", READER)
    conditional = role_of({"document": {"get": {"test": "return true"}}})
    reply = await server.http("PUT", "/roles/reader/_update", conditional)
    assert refusal(reply) == (400, "security.role.closure_exec_failed")
    assert (await server.http("GET", "/roles/reader")).result["_source"]["controllers"] == READER["controllers"]


async def test_the_anonymous_role_must_keep_the_login(server: Server) -> None:
    for role in (READER, role_of({"auth": {"login": False}, "*": {"*": True}}), role_of({"auth": {"logout": True}})):
        reply = await server.http("PUT", "/roles/anonymous", role)
        assert refusal(reply) == (400, "security.role.login_required")
    assert (await server.http("PUT", "/roles/anonymous", role_of({"*": {"*": True}}))).status == 200


async def test_a_change_of_a_role_is_in_force_at_once_for_live_connections(server: Server) -> None:
    websocket = await server.websocket()
    assert (await websocket.request("server", "now"))["status"] == 200
    assert (await websocket.request("security", "createOrReplaceRole", _id="anonymous", body=CLOSED))["status"] == 200
    refused = await websocket.request("server", "now")
    assert (refused["status"], refused["error"]["id"]) == (401, "security.rights.unauthorized")
    assert (await websocket.request("no", "such"))["status"] == 401
    changes = role_of({"server": {"now": True}})
    await websocket.request("security", "updateRole", _id="anonymous", body=changes)
    assert (await websocket.request("server", "now"))["status"] == 200


async def test_several_roles_are_read_and_unknown_ids_passed_over(server: Server) -> None:
    reply = await server.http("POST", "/roles/_mGet", {"ids": ["default", "no", "admin"]})
    assert [hit["_id"] for hit in reply.result["hits"]] == ["default", "admin"]
    assert reply.result["total"] == 2
    assert refusal(await server.http("POST", "/roles/_mGet", {"ids": [5]})) == (400, "api.assert.invalid_type")
    assert refusal(await server.http("POST", "/roles/_mGet", {})) == (400, "api.assert.missing_argument")


async def test_roles_are_found_by_the_controllers_they_name(server: Server) -> None:
    await server.http("PUT", "/roles/reader", READER)
    await server.http("PUT", "/roles/denier", role_of({"document": {"get": False}, "ms": {"*": True}}))

    async def ids(query: str = "", **body: Any) -> list[str]:
        found = (await server.http("POST", f"/roles/_search{query}", body)).result
        return [hit["_id"] for hit in found["hits"]]

    assert await ids(controllers=["document"]) == ["admin", "anonymous", "default", "denier", "reader"]
    assert await ids(controllers=["ms"]) == ["admin", "anonymous", "default", "denier"]
    assert await ids(controllers=[]) == ["admin", "anonymous", "default"]
    assert await ids("?from=1&size=2") == ["anonymous", "default"]
    total = (await server.http("POST", "/roles/_search?from=3&size=1", {})).result["total"]
    assert total == 5
    too_many = await server.http("POST", "/roles/_search?size=10001", {})
    assert refusal(too_many) == (413, "services.storage.get_limit_exceeded")


async def test_a_role_is_deleted_unless_it_is_protected_or_used(server: Server) -> None:
    await server.http("PUT", "/roles/reader", READER)
    await server.http("PUT", "/profiles/readers", {"policies": [{"roleId": "reader"}]})
    assert refusal(await server.http("DELETE", "/roles/reader")) == (412, "security.role.in_use")
    for name in ("admin", "default", "anonymous"):
        assert refusal(await server.http("DELETE", f"/roles/{name}")) == (400, "security.role.cannot_delete")
    await server.http("DELETE", "/profiles/readers")
    assert (await server.http("DELETE", "/roles/reader")).result == {"_id": "reader"}
    assert refusal(await server.http("DELETE", "/roles/reader")) == (404, "security.role.not_found")


async def test_several_roles_are_deleted_each_by_itself(server: Server) -> None:
    await server.http("PUT", "/roles/one", READER)
    await server.http("PUT", "/roles/two", READER)
    assert (await server.http("POST", "/roles/_mDelete", {"ids": ["one"]})).result == ["one"]
    reply = await server.http("POST", "/roles/_mDelete", {"ids": ["no", "two", "admin"]})
    assert refusal(reply) == (206, "services.storage.incomplete_delete")
    assert reply.result == ["two"]
    errors = reply.json["error"]["errors"]
    assert [error["id"] for error in errors] == ["security.role.not_found", "security.role.cannot_delete"]
    assert reply.json["error"]["count"] == 2
    too_many = await server.http("POST", "/roles/_mDelete", {"ids": ["x"] * 201})
    assert refusal(too_many) == (413, "services.storage.write_limit_exceeded")


async def test_the_mapping_of_roles_is_read_and_extended(server: Server) -> None:
    assert (await server.http("GET", "/roles/_mapping")).result["mapping"] == {
        "controllers": {"type": "object", "enabled": False}
    }
    body = {"properties": {"note": {"type": "keyword"}}}
    assert (await server.http("PUT", "/roles/_mapping", body)).result == {"acknowledged": True}
    assert (await server.http("GET", "/roles/_mapping")).result["mapping"]["note"] == {"type": "keyword"}
    wrong = await server.http("PUT", "/roles/_mapping", {"properties": {"note": {"type": "text"}}})
    assert refusal(wrong) == (400, "services.storage.cannot_change_mapping")


async def test_a_role_that_a_profile_begins_to_name_cannot_vanish_meanwhile(server: Server) -> None:
    """Of a deletion and a new reference sent together, one is refused, whichever comes first."""
    websocket = await server.websocket()
    for number in range(10):
        await websocket.request("security", "createOrReplaceRole", _id="reader", body=READER)
        profile = {"policies": [{"roleId": "reader"}]}
        deleted, created = await asyncio.gather(
            websocket.request("security", "deleteRole", _id="reader"),
            websocket.request("security", "createProfile", _id=f"readers-{number}", body=profile),
        )
        assert {deleted["status"], created["status"]} in ({200, 404}, {412, 200})
        if created["status"] == 200:
            await websocket.request("security", "deleteProfile", _id=f"readers-{number}")
