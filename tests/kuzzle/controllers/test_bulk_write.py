"""bulk:write and bulk:mWrite: documents as they are."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Server

PLACE = {"index": "library", "collection": "books"}
OWN = {"_kuzzle_info": {"author": "ada", "createdAt": 1}}


async def test_a_document_is_stored_as_it_is(server: Server) -> None:
    await server.prepare()
    made = await server.http("POST", "/library/books/_write?_id=a", {"n": 1, **OWN})
    assert (made.status, made.result["result"], made.result["created"]) == (200, "created", True)
    assert (made.result["_id"], made.result["_version"]) == ("a", 1)
    assert made.result["_source"] == {"n": 1, **OWN}
    assert made.result["_meta"] == OWN["_kuzzle_info"]
    websocket = await server.websocket()
    again = (await websocket.request("bulk", "write", _id="a", body={"n": 2}, **PLACE))["result"]
    assert (again["result"], again["created"], again["_version"]) == ("updated", False, 2)
    assert again["_source"] == {"n": 2}
    assert "_meta" not in again
    assert (await server.http("GET", "/library/books/a")).result["_source"] == {"n": 2}


@pytest.mark.parametrize(
    "metadata",
    [
        {"author": 3, "createdAt": "2020-01-02", "active": "true", "mood": {"good": [1]}, "updatedAt": [1, 2]},
        {"active": "false"},
        {"createdAt": None, "author": ["a"]},
        [{"author": "ada"}],
        [],
        None,
    ],
)
async def test_whatever_stands_for_metadata_is_read_as_it_was_stored(server: Server, metadata: Any) -> None:
    await server.prepare()
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", body={}, **PLACE)
    body = {"n": 1, "_kuzzle_info": metadata}
    written = await server.http("POST", "/library/books/_write?_id=a&notify=true&refresh=wait_for", body)
    assert (written.status, written.result["_source"]) == (200, body)
    note = await websocket.notification()
    got = await server.http("GET", "/library/books/a?includeTrash=true")
    (hit,) = (await server.http("POST", "/library/books/_search?includeTrash=true")).result["hits"]
    many = await server.http("POST", "/library/books/_mGet", {"ids": ["a"]})
    # Clients depend on an object, or nothing at all.
    for shown in (written.result, got.result, hit, many.result["hits"][0]):
        assert shown["_source"] == body
        if isinstance(metadata, dict):
            assert shown["_meta"] == metadata
        else:
            assert "_meta" not in shown
    assert note["result"]["_meta"] == (metadata if isinstance(metadata, dict) else {})
    assert (await server.http("PUT", "/library/books/a/_update", {"n": 2})).status == 200


async def test_an_id_is_made_for_a_document_without_one(server: Server) -> None:
    await server.prepare()
    made = (await server.http("POST", "/library/books/_write", {})).result["_id"]
    assert (await server.http("GET", f"/library/books/{made}")).status == 200


async def test_several_documents_are_stored_as_they_are(server: Server) -> None:
    await server.prepare()
    await server.http("POST", "/library/books/_write?_id=a", {"n": 1})
    documents: list[Any] = [{"_id": "a", "body": {"n": 2, **OWN}}, {"body": {"n": 3}}]
    reply = await server.http("POST", "/library/books/_mWrite", {"documents": documents})
    assert reply.status == 200
    assert reply.result["total"] == 2
    replaced, made = reply.result["hits"]
    assert (replaced["_id"], replaced["result"], replaced["status"], replaced["_version"]) == ("a", "updated", 200, 2)
    assert replaced["_meta"] == OWN["_kuzzle_info"]
    assert (made["result"], made["created"], made["status"], made["_source"]) == ("created", True, 201, {"n": 3})
    assert "_meta" not in made


async def test_documents_that_fail_are_told_beside_those_that_do_not(server: Server) -> None:
    await server.prepare()
    websocket = await server.websocket()
    documents = [{"_id": "a"}, {"_id": "x" * 600, "body": {}}, {"_id": "b", "body": {}}]
    reply = await websocket.request("bulk", "mWrite", body={"documents": documents}, **PLACE)
    assert (reply["status"], reply["error"]["id"]) == (206, "services.storage.import_failed")
    assert reply["error"]["message"] == "Failed to import some or all documents."
    assert len(reply["error"]["errors"]) == 2
    assert [hit["_id"] for hit in reply["result"]["hits"]] == ["b"]


@pytest.mark.parametrize(
    ("action", "members", "status", "error_id"),
    [
        ("write", PLACE, 400, "api.assert.body_required"),
        ("write", {"collection": "books", "body": {}}, 400, "api.assert.missing_argument"),
        ("write", {"index": "library", "body": {}}, 400, "api.assert.missing_argument"),
        ("write", {**PLACE, "_id": "_a", "body": {}}, 400, "api.assert.invalid_id"),
        ("write", {**PLACE, "notify": "yes", "body": {}}, 400, "api.assert.invalid_type"),
        ("write", {**PLACE, "body": {"_routing": "a"}}, 400, "services.storage.no_routing"),
        ("write", {**PLACE, "refresh": "yes", "body": {}}, 400, "services.storage.invalid_argument"),
        ("write", {**PLACE, "index": "%a", "body": {}}, 400, "services.storage.index_reserved"),
        ("write", {**PLACE, "index": "nowhere", "body": {}}, 412, "services.storage.unknown_index_collection"),
        ("write", {**PLACE, "_id": "x" * 600, "body": {}}, 400, "services.storage.unexpected_bad_request"),
        ("mWrite", PLACE, 400, "api.assert.body_required"),
        ("mWrite", {**PLACE, "body": {}}, 400, "api.assert.missing_argument"),
        ("mWrite", {**PLACE, "body": {"documents": {}}}, 400, "api.assert.invalid_type"),
        (
            "mWrite",
            {**PLACE, "body": {"documents": [{"body": {}}] * 201}},
            413,
            "services.storage.write_limit_exceeded",
        ),
        ("mWrite", {**PLACE, "index": "%a", "body": {"documents": []}}, 400, "services.storage.index_reserved"),
        (
            "mWrite",
            {**PLACE, "collection": "none", "body": {"documents": []}},
            412,
            "services.storage.unknown_index_collection",
        ),
    ],
)
async def test_wrong_calls_are_refused(
    server: Server, action: str, members: dict[str, Any], status: int, error_id: str
) -> None:
    await server.prepare()
    websocket = await server.websocket()
    reply = await websocket.request("bulk", action, **members)
    assert (reply["status"], reply["error"]["id"]) == (status, error_id)


async def test_subscribers_are_told_only_when_asked_for(server: Server) -> None:
    await server.prepare()
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", body={}, **PLACE)
    await server.http("POST", "/library/books/_write?_id=quiet", {})
    await server.http("POST", "/library/books/_mWrite", {"documents": [{"_id": "quiet", "body": {}}]})
    for _ in range(2):
        await server.http("POST", "/library/books/_write?_id=a&notify", {"n": 1})
    documents = [{"_id": document_id, "body": {}} for document_id in ("a", "b")]
    await server.http("POST", "/library/books/_mWrite?notify", {"documents": documents})
    told = [await websocket.notification() for _ in range(4)]
    assert [(one["action"], one["scope"], one["result"]["_id"]) for one in told] == [
        ("create", "in", "a"),
        ("replace", "in", "a"),
        ("mWrite", "in", "a"),
        ("create", "in", "b"),
    ]
