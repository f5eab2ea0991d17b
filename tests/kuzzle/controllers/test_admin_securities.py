"""admin: loading and resetting roles, profiles and users."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from harness import Reply, Server
from plain_rights import role_of

READER = role_of({"document": {"get": True}})
SECURITIES: dict[str, Any] = {
    "users": {
        "ada": {
            "content": {"profileIds": ["readers"], "name": "Ada"},
            "credentials": {"local": {"username": "ada", "password": "engine"}},
        },
        "bob": {"content": {"profileIds": ["default"]}},
    },
    "profiles": {"readers": {"policies": [{"roleId": "reader"}]}, "plain": {"policies": []}},
    "roles": {"reader": READER},
}
LOAD = "/admin/_loadSecurities?refresh=wait_for"


def refusal(reply: Reply) -> tuple[int, str | None]:
    return reply.status, reply.error_id


async def ask(server: Server, action: str, **members: Any) -> dict[str, Any]:
    websocket = await server.websocket()
    return await websocket.request("admin", action, **members)


async def ids(server: Server, kind: str) -> list[str]:
    found = (await server.http("POST", f"/{kind}/_search", {})).result
    return sorted(hit["_id"] for hit in found["hits"])


# --- loading


async def test_securities_are_loaded_in_the_order_they_need_each_other(server: Server) -> None:
    assert (await server.http("POST", LOAD, SECURITIES)).result == {"acknowledge": True}
    ada = (await server.http("GET", "/users/ada")).result
    assert ada["_source"] == {"profileIds": ["readers"], "name": "Ada", "_kuzzle_info": ada["_meta"]}
    assert ada["_meta"]["author"] is None
    assert (await server.http("GET", "/credentials/local/ada")).result == {"username": "ada", "kuid": "ada"}
    assert (await server.http("GET", "/profiles/plain")).result["_source"]["policies"] == [{"roleId": "default"}]
    assert (await server.http("GET", "/roles/reader")).result["_source"]["controllers"] == READER["controllers"]


async def test_loading_again_replaces_what_is_there(server: Server) -> None:
    await server.http("POST", LOAD, SECURITIES)
    changed = {
        "roles": {"reader": role_of({"server": {"now": True}})},
        "users": {"ada": {"content": {"profileIds": ["admin"]}}},
    }
    assert (await ask(server, "loadSecurities", refresh="wait_for", body=changed))["result"] == {"acknowledge": True}
    ada = (await server.http("GET", "/users/ada")).result["_source"]
    assert (ada["profileIds"], "name" in ada) == (["admin"], False)
    assert (await server.http("GET", "/credentials/local/ada/_exists")).result is False
    assert (await server.http("GET", "/users/bob")).status == 200
    assert list((await server.http("GET", "/roles/reader")).result["_source"]["controllers"]) == ["server"]


async def test_the_first_fault_ends_the_load_and_what_was_written_stays(server: Server) -> None:
    body = {"roles": {"reader": READER}, "profiles": {"p": {"policies": [{"roleId": "no"}]}}, "users": {"ada": {}}}
    body["users"] = SECURITIES["users"]
    assert refusal(await server.http("POST", LOAD, body)) == (404, "security.role.not_found")
    assert await ids(server, "roles") == ["admin", "anonymous", "default", "reader"]
    assert await ids(server, "users") == []


@pytest.mark.parametrize(
    ("body", "status", "error_id", "text"),
    [
        ({"roles": []}, 400, "api.assert.invalid_argument", "body.roles"),
        ({"profiles": {"p": 1}}, 400, "api.assert.invalid_argument", "body.profiles.p"),
        ({"users": {"ada": {}}}, 400, "api.assert.invalid_argument", "body.users.ada.content"),
        (
            {"users": {"ada": {"content": {}, "credentials": {"local": 1}}}},
            400,
            "api.assert.invalid_argument",
            "body.users.ada.credentials.local",
        ),
        ({"users": {"ada": {"profileIds": []}}}, 400, "api.assert.unexpected_argument", "body.users.ada.profileIds"),
        ({"profiles": {"_p": {"policies": []}}}, 400, "api.assert.invalid_id", "underscore"),
        ({"users": {"_ada": {"content": {"profileIds": []}}}}, 400, "api.assert.invalid_id", "underscore"),
        ({"role": {}}, 400, "api.assert.unexpected_argument", "body.role"),
        (
            {"users": {f"u{number}": {"content": {}} for number in range(201)}},
            413,
            "services.storage.write_limit_exceeded",
            "200",
        ),
    ],
)
async def test_the_form_is_checked_before_the_answer(
    server: Server, body: dict[str, Any], status: int, error_id: str, text: str
) -> None:
    for path in (LOAD, "/admin/_loadSecurities"):
        reply = await server.http("POST", path, body)
        assert refusal(reply) == (status, error_id)
        assert text in reply.json["error"]["message"]


async def test_who_does_not_wait_is_answered_at_once(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    assert (await server.http("POST", "/admin/_loadSecurities", SECURITIES)).result == {"acknowledge": True}
    wrong = {"roles": {"reader": role_of({"document": {"get": {"test": "return true"}}})}}
    with caplog.at_level(logging.INFO):
        assert (await server.http("POST", "/admin/_loadSecurities", wrong)).result == {"acknowledge": True}
        await server.app.background.finish(30)
    assert await ids(server, "users") == ["ada", "bob"]
    assert any("admin:loadSecurities failed" in record.message for record in caplog.records)


# --- resetting


async def test_a_reset_leaves_what_a_new_server_has(server: Server) -> None:
    await server.http("POST", LOAD, SECURITIES)
    await server.http("PUT", "/roles/default", READER)
    reply = await ask(server, "resetSecurity")
    assert reply["result"] == {"deletedUsers": 2, "deletedProfiles": 2, "deletedRoles": 1}
    assert await ids(server, "users") == []
    for kind in ("profiles", "roles"):
        assert await ids(server, kind) == ["admin", "anonymous", "default"]
    default = (await server.http("GET", "/roles/default")).result["_source"]["controllers"]
    assert default == {"*": {"actions": {"*": True}}}
    assert (await server.http("GET", "/credentials/local/ada/_exists")).result is False
    again = (await server.http("POST", "/admin/_resetSecurity/")).result
    assert again == {"deletedUsers": 0, "deletedProfiles": 0, "deletedRoles": 0}


async def test_many_users_are_deleted_by_a_reset(server: Server) -> None:
    users = server.app.security.users
    for number in range(130):
        await users.create(f"u{number}", {"profileIds": ["default"]})
    assert (await server.http("POST", "/admin/_resetSecurity")).result["deletedUsers"] == 130


async def test_a_reset_of_the_servers_own_data_keeps_documents_only(server: Server) -> None:
    await server.prepare()
    await server.http("POST", "/library/books/_create", {"title": "Emma"})
    await server.http("PUT", "/library/books/_specifications", {"strict": True, "fields": {}})
    await server.http("POST", "/library/_autoRefresh", {"autoRefresh": True})
    await server.http("POST", LOAD, SECURITIES)
    await server.http("PUT", "/users/_mapping", {"properties": {"note": {"type": "keyword"}}})
    assert (await server.http("POST", "/admin/_resetKuzzleData/")).result == {"acknowledge": True}
    assert await ids(server, "users") == []
    assert await ids(server, "roles") == ["admin", "anonymous", "default"]
    assert (await server.http("GET", "/users/_mapping")).result == {"mapping": {"profileIds": {"type": "keyword"}}}
    assert (await server.http("GET", "/library/books/_specifications")).status == 404
    assert (await server.http("POST", "/library/books/_create?refresh=wait_for", {"free": True})).status == 200
    assert (await server.http("GET", "/library/_autoRefresh")).result is False
    assert (await server.http("POST", "/library/books/_count", {})).result["count"] == 2
    assert (await ask(server, "resetKuzzleData"))["result"] == {"acknowledge": True}
    assert (await server.http("POST", LOAD, SECURITIES)).status == 200


async def test_each_reset_runs_once_at_a_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    model = server.app.security
    begun, go_on = asyncio.Event(), asyncio.Event()
    load = model._define

    async def slow(*definitions: Any) -> None:
        begun.set()
        await go_on.wait()
        await load(*definitions)

    monkeypatch.setattr(model, "_define", slow)
    for action in ("resetSecurity", "resetKuzzleData"):
        begun.clear()
        go_on.clear()
        first = asyncio.create_task(ask(server, action))
        await begun.wait()
        second = await ask(server, action)
        assert (second["status"], second["error"]["id"]) == (412, "api.process.action_locked")
        go_on.set()
        assert (await first)["status"] == 200


async def test_after_a_reset_the_first_administrator_can_be_made_again(server: Server) -> None:
    await server.http("POST", "/_createFirstAdmin/root?reset", {"content": {}})
    assert (await server.http("POST", "/admin/_resetSecurity")).status == 401
    await server.app.security.reset()
    assert (await server.http("POST", "/_createFirstAdmin/root?reset", {"content": {}})).status == 200
    assert (await server.http("GET", "/_list")).status == 401
