"""admin: loading, resetting and stopping."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from harness import Server
from running import RunningServer

MAPPINGS = {
    "library": {"books": {"properties": {"title": {"type": "keyword"}}}, "maps": {"dynamic": "strict"}},
    "archive": {},
}
FIXTURES = {"library": {"books": [{"index": {"_id": 1}}, {"title": "Emma"}, {"create": {}}, {"title": "Persuasion"}]}}


async def ask(server: Server, action: str, **members: Any) -> dict[str, Any]:
    websocket = await server.websocket()
    return await websocket.request("admin", action, **members)


async def test_mappings_are_loaded_and_merged(server: Server) -> None:
    reply = await server.http("POST", "/admin/_loadMappings/?refresh=wait_for", MAPPINGS)
    assert reply.result == {"acknowledge": True}
    assert (await server.http("GET", "/_list")).result == {"indexes": ["archive", "library"]}
    more = {"library": {"books": {"properties": {"pages": {"type": "integer"}}}}}
    assert (await ask(server, "loadMappings", refresh="wait_for", body=more))["result"] == {"acknowledge": True}
    mapping = (await server.http("GET", "/library/books/_mapping")).result["library"]["mappings"]["books"]
    assert mapping["properties"] == {"title": {"type": "keyword"}, "pages": {"type": "integer"}}


async def test_mappings_stop_at_the_first_fault(server: Server) -> None:
    wrong = {"a": {"b": {}, "c": {"properties": {"n": {"type": "unheard of"}}}, "d": {}}}
    reply = await server.http("POST", "/admin/_loadMappings?refresh=wait_for", wrong)
    assert (reply.status, reply.error_id) == (400, "services.storage.invalid_mapping_type")
    assert (await server.http("GET", "/a/b/_exists")).result is True
    assert (await server.http("GET", "/a/d/_exists")).result is False


async def test_fixtures_are_loaded_and_visible_at_once(tmp_path: Path) -> None:
    async with Server(tmp_path, {"storage": {"refreshInterval": 600_000}}) as server:
        await server.prepare()
        await server.http("POST", "/library/books/_count", {})
        reply = await server.http("POST", "/admin/_loadFixtures/?refresh=wait_for", FIXTURES)
        assert reply.result == {"acknowledge": True}
        assert (await server.http("POST", "/library/books/_count", {})).result["count"] == 2
        assert (await server.http("GET", "/library/books/1")).result["_source"]["title"] == "Emma"


async def test_refused_fixtures_are_told_to_who_waits(server: Server) -> None:
    await server.http("POST", "/admin/_loadMappings?refresh=wait_for", MAPPINGS)
    fixtures = {"library": {"maps": [{"index": {"_id": "a"}}, {"n": 1}], "books": FIXTURES["library"]["books"]}}
    reply = await ask(server, "loadFixtures", refresh="wait_for", body=fixtures)
    assert (reply["status"], reply["error"]["id"]) == (206, "services.storage.import_failed")
    assert [(error["_id"], error["status"]) for error in reply["error"]["errors"]] == [("a", 400)]
    assert (await server.http("POST", "/library/books/_count", {})).result["count"] == 0  # nothing came after it
    unknown = await ask(server, "loadFixtures", refresh="wait_for", body={"library": {"none": []}})
    assert unknown["status"] == 200  # no operation names it
    unknown = await ask(server, "loadFixtures", refresh="wait_for", body={"library": {"none": [{"index": {}}, {}]}})
    assert (unknown["status"], unknown["error"]["id"]) == (412, "services.storage.unknown_index_collection")


async def test_who_does_not_wait_is_answered_at_once_whatever_follows(server: Server) -> None:
    for action, body in (
        ("loadMappings", MAPPINGS),
        ("loadMappings", {"Upper": {}}),
        ("loadFixtures", {"none": {"none": [{"index": {}}, {}]}}),
    ):
        assert (await ask(server, action, body=body))["result"] == {"acknowledge": True}
    await server.app.background.finish(30)
    assert (await server.http("GET", "/_list")).result == {"indexes": ["archive", "library"]}


async def test_work_in_the_background_ends_before_the_store_is_closed(tmp_path: Path) -> None:
    async with Server(tmp_path, {}) as server:
        await server.prepare()
        lines = [line for number in range(1000) for line in ({"index": {"_id": number}}, {})]
        await server.http("POST", "/admin/_loadFixtures", {"library": {"books": lines}})
    async with Server(tmp_path, {}) as server:
        assert (await server.http("POST", "/library/books/_count", {})).result["count"] == 1000


@pytest.mark.parametrize(
    ("action", "members", "status", "error_id"),
    [
        ("loadMappings", {}, 400, "api.assert.body_required"),
        ("loadMappings", {"body": {"a": 5}}, 400, "api.assert.invalid_argument"),
        ("loadMappings", {"body": {"a": {"b": []}}}, 400, "api.assert.invalid_argument"),
        ("loadMappings", {"body": {"%a": {}}}, 400, "services.storage.index_reserved"),
        ("loadFixtures", {}, 400, "api.assert.body_required"),
        ("loadFixtures", {"body": {"a": []}}, 400, "api.assert.invalid_argument"),
        ("loadFixtures", {"body": {"a": {"b": {}}}}, 400, "api.assert.invalid_argument"),
        ("loadFixtures", {"body": {"%a": {}}}, 400, "services.storage.index_reserved"),
        ("resetCache", {}, 400, "api.assert.missing_argument"),
        ("resetCache", {"database": "memory"}, 404, "services.cache.database_not_found"),
        ("resetCache", {"database": "none"}, 404, "services.cache.database_not_found"),
    ],
)
async def test_wrong_calls_are_refused(
    server: Server, action: str, members: dict[str, Any], status: int, error_id: str
) -> None:
    reply = await ask(server, action, **members)
    assert (reply["status"], reply["error"]["id"]) == (status, error_id)


async def test_the_database_is_reset_but_for_what_the_server_keeps(server: Server) -> None:
    for index in ("library", "archive"):
        await server.prepare(index)
        await server.http("POST", f"/{index}/_autoRefresh", {"autoRefresh": True})
    assert (await server.http("POST", "/admin/_resetDatabase/")).result == {"acknowledge": True}
    assert (await server.http("GET", "/_list")).result == {"indexes": []}
    assert (await server.http("GET", "/library/_autoRefresh")).result is False
    assert await server.app.storage.index_exists("%kuzzle")
    assert (await ask(server, "resetDatabase"))["result"] == {"acknowledge": True}


async def test_the_database_is_reset_by_one_at_a_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    await server.prepare()
    websocket = await server.websocket()
    delete_index, holds_lock, refused_one = server.app.storage.delete_index, asyncio.Event(), asyncio.Event()

    async def delete_later(index: str) -> None:
        holds_lock.set()
        await refused_one.wait()
        await delete_index(index)

    monkeypatch.setattr(server.app.storage, "delete_index", delete_later)
    first = asyncio.create_task(websocket.request("admin", "resetDatabase"))
    await holds_lock.wait()
    second = await ask(server, "resetDatabase")
    refused_one.set()
    replies = [await first, second]
    assert sorted(reply["status"] for reply in replies) == [200, 412]
    refused = next(reply["error"] for reply in replies if reply["error"])
    assert refused["id"] == "api.process.action_locked"
    assert refused["message"] == 'Cannot execute action "resetDatabase": already executing.'
    assert (await websocket.request("admin", "resetDatabase"))["status"] == 200


async def test_the_internal_cache_is_emptied(server: Server) -> None:
    await server.app.statistics.close_frame()
    await server.app.statistics.close_frame()
    assert (await server.http("POST", "/admin/_resetCache?database=internalCache")).result == {"acknowledge": True}
    assert (await server.http("GET", "/_getAllStats")).result["total"] == 1  # the live one


async def test_scrolls_end_with_the_internal_cache(server: Server) -> None:
    await server.prepare()
    paths = []
    for search, scroll in (("/library/books/_search", "/_scroll"), ("/validations/_search", "/validations/_scroll")):
        result = (await server.http("POST", f"{search}?scroll=1m")).result
        paths.append(f"{scroll}/{result['scrollId']}")
    await server.http("POST", "/admin/_resetCache?database=internalCache")
    for path in paths:
        reply = await server.http("GET", path)
        assert (reply.status, reply.error_id) == (404, "services.storage.unknown_scroll_id")


async def test_users_are_logged_out_with_the_internal_cache(server: Server) -> None:
    await server.prepare()
    await server.app.security.users.create("ada", {"profileIds": ["default"]})
    await server.app.credentials.create("ada", {"local": {"username": "ada", "password": "engine"}})
    body = {"username": "ada", "password": "engine"}
    websocket = await server.websocket()
    token = (await websocket.request("auth", "login", strategy="local", body=body))["result"]["jwt"]
    await websocket.request("realtime", "subscribe", index="library", collection="books", body={}, jwt=token)
    await server.http("POST", "/admin/_resetCache?database=internalCache")
    refused = await websocket.request("server", "now", jwt=token)
    assert (refused["status"], refused["error"]["id"]) == (401, "security.token.invalid")
    assert server.app.realtime.list_rooms() == {}
    assert (await websocket.request("auth", "login", strategy="local", body=body))["status"] == 200


async def test_the_server_is_told_to_stop_once(server: Server) -> None:
    told: list[bool] = []
    server.app.stop_server = lambda: told.append(True)
    assert (await server.http("POST", "/admin/_shutdown/")).result == {"acknowledge": True}
    again = await ask(server, "shutdown")
    assert (again["status"], again["error"]["id"]) == (412, "api.process.action_locked")
    assert told == [True]


def test_a_server_told_to_stop_answers_and_ends_with_0(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        url = f"http://localhost:{server.ports['http']}/admin/_shutdown"
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=30) as answer:
            assert json.load(answer)["result"] == {"acknowledge": True}
        assert server.process.wait(30) == 0
