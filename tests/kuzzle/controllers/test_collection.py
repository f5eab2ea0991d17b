"""collection: create, exists, list, truncate and the mappings."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Server

METADATA = {
    "properties": {
        "active": {"type": "boolean"},
        "author": {"type": "keyword"},
        "createdAt": {"type": "date"},
        "updatedAt": {"type": "date"},
        "updater": {"type": "keyword"},
        "deletedAt": {"type": "date"},
    }
}


async def names(server: Server, query: str = "") -> list[tuple[str, str]]:
    reply = await server.http("GET", f"/library/_list{query}")
    return [(entry["name"], entry["type"]) for entry in reply.result["collections"]]


async def test_a_collection_is_made_and_found(server: Server) -> None:
    await server.http("POST", "/library/_create")
    assert (await server.http("GET", "/library/books/_exists")).result is False
    assert (await server.http("PUT", "/library/books")).result == {"acknowledged": True}
    assert (await server.http("GET", "/library/books/_exists")).result is True
    assert (await server.http("GET", "/nowhere/books/_exists")).result is False


async def test_a_collection_needs_its_index(server: Server) -> None:
    reply = await server.http("PUT", "/nowhere/books")
    assert (reply.status, reply.error_id) == (412, "services.storage.unknown_index")


async def test_a_mapping_comes_back_as_given(server: Server) -> None:
    await server.http("POST", "/library/_create")
    mapping = {
        "dynamic": "strict",
        "_meta": {"owner": "Ada"},
        "properties": {"title": {"type": "text"}, "author": {"properties": {"name": {"type": "keyword"}}}},
    }
    await server.http("PUT", "/library/books", mapping)
    reply = await server.http("GET", "/library/books/_mapping")
    assert reply.result == {"library": {"mappings": {"books": mapping}}}


async def test_a_collection_without_mapping_has_an_empty_one(server: Server) -> None:
    await server.prepare()
    shown = (await server.http("GET", "/library/books/_mapping?includeKuzzleMeta")).result
    assert shown["library"]["mappings"]["books"]["dynamic"] == "true"
    assert shown["library"]["mappings"]["books"]["properties"] == {"_kuzzle_info": METADATA}


async def test_making_a_collection_again_merges_the_mapping(server: Server) -> None:
    await server.http("POST", "/library/_create")
    await server.http("PUT", "/library/books", {"_meta": {"a": 1}, "properties": {"title": {"type": "text"}}})
    await server.http("PUT", "/library/books", {"properties": {"year": {"type": "integer"}}})
    assert (await server.http("GET", "/library/books/_mapping")).result["library"]["mappings"]["books"] == {
        "dynamic": "true",
        "_meta": {"a": 1},
        "properties": {"title": {"type": "text"}, "year": {"type": "integer"}},
    }


async def test_a_mapping_is_updated(server: Server) -> None:
    await server.prepare()
    reply = await server.http("PUT", "/library/books/_mapping", {"properties": {"year": {"type": "integer"}}})
    assert reply.result == {"acknowledged": True}
    shown = (await server.http("GET", "/library/books/_mapping")).result
    assert shown["library"]["mappings"]["books"]["properties"] == {"year": {"type": "integer"}}


async def test_a_mapping_needs_its_collection(server: Server) -> None:
    await server.http("POST", "/library/_create")
    for verb, body in (("GET", None), ("PUT", {"properties": {}})):
        reply = await server.http(verb, "/library/nothing/_mapping", body)
        assert (reply.status, reply.error_id) == (404, "services.storage.no_mapping_found")
        reply = await server.http(verb, "/nowhere/books/_mapping", body)
        assert (reply.status, reply.error_id) == (412, "services.storage.unknown_index")


@pytest.mark.parametrize(
    ("body", "error_id"),
    [
        ({"mappings": {}}, "services.storage.invalid_mapping"),
        ({"properties": {"a": {"type": "no such type"}}}, "services.storage.invalid_mapping_type"),
        ({"properties": {"year": {"type": "keyword"}}}, "services.storage.cannot_change_mapping"),
    ],
)
async def test_a_wrong_mapping_is_refused(server: Server, body: dict[str, Any], error_id: str) -> None:
    await server.prepare()
    await server.http("PUT", "/library/books/_mapping", {"properties": {"year": {"type": "integer"}}})
    reply = await server.http("PUT", "/library/books/_mapping", body)
    assert (reply.status, reply.error_id) == (400, error_id)


async def test_updating_a_mapping_needs_a_body(server: Server) -> None:
    await server.prepare()
    reply = await server.http("PUT", "/library/books/_mapping")
    assert (reply.status, reply.error_id) == (400, "api.assert.body_required")


# --- list


async def test_stored_and_realtime_collections_are_listed_by_name(server: Server) -> None:
    await server.prepare("library", "books")
    await server.http("PUT", "/library/authors")
    websocket = await server.websocket()
    for collection in ("books", "chat"):
        await websocket.request("realtime", "subscribe", index="library", collection=collection, body={})
    assert sorted(await names(server)) == [
        ("authors", "stored"),
        ("books", "realtime"),
        ("books", "stored"),
        ("chat", "realtime"),
    ]
    assert [name for name, _ in await names(server)] == ["authors", "books", "books", "chat"]
    assert await names(server, "/stored") == [("authors", "stored"), ("books", "stored")]
    assert await names(server, "?type=realtime") == [("books", "realtime"), ("chat", "realtime")]


async def test_a_list_is_cut_to_its_page(server: Server) -> None:
    await server.http("POST", "/library/_create")
    for name in ("d", "b", "a", "c"):
        await server.http("PUT", f"/library/{name}")
    assert (await server.http("GET", "/library/_list?from=1&size=2")).result == {
        "type": "all",
        "collections": [{"name": "b", "type": "stored"}, {"name": "c", "type": "stored"}],
        "from": 1,
        "size": 2,
    }
    from_only = (await server.http("GET", "/library/_list?from=3")).result
    assert from_only == {"type": "all", "collections": [{"name": "d", "type": "stored"}], "from": 3}
    size_only = (await server.http("GET", "/library/_list?size=1")).result
    assert size_only == {"type": "all", "collections": [{"name": "a", "type": "stored"}], "from": 0, "size": 1}
    neither = (await server.http("GET", "/library/_list?from=0&size=0")).result
    assert set(neither) == {"type", "collections"}
    assert len(neither["collections"]) == 4


async def test_listing_names_its_faults(server: Server) -> None:
    for path, status, error_id in (
        ("/nowhere/_list", 412, "services.storage.unknown_index"),
        ("/nowhere/_list/warm", 400, "api.assert.invalid_argument"),
        ("/nowhere/_list?size=many", 400, "api.assert.invalid_type"),
        ("/nowhere/_list?from=-1", 400, "api.assert.invalid_argument"),
    ):
        reply = await server.http("GET", path)
        assert (reply.status, reply.error_id) == (status, error_id)
    assert (await server.http("GET", "/nowhere/_list/realtime")).result == {"type": "realtime", "collections": []}


# --- truncate


async def test_truncating_moves_everything_to_the_trash_and_tells_nobody(server: Server) -> None:
    await server.http("POST", "/library/_create")
    await server.http("PUT", "/library/books", {"properties": {"title": {"type": "keyword"}}})
    for number in range(3):
        await server.http("POST", f"/library/books/b{number}/_create?refresh=wait_for", {"title": "Emma"})
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", index="library", collection="books", body={})
    reply = await server.http("DELETE", "/library/books/_truncate?refresh=wait_for")
    assert reply.result == {"acknowledged": True}
    assert (await server.http("POST", "/library/books/_count")).result["count"] == 0
    assert (await server.http("POST", "/library/books/_count?includeTrash")).result["count"] == 3
    assert (await server.http("GET", "/library/books/b0")).status == 404
    shown = (await server.http("GET", "/library/books/_mapping")).result
    assert shown["library"]["mappings"]["books"]["properties"] == {"title": {"type": "keyword"}}
    await websocket.settle()
    assert websocket.notifications.empty()


async def test_truncating_nothing_is_fine_but_the_index_must_exist(server: Server) -> None:
    await server.http("POST", "/library/_create")
    assert (await server.http("DELETE", "/library/nothing/_truncate")).result == {"acknowledged": True}
    reply = await server.http("DELETE", "/nowhere/books/_truncate")
    assert (reply.status, reply.error_id) == (412, "services.storage.unknown_index")
    reply = await server.http("DELETE", "/library/books/_truncate?refresh=now")
    assert (reply.status, reply.error_id) == (400, "services.storage.invalid_argument")
