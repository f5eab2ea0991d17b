"""document: one at a time."""

from __future__ import annotations

import time
from typing import Any

import pytest
from harness import Server

SHARDS = {"total": 1, "successful": 1, "failed": 0}
BOOKS = "/library/books"


def without_times(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata with True in place of each time."""
    return {name: True if name.endswith("At") and value is not None else value for name, value in metadata.items()}


async def meta(server: Server, document_id: str) -> dict[str, Any]:
    return without_times((await server.http("GET", f"{BOOKS}/{document_id}?includeTrash")).result["_meta"])


async def test_a_document_is_created_with_its_metadata(server: Server) -> None:
    await server.prepare()
    before = int(time.time() * 1000)
    reply = await server.http("POST", f"{BOOKS}/b1/_create", {"title": "Emma", "_kuzzle_info": {"author": "x"}})
    source = reply.result["_source"]
    metadata = source["_kuzzle_info"]
    assert before <= metadata["createdAt"] <= int(time.time() * 1000)
    assert metadata == {
        "author": "-1",
        "createdAt": metadata["createdAt"],
        "updatedAt": None,
        "updater": None,
        "active": True,
        "deletedAt": None,
    }
    assert source == {"title": "Emma", "_kuzzle_info": metadata}
    assert reply.status == 200
    assert reply.result == {
        "_index": "library",
        "_type": "books",
        "_id": "b1",
        "_version": 1,
        "result": "created",
        "created": True,
        "_shards": SHARDS,
        "_source": source,
        "_meta": metadata,
    }


async def test_a_document_is_read_at_once(server: Server) -> None:
    await server.prepare()
    made = (await server.http("POST", f"{BOOKS}/b1/_create", {"title": "Emma"})).result
    reply = await server.http("GET", f"{BOOKS}/b1")
    assert reply.result == {
        "_index": "library",
        "_type": "books",
        "_id": "b1",
        "_version": 1,
        "found": True,
        "_source": made["_source"],
        "_meta": made["_meta"],
    }
    assert (await server.http("GET", f"{BOOKS}/b1/_exists")).result is True
    assert (await server.http("GET", f"{BOOKS}/b2/_exists")).result is False


async def test_an_id_is_made_when_none_is_given(server: Server) -> None:
    await server.prepare()
    websocket = await server.websocket()
    over_http = (await server.http("POST", f"{BOOKS}/_create", {})).result["_id"]
    where = {"index": "library", "collection": "books", "body": {}}
    made = [over_http] + [
        (await websocket.request("document", "create", **where, **members))["result"]["_id"]
        for members in ({}, {"_id": ""}, {"_id": None})
    ]
    assert len(set(made)) == 4
    assert all(made)
    for document_id in made:
        assert (await server.http("GET", f"{BOOKS}/{document_id}")).status == 200


async def test_an_id_may_come_in_the_query_string(server: Server) -> None:
    await server.prepare()
    assert (await server.http("POST", f"{BOOKS}/_create?_id=b7", {})).result["_id"] == "b7"


async def test_a_taken_id_is_refused(server: Server) -> None:
    await server.prepare()
    await server.http("POST", f"{BOOKS}/b1/_create", {"title": "Emma"})
    reply = await server.http("POST", f"{BOOKS}/b1/_create", {"title": "Persuasion"})
    assert (reply.status, reply.error_id) == (400, "services.storage.document_already_exists")
    assert (await server.http("GET", f"{BOOKS}/b1")).result["_source"]["title"] == "Emma"


async def test_create_or_replace_stores_the_whole_content(server: Server) -> None:
    await server.prepare()
    first = (await server.http("PUT", f"{BOOKS}/b1", {"title": "Emma", "year": 1815})).result
    assert (first["created"], first["result"], first["_version"]) == (True, "created", 1)
    second = (await server.http("PUT", f"{BOOKS}/b1", {"title": "Emma, again"})).result
    assert (second["created"], second["result"], second["_version"]) == (False, "updated", 2)
    assert {name for name in second["_source"] if name != "_kuzzle_info"} == {"title"}
    assert await meta(server, "b1") == {
        "author": "-1",
        "createdAt": True,
        "updatedAt": True,
        "updater": "-1",
        "active": True,
        "deletedAt": None,
    }


async def test_replace_needs_a_document(server: Server) -> None:
    await server.prepare()
    reply = await server.http("PUT", f"{BOOKS}/b1/_replace", {"title": "Emma"})
    assert (reply.status, reply.error_id) == (404, "services.storage.not_found")
    assert reply.json["error"]["message"] == 'Document "b1" not found.'
    await server.http("POST", f"{BOOKS}/b1/_create", {"title": "Emma", "year": 1815})
    replaced = (await server.http("PUT", f"{BOOKS}/b1/_replace", {"title": "Persuasion"})).result
    assert (replaced["created"], replaced["result"], replaced["_version"]) == (False, "updated", 2)
    assert (await meta(server, "b1"))["updater"] == "-1"


async def test_an_update_merges_deeply_and_shows_no_content(server: Server) -> None:
    await server.prepare()
    await server.http("POST", f"{BOOKS}/b1/_create", {"a": {"b": 1, "c": [1, 2]}, "d": 4})
    reply = await server.http("PUT", f"{BOOKS}/b1/_update", {"a": {"c": [3]}, "d": None})
    assert reply.result == {
        "_index": "library",
        "_type": "books",
        "_id": "b1",
        "_version": 2,
        "result": "updated",
        "_shards": SHARDS,
    }
    source = (await server.http("GET", f"{BOOKS}/b1")).result["_source"]
    assert {name: source[name] for name in ("a", "d")} == {"a": {"b": 1, "c": [3]}, "d": None}
    assert await meta(server, "b1") == {
        "author": "-1",
        "createdAt": True,
        "updatedAt": True,
        "updater": "-1",
        "active": True,
        "deletedAt": None,
    }


async def test_an_update_without_a_change_still_counts(server: Server) -> None:
    await server.prepare()
    await server.http("POST", f"{BOOKS}/b1/_create", {"a": 1})
    assert (await server.http("PUT", f"{BOOKS}/b1/_update?retryOnConflict=3", {"a": 1})).result["_version"] == 2


# --- the trash


async def test_a_deleted_document_lies_in_the_trash(server: Server) -> None:
    await server.prepare()
    await server.http("POST", f"{BOOKS}/b1/_create", {"title": "Emma"})
    reply = await server.http("DELETE", f"{BOOKS}/b1")
    assert reply.result == {
        "_index": "library",
        "_type": "books",
        "_id": "b1",
        "_version": 2,
        "result": "updated",
        "_shards": SHARDS,
    }
    gone = await server.http("GET", f"{BOOKS}/b1")
    assert (gone.status, gone.error_id) == (404, "services.storage.not_found")
    assert gone.json["error"]["message"] == 'Document "b1" not found.'
    assert (await server.http("GET", f"{BOOKS}/b1/_exists")).result is False
    assert (await server.http("GET", f"{BOOKS}/b1/_exists?includeTrash")).result is True
    found = (await server.http("GET", f"{BOOKS}/b1?includeTrash")).result
    assert found["_source"]["title"] == "Emma"
    assert without_times(found["_meta"]) == {
        "author": "-1",
        "createdAt": True,
        "updatedAt": None,
        "updater": "-1",
        "active": False,
        "deletedAt": True,
    }


async def test_the_body_of_a_deletion_changes_nothing(server: Server) -> None:
    await server.prepare()
    await server.http("POST", f"{BOOKS}/b1/_create", {"title": "Emma"})
    await server.http("DELETE", f"{BOOKS}/b1", {"title": "Persuasion"})
    assert (await server.http("GET", f"{BOOKS}/b1?includeTrash")).result["_source"]["title"] == "Emma"


async def test_what_lies_in_the_trash_can_neither_be_updated_nor_deleted(server: Server) -> None:
    await server.prepare()
    await server.http("POST", f"{BOOKS}/b1/_create", {"title": "Emma"})
    await server.http("DELETE", f"{BOOKS}/b1")
    for verb, path, body in (("PUT", f"{BOOKS}/b1/_update", {"a": 1}), ("DELETE", f"{BOOKS}/b1", None)):
        reply = await server.http(verb, path, body)
        assert (reply.status, reply.error_id) == (404, "services.storage.not_found")


@pytest.mark.parametrize(
    ("verb", "path", "created"),
    [("POST", "/b1/_create", True), ("PUT", "/b1", False), ("PUT", "/b1/_replace", False)],
)
async def test_a_new_content_revives_from_the_trash(server: Server, verb: str, path: str, created: bool) -> None:
    await server.prepare()
    await server.http("POST", f"{BOOKS}/b1/_create", {"title": "Emma"})
    await server.http("DELETE", f"{BOOKS}/b1")
    revived = (await server.http(verb, f"{BOOKS}{path}", {"title": "Emma, again"})).result
    assert (revived["_version"], revived["created"]) == (3, created)
    assert (await server.http("GET", f"{BOOKS}/b1")).result["_source"]["title"] == "Emma, again"
    assert (await meta(server, "b1"))["deletedAt"] is None


# --- faults


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "error_id"),
    [
        ("POST", "/library/books/b1/_create", None, 400, "api.assert.body_required"),
        ("PUT", "/library/books/b1", None, 400, "api.assert.body_required"),
        ("PUT", "/library/books/b1/_replace", None, 400, "api.assert.body_required"),
        ("PUT", "/library/books/b1/_update", None, 400, "api.assert.body_required"),
        ("POST", "/library/books/_b1/_create", {}, 400, "api.assert.invalid_id"),
        ("PUT", "/library/books/_b1", {}, 400, "api.assert.invalid_id"),
        ("POST", "/library/books/b1/_create", {"_routing": 1}, 400, "services.storage.no_routing"),
        ("PUT", "/library/books/b1", {"_routing": 1}, 400, "services.storage.no_routing"),
        ("PUT", "/library/books/b1/_replace", {"_routing": 1}, 400, "services.storage.no_routing"),
        ("PUT", "/library/books/b1/_update", {"_routing": 1}, 400, "services.storage.no_routing"),
        ("PUT", "/library/books/b1?refresh=true", {}, 400, "services.storage.invalid_argument"),
        ("PUT", "/library/books/b1/_update?refresh", {}, 400, "services.storage.invalid_argument"),
        ("DELETE", "/library/books/b1?refresh=now", None, 400, "services.storage.invalid_argument"),
        ("PUT", "/library/books/b1/_update?retryOnConflict=often", {}, 400, "api.assert.invalid_type"),
        ("DELETE", "/library/books/b1?retryOnConflict=-1", None, 400, "api.assert.invalid_argument"),
        ("POST", "/%25library/books/_create", {}, 400, "services.storage.index_reserved"),
        ("GET", "/library/books/_search", None, 400, "services.storage.search_as_an_id"),
        ("POST", "/nowhere/books/_create", {}, 412, "services.storage.unknown_index_collection"),
        ("POST", "/library/nothing/_create", {}, 412, "services.storage.unknown_index_collection"),
        ("PUT", "/library/nothing/b1", {}, 412, "services.storage.unknown_index_collection"),
        ("PUT", "/library/nothing/b1/_replace", {}, 412, "services.storage.unknown_index_collection"),
        ("PUT", "/nowhere/books/b1/_update", {}, 412, "services.storage.unknown_index"),
        ("DELETE", "/nowhere/books/b1", None, 412, "services.storage.unknown_index"),
        ("GET", "/nowhere/books/b1", None, 412, "services.storage.unknown_index"),
        ("GET", "/nowhere/books/b1/_exists", None, 412, "services.storage.unknown_index"),
        ("PUT", "/library/nothing/b1/_update", {}, 404, "services.storage.unexpected_not_found"),
        ("DELETE", "/library/nothing/b1", None, 404, "services.storage.unexpected_not_found"),
        ("GET", "/library/nothing/b1", None, 404, "services.storage.unexpected_not_found"),
        ("PUT", "/library/books/b1/_update", {}, 404, "services.storage.unexpected_not_found"),
        ("DELETE", "/library/books/b1", None, 404, "services.storage.unexpected_not_found"),
        ("GET", "/library/books/b1", None, 404, "services.storage.unexpected_not_found"),
    ],
)
async def test_faults_get_their_errors(
    server: Server, verb: str, path: str, body: Any, status: int, error_id: str
) -> None:
    await server.prepare()
    # Tornado's client announces a form where a POST has no body, which would count as an empty one.
    reply = await server.http(verb, path, body, {"Content-Type": "application/json"})
    assert (reply.status, reply.error_id) == (status, error_id)
    if error_id == "services.storage.unexpected_not_found":
        assert reply.json["error"]["message"] == "Not Found"


async def test_arguments_must_be_there_on_every_protocol(server: Server) -> None:
    websocket = await server.websocket()
    whole = {"index": "library", "collection": "books", "_id": "b1", "body": {}}
    for action in ("createOrReplace", "replace", "update", "delete", "get", "exists"):
        for name in ("index", "collection", "_id"):
            for value in (None, ""):
                reply = await websocket.request("document", action, **{**whole, name: value})
                assert reply["error"]["id"] == "api.assert.missing_argument"
                assert reply["error"]["message"] == f'Missing argument "{name}".'
    not_a_flag = await websocket.request("document", "get", **whole, includeTrash="yes")
    assert not_a_flag["error"]["id"] == "api.assert.invalid_type"


async def test_a_content_that_does_not_fit_the_mapping_is_refused(server: Server) -> None:
    await server.http("POST", "/library/_create")
    await server.http("PUT", BOOKS, {"dynamic": "strict", "properties": {"year": {"type": "integer"}}})
    wrong = await server.http("POST", f"{BOOKS}/b1/_create", {"year": "long ago"})
    assert (wrong.status, wrong.error_id) == (400, "services.storage.wrong_mapping_property")
    strict = await server.http("POST", f"{BOOKS}/b1/_create", {"pages": 5})
    assert (strict.status, strict.error_id) == (400, "services.storage.unexpected_bad_request")
    assert "strict" in strict.json["error"]["message"]
    assert (await server.http("GET", f"{BOOKS}/b1")).status == 404


# --- notifications


async def test_each_write_tells_its_subscribers_before_and_after(server: Server) -> None:
    await server.prepare()
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", index="library", collection="books", body={}, state="all")
    await server.http("POST", f"{BOOKS}/b1/_create", {"title": "Emma"})
    await server.http("PUT", f"{BOOKS}/b1", {"title": "Emma"})
    await server.http("PUT", f"{BOOKS}/b1/_replace", {"title": "Emma"})
    await server.http("PUT", f"{BOOKS}/b1/_update", {"title": "Emma", "year": 1815})
    await server.http("DELETE", f"{BOOKS}/b1")
    await websocket.settle()
    told = [websocket.notifications.get_nowait() for _ in range(websocket.notifications.qsize())]
    assert [(entry["action"], entry["state"], entry["scope"]) for entry in told] == [
        ("create", "pending", "unknown"),
        ("create", "done", "in"),
        ("createOrReplace", "pending", "unknown"),
        ("replace", "done", "in"),
        ("replace", "pending", "unknown"),
        ("replace", "done", "in"),
        ("update", "done", "in"),
        ("delete", "pending", "unknown"),
        ("delete", "done", "out"),
    ]
    results = [set(entry["result"]) for entry in told]
    assert results == [
        {"_source", "_id"},
        {"_meta", "_source", "_id"},
        {"_source", "_id"},
        {"_meta", "_source", "_id"},
        {"_source", "_id"},
        {"_meta", "_source", "_id"},
        {"_meta", "_source", "_id", "_updatedFields"},
        {"_source", "_id"},
        {"_meta", "_id"},
    ]
    assert told[6]["result"]["_updatedFields"] == ["title", "year"]
    assert told[6]["result"]["_source"]["title"] == "Emma"


async def test_a_refused_write_tells_nobody(server: Server) -> None:
    await server.prepare()
    await server.http("POST", f"{BOOKS}/b1/_create", {})
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", index="library", collection="books", body={})
    await server.http("POST", f"{BOOKS}/b1/_create", {})
    await server.http("PUT", f"{BOOKS}/b2/_update", {})
    await server.http("DELETE", f"{BOOKS}/b2")
    await websocket.settle()
    assert websocket.notifications.empty()
