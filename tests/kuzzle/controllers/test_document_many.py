"""document: several at a time (m* actions), whole and partial answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import Reply, Server

BOOKS = "/library/books"
ROUTES = {
    "mCreate": ("POST", f"{BOOKS}/_mCreate"),
    "mCreateOrReplace": ("PUT", f"{BOOKS}/_mCreateOrReplace"),
    "mReplace": ("PUT", f"{BOOKS}/_mReplace"),
    "mUpdate": ("PUT", f"{BOOKS}/_mUpdate"),
}
# Tornado's client announces a form where a POST has no body, which would count as an empty one.
JSON_HEADER = {"Content-Type": "application/json"}
every_write = pytest.mark.parametrize("action", list(ROUTES))


@pytest.fixture
def strict_server(start_server: Callable[..., Server]) -> Server:
    """A server that writes two documents at a time and reads three."""
    return start_server({"limits": {"documentsWriteCount": 2, "documentsFetchCount": 3}})


async def write(server: Server, action: str, *documents: Any, query: str = "") -> Reply:
    verb, path = ROUTES[action]
    return await server.http(verb, f"{path}{query}", {"documents": list(documents)})


async def seed(server: Server, *ids: str) -> None:
    await server.prepare()
    await write(server, "mCreate", *({"_id": name, "body": {"name": name}} for name in ids), query="?refresh=wait_for")


async def test_several_documents_are_created(server: Server) -> None:
    await server.prepare()
    reply = await write(server, "mCreate", {"_id": "a", "body": {"n": 1}}, {"body": {"n": 2}}, {"_id": "c", "body": {}})
    assert (reply.status, reply.json["error"]) == (200, None)
    assert reply.result["total"] == 3
    hits = reply.result["hits"]
    assert (hits[0]["_id"], hits[2]["_id"]) == ("a", "c")
    assert hits[1]["_id"]
    for hit in hits:
        assert (hit["_version"], hit["result"], hit["created"], hit["status"]) == (1, "created", True, 201)
        assert hit["_meta"] == hit["_source"]["_kuzzle_info"]
        assert (hit["_meta"]["author"], hit["_meta"]["updater"]) == ("-1", None)
    assert (await server.http("GET", f"{BOOKS}/a")).result["_source"]["n"] == 1


async def test_a_taken_id_makes_m_create_partial(server: Server) -> None:
    await seed(server, "a")
    reply = await write(
        server, "mCreate", "what", {"_id": "a", "body": {"n": 1}}, {"_id": "b", "body": {}}, {"_id": "c"}
    )
    assert (reply.status, reply.error_id) == (206, "services.storage.incomplete_create")
    assert [hit["_id"] for hit in reply.result["hits"]] == ["b"]
    assert reply.result["total"] == 1
    error = reply.json["error"]
    assert error["count"] == 3
    assert "%s" not in error["message"]
    assert error["errors"][:2] == [
        {"document": "what", "reason": "bad format"},
        {"document": {"_id": "c"}, "reason": "bad format"},
    ]
    taken = error["errors"][2]
    assert taken["reason"] == "document already exists"
    assert (taken["document"]["_id"], taken["document"]["_source"]["n"]) == ("a", 1)


async def test_m_create_revives_from_the_trash(server: Server) -> None:
    await seed(server, "a")
    await server.http("DELETE", f"{BOOKS}/a")
    reply = await write(server, "mCreate", {"_id": "a", "body": {}})
    assert (reply.status, reply.result["hits"][0]["created"], reply.result["hits"][0]["_version"]) == (200, True, 3)


async def test_several_documents_are_created_or_replaced(server: Server) -> None:
    await seed(server, "a")
    reply = await write(
        server, "mCreateOrReplace", {"_id": "a", "body": {"n": 1}}, {"_id": "b", "body": {}}, {"body": {"n": 3}}
    )
    assert reply.status == 200
    assert [(hit["created"], hit["status"], hit["result"]) for hit in reply.result["hits"]] == [
        (False, 200, "updated"),
        (True, 201, "created"),
        (True, 201, "created"),
    ]
    source = (await server.http("GET", f"{BOOKS}/a")).result["_source"]
    assert "name" not in source
    assert source["_kuzzle_info"]["updater"] is None, "m* actions leave the updater open"


async def test_replacing_needs_documents(server: Server) -> None:
    await seed(server, "a")
    reply = await write(
        server, "mReplace", {"_id": "a", "body": {"n": 1}}, {"_id": "b", "body": {"n": 2}}, {"body": {}}
    )
    assert (reply.status, reply.error_id) == (206, "services.storage.incomplete_create")
    assert [(hit["_id"], hit["_version"]) for hit in reply.result["hits"]] == [("a", 2)]
    no_id, unknown = reply.json["error"]["errors"]
    assert no_id["reason"] == "a document ID is required"
    assert no_id["document"]["_source"]["_kuzzle_info"]["author"] == "-1"
    assert unknown["reason"] == "cannot replace a document that does not exist"
    assert (unknown["document"]["_id"], unknown["document"]["_source"]["n"]) == ("b", 2)


async def test_several_documents_are_updated(server: Server) -> None:
    await seed(server, "a", "b")
    await server.http("DELETE", f"{BOOKS}/b")
    reply = await write(
        server,
        "mUpdate",
        {"_id": "a", "body": {"n": 1}},
        {"_id": "b", "body": {}},
        {"_id": "c", "body": {}},
        {"body": {}},
    )
    assert (reply.status, reply.error_id) == (206, "services.storage.incomplete_create")
    hit = reply.result["hits"][0]
    assert (hit["_id"], hit["_version"], hit["status"]) == ("a", 2, 200)
    assert (hit["_source"]["name"], hit["_source"]["n"]) == ("a", 1)
    assert hit["get"] == {"found": True, "_source": hit["_source"]}
    assert set(hit["_meta"]) == {"active", "updatedAt", "updater", "deletedAt"}
    assert reply.result["total"] == 2
    no_id, unknown = reply.json["error"]["errors"]
    assert no_id["reason"] == "a document ID is required"
    assert (unknown["_id"], unknown["status"]) == ("c", 404)
    assert unknown["error"]["reason"]
    assert (await server.http("GET", f"{BOOKS}/b")).status == 200, "an m* update takes it out of the trash"


async def test_several_documents_are_deleted(server: Server) -> None:
    await seed(server, "a", "b", "c")
    reply = await server.http("DELETE", f"{BOOKS}/_mDelete", {"ids": ["b", "a"]})
    assert (reply.status, reply.result) == (200, ["b", "a"])
    for name, status in (("a", 404), ("b", 404), ("c", 200)):
        assert (await server.http("GET", f"{BOOKS}/{name}")).status == status
    again = await server.http("DELETE", f"{BOOKS}/_mDelete", {"ids": ["a"]})
    assert (again.status, again.result) == (200, ["a"]), "a document in the trash can be deleted once more"
    partial = await server.http("DELETE", f"{BOOKS}/_mDelete", {"ids": ["c", 5, "d"]})
    assert (partial.status, partial.error_id, partial.result) == (206, "services.storage.incomplete_delete", ["c"])
    assert partial.json["error"]["errors"][0] == {"id": 5, "reason": "the document ID must be a string"}
    assert (partial.json["error"]["errors"][1]["_id"], partial.json["error"]["errors"][1]["status"]) == ("d", 404)


async def test_several_documents_are_read(server: Server) -> None:
    await seed(server, "a", "b")
    await server.http("DELETE", f"{BOOKS}/b")
    whole = await server.http("POST", f"{BOOKS}/_mGet", {"ids": ["b", "a", "b"]})
    assert (whole.status, whole.result["total"]) == (200, 3)
    assert [hit["_id"] for hit in whole.result["hits"]] == ["b", "a", "b"]
    partial = await server.http("POST", f"{BOOKS}/_mGet?includeTrash", {"ids": ["c", "a"]})
    assert (partial.status, partial.error_id) == (206, "services.storage.incomplete_fetch")
    assert (partial.json["error"]["errors"], partial.json["error"]["count"]) == ([], 0)
    assert [hit["found"] for hit in partial.result["hits"]] == [False, True]
    assert partial.result["total"] == 2
    nowhere = await server.http("POST", "/nowhere/books/_mGet", {"ids": ["a"]})
    assert (nowhere.status, nowhere.error_id) == (206, "services.storage.incomplete_fetch")
    assert (await server.http("POST", f"{BOOKS}/_mGet", {"ids": []})).result == {"hits": [], "total": 0}


# --- limits and faults


@every_write
async def test_too_many_documents_are_refused_as_a_whole(strict_server: Server, action: str) -> None:
    server = strict_server
    await seed(server, "a", "b")
    reply = await write(server, action, *({"_id": name, "body": {"n": 1}} for name in "abc"))
    assert (reply.status, reply.error_id) == (413, "services.storage.write_limit_exceeded")
    assert "( 2 )" in reply.json["error"]["message"]
    assert "n" not in (await server.http("GET", f"{BOOKS}/a")).result["_source"]
    malformed = await write(server, action, {"_id": "a", "body": {}}, {"_id": "b", "body": {}}, "what")
    assert malformed.status == 206, "entries that cannot be written do not count"


async def test_too_many_ids_are_refused(strict_server: Server) -> None:
    server = strict_server
    await seed(server, "a", "b")
    reply = await server.http("DELETE", f"{BOOKS}/_mDelete", {"ids": ["a", "b", "c"]})
    assert (reply.status, reply.error_id) == (413, "services.storage.write_limit_exceeded")
    assert (await server.http("GET", f"{BOOKS}/a")).status == 200
    reply = await server.http("POST", f"{BOOKS}/_mGet", {"ids": ["a", "b", "c", "d"]})
    assert (reply.status, reply.error_id) == (413, "services.storage.get_limit_exceeded")
    assert "( 3 )" in reply.json["error"]["message"]


@every_write
async def test_faults_of_the_whole_request(server: Server, action: str) -> None:
    await server.prepare()
    verb, path = ROUTES[action]
    for body, query, status, error_id in (
        (None, "", 400, "api.assert.body_required"),
        ({}, "", 400, "api.assert.missing_argument"),
        ({"documents": None}, "", 400, "api.assert.missing_argument"),
        ({"documents": {}}, "", 400, "api.assert.invalid_type"),
        ({"documents": []}, "?refresh=now", 400, "services.storage.invalid_argument"),
    ):
        reply = await server.http(verb, path + query, body, JSON_HEADER)
        assert (reply.status, reply.error_id) == (status, error_id)
    for place in ("/nowhere/books", "/library/nothing"):
        reply = await server.http(verb, path.replace(BOOKS, place), {"documents": [{"_id": "a", "body": {}}]})
        assert (reply.status, reply.error_id) == (412, "services.storage.unknown_index_collection")
    empty = await server.http(verb, path, {"documents": []})
    assert (empty.status, empty.result) == (200, {"hits": [], "total": 0})


async def test_faults_of_a_list_of_ids(server: Server) -> None:
    await server.prepare()
    for verb, path in (("DELETE", f"{BOOKS}/_mDelete"), ("POST", f"{BOOKS}/_mGet")):
        for body, error_id in (
            (None, "api.assert.body_required"),
            ({}, "api.assert.missing_argument"),
            ({"ids": None}, "api.assert.missing_argument"),
            ({"ids": "a"}, "api.assert.invalid_type"),
        ):
            reply = await server.http(verb, path, body, JSON_HEADER)
            assert (reply.status, reply.error_id) == (400, error_id)
    reply = await server.http("POST", f"{BOOKS}/_mGet", {"ids": ["a", 5]})
    assert (reply.status, reply.error_id) == (400, "api.assert.invalid_type")
    reply = await server.http("DELETE", "/library/nothing/_mDelete", {"ids": ["a"]})
    assert (reply.status, reply.error_id) == (412, "services.storage.unknown_index_collection")


@pytest.mark.parametrize("entry", [None, 5, "a", [], {}, {"body": None}, {"body": []}, {"_id": 5, "body": {}}])
async def test_a_malformed_entry_is_reported_by_itself(server: Server, entry: Any) -> None:
    await server.prepare()
    reply = await write(server, "mCreate", entry, {"_id": "good", "body": {}})
    assert reply.status == 206
    assert reply.json["error"]["errors"] == [{"document": entry, "reason": "bad format"}]
    assert [hit["_id"] for hit in reply.result["hits"]] == ["good"]


async def test_an_entry_that_does_not_fit_the_mapping_looks_like_a_bulk_item(server: Server) -> None:
    await server.http("POST", "/library/_create")
    await server.http("PUT", BOOKS, {"properties": {"year": {"type": "integer"}}})
    reply = await write(
        server, "mCreate", {"_id": "a", "body": {"year": "long ago"}}, {"_id": "b", "body": {"year": 1}}
    )
    assert reply.status == 206
    failed = reply.json["error"]["errors"][0]
    assert (failed["_index"], failed["_type"], failed["_id"], failed["status"]) == ("library", "books", "a", 400)
    assert "year" in failed["error"]["reason"]


# --- notifications


async def test_each_written_document_is_told(server: Server) -> None:
    await seed(server, "a")
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", index="library", collection="books", body={}, state="all")
    await write(server, "mCreate", {"_id": "a", "body": {}}, {"_id": "b", "body": {}})
    await write(server, "mCreateOrReplace", {"_id": "a", "body": {}}, {"_id": "c", "body": {}})
    await write(server, "mReplace", {"_id": "a", "body": {}})
    await write(server, "mUpdate", {"_id": "a", "body": {"n": 1}})
    await server.http("DELETE", f"{BOOKS}/_mDelete", {"ids": ["a"]})
    await websocket.settle()
    told = [websocket.notifications.get_nowait() for _ in range(websocket.notifications.qsize())]
    assert [(entry["action"], entry["result"]["_id"], entry["scope"]) for entry in told] == [
        ("create", "b", "in"),
        ("mCreateOrReplace", "a", "in"),
        ("create", "c", "in"),
        ("mReplace", "a", "in"),
        ("mUpdate", "a", "in"),
        ("delete", "a", "out"),
    ]
    assert {entry["state"] for entry in told} == {"done"}
    assert [set(entry["result"]) for entry in told] == [{"_source", "_id"}] * 5 + [{"_meta", "_id"}]
