"""document:search over nested objects, as clients see it."""

from __future__ import annotations

from typing import Any

from harness import Server

ITEMS = "/shop/orders"
PART = {"name": {"type": "keyword"}, "price": {"type": "long"}}
MAPPING = {"properties": {"items": {"type": "nested", "properties": {**PART, "parts": {"type": "nested"}}}}}
ORDERS: list[dict[str, Any]] = [
    {"_id": "o1", "body": {"items": [{"name": "pen", "price": 3}, {"name": "ink", "price": 9, "parts": [{"no": 7}]}]}},
    {"_id": "o2", "body": {"items": {"name": "pen", "price": 9}}},
]


async def seed(server: Server) -> None:
    await server.http("POST", "/shop/_create")
    await server.http("PUT", ITEMS, MAPPING)
    await server.http("POST", f"{ITEMS}/_mCreate?refresh=wait_for", {"documents": ORDERS})


async def test_inner_hits_stand_beside_their_hit(server: Server) -> None:
    await seed(server)
    both = {"bool": {"must": [{"term": {"items.name": "pen"}}, {"term": {"items.price": 9}}]}}
    body = {"query": {"nested": {"path": "items", "query": both, "inner_hits": {}}}}
    (hit,) = (await server.http("POST", f"{ITEMS}/_search", body)).result["hits"]
    assert hit["_id"] == "o2"
    place = {"_index": "shop", "_type": "orders", "_id": "o2"}
    inner = {**place, "_nested": {"field": "items", "offset": 0}, "_score": 2.0, "_source": ORDERS[1]["body"]["items"]}
    assert hit["inner_hits"] == {"items": {"hits": {"total": 1, "max_score": 2.0, "hits": [inner]}}}


async def test_objects_of_objects_tell_both_places(server: Server) -> None:
    await seed(server)
    query = {"nested": {"path": "items.parts", "query": {"term": {"items.parts.no": 7}}, "inner_hits": {"name": "p"}}}
    (hit,) = (await server.http("POST", f"{ITEMS}/_search", {"query": query})).result["hits"]
    (inner,) = hit["inner_hits"]["p"]["hits"]["hits"]
    assert inner["_nested"] == {"field": "items", "offset": 1, "_nested": {"field": "parts", "offset": 0}}
    assert inner["_source"] == {"no": 7}


async def test_a_path_that_is_not_nested_is_refused(server: Server) -> None:
    await seed(server)
    reply = await server.http("POST", f"{ITEMS}/_search", {"query": {"nested": {"path": "x", "query": {}}}})
    assert (reply.status, reply.error_id) == (400, "services.storage.unexpected_bad_request")


async def test_hits_stand_in_buckets(server: Server) -> None:
    await seed(server)
    top = {"top_hits": {"size": 1, "sort": {"items.price": "desc"}}}
    names = {"terms": {"field": "items.name"}, "aggs": {"top": top, "orders": {"reverse_nested": {}}}}
    aggregations = {
        "items": {"nested": {"path": "items"}, "aggs": {"names": names}},
        "first": {"top_hits": {"size": 1}},
    }
    result = (await server.http("POST", f"{ITEMS}/_search?size=0", {"aggs": aggregations})).result["aggregations"]
    (pen, ink) = result["items"]["names"]["buckets"]
    assert (pen["key"], pen["doc_count"], pen["orders"]) == ("pen", 2, {"doc_count": 2})
    place = {"_index": "shop", "_type": "orders", "_id": "o2", "_nested": {"field": "items", "offset": 0}}
    hit = {**place, "_score": None, "_source": ORDERS[1]["body"]["items"], "sort": [9]}
    assert pen["top"] == {"hits": {"total": 2, "max_score": None, "hits": [hit]}}
    assert ink["top"]["hits"]["total"] == 1
    assert [hit["_id"] for hit in result["first"]["hits"]["hits"]] == ["o1"]
    assert "_meta" not in result["first"]["hits"]["hits"][0]
