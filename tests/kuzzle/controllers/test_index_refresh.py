"""index: mDelete, refresh, refreshInternal and the autoRefresh flag."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import Server

# Searches see nothing by themselves while a test runs.
LAZY = {"storage": {"refreshInterval": 600_000}}


async def total(server: Server) -> int:
    count: int = (await server.http("POST", "/library/books/_count", {})).result["count"]
    return count


async def test_several_indexes_are_deleted_and_unknown_ones_passed_over(server: Server) -> None:
    for index in ("a", "b", "c", "d"):
        await server.http("POST", f"/{index}/_create")
    reply = await server.http("DELETE", "/_mdelete", {"indexes": ["c", "a", "nowhere", "%kuzzle", 5, "a"]})
    assert reply.result == {"deleted": ["a", "c"]}
    websocket = await server.websocket()
    over_websocket = await websocket.request("index", "mDelete", body={"indexes": ["d"]})
    assert over_websocket["result"] == {"deleted": ["d"]}
    assert (await server.http("GET", "/_list")).result == {"indexes": ["b"]}


@pytest.mark.parametrize(
    ("action", "members", "error_id"),
    [
        ("mDelete", {}, "api.assert.body_required"),
        ("mDelete", {"body": {}}, "api.assert.missing_argument"),
        ("mDelete", {"body": {"indexes": "a"}}, "api.assert.invalid_type"),
        ("refresh", {}, "api.assert.missing_argument"),
        ("refresh", {"index": "%kuzzle"}, "services.storage.index_reserved"),
        ("getAutoRefresh", {}, "api.assert.missing_argument"),
        ("getAutoRefresh", {"index": "%kuzzle"}, "services.storage.index_reserved"),
        ("setAutoRefresh", {"index": "library"}, "api.assert.body_required"),
        ("setAutoRefresh", {"body": {"autoRefresh": True}}, "api.assert.missing_argument"),
        ("setAutoRefresh", {"index": "library", "body": {}}, "api.assert.missing_argument"),
        ("setAutoRefresh", {"index": "library", "body": {"autoRefresh": 1}}, "api.assert.invalid_type"),
        ("setAutoRefresh", {"index": "%a", "body": {"autoRefresh": True}}, "services.storage.index_reserved"),
        (
            "setAutoRefresh",
            {"index": "x" * 600, "body": {"autoRefresh": True}},
            "services.storage.unexpected_bad_request",
        ),
    ],
)
async def test_wrong_calls_are_refused(server: Server, action: str, members: dict[str, Any], error_id: str) -> None:
    websocket = await server.websocket()
    reply = await websocket.request("index", action, **members)
    assert (reply["status"], reply["error"]["id"]) == (400, error_id)


async def test_a_refresh_shows_what_was_written(tmp_path: Path) -> None:
    async with Server(tmp_path, LAZY) as server:
        await server.prepare()
        await total(server)  # from here on searches keep their snapshot
        await server.http("PUT", "/library/books/a", {})
        assert await total(server) == 0
        assert (await server.http("POST", "/library/_refresh")).result["_shards"]["failed"] == 0
        assert await total(server) == 1


@pytest.mark.parametrize(
    ("verb", "path", "body", "then"),
    [
        ("PUT", "/library/books/b", {}, 2),
        ("PUT", "/library/books/a/_update", {"n": 1}, 1),
        ("DELETE", "/library/books/a", None, 0),
        ("DELETE", "/library/books/_query", {"query": {}}, 0),
        ("DELETE", "/library/books/_truncate", None, 0),
    ],
)
async def test_the_flag_makes_single_writes_visible_at_once(
    tmp_path: Path, verb: str, path: str, body: Any, then: int
) -> None:
    async with Server(tmp_path, LAZY) as server:
        await server.prepare()
        set_it = await server.http("POST", "/library/_autoRefresh", {"autoRefresh": True})
        assert set_it.result == {"response": True}
        await server.http("PUT", "/library/books/a", {})
        assert await total(server) == 1
        assert (await server.http(verb, path, body)).status == 200
        assert await total(server) == then


async def test_the_flag_does_not_act_on_writes_of_many(tmp_path: Path) -> None:
    async with Server(tmp_path, LAZY) as server:
        await server.prepare()
        await server.http("POST", "/library/_autoRefresh", {"autoRefresh": True})
        await total(server)
        await server.http("POST", "/library/books/_mCreate", {"documents": [{"body": {}}]})
        assert await total(server) == 0


async def test_the_flag_survives_a_restart_and_ends_with_its_index(tmp_path: Path) -> None:
    async with Server(tmp_path, {}) as server:
        assert (await server.http("GET", "/library/_autoRefresh")).result is False
        for index in ("library", "archive", "attic"):
            await server.http("POST", f"/{index}/_create")
            await server.http("POST", f"/{index}/_autoRefresh", {"autoRefresh": True})
        await server.http("POST", "/archive/_autoRefresh", {"autoRefresh": False})
    async with Server(tmp_path, {}) as server:
        assert (await server.http("GET", "/library/_autoRefresh")).result is True
        assert (await server.http("GET", "/archive/_autoRefresh")).result is False
        await server.http("DELETE", "/library")
        await server.http("DELETE", "/_mdelete", {"indexes": ["attic"]})
        websocket = await server.websocket()
        for index in ("library", "attic"):
            assert (await websocket.request("index", "getAutoRefresh", index=index))["result"] is False


async def test_an_unknown_index_cannot_be_refreshed(server: Server) -> None:
    reply = await server.http("POST", "/nowhere/_refresh")
    assert (reply.status, reply.error_id) == (412, "services.storage.unknown_index")


async def test_the_internal_index_can_be_refreshed_before_and_after_it_is_made(server: Server) -> None:
    assert (await server.http("POST", "/_refreshInternal")).result == {"acknowledged": True}
    await server.http("POST", "/library/_autoRefresh", {"autoRefresh": True})
    assert (await server.http("POST", "/_refreshInternal")).result == {"acknowledged": True}
    assert (await server.http("GET", "/_list")).result == {"indexes": []}
