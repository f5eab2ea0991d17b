"""Many clients at once: no change is lost, one of many makers wins, and whatever meets, the errors are documented."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

import pytest
from harness import Server, WebSocket

from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.errors import VersionConflictError

TARGET = {"index": "library", "collection": "books"}
CLIENTS = 10
ROUNDS = 10


async def connected(server: Server, count: int = CLIENTS) -> list[WebSocket]:
    await server.prepare()
    return [await server.websocket() for _ in range(count)]


async def test_concurrent_updates_of_one_document_are_all_kept(server: Server) -> None:
    websockets = await connected(server)
    await websockets[0].request("document", "create", **TARGET, _id="emma", body={"shelf": {}})

    async def change(websocket: WebSocket, lane: int) -> list[int]:
        versions = []
        for number in range(ROUNDS):
            body = {"shelf": {f"lane{lane}": number, f"only{lane}-{number}": True}}
            reply = await websocket.request("document", "update", **TARGET, _id="emma", body=body, retryOnConflict=5)
            assert reply["status"] == 200
            versions.append(reply["result"]["_version"])
        return versions

    versions = await asyncio.gather(*(change(websocket, lane) for lane, websocket in enumerate(websockets)))
    assert sorted(version for some in versions for version in some) == list(range(2, CLIENTS * ROUNDS + 2))
    assert all(some == sorted(some) for some in versions)
    found = (await websockets[0].request("document", "get", **TARGET, _id="emma"))["result"]
    assert found["_version"] == CLIENTS * ROUNDS + 1
    assert found["_source"]["shelf"] == {
        **{f"lane{lane}": ROUNDS - 1 for lane in range(CLIENTS)},
        **{f"only{lane}-{number}": True for lane in range(CLIENTS) for number in range(ROUNDS)},
    }


async def test_of_many_who_create_one_document_one_does(server: Server) -> None:
    websockets = await connected(server)
    for number in range(ROUNDS):
        replies = await asyncio.gather(
            *(
                websocket.request("document", "create", **TARGET, _id=f"b{number}", body={"by": lane})
                for lane, websocket in enumerate(websockets)
            )
        )
        makers = [lane for lane, reply in enumerate(replies) if reply["status"] == 200]
        assert len(makers) == 1
        others = [reply["error"]["id"] for reply in replies if reply["error"] is not None]
        assert others == ["services.storage.document_already_exists"] * (CLIENTS - 1)
        found = await websockets[0].request("document", "get", **TARGET, _id=f"b{number}")
        assert (found["result"]["_source"]["by"], found["result"]["_version"]) == (makers[0], 1)


async def test_a_counter_by_versions_loses_nothing(server: Server) -> None:
    """Who reads and writes in two steps says which version it has read, and begins anew when that is passed."""
    await server.prepare()
    storage = server.app.storage
    await storage.write_document("library", "books", WriteKind.CREATE, DocumentWrite("counter", {"n": 0}))
    conflicts: list[tuple[int, str | None]] = []

    async def count_up() -> None:
        for _ in range(ROUNDS):
            while True:
                (read,) = await storage.get_documents("library", "books", ["counter"])
                assert read is not None
                await asyncio.sleep(0)  # somebody else may read the same
                write = DocumentWrite("counter", {"n": read.source["n"] + 1}, version=read.version)
                try:
                    await storage.write_document("library", "books", WriteKind.REPLACE, write)
                except VersionConflictError as error:
                    conflicts.append((error.status, error.id))
                else:
                    break

    await asyncio.gather(*(count_up() for _ in range(CLIENTS)))
    (counter,) = await storage.get_documents("library", "books", ["counter"])
    assert counter is not None
    assert (counter.source["n"], counter.version) == (CLIENTS * ROUNDS, CLIENTS * ROUNDS + 1)
    assert set(conflicts) == {(500, "services.storage.too_many_changes")}


def anything(chance: random.Random) -> tuple[str, str, dict[str, Any]]:
    """A call that meets the others: few documents, and their places come and go."""
    collection, name = chance.choice(["books", "maps"]), f"b{chance.randrange(6)}"
    place = {"index": "library", "collection": collection}
    one = {**place, "_id": name}
    body = {chance.choice(["title", "year", "where"]): chance.choice([1, "text", {"in": 1}, [2.5], True])}
    many = {"documents": [{"_id": f"b{number}", "body": body} for number in range(4)]}
    query = {"query": chance.choice([{"match_all": {}}, {"term": {"year": 1}}, {"match": {"title": "text"}}])}
    lines = [{"index": {"_id": name}}, body, {"update": {"_id": "b0"}}, {"doc": body}, {"delete": {"_id": "b1"}}]
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("document", "create", {**one, "body": body}),
        ("document", "createOrReplace", {**one, "body": body, "refresh": "wait_for"}),
        ("document", "replace", {**one, "body": body}),
        ("document", "update", {**one, "body": body}),
        ("document", "delete", one),
        ("document", "get", one),
        ("document", "mCreate", {**place, "body": many}),
        ("document", "mUpdate", {**place, "body": many}),
        ("document", "mDelete", {**place, "body": {"ids": ["b0", "b1", "b2"]}}),
        ("document", "mGet", {**place, "body": {"ids": ["b0", "b1", "b2"]}}),
        ("document", "search", {**place, "body": {**query, "sort": [{"_uid": "asc"}]}}),
        ("document", "search", {**place, "scroll": "1s", "size": 1, "body": query}),
        ("document", "count", {**place, "body": query}),
        ("document", "deleteByQuery", {**place, "body": query}),
        ("bulk", "import", {**place, "body": {"bulkData": lines}}),
        ("bulk", "write", {**one, "body": body}),
        ("collection", "create", {**place, "body": {"properties": {"extra": {"type": "keyword"}}}}),
        ("collection", "truncate", place),
        ("collection", "getMapping", place),
        ("collection", "updateMapping", {**place, "body": {"dynamic": "true"}}),
        ("collection", "list", {"index": "library"}),
        ("index", "refresh", {"index": "library"}),
        ("index", "create", {"index": "library"}),
        ("index", "delete", {"index": "library"}),
        ("index", "mDelete", {"body": {"indexes": ["library"]}}),
        ("admin", "loadMappings", {"refresh": "wait_for", "body": {"library": {"books": {}, "maps": {}}}}),
    ]
    # Places go seldom, or nobody would find anything.
    rare = {("index", "delete"), ("index", "mDelete")}
    weights = [0.15 if call[:2] in rare else 1 for call in calls]
    return chance.choices(calls, weights)[0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("interval_ms", [0, 30])
async def test_whatever_meets_is_done_or_refused_as_documented(
    tmp_path: Any, seed: int, interval_ms: int, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"storage": {"refreshInterval": interval_ms, "sqlite": {"durability": "normal"}}}
    done: set[tuple[str, str]] = set()
    async with Server(tmp_path, options) as server:
        websockets = await connected(server)

        async def live(websocket: WebSocket, lane: int) -> None:
            chance = random.Random(f"{seed} {lane}")
            for _ in range(60):
                controller, action, members = anything(chance)
                reply = await websocket.request(controller, action, **members)
                assert reply["status"] < 500, (controller, action, members, reply)
                if reply["status"] == 200:
                    done.add((controller, action))

        with caplog.at_level(logging.WARNING):
            await asyncio.gather(*(live(websocket, lane) for lane, websocket in enumerate(websockets)))
        assert not caplog.records
    assert len(done) > 15
