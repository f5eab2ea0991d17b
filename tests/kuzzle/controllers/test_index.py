"""index: create, delete, exists, list."""

from __future__ import annotations

import pytest
from harness import Server


async def test_an_index_is_made_found_listed_and_deleted(server: Server) -> None:
    made = await server.http("POST", "/library/_create")
    assert made.result == {"acknowledged": True, "shards_acknowledged": True, "index": "library"}
    assert (await server.http("GET", "/library/_exists")).result is True
    await server.http("POST", "/archive/_create")
    assert (await server.http("GET", "/_list")).result == {"indexes": ["archive", "library"]}
    assert (await server.http("DELETE", "/library")).result == {"acknowledged": True}
    assert (await server.http("GET", "/library/_exists")).result is False
    assert (await server.http("GET", "/_list")).result == {"indexes": ["archive"]}


async def test_an_index_is_made_once(server: Server) -> None:
    await server.http("POST", "/library/_create")
    again = await server.http("POST", "/library/_create")
    assert (again.status, again.error_id) == (400, "services.storage.unexpected_bad_request")
    assert "already exists" in again.json["error"]["message"]


async def test_an_unknown_index_cannot_be_deleted(server: Server) -> None:
    reply = await server.http("DELETE", "/nowhere")
    assert (reply.status, reply.error_id) == (412, "services.storage.unknown_index")


async def test_a_deleted_index_takes_its_collections_along(server: Server) -> None:
    await server.prepare("library", "books")
    await server.http("POST", "/library/books/b1/_create", {"title": "Emma"})
    await server.http("DELETE", "/library")
    assert (await server.http("GET", "/library/books/_exists")).result is False
    await server.prepare("library", "books")
    assert (await server.http("GET", "/library/books/b1")).status == 404


@pytest.mark.parametrize("verb_and_path", ["POST /%25kuzzle/_create", "DELETE /%25kuzzle", "GET /%25kuzzle/_exists"])
async def test_internal_names_are_reserved(server: Server, verb_and_path: str) -> None:
    reply = await server.http(*verb_and_path.split(" "))
    assert (reply.status, reply.error_id) == (400, "services.storage.index_reserved")
    assert "%kuzzle" in reply.json["error"]["message"]


@pytest.mark.parametrize("name", ["Upper", "a b", "_a", "a,b", "a*", "a#b"])
async def test_names_that_cannot_be_are_refused(server: Server, name: str) -> None:
    websocket = await server.websocket()
    reply = await websocket.request("index", "create", index=name)
    assert (reply["status"], reply["error"]["id"]) == (400, "services.storage.unexpected_bad_request")


async def test_the_index_must_be_named(server: Server) -> None:
    websocket = await server.websocket()
    for action in ("create", "delete", "exists"):
        for members in ({}, {"index": ""}, {"index": None}):
            reply = await websocket.request("index", action, **members)
            assert (reply["status"], reply["error"]["id"]) == (400, "api.assert.missing_argument")
            assert reply["error"]["message"] == 'Missing argument "index".'
