"""document: whatever matches a query (search, count, deleteByQuery)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import Server

BOOKS = "/library/books"
MAPPING = {"properties": {"kind": {"type": "keyword"}, "year": {"type": "integer"}}}


async def seed(server: Server, count: int = 5) -> None:
    """Documents b0, b1...: even ones are novels; the year is 1800 and the number."""
    await server.http("POST", "/library/_create")
    await server.http("PUT", BOOKS, MAPPING)
    documents = [
        {"_id": f"b{number}", "body": {"kind": "essay" if number % 2 else "novel", "year": 1800 + number}}
        for number in range(count)
    ]
    await server.http("POST", f"{BOOKS}/_mCreate?refresh=wait_for", {"documents": documents})


async def found(server: Server, body: Any = None, query: str = "") -> list[str]:
    reply = await server.http("POST", f"{BOOKS}/_search{query}", body)
    assert reply.status == 200
    return [hit["_id"] for hit in reply.result["hits"]]


async def test_a_search_without_body_finds_everything(server: Server) -> None:
    await seed(server)
    reply = await server.http("POST", f"{BOOKS}/_search")
    assert reply.result["total"] == 5
    assert reply.result["timed_out"] is False
    hit = reply.result["hits"][0]
    assert (hit["_index"], hit["_type"]) == ("library", "books")
    assert hit["_meta"] == hit["_source"]["_kuzzle_info"]
    for body in ({}, {"query": {}}, {"query": {}, "sort": {}}):
        assert sorted(await found(server, body)) == ["b0", "b1", "b2", "b3", "b4"]


async def test_a_search_may_be_a_get_with_a_body(server: Server) -> None:
    await seed(server)
    reply = await server.http("GET", f"{BOOKS}?size=1", {"query": {"term": {"kind": "essay"}}, "sort": ["year"]})
    assert (reply.result["total"], [hit["_id"] for hit in reply.result["hits"]]) == (2, ["b1"])


async def test_queries_pages_and_sorts(server: Server) -> None:
    await seed(server)
    by_year = {"sort": [{"year": "desc"}]}
    assert await found(server, by_year) == ["b4", "b3", "b2", "b1", "b0"]
    assert await found(server, {"query": {"terms": {"year": [1800, 1803]}}, **by_year}) == ["b3", "b0"]
    assert await found(server, {"query": {"range": {"year": {"gte": 1803}}}, **by_year}) == ["b4", "b3"]
    assert await found(server, {"query": {"ids": {"values": ["b2", "b9"]}}}) == ["b2"]
    no_novel = {"query": {"bool": {"must_not": [{"term": {"kind": "novel"}}], "filter": {"exists": {"field": "year"}}}}}
    assert await found(server, {**no_novel, **by_year}) == ["b3", "b1"]
    assert await found(server, {**by_year, "from": 1, "size": 2}) == ["b3", "b2"]
    assert await found(server, {**by_year, "from": 1, "size": 2}, "?from=3&size=1") == ["b1"], "arguments win"
    sorted_hit = (await server.http("POST", f"{BOOKS}/_search", {**by_year, "size": 1})).result["hits"][0]
    assert sorted_hit["sort"] == [1804]
    bare = (await server.http("POST", f"{BOOKS}/_search", {"_source": False})).result["hits"][0]
    assert "_source" not in bare
    none = (await server.http("POST", f"{BOOKS}/_search?size=0")).result
    assert (none["hits"], none["total"]) == ([], 5)


async def test_what_was_found_is_highlighted(server: Server) -> None:
    await seed(server, 2)
    body = {"query": {"match": {"kind": "essay"}}, "highlight": {"fields": {"kind": {}}}}
    hits = (await server.http("POST", f"{BOOKS}/_search", body)).result["hits"]
    assert [(hit["_id"], hit["highlight"]) for hit in hits] == [("b1", {"kind": ["<em>essay</em>"]})]
    body["query"] = {}
    hits = (await server.http("POST", f"{BOOKS}/_search", body)).result["hits"]
    assert all("highlight" not in hit for hit in hits)


async def test_phrases_are_found_and_highlighted(server: Server) -> None:
    await server.http("POST", "/library/_create")
    await server.http("PUT", BOOKS, {"properties": {"title": {"type": "text", "analyzer": "english"}}})
    for number, title in enumerate(["The Time Machine", "A machine of the times", "Times"]):
        await server.http("PUT", f"{BOOKS}/t{number}?refresh=wait_for", {"title": title})
    body = {"query": {"match_phrase": {"title": "time machines"}}, "highlight": {"fields": {"title": {}}}}
    hits = (await server.http("POST", f"{BOOKS}/_search", body)).result["hits"]
    assert [(hit["_id"], hit["highlight"]) for hit in hits] == [
        ("t0", {"title": ["The <em>Time</em> <em>Machine</em>"]})
    ]
    assert await found(server, {"query": {"match_phrase_prefix": {"title": "machine of the ti"}}}) == ["t1"]
    # As the admin console asks.
    anywhere = {"query": "time mac", "fields": ["*"], "type": "phrase_prefix"}
    assert await found(server, {"query": {"multi_match": anywhere}}) == ["t0"]
    assert await found(server, {"query": {"match_phrase_prefix": {"_all": "time mac"}}}) == ["t0"]


async def test_the_trash_is_hidden_unless_asked_for(server: Server) -> None:
    await seed(server, 3)
    await server.http("DELETE", f"{BOOKS}/b1?refresh=wait_for")
    essays = {"query": {"term": {"kind": "essay"}}}
    assert sorted(await found(server)) == ["b0", "b2"]
    assert sorted(await found(server, None, "?includeTrash")) == ["b0", "b1", "b2"]
    assert sorted(await found(server, None, "?includeTrash=false")) == ["b0", "b1", "b2"], "over HTTP it is a flag"
    assert await found(server, essays) == []
    for query, count in (("", 2), ("?includeTrash", 3)):
        assert (await server.http("POST", f"{BOOKS}/_count{query}")).result["count"] == count
    assert (await server.http("POST", f"{BOOKS}/_count", essays)).result["count"] == 0


async def test_counting(server: Server) -> None:
    await seed(server)
    for body, count in (
        (None, 5),
        ({}, 5),
        ({"query": {}}, 5),
        ({"query": None}, 5),
        ({"query": {"term": {"kind": "novel"}}}, 3),
    ):
        reply = await server.http("POST", f"{BOOKS}/_count", body)
        assert reply.result == {"count": count, "_shards": {"total": 1, "successful": 1, "failed": 0}}


async def test_an_unknown_collection_is_empty_and_an_unknown_index_an_error(server: Server) -> None:
    await server.http("POST", "/library/_create")
    empty = await server.http("POST", "/library/nothing/_search")
    assert (empty.result["hits"], empty.result["total"]) == ([], 0)
    assert (await server.http("POST", "/library/nothing/_count")).result["count"] == 0
    deleted = await server.http("DELETE", "/library/nothing/_query", {"query": {}})
    assert deleted.result == {"ids": []}
    for verb, path, body in (
        ("POST", "/nowhere/books/_search", None),
        ("POST", "/nowhere/books/_count", None),
        ("DELETE", "/nowhere/books/_query", {"query": {}}),
    ):
        reply = await server.http(verb, path, body)
        assert (reply.status, reply.error_id) == (412, "services.storage.unknown_index")


@pytest.mark.parametrize(
    ("index", "collection", "error_id"),
    [
        ("a,b", "c", "services.storage.no_multi_indexes"),
        ("*", "c", "services.storage.no_multi_indexes"),
        ("_all", "c", "services.storage.no_multi_indexes"),
        ("a", "b,c", "services.storage.no_multi_collections"),
        ("a", "b+", "services.storage.no_multi_collections"),
        ("a", "_all", "services.storage.no_multi_collections"),
        ("%kuzzle", "users", "services.storage.index_reserved"),
    ],
)
async def test_a_search_is_in_one_collection(server: Server, index: str, collection: str, error_id: str) -> None:
    websocket = await server.websocket()
    reply = await websocket.request("document", "search", index=index, collection=collection)
    assert (reply["status"], reply["error"]["id"]) == (400, error_id)


@pytest.fixture
def strict_server(start_server: Callable[..., Server]) -> Server:
    """A server that reads three documents at a time."""
    return start_server({"limits": {"documentsFetchCount": 3}})


async def test_a_page_has_its_limit(strict_server: Server) -> None:
    server = strict_server
    await seed(server)
    reply = await server.http("POST", f"{BOOKS}/_search?size=4")
    assert (reply.status, reply.error_id) == (413, "services.storage.get_limit_exceeded")
    assert (await server.http("POST", f"{BOOKS}/_search?size=3")).status == 200
    assert (await server.http("POST", f"{BOOKS}/_search?from=1&size=4")).status == 200
    deep = await server.http("POST", f"{BOOKS}/_search?from=10000&size=3")
    assert (deep.status, deep.error_id) == (400, "services.storage.unexpected_bad_request")


@pytest.mark.parametrize(
    "query",
    [
        {"no_such_clause": {}},
        {"term": {"a": 1, "b": 2}},
        {"range": {"year": {"gte": "long ago"}}},
        {"bool": {"must": 5}},
    ],
)
async def test_a_wrong_query_is_a_400_everywhere(server: Server, query: dict[str, Any]) -> None:
    await seed(server, 1)
    for verb, path in (("POST", "/_search"), ("POST", "/_count"), ("DELETE", "/_query")):
        reply = await server.http(verb, f"{BOOKS}{path}", {"query": query})
        assert (reply.status, reply.error_id) == (400, "services.storage.unexpected_bad_request")
    assert (await server.http("GET", f"{BOOKS}/b0")).status == 200


async def test_faults_of_arguments(server: Server) -> None:
    await seed(server, 1)
    for verb, path, body, error_id in (
        ("POST", "/_search?size=many", None, "api.assert.invalid_type"),
        ("POST", "/_search?from=-2", None, "api.assert.invalid_argument"),
        ("POST", "/_search?from=-1", None, "services.storage.unexpected_bad_request"),
        ("POST", "/_search", {"unknown": 1}, "services.storage.unexpected_bad_request"),
        ("POST", "/_count", {"query": []}, "api.assert.invalid_type"),
        ("DELETE", "/_query", None, "api.assert.body_required"),
        ("DELETE", "/_query", {}, "api.assert.missing_argument"),
        ("DELETE", "/_query", {"query": None}, "api.assert.missing_argument"),
        ("DELETE", "/_query", {"query": "all"}, "api.assert.invalid_type"),
        ("DELETE", "/_query?refresh=now", {"query": {}}, "services.storage.invalid_argument"),
    ):
        reply = await server.http(verb, f"{BOOKS}{path}", body)
        assert (reply.status, reply.error_id) == (400, error_id)


async def test_whatever_matches_is_deleted_and_told(server: Server) -> None:
    await seed(server)
    await server.http("DELETE", f"{BOOKS}/b0?refresh=wait_for")
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", index="library", collection="books", body={}, state="all")
    reply = await server.http("DELETE", f"{BOOKS}/_query?refresh=wait_for", {"query": {"term": {"kind": "novel"}}})
    assert sorted(reply.result["ids"]) == ["b2", "b4"], "what lies in the trash already is left alone"
    assert sorted(await found(server)) == ["b1", "b3"]
    assert (await server.http("GET", f"{BOOKS}/b2?includeTrash")).result["_meta"]["active"] is False
    told = [await websocket.notification() for _ in range(2)]
    assert sorted(entry["result"]["_id"] for entry in told) == ["b2", "b4"]
    assert {(entry["action"], entry["scope"], entry["state"]) for entry in told} == {("delete", "out", "done")}
    await websocket.settle()
    assert websocket.notifications.empty()


async def test_more_than_one_chunk_is_deleted(server: Server) -> None:
    await server.prepare()
    for start in range(0, 1200, 200):
        documents = [{"_id": f"b{number}", "body": {}} for number in range(start, start + 200)]
        await server.http("POST", f"{BOOKS}/_mCreate?refresh=wait_for", {"documents": documents})
    reply = await server.http("DELETE", f"{BOOKS}/_query?refresh=wait_for", {"query": {}})
    assert sorted(reply.result["ids"]) == sorted(f"b{number}" for number in range(1200))
    assert (await server.http("POST", f"{BOOKS}/_count")).result["count"] == 0
