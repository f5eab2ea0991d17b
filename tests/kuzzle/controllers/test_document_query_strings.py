"""document: searches, counts and deletions by query strings, as the search boxes of applications send them."""

from __future__ import annotations

from harness import Server

BOOKS = "/library/books"
TITLES = ("Dune", "Dune Messiah", "Emma", "Persuasion")


async def seed(server: Server) -> None:
    """Documents b0 to b3 without a mapping of their own."""
    await server.http("POST", "/library/_create")
    await server.http("PUT", BOOKS)
    documents = [
        {"_id": f"b{number}", "body": {"title": title, "year": 1800 + number, "kind": "novel"}}
        for number, title in enumerate(TITLES)
    ]
    await server.http("POST", f"{BOOKS}/_mCreate?refresh=wait_for", {"documents": documents})


async def test_a_search_by_a_query_string_answers_over_every_protocol(server: Server) -> None:
    await seed(server)
    body = {"query": {"query_string": {"query": "title:(dune AND NOT messiah) OR year:>=1803 OR title.keyword:Em*"}}}
    websocket = await server.websocket()
    over_http = (await server.http("POST", f"{BOOKS}/_search", body)).result
    answer = await websocket.request("document", "search", index="library", collection="books", body=body)
    for result in (over_http, answer["result"]):
        assert {hit["_id"] for hit in result["hits"]} == {"b0", "b2", "b3"}
        assert result["total"] == 3


async def test_a_query_string_sees_metadata_and_not_the_trash(server: Server) -> None:
    await seed(server)
    await server.http("DELETE", f"{BOOKS}/b0?refresh=wait_for")
    body = {"query": {"query_string": {"query": "dune AND _exists_:_kuzzle_info.createdAt"}}}
    reply = await server.http("POST", f"{BOOKS}/_search", body)
    assert [hit["_id"] for hit in reply.result["hits"]] == ["b1"]


async def test_a_simple_query_string_counts_and_deletes(server: Server) -> None:
    await seed(server)
    # The parenthesis that nothing closes is left out.
    body = {"query": {"simple_query_string": {"query": "dune + (messiah | emma", "fields": ["title^2"]}}}
    assert (await server.http("POST", f"{BOOKS}/_count", body)).result["count"] == 2
    deleted = await server.http("DELETE", f"{BOOKS}/_query?refresh=wait_for", body)
    assert sorted(deleted.result["ids"]) == ["b1", "b2"]


async def test_a_query_string_that_breaks_the_grammar_is_a_bad_request_everywhere(server: Server) -> None:
    await seed(server)
    body = {"query": {"query_string": {"query": "title:(dune"}}}
    for verb, path in (("POST", f"{BOOKS}/_search"), ("POST", f"{BOOKS}/_count"), ("DELETE", f"{BOOKS}/_query")):
        reply = await server.http(verb, path, body)
        assert reply.status == 400
        assert reply.error_id == "services.storage.unexpected_bad_request"
        assert reply.json["error"]["message"].startswith("Failed to parse query [title:(dune]")
