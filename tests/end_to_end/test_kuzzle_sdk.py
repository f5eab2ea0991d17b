"""Kuzzle's official JavaScript SDK, unmodified, against a whole server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import Server
from node import node, node_running


@pytest.mark.parametrize("protocol", ["http", "websocket"])
async def test_the_sdk_writes_reads_and_searches_documents(server: Server, protocol: str) -> None:
    (seen,) = await node("sdk_documents.js", protocol, str(server.port(protocol)))
    check_server(seen)
    check_indexes(seen)
    check_single_documents(seen)
    check_many_documents(seen)
    check_errors(seen["errors"])


def check_server(seen: dict[str, Any]) -> None:
    assert seen["now"] > 1_700_000_000_000
    assert seen["version"].startswith("1.")
    assert seen["adminExists"] is False


def check_indexes(seen: dict[str, Any]) -> None:
    assert seen["indexExists"] == [True, False]
    assert "library" in seen["indexes"]
    assert seen["collectionExists"] == [True, False]
    mapping = seen["mapping"]["library"]["mappings"]["books"]["properties"]
    assert mapping["title"]["type"] == "keyword"
    assert mapping["year"]["type"] == "integer"
    assert {"name": "books", "type": "stored"} in seen["collections"]["collections"]
    assert seen["indexExistsAtTheEnd"] is False


def check_single_documents(seen: dict[str, Any]) -> None:
    assert seen["created"]["_id"] == "ada"
    assert seen["created"]["_version"] == 1
    assert seen["created"]["_source"]["title"] == "Notes"
    assert seen["named"]["_id"]
    assert seen["read"]["_source"]["year"] == 1843
    assert seen["read"]["_source"]["_kuzzle_info"]["author"] == "-1"
    assert seen["updated"]["_version"] == 2
    assert seen["afterUpdate"] | {"title": "Notes", "year": 1843, "pages": 66} == seen["afterUpdate"]
    assert seen["replaced"]["_version"] == 3
    replaced, created = seen["createdOrReplaced"]
    assert (replaced["_version"], replaced["created"]) == (4, False)
    assert (created["_version"], created["created"]) == (1, True)
    assert seen["documentExists"] == [True, False]
    assert seen["deleted"] == "new"


def check_many_documents(seen: dict[str, Any]) -> None:
    assert [hit["_id"] for hit in seen["many"]["hits"]] == ["m1", "m2", "m3"]
    assert [hit["_source"]["year"] for hit in seen["manyRead"]["hits"]] == [1, 3]
    assert seen["found"] == {"total": 5, "ids": ["m2", "m3", "new"], "years": [2, 3, 1837]}
    assert [len(page) for page in seen["pages"]] == [4, 2]
    assert {"ada", "new", "m1", "m2", "m3"} < {name for page in seen["pages"] for name in page}
    assert seen["count"] == 3
    assert sorted(seen["deletedByQuery"]) == ["m1", "m2", "m3"]
    assert seen["left"] == 2
    assert seen["leftAfterTruncate"] == 0


def check_errors(errors: dict[str, Any]) -> None:
    assert (errors["missing"]["status"], errors["missing"]["id"]) == (404, "services.storage.unexpected_not_found")
    assert (errors["taken"]["status"], errors["taken"]["id"]) == (400, "services.storage.document_already_exists")
    assert (errors["bodiless"]["status"], errors["bodiless"]["id"]) == (400, "api.assert.body_required")
    assert errors["partial"]["status"] == 206


async def test_the_sdk_hears_what_its_subscriptions_ask_for(server: Server) -> None:
    await server.prepare()
    (seen,) = await node("sdk_realtime.js", str(server.port("websocket")))
    assert seen["count"] == 1
    heard = [(one["action"], one["scope"], one["id"]) for one in seen["modern"]]
    assert heard == [
        ("create", "in", "new"),
        ("update", "in", "new"),
        ("replace", "out", "new"),
        ("update", "in", "old"),
        ("delete", "out", "old"),
        ("publish", "in", None),
    ]
    assert {one["protocol"] for one in seen["modern"]} == {"websocket"}
    assert [(one["user"], one["count"]) for one in seen["users"]] == [("in", 2), ("out", 1)]
    assert seen["users"][0]["volatile"]["name"] == "guest"
    assert seen["own"] == []
    assert list(seen["rooms"]["library"]) == ["books"]


async def test_the_sdk_comes_back_after_a_restart_and_still_hears(tmp_path: Path) -> None:
    async with Server(tmp_path, {}) as first:
        await first.prepare()
        port = first.port("websocket")
        async with node_running("sdk_reconnect.js", str(port)) as client:
            assert await client.value() == "subscribed"
            await first.stop()
            assert await client.value() == "lost"
            same_port = {name: {"port": port} for name in ("http", "websocket", "socketio")}
            async with Server(tmp_path, {"protocols": same_port}) as second:
                assert await client.value() == "back"
                await second.http("POST", "/library/books/heard/_create", {})
                assert await client.rest() == ["heard"]


@pytest.mark.parametrize("protocol", ["http", "websocket"])
async def test_the_sdk_pages_through_a_search(server: Server, protocol: str) -> None:
    await server.prepare()
    await server.http("PUT", "/library/books", {"properties": {"year": {"type": "integer"}}})
    years = {"a": 1843, "b": 1959, "c": 1843, "d": None, "e": 1837}
    documents = [{"_id": name, "body": {"year": year}} for name, year in years.items()]
    await server.http("POST", "/library/books/_mCreate?refresh=wait_for", {"documents": documents})
    await server.http("PUT", "/_specifications", {"library": {name: {} for name in "abc"}, "other": {"a": {}}})
    (seen,) = await node("sdk_pages.js", protocol, str(server.port(protocol)))
    assert seen["after"] == [["b", "a"], ["c", "e"], ["d"]]
    assert seen["from"] == seen["after"]
    assert seen["scroll"] == seen["after"]
    assert seen["specifications"] == [["a", "b"], ["c"]]
    assert seen["groups"] == [["b", 1], ["a", 2], ["e", 1], ["d", 1]]
