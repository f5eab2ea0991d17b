"""document: searches that show one hit for each value of a field, and what their hits carry."""

from __future__ import annotations

from harness import Server

BOOKS = "/library/books"
MAPPING = {"properties": {"kind": {"type": "keyword"}, "year": {"type": "integer"}}}


async def seed(server: Server) -> None:
    """Documents b0 to b4: even ones are novels; the year is 1800 and the number."""
    await server.http("POST", "/library/_create")
    await server.http("PUT", BOOKS, MAPPING)
    documents = [
        {"_id": f"b{number}", "body": {"kind": "essay" if number % 2 else "novel", "year": 1800 + number}}
        for number in range(5)
    ]
    await server.http("POST", f"{BOOKS}/_mCreate?refresh=wait_for", {"documents": documents})


async def test_hits_of_a_collapsed_search_show_their_value_and_their_group(server: Server) -> None:
    await seed(server)
    inner = {"name": "oldest", "size": 1, "sort": ["year"], "_source": ["year"], "version": True}
    body = {"sort": [{"year": "desc"}], "collapse": {"field": "kind", "inner_hits": inner}, "track_scores": True}
    websocket = await server.websocket()
    over_http = (await server.http("POST", f"{BOOKS}/_search", body)).result
    answer = await websocket.request("document", "search", index="library", collection="books", body=body)
    for result in (over_http, answer["result"]):
        hits = result["hits"]
        assert [(hit["_id"], hit["fields"], hit["_score"], hit["sort"]) for hit in hits] == [
            ("b4", {"kind": ["novel"]}, 1.0, [1804]),
            ("b3", {"kind": ["essay"]}, 1.0, [1803]),
        ]
        assert result["total"] == 5
        assert hits[1]["inner_hits"] == {
            "oldest": {
                "hits": {
                    "total": 2,
                    "max_score": None,
                    "hits": [
                        {"_index": "library", "_type": "books", "_id": "b1", "_version": 1, "_score": None,
                         "_source": {"year": 1801}, "sort": [1801]}
                    ],
                }
            }
        }  # fmt: skip


async def test_the_trash_is_in_no_group_unless_it_is_asked_for(server: Server) -> None:
    await seed(server)
    await server.http("DELETE", f"{BOOKS}/b0?refresh=wait_for")
    body = {"sort": ["year"], "collapse": {"field": "kind", "inner_hits": {"name": "all"}}}
    for query, expected in (("", {"b1": 2, "b2": 2}), ("?includeTrash=true", {"b0": 3, "b1": 2})):
        reply = await server.http("POST", f"{BOOKS}/_search{query}", body)
        shown = {hit["_id"]: hit["inner_hits"]["all"]["hits"]["total"] for hit in reply.result["hits"]}
        assert shown == expected


async def test_hits_show_values_of_fields_and_names_of_clauses(server: Server) -> None:
    await seed(server)
    query = {"bool": {"should": [{"term": {"kind": {"value": "novel", "_name": "is novel"}}}, {"match_all": {}}]}}
    body = {"query": query, "docvalue_fields": ["year", "kind"], "_source": False, "sort": ["year"], "size": 2}
    reply = await server.http("POST", f"{BOOKS}/_search", body)
    assert [(hit["fields"], hit.get("matched_queries")) for hit in reply.result["hits"]] == [
        ({"year": [1800], "kind": ["novel"]}, ["is novel"]),
        ({"year": [1801], "kind": ["essay"]}, None),
    ]
    refused = await server.http("POST", f"{BOOKS}/_search", {"profile": True})
    assert (refused.status, refused.error_id) == (400, "services.storage.unexpected_bad_request")


async def test_hits_tell_why_they_have_their_score(server: Server) -> None:
    await seed(server)
    query = {"bool": {"must": {"match_all": {}}, "should": {"term": {"kind": {"value": "novel", "boost": 2}}}}}
    reply = await server.http("POST", f"{BOOKS}/_search", {"query": query, "explain": True, "size": 1})
    (hit,) = reply.result["hits"]
    # The outer query is the one that hides the trash.
    assert hit["_explanation"] == {
        "value": 3.0,
        "description": "sum of:",
        "details": [
            {
                "value": 3.0,
                "description": "sum of:",
                "details": [
                    {"value": 1.0, "description": "weight(MatchAll)", "details": []},
                    {"value": 2.0, "description": "weight(Term kind:novel)", "details": []},
                ],
            }
        ],
    }
    assert hit["_score"] == 3.0


async def test_a_search_may_say_how_long_it_takes(server: Server) -> None:
    await seed(server)
    reply = await server.http("POST", f"{BOOKS}/_search", {"timeout": "10s"})
    assert (reply.result["total"], reply.result["timed_out"]) == (5, False)
    documents = [{"_id": f"n{number}", "body": {"year": number}} for number in range(200)]
    assert (await server.http("POST", f"{BOOKS}/_mCreate?refresh=wait_for", {"documents": documents})).status == 200
    body = {"timeout": "0ms", "sort": [{"year": {"mode": "sum"}}, "kind"]}
    reply = await server.http("POST", f"{BOOKS}/_search", body)
    assert (reply.status, reply.result["hits"], reply.result["timed_out"]) == (200, [], True)
