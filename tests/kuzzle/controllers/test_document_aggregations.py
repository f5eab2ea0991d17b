"""document:search with aggregations, as clients see them."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Server

BOOKS = "/library/books"
MAPPING = {"properties": {"kind": {"type": "keyword"}, "title": {"type": "text"}, "pages": {"type": "integer"}}}


async def seed(server: Server) -> None:
    """Five books; b4 lies in the trash."""
    await server.http("POST", "/library/_create")
    await server.http("PUT", BOOKS, MAPPING)
    documents = [
        {"_id": f"b{number}", "body": {"kind": "essay" if number % 2 else "novel", "pages": 100 * number}}
        for number in range(5)
    ]
    await server.http("POST", f"{BOOKS}/_mCreate?refresh=wait_for", {"documents": documents})
    await server.http("DELETE", f"{BOOKS}/b4?refresh=wait_for")


async def test_aggregations_cover_all_matches_without_the_trash(server: Server) -> None:
    await seed(server)
    kinds = {"kinds": {"terms": {"field": "kind"}, "aggs": {"pages": {"max": {"field": "pages"}}}}}
    reply = await server.http("POST", f"{BOOKS}/_search?size=1", {"aggregations": kinds})
    assert (len(reply.result["hits"]), reply.result["total"]) == (1, 4)
    assert reply.result["aggregations"] == {
        "kinds": {
            "doc_count_error_upper_bound": 0,
            "sum_other_doc_count": 0,
            "buckets": [
                {"key": "essay", "doc_count": 2, "pages": {"value": 300.0}},
                {"key": "novel", "doc_count": 2, "pages": {"value": 200.0}},
            ],
        }
    }
    reply = await server.http("POST", f"{BOOKS}/_search?includeTrash&size=0", {"aggs": kinds})
    assert reply.result["aggregations"]["kinds"]["buckets"][0] == {
        "key": "novel",
        "doc_count": 3,
        "pages": {"value": 400.0},
    }


async def test_a_search_without_aggregations_shows_none(server: Server) -> None:
    await seed(server)
    for body in ({}, {"aggregations": {}}, {"aggs": {}, "query": {}, "sort": {}}):
        reply = await server.http("POST", f"{BOOKS}/_search", body)
        assert (reply.status, reply.result["total"]) == (200, 4)
        assert "aggregations" not in reply.result


async def test_aggregations_over_websocket(server: Server) -> None:
    await seed(server)
    websocket = await server.websocket()
    body = {"size": 0, "aggs": {"pages": {"sum": {"field": "pages"}}}, "post_filter": {"term": {"kind": "essay"}}}
    reply = await websocket.request("document", "search", index="library", collection="books", body=body)
    assert (reply["result"]["total"], reply["result"]["aggregations"]) == (2, {"pages": {"value": 600.0}})


@pytest.mark.parametrize(
    ("aggregation", "text"),
    [
        ({"terms": {"field": "title"}}, "Fielddata is disabled on text fields by default."),
        ({"unheard_of": {}}, "Could not find aggregator type [unheard_of] in [it]"),
        ({"bucket_sort": {}}, "Pipeline aggregations are not supported: [bucket_sort] in [it]"),
    ],
)
async def test_what_cannot_be_computed_is_a_400(server: Server, aggregation: dict[str, Any], text: str) -> None:
    await seed(server)
    reply = await server.http("POST", f"{BOOKS}/_search", {"aggs": {"it": aggregation}})
    assert (reply.status, reply.error_id) == (400, "services.storage.unexpected_bad_request")
    assert text in reply.json["error"]["message"]
