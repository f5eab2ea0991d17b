"""Roles, profiles and users as they are found in a store, and what a server makes of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from harness import Server
from plain_rights import role_of

from kuzzle.errors import KuzzleError
from kuzzle.security import users as users_module
from kuzzle.storage.internal import InternalCollection


async def put(server: Server, collection: str, contents: Mapping[str, Any]) -> None:
    """Write into the store, past all checks."""
    await InternalCollection(server.app.storage, collection, {}).put_all(contents)


async def test_a_role_that_cannot_be_read_gives_no_rights_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Server(tmp_path, {}) as server:
        roles = {"broken": {"controllers": {"server": 5}}, "fine": role_of({"server": {"now": True}})}
        profiles = {"broken": {"policies": {}}, "anonymous": {"policies": [{"roleId": "broken"}]}}
        await put(server, "roles", roles)
        await put(server, "profiles", profiles)
    with caplog.at_level(logging.ERROR):
        async with Server(tmp_path, {}) as server:
            # The stored profile `anonymous` names no role `anonymous`: it is not in force, and gives no rights.
            assert (await server.http("GET", "/_now")).status == 401
            assert "fine" in server.app.security.roles.active
    told = sorted(record.message.partition(" is not in force")[0] for record in caplog.records)
    assert told == [
        "The stored Profiles anonymous",
        "The stored Profiles broken",
        "The stored Roles broken",
    ]


async def test_a_condition_in_a_stored_role_denies_and_is_listed_as_one(tmp_path: Path) -> None:
    condition = {"test": "return true", "args": {}}
    async with Server(tmp_path, {}) as server:
        await put(server, "roles", {"old": role_of({"server": {"now": condition, "info": True}})})
        await put(server, "profiles", {"old": {"policies": [{"roleId": "old"}]}})
        await put(server, "users", {"ada": {"profileIds": ["old"]}})
    async with Server(tmp_path, {}) as server:
        user = await server.app.security.users.get("ada")
        rights = server.app.security.rights
        assert not rights.allows(user, "server", "now")
        assert rights.allows(user, "server", "info")
        listed = (await server.http("GET", "/users/ada/_rights")).result["hits"]
        assert [(right["action"], right["value"]) for right in listed] == [("now", "conditional"), ("info", "allowed")]
        assert (await server.http("GET", "/roles/old")).result["_source"]["controllers"]["server"]["actions"] == {
            "now": condition,
            "info": True,
        }


async def test_a_store_that_has_roles_is_never_opened_again(tmp_path: Path) -> None:
    async with Server(tmp_path, {}) as server:
        await server.http("POST", "/_createFirstAdmin/root?reset", {"content": {}})
        await server.app.security.roles.collection.remove("anonymous")  # as if half of a restore was lost
    async with Server(tmp_path, {}) as server:
        assert (await server.http("GET", "/_serverInfo")).status == 401
        assert "anonymous" not in server.app.security.roles.active


async def test_what_is_wrong_with_a_stored_user_gives_no_rights(server: Server) -> None:
    contents = {"a": {"profileIds": "admin"}, "b": {"profileIds": ["admin", 5]}, "c": {}, "d": {"profileIds": ["gone"]}}
    await put(server, "users", contents)
    users, rights = server.app.security.users, server.app.security.rights
    read = {kuid: (await users.get(kuid)).profile_ids for kuid in contents}
    assert read == {"a": ("admin",), "b": ("admin",), "c": (), "d": ("gone",)}
    assert not rights.allows(await users.get("c"), "server", "now")
    assert not rights.allows(await users.get("d"), "server", "now")


async def test_no_more_users_stay_in_memory_than_that(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users_module, "MAX_KNOWN_USERS", 3)
    users = server.app.security.users
    for number in range(5):
        await users.create(f"u{number}", {"profileIds": ["default"]})
    for number in (0, 1, 2, 3, 4, 0):
        assert (await users.get(f"u{number}")).id == f"u{number}"
    assert list(users._known) == ["u3", "u4", "u0"]


async def test_what_was_read_before_a_change_is_not_remembered_after_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = server.app.security.users
    await users.create("ada", {"profileIds": ["default"]})
    find = users.collection.find

    async def slow(document_id: str) -> Any:
        source = await find(document_id)
        monkeypatch.setattr(users.collection, "find", find)
        await users.update("ada", {"profileIds": ["admin"]})
        return source

    monkeypatch.setattr(users.collection, "find", slow)
    assert (await users.get("ada")).profile_ids == ("default",)  # asked before the change
    assert (await users.get("ada")).profile_ids == ("admin",)


async def test_belongings_that_cannot_be_deleted_keep_their_user(server: Server) -> None:
    users = server.app.security.users
    await users.create("ada", {"profileIds": ["default"]})

    async def refuse(kuid: str) -> None:
        raise KuzzleError("security.credentials.rejected", kuid)

    users.on_deleted.append(refuse)
    reply = await server.http("DELETE", "/users/ada")
    assert (reply.status, reply.error_id) == (400, "security.credentials.rejected")
    reply = await server.http("POST", "/users/_mDelete", {"ids": ["ada"]})
    assert (reply.status, reply.result) == (206, [])
    reply = await server.http("POST", "/admin/_resetSecurity")
    assert (reply.status, reply.error_id) == (400, "security.credentials.rejected")
    users.on_deleted.remove(refuse)
    assert (await server.http("GET", "/users/ada")).status == 200
    assert (await server.http("POST", "/admin/_resetSecurity")).result["deletedUsers"] == 1


async def test_changes_of_many_at_once_are_all_in_force(server: Server) -> None:
    async def change(number: int) -> int:
        role = role_of({"server": {f"action-{number}": True}})
        return (await server.http("PUT", "/roles/many/_update" if number else "/roles/many", role)).status

    assert await change(0) == 200
    assert set(await asyncio.gather(*(change(number) for number in range(1, 20)))) == {200}
    stored = (await server.http("GET", "/roles/many")).result["_source"]["controllers"]["server"]["actions"]
    assert stored == {f"action-{number}": True for number in range(20)}
    in_store = await server.app.security.roles.collection.find("many")
    assert in_store is not None
    assert in_store["controllers"]["server"]["actions"] == stored
