"""document:scroll, and document:search with `scroll`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from harness import Server

from kuzzle.controllers.lifetimes import read_lifetime

BOOKS = "/library/books"


async def seed(server: Server) -> None:
    """Store the documents b0 to b4, of the years 1800 to 1804."""
    await server.http("POST", "/library/_create")
    await server.http("PUT", BOOKS, {"properties": {"year": {"type": "integer"}}})
    documents = [{"_id": f"b{number}", "body": {"year": 1800 + number}} for number in range(5)]
    await server.http("POST", f"{BOOKS}/_mCreate?refresh=wait_for", {"documents": documents})


@pytest.mark.parametrize("verb_and_path", [("POST", f"{BOOKS}/_search"), ("GET", BOOKS)])
async def test_a_search_is_read_page_by_page(server: Server, verb_and_path: tuple[str, str]) -> None:
    await seed(server)
    verb, path = verb_and_path
    reply = await server.http(verb, f"{path}?scroll=30s&size=2", {"sort": [{"year": "desc"}]})
    found = []
    while reply.result["hits"]:
        assert (reply.status, reply.result["total"]) == (200, 5)
        assert reply.result["scrollId"] == reply.result["_scroll_id"]
        found.append([hit["_id"] for hit in reply.result["hits"]])
        reply = await server.http("GET", f"/_scroll/{reply.result['scrollId']}?scroll=1m")
    assert found == [["b4", "b3"], ["b2", "b1"], ["b0"]]
    assert (await server.http("GET", f"/_scroll/{reply.result['scrollId']}")).result["hits"] == []


async def test_a_scroll_hides_the_trash_and_later_writes(server: Server) -> None:
    await seed(server)
    await server.http("DELETE", f"{BOOKS}/b2?refresh=wait_for")
    websocket = await server.websocket()
    target = {"index": "library", "collection": "books", "body": {"sort": "year"}, "size": 2, "scroll": "1m"}
    first = (await websocket.request("document", "search", **target))["result"]
    await server.http("DELETE", f"{BOOKS}/b3?refresh=wait_for")
    await server.http("PUT", f"{BOOKS}/b4/_update?refresh=wait_for", {"year": 1})
    second = (await websocket.request("document", "scroll", scrollId=first["scrollId"]))["result"]
    assert [(hit["_id"], hit["_source"]["year"]) for hit in first["hits"] + second["hits"]] == [
        ("b0", 1800),
        ("b1", 1801),
        ("b3", 1803),
        ("b4", 1804),
    ]
    assert second["total"] == 4


async def test_a_search_without_scroll_has_no_cursor(server: Server) -> None:
    await seed(server)
    assert "scrollId" not in (await server.http("POST", f"{BOOKS}/_search")).result


async def test_faults_of_scrolls(server: Server) -> None:
    await seed(server)
    for path in (f"{BOOKS}/_search?scroll=1m&from=1", f"{BOOKS}/_search?scroll=1m&size=0"):
        reply = await server.http("POST", path)
        assert (reply.status, reply.error_id) == (400, "services.storage.unexpected_bad_request")
    reply = await server.http("GET", "/_scroll/nonsense")
    assert (reply.status, reply.error_id) == (404, "services.storage.unknown_scroll_id")
    websocket = await server.websocket()
    missing = await websocket.request("document", "scroll")
    assert (missing["status"], missing["error"]["id"]) == (400, "api.assert.missing_argument")
    wrong = await websocket.request("document", "scroll", scrollId=["a"])
    assert (wrong["status"], wrong["error"]["id"]) == (400, "api.assert.invalid_type")


@pytest.fixture
def hasty_server(start_server: Callable[..., Server]) -> Server:
    """A server that keeps a scroll for a moment only."""
    return start_server({"limits": {"scrollDuration": 20}})


async def test_a_scroll_lives_no_longer_than_its_limit(hasty_server: Server) -> None:
    server = hasty_server
    await seed(server)
    reply = await server.http("POST", f"{BOOKS}/_search?scroll=10h&size=1")
    await asyncio.sleep(0.1)
    gone = await server.http("GET", f"/_scroll/{reply.result['scrollId']}")
    assert (gone.status, gone.error_id) == (404, "services.storage.unknown_scroll_id")


@pytest.fixture
def narrow_server(start_server: Callable[..., Server]) -> Server:
    """A server that keeps one scroll."""
    return start_server({"limits": {"scrolls": 1}})


async def test_one_scroll_too_many_is_refused(narrow_server: Server) -> None:
    server = narrow_server
    await seed(server)
    assert (await server.http("POST", f"{BOOKS}/_search?scroll=1m&size=1")).status == 200
    reply = await server.http("POST", f"{BOOKS}/_search?scroll=1m&size=1")
    assert (reply.status, reply.error_id) == (500, "services.storage.too_many_operations")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", 30_000),
        ("1m", 60_000),
        ("250ms", 250),
        ("2h", 7_200_000),
        ("1d", 10_000_000),
        ("9" * 40 + "s", 15_000),
        ("0s", 15_000),
        ("soon", 15_000),
        ("", 15_000),
        (None, 15_000),
        ("-1s", 15_000),
        ("1m ", 15_000),
    ],
)
def test_lifetimes(text: str | None, expected: int) -> None:
    assert read_lifetime(text, 10_000_000) == expected
    assert read_lifetime(text, 100) == 100
