"""Specifications of collections: their actions, and what they do to writes and messages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from harness import Reply, Server

from kuzzle.storage.base import DocumentWrite, WriteKind

BOOK: dict[str, Any] = {
    "strict": True,
    "fields": {
        "title": {"type": "string", "mandatory": True, "typeOptions": {"length": {"min": 1}}},
        "pages": {"type": "integer", "defaultValue": 100},
        "author": {"type": "object"},
        "author/name": {"type": "string", "mandatory": True},
    },
    "validators": [{"not": {"equals": {"title": "Untitled"}}}],
}
WRONG = {"fields": {"a": {"type": "text"}, "b": {}}}
TARGET = {"index": "library", "collection": "books"}


async def specified(server: Server, specification: dict[str, Any] = BOOK) -> None:
    await server.prepare()
    assert (await server.http("PUT", "/library/books/_specifications", specification)).status == 200


def refusal(reply: Reply) -> tuple[int, str | None]:
    return reply.status, reply.error_id


# --- the actions


async def test_a_specification_is_stored_and_read(server: Server) -> None:
    await server.prepare()
    assert (await server.http("PUT", "/library/books/_specifications", BOOK)).result == BOOK
    stored = {"index": "library", "collection": "books", "validation": BOOK}
    assert (await server.http("GET", "/library/books/_specifications")).result == stored
    websocket = await server.websocket()
    assert (await websocket.request("collection", "getSpecifications", **TARGET))["result"] == stored
    reply = await websocket.request("collection", "updateSpecifications", body={"fields": {}}, **TARGET)
    assert reply["result"] == {"fields": {}}
    assert (await server.http("GET", "/library/books/_specifications")).result["validation"] == {"fields": {}}


async def test_specifications_come_as_a_map_too(server: Server) -> None:
    await server.prepare()
    body = {"library": {"books": BOOK, "authors": {}}, "elsewhere": {"things": {"strict": True}}}
    websocket = await server.websocket()
    reply = await websocket.request("collection", "updateSpecifications", body=body)
    assert reply["result"] == body
    assert (await server.http("PUT", "/_specifications", body)).result == body
    found = (await server.http("POST", "/validations/_search")).result
    assert {hit["_id"] for hit in found["hits"]} == {"library#books", "library#authors", "elsewhere#things"}
    assert refusal(await server.http("POST", "/elsewhere/things/_publish", {"a": 1})) == (
        400,
        "validation.check.failed_document",
    )


async def test_nothing_is_stored_when_one_is_wrong(server: Server) -> None:
    await server.prepare()
    reply = await server.http("PUT", "/_specifications", {"library": {"books": BOOK, "authors": WRONG}, "other": 5})
    assert refusal(reply) == (400, "validation.assert.invalid_specifications")
    assert reply.json["error"]["message"] == (
        "Errors occured with the provided specifications:\n"
        'In "library.authors.a": unknown type "text".\n\t- '
        'Missing property "type" in field "library.authors.b".\n\t- '
        'Wrong type for parameter "other" (expected: object).'
    )
    assert (await server.http("POST", "/validations/_search")).result["total"] == 0
    assert (await server.http("POST", "/library/books/_create", {})).status == 200


async def test_specifications_are_checked_without_being_stored(server: Server) -> None:
    await server.prepare()
    websocket = await server.websocket()
    assert (await server.http("POST", "/library/books/_validateSpecifications", BOOK)).result == {"valid": True}
    wrong = (await server.http("POST", "/library/books/_validateSpecifications", WRONG)).result
    assert wrong["valid"] is False
    assert len(wrong["details"]) == 2
    assert wrong["description"]
    by_map = {"library": {"books": WRONG}}
    assert (await server.http("POST", "/_validateSpecifications", by_map)).result == wrong
    assert (await websocket.request("collection", "validateSpecifications", body=by_map))["result"] == wrong
    reply = await websocket.request("collection", "validateSpecifications", body=BOOK, **TARGET)
    assert reply["result"] == {"valid": True}
    assert refusal(await server.http("GET", "/library/books/_specifications")) == (404, "validation.assert.not_found")


@pytest.mark.parametrize("action", ["updateSpecifications", "validateSpecifications"])
async def test_index_and_collection_come_together_or_not_at_all(server: Server, action: str) -> None:
    websocket = await server.websocket()
    for members, error_id in (
        ({"index": "library"}, "api.assert.missing_argument"),
        ({"collection": "books"}, "api.assert.missing_argument"),
        ({"index": "%kuzzle", "collection": "users"}, "services.storage.index_reserved"),
    ):
        reply = await websocket.request("collection", action, body=BOOK, **members)
        assert (reply["status"], reply["error"]["id"]) == (400, error_id)
    reply = await websocket.request("collection", action, body={"%kuzzle": {"users": {}}})
    assert reply["error"]["id"] == "services.storage.index_reserved"
    reply = await websocket.request("collection", action, **TARGET)
    assert reply["error"]["id"] == "api.assert.body_required"


async def test_a_name_that_cannot_be_kept_is_refused(server: Server) -> None:
    websocket = await server.websocket()
    for index, collection in (("a#b", "c"), ("", "c"), ("a", ""), ("a", "x" * 600)):
        reply = await websocket.request("collection", "updateSpecifications", body={index: {collection: {}}})
        assert (reply["status"], reply["error"]["id"]) == (400, "services.storage.unexpected_bad_request")


async def test_there_is_nothing_to_read_where_nothing_is(server: Server) -> None:
    await server.prepare()
    get = "_specifications"
    assert refusal(await server.http("GET", f"/library/books/{get}")) == (404, "validation.assert.not_found")
    assert refusal(await server.http("GET", f"/library/x/{get}")) == (412, "services.storage.unknown_collection")
    assert refusal(await server.http("GET", f"/nowhere/x/{get}")) == (412, "services.storage.unknown_index")


async def test_a_deleted_specification_is_out_of_force_at_once(server: Server) -> None:
    await server.prepare()
    assert (await server.http("DELETE", "/nowhere/x/_specifications")).result == {"acknowledged": True}
    await specified(server)
    assert (await server.http("DELETE", "/library/x/_specifications")).result == {"acknowledged": True}
    assert (await server.http("POST", "/library/books/_create", {})).status == 400
    websocket = await server.websocket()
    reply = await websocket.request("collection", "deleteSpecifications", **TARGET)
    assert reply["result"] == {"acknowledged": True}
    assert (await server.http("POST", "/library/books/_create", {})).status == 200
    assert refusal(await server.http("GET", "/library/books/_specifications")) == (404, "validation.assert.not_found")


async def test_stored_specifications_are_searched(server: Server) -> None:
    path = "/validations/_search"
    nothing = {"hits": [], "total": 0, "max_score": None}
    assert (await server.http("POST", path)).result == nothing
    await server.http("PUT", "/_specifications", {"library": {name: {} for name in "abc"}, "other": {"a": {}}})
    found = (await server.http("POST", path, {"query": {"term": {"index": "other"}}})).result
    assert found["total"] == 1
    (hit,) = found["hits"]
    assert (hit["_index"], hit["_type"], hit["_id"]) == ("%kuzzle", "validations", "other#a")
    assert hit["_source"] == {"index": "other", "collection": "a", "validation": {}}
    page = (await server.http("POST", f"{path}?from=1&size=2", {"query": {}})).result
    assert (len(page["hits"]), page["total"]) == (2, 4)
    whole = {"query": {"query": {"term": {"index": "library"}}, "sort": [{"collection": "desc"}]}}
    websocket = await server.websocket()
    reply = await websocket.request("collection", "searchSpecifications", body=whole)
    assert [hit["_id"] for hit in reply["result"]["hits"]] == ["library#c", "library#b", "library#a"]
    for query, body, expected in (
        ("?size=10001", {}, (413, "services.storage.get_limit_exceeded")),
        ("", {"query": 5}, (400, "api.assert.invalid_type")),
        ("", {"query": {"nothing": {}}}, (400, "services.storage.unexpected_bad_request")),
    ):
        assert refusal(await server.http("POST", f"{path}{query}", body)) == expected


async def test_found_specifications_are_read_page_by_page(server: Server) -> None:
    empty = (await server.http("POST", "/validations/_search?scroll=1m")).result
    assert (empty["hits"], empty["total"]) == ([], 0)
    await server.http("PUT", "/_specifications", {"library": {name: {} for name in "abcde"}, "other": {"a": {}}})
    wanted = {"query": {"query": {"term": {"index": "library"}}, "sort": [{"collection": "desc"}]}}
    page = (await server.http("POST", "/validations/_search?scroll=30s&size=2", wanted)).result
    await server.http("PUT", "/_specifications", {"library": {"f": {}}})
    found = []
    while page["hits"]:
        assert page["total"] == 5
        found.append([hit["_id"] for hit in page["hits"]])
        page = (await server.http("GET", f"/validations/_scroll/{page['scrollId']}?scroll=1m")).result
    assert found == [["library#e", "library#d"], ["library#c", "library#b"], ["library#a"]]
    websocket = await server.websocket()
    missing = await websocket.request("collection", "scrollSpecifications")
    assert (missing["status"], missing["error"]["id"]) == (400, "api.assert.missing_argument")


async def test_scrolls_of_documents_and_of_specifications_are_kept_apart(server: Server) -> None:
    await server.prepare()
    await server.http("PUT", "/_specifications", {"library": {"books": {}}})
    of_documents = (await server.http("POST", "/library/books/_search?scroll=1m")).result["scrollId"]
    of_specifications = (await server.http("POST", "/validations/_search?scroll=1m")).result["scrollId"]
    for path in (f"/validations/_scroll/{of_documents}", f"/_scroll/{of_specifications}"):
        assert refusal(await server.http("GET", path)) == (404, "services.storage.unknown_scroll_id")
    for path in (f"/_scroll/{of_documents}", f"/validations/_scroll/{of_specifications}"):
        assert (await server.http("GET", path)).status == 200


# --- writes and messages


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "/library/books/_create"),
        ("PUT", "/library/books/b1"),
        ("PUT", "/library/books/b1/_replace"),
        ("POST", "/library/books/_publish"),
    ],
)
async def test_content_is_held_against_the_specification(server: Server, verb: str, path: str) -> None:
    await specified(server)
    await server.http("PUT", "/library/books/b1", {"title": "Emma"})
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", body={}, state="all", **TARGET)
    for body, error_id, text in (
        ({}, "validation.check.failed_field", 'Validation failed. Field "title": The field is mandatory.'),
        (
            {"title": "Emma", "author": {}},
            "validation.check.failed_field",
            'Validation failed. Field "author.name": The field is mandatory.',
        ),
        (
            {"title": "Emma", "x": 1, "y": 1},
            "validation.check.failed_document",
            "Failed to validate document: The document is strict, unexpected fields: x, y.",
        ),
        (
            {"title": "Untitled"},
            "validation.check.failed_document",
            "Failed to validate document: The document does not match the validators.",
        ),
    ):
        reply = await server.http(verb, path, body)
        assert refusal(reply) == (400, error_id)
        assert reply.json["error"]["message"] == text
    await websocket.settle()
    assert websocket.notifications.empty()
    assert (await server.http(verb, path, {"title": "Emma", "_kuzzle_info": {"x": 1}})).status == 200
    told = await websocket.notification()
    assert {**told["result"]["_source"], "_kuzzle_info": None} == {"title": "Emma", "pages": 100, "_kuzzle_info": None}


async def test_a_refused_content_comes_before_an_unknown_collection(server: Server) -> None:
    await server.http("PUT", "/nowhere/books/_specifications", BOOK)
    assert refusal(await server.http("POST", "/nowhere/books/_create", {}))[1] == "validation.check.failed_field"
    reply = await server.http("POST", "/nowhere/books/_create", {"title": "Emma"})
    assert refusal(reply) == (412, "services.storage.unknown_index_collection")


async def test_an_update_is_judged_by_what_it_leads_to(server: Server) -> None:
    await specified(server)
    await server.http("PUT", "/library/books/b1", {"title": "Emma", "author": {"name": "Jane"}})
    path = "/library/books/b1/_update"
    assert (await server.http("PUT", path, {"pages": 7})).status == 200
    assert (await server.http("PUT", path, {"author": {"name": "Jane Austen"}})).status == 200
    for body, error_id in (
        ({"title": None}, "validation.check.failed_field"),
        ({"author": {"name": 5}}, "validation.check.failed_field"),
        ({"author": {"born": 1775}}, "validation.check.failed_field"),
        ({"x": 1}, "validation.check.failed_document"),
        ({"title": "Untitled"}, "validation.check.failed_document"),
    ):
        assert refusal(await server.http("PUT", path, body)) == (400, error_id)
    stored = (await server.http("GET", "/library/books/b1")).result
    assert stored["_version"] == 3
    assert (await server.http("PUT", path, {"pages": None})).status == 200
    stored = (await server.http("GET", "/library/books/b1")).result["_source"]
    assert (stored["pages"], stored["author"]) == (100, {"name": "Jane Austen"})


async def test_an_update_of_nothing_is_not_found_before_it_is_judged(server: Server) -> None:
    await specified(server)
    reply = await server.http("PUT", "/library/books/b1/_update", {"x": 1})
    assert refusal(reply) == (404, "services.storage.unexpected_not_found")


async def test_no_two_updates_lead_together_to_what_is_refused(server: Server) -> None:
    """Each alone is right: whichever comes second is judged with the first one's change."""
    either = {"validators": [{"not": {"and": [{"equals": {"a": 1}}, {"equals": {"b": 1}}]}}]}
    await specified(server, either)
    for number in range(20):
        await server.http("PUT", f"/library/books/{number}", {"a": 0, "b": 0})
    websocket = await server.websocket()
    replies = await asyncio.gather(
        *(
            websocket.request("document", "update", _id=str(number), body={name: 1}, **TARGET)
            for number in range(20)
            for name in ("a", "b")
        )
    )
    assert sorted(reply["status"] for reply in replies) == [200] * 20 + [400] * 20


async def test_m_actions_are_free_of_it(server: Server) -> None:
    await specified(server)
    reply = await server.http("POST", "/library/books/_mCreate", {"documents": [{"_id": "b1", "body": {"x": 1}}]})
    assert reply.status == 200
    for action in ("mCreateOrReplace", "mReplace", "mUpdate"):
        reply = await server.http("PUT", f"/library/books/_{action}", {"documents": [{"_id": "b1", "body": {"x": 2}}]})
        assert reply.status == 200


async def test_content_is_validated_without_being_stored(server: Server) -> None:
    await specified(server)
    websocket = await server.websocket()
    right = {"valid": True, "errorMessages": {}}
    wrong = {
        "valid": False,
        "errorMessages": {
            "documentScope": ["The document is strict, unexpected fields: x."],
            "fieldScope": {
                "children": {
                    "title": {"messages": ["The string is shorter than the minimum (1)."], "children": {}},
                    "author": {
                        "messages": [],
                        "children": {"name": {"messages": ["The field is mandatory."], "children": {}}},
                    },
                }
            },
        },
    }
    content = {"title": "", "author": {}, "x": 1}
    assert (await server.http("POST", "/library/books/_validate", {"title": "Emma"})).result == right
    assert (await server.http("POST", "/library/books/_validate", content)).result == wrong
    assert (await server.http("POST", "/nowhere/nothing/_validate", content)).result == right
    for controller in ("document", "realtime"):
        assert (await websocket.request(controller, "validate", body=content, **TARGET))["result"] == wrong
        reply = await websocket.request(controller, "validate", **TARGET)
        assert reply["error"]["id"] == "api.assert.body_required"
        reply = await websocket.request(controller, "validate", body={}, index="library")
        assert reply["error"]["id"] == "api.assert.missing_argument"
    assert (await server.http("POST", "/library/books/_count")).result["count"] == 0


# --- over a restart


async def test_specifications_are_in_force_after_a_restart(server: Server) -> None:
    await specified(server)
    await server.stop()
    async with Server(server.folder, {}) as again:
        assert (await again.http("POST", "/library/books/_create", {})).status == 400
        assert (await again.http("POST", "/library/books/_create", {"title": "Emma"})).status == 200


def test_a_stored_specification_that_cannot_be_read_is_logged(
    start_server: Callable[..., Server], io_loop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_server()

    async def spoil() -> None:
        await specified(server)
        contents = {"library#books": {"index": "library", "collection": "books", "validation": WRONG}, "x": {}}
        writes = [DocumentWrite(name, content) for name, content in contents.items()]
        storage = server.app.storage
        await storage.write_documents("%kuzzle", "validations", WriteKind.CREATE_OR_REPLACE, writes)
        await server.stop()

    io_loop.run_sync(spoil)
    with caplog.at_level(logging.ERROR):
        again = start_server(folder=server.folder)
        assert len(caplog.records) == 2
        caplog.clear()
    assert io_loop.run_sync(lambda: again.http("POST", "/library/books/_create", {})).status == 200
