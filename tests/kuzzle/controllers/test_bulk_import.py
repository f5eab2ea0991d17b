"""bulk:import: the operations of Elasticsearch's bulk format."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from harness import Server

PLACE = {"_index": "library", "_type": "books"}


async def run(server: Server, lines: list[Any], path: str = "/library/books/_bulk") -> Any:
    reply = await server.http("POST", path, {"bulkData": lines})
    assert reply.status in (200, 206), reply.json
    return reply.json


async def source(server: Server, document_id: str) -> Any:
    reply = await server.http("GET", f"/library/books/{document_id}?includeTrash")
    return reply.result["_source"] if reply.status == 200 else None


async def test_every_kind_of_operation_is_run_in_order(server: Server) -> None:
    await server.prepare()
    envelope = await run(
        server,
        [
            {"index": {"_id": 1}},
            {"n": 1},
            {"create": {"_id": "b"}},
            {"n": 2},
            {"update": {"_id": "1"}},
            {"doc": {"m": 3}},
            {"index": {"_id": 1.0}},
            {"n": 5},
            {"delete": {"_id": "b"}},
        ],
    )
    assert (envelope["status"], envelope["error"]) == (200, None)
    result = envelope["result"]
    assert result["errors"] is False
    assert "partialErrors" not in result
    told = [
        (action, item["_id"], item["_version"], item["result"], item["created"], item["status"])
        for entry in result["items"]
        for action, item in entry.items()
    ]
    assert told == [
        ("index", "1", 1, "created", True, 201),
        ("create", "b", 1, "created", True, 201),
        ("update", "1", 2, "updated", False, 200),
        ("index", "1", 3, "updated", False, 200),
        ("delete", "b", 2, "deleted", False, 200),
    ]
    assert (await source(server, "1"))["n"] == 5
    assert await source(server, "b") is None  # not even in the trash


async def test_metadata_are_those_of_an_import(server: Server) -> None:
    await server.prepare()
    await run(
        server,
        [
            {"index": {"_id": "a"}},
            {"_kuzzle_info": {"author": "mallory"}},
            {"update": {"_id": "born"}},
            {"doc": {}, "upsert": {"n": 1}},
            {"create": {"_id": "c"}},
            {},
            {"update": {"_id": "c"}},
            {"doc": {"n": 2}},
        ],
    )
    made = (await source(server, "a"))["_kuzzle_info"]
    created_at = made.pop("createdAt")
    assert isinstance(created_at, int)
    assert made == {"author": "-1", "updatedAt": None, "updater": None, "active": True, "deletedAt": None}
    born = await source(server, "born")
    assert (born["n"], set(born["_kuzzle_info"]), born["_kuzzle_info"]["updater"]) == (
        1,
        {"updater", "updatedAt"},
        "-1",
    )
    changed = (await source(server, "c"))["_kuzzle_info"]
    assert (changed["author"], changed["updater"], changed["active"]) == ("-1", "-1", True)


async def test_an_update_may_bring_what_to_store_when_there_is_nothing(server: Server) -> None:
    await server.prepare()
    lines = [
        {"update": {"_id": "a"}},
        {"doc": {"n": 1}, "doc_as_upsert": True},
        {"update": {"_id": "b"}},
        {"doc": {"n": 1}, "upsert": {"m": 2}},
        {"update": {"_id": "c"}},
        {"doc": {"n": 1}, "doc_as_upsert": False, "upsert": None},
    ]
    envelope = await run(server, lines)
    assert [item["update"]["status"] for item in envelope["result"]["items"]] == [201, 201]
    assert [item["_id"] for item in envelope["result"]["partialErrors"]] == ["c"]
    assert (await source(server, "a"))["n"] == 1
    assert {"m", "_kuzzle_info"} == set(await source(server, "b"))
    await run(server, lines[:4])
    assert {"n", "m", "_kuzzle_info"} == set(await source(server, "b"))


async def test_failures_are_told_one_by_one_and_stop_no_other(server: Server) -> None:
    await server.prepare()
    strict = {"dynamic": "strict", "properties": {"n": {"type": "integer"}}}
    await server.http("PUT", "/library/strict", strict)
    websocket = await server.websocket()
    reply = await websocket.request(
        "bulk",
        "import",
        index="library",
        collection="books",
        body={
            "bulkData": [
                {"create": {"_id": "a"}},
                {},
                {"create": {"_id": "a"}},
                {},
                {"update": {"_id": "b"}},
                {"doc": {}},
                {"delete": {"_id": "b"}},
                {"index": {"_type": "strict"}},
                {"unknown": 1},
                {"create": {"_id": "c"}},
                {},
            ]
        },
    )
    assert (reply["status"], reply["error"]["id"]) == (206, "services.storage.import_failed")
    assert reply["error"]["message"] == "Failed to import some or all documents."
    assert reply["error"]["errors"] == reply["result"]["partialErrors"]
    assert reply["error"]["count"] == 4
    assert reply["result"]["errors"] is True
    assert [item["create"]["_id"] for item in reply["result"]["items"]] == ["a", "c"]
    told = [(item["action"], item["_id"], item["status"]) for item in reply["result"]["partialErrors"]]
    assert told == [("create", "a", 409), ("update", "b", 404), ("delete", "b", 404), ("index", None, 400)]


async def test_create_does_not_revive_a_document_in_the_trash(server: Server) -> None:
    await server.prepare()
    await server.http("PUT", "/library/books/a", {})
    await server.http("DELETE", "/library/books/a")
    envelope = await run(server, [{"create": {"_id": "a"}}, {}])
    assert [item["status"] for item in envelope["result"]["partialErrors"]] == [409]


async def test_operations_name_their_place_or_take_that_of_the_request(server: Server) -> None:
    await server.prepare()
    await server.prepare("library", "maps")
    await server.prepare("archive", "books")
    for path, lines in (
        ("/_bulk", [{"index": {**PLACE, "_id": "a"}}, {}]),
        ("/library/_bulk", [{"index": {"_type": "maps", "_id": "b"}}, {}]),
        ("/library/books/_bulk", [{"index": {"_index": "archive", "_id": "c"}}, {}, {"index": {"_id": "d"}}, {}]),
    ):
        assert (await run(server, lines, path))["status"] == 200
    for place in ("library/books/a", "library/maps/b", "archive/books/c", "library/books/d"):
        assert (await server.http("GET", f"/{place}")).status == 200


async def test_a_document_may_begin_with_the_name_of_an_action(server: Server) -> None:
    await server.prepare()
    await run(server, [{"index": {"_id": "a"}}, {"delete": {"_id": "a"}}, {"index": {}}, {}])
    assert (await source(server, "a"))["delete"] == {"_id": "a"}


@pytest.mark.parametrize(
    ("lines", "status", "error_id", "named"),
    [
        (
            [{"index": {"_index": "library"}}, {}],
            400,
            "services.storage.missing_argument",
            "body.bulkData[0].collection",
        ),
        ([{"delete": {**PLACE, "_id": "a"}}, {"index": {}}, {}], 400, "services.storage.missing_argument", "[1].index"),
        ([{"index": {"_index": 5, "_type": "a"}}, {}], 400, "services.storage.invalid_argument", "[0].index"),
        ([{"index": {"_index": "%kuzzle", "_type": "a"}}, {}], 400, "services.storage.index_protected", "%kuzzle"),
        ([{"index": {"_index": "%a", "_type": "a"}}, {}], 400, "services.storage.index_reserved", "%a"),
        ([{"index": {"_index": "a", "_type": "a"}}, {}], 412, "services.storage.unknown_index_collection", ""),
        ([{"index": {"_index": "library", "_type": "a"}}, {}], 412, "services.storage.unknown_index_collection", ""),
        ([{"index": PLACE}], 400, "services.storage.unexpected_bad_request", "[1]"),
        ([{"index": PLACE}, []], 400, "services.storage.unexpected_bad_request", "[1]"),
        ([{"index": 5}, {}], 400, "services.storage.unexpected_bad_request", "index"),
        ([{"index": PLACE, "create": PLACE}, {}], 400, "services.storage.unexpected_bad_request", "[0]"),
        ([{"remove": PLACE}], 400, "services.storage.unexpected_bad_request", "index, create, update, delete"),
        ([5], 400, "services.storage.unexpected_bad_request", "[0]"),
        ([{}], 400, "services.storage.unexpected_bad_request", "[0]"),
        ([{"delete": PLACE}], 400, "services.storage.unexpected_bad_request", "_id"),
        ([{"update": PLACE}, {"doc": {}}], 400, "services.storage.unexpected_bad_request", "_id"),
        ([{"index": {**PLACE, "_id": True}}, {}], 400, "services.storage.unexpected_bad_request", "_id"),
        ([{"index": {**PLACE, "_routing": "a"}}, {}], 400, "services.storage.unexpected_bad_request", "_routing"),
        (
            [{"update": {**PLACE, "_id": "a"}}, {"script": "x"}],
            400,
            "services.storage.unexpected_bad_request",
            "script",
        ),
        ([{"update": {**PLACE, "_id": "a"}}, {}], 400, "services.storage.unexpected_bad_request", "doc"),
        ([{"update": {**PLACE, "_id": "a"}}, {"doc": 5}], 400, "services.storage.unexpected_bad_request", "doc"),
        (
            [{"update": {**PLACE, "_id": "a"}}, {"doc": {}, "upsert": 5}],
            400,
            "services.storage.unexpected_bad_request",
            "upsert",
        ),
        (
            [{"update": {**PLACE, "_id": "a"}}, {"doc": {}, "doc_as_upsert": "a"}],
            400,
            "services.storage.unexpected_bad_request",
            "doc_as_upsert",
        ),
    ],
)
async def test_a_wrong_line_is_named_and_nothing_is_written(
    server: Server, lines: list[Any], status: int, error_id: str, named: str
) -> None:
    await server.prepare()
    reply = await server.http("POST", "/_bulk", {"bulkData": [{"index": {**PLACE, "_id": "z"}}, {}, *lines]})
    named = named.replace("[1]", "[3]").replace("[0]", "[2]")
    assert (reply.status, reply.error_id) == (status, error_id)
    assert named in reply.json["error"]["message"]
    assert await source(server, "z") is None


@pytest.mark.parametrize(
    ("members", "error_id"),
    [
        ({}, "api.assert.body_required"),
        ({"body": {}}, "api.assert.missing_argument"),
        ({"body": {"bulkData": {}}}, "services.storage.invalid_argument"),
        ({"body": {"bulkData": []}, "index": "%a"}, "services.storage.index_reserved"),
        ({"body": {"bulkData": []}, "refresh": "yes"}, "services.storage.invalid_argument"),
    ],
)
async def test_wrong_calls_are_refused(server: Server, members: dict[str, Any], error_id: str) -> None:
    websocket = await server.websocket()
    reply = await websocket.request("bulk", "import", **members)
    assert (reply["status"], reply["error"]["id"]) == (400, error_id)


async def test_an_import_without_operations_does_nothing(server: Server) -> None:
    assert (await run(server, [], "/_bulk"))["result"]["items"] == []


@pytest.mark.parametrize(
    ("query", "flag", "seen"), [("", False, 0), ("?refresh=wait_for", False, 450), ("", True, 450)]
)
async def test_searches_see_an_import_when_the_client_or_the_index_asks_for_it(
    tmp_path: Any, query: str, flag: bool, seen: int
) -> None:
    async with Server(tmp_path, {"storage": {"refreshInterval": 600_000}}) as server:
        await server.prepare()
        await server.http("POST", "/library/_autoRefresh", {"autoRefresh": flag})
        await server.http("POST", "/library/books/_count", {})
        await run(server, [{"index": {}}, {}] * 450, f"/library/books/_bulk{query}")
        assert (await server.http("POST", "/library/books/_count", {})).result["count"] == seen


async def test_others_are_answered_while_a_long_import_runs(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    await server.prepare()
    sizes: list[int] = []
    write_operations = server.app.storage.write_operations

    async def spied(operations: Any, *, refresh: bool) -> Any:
        sizes.append(len(operations))
        return await write_operations(operations, refresh=refresh)

    monkeypatch.setattr(server.app.storage, "write_operations", spied)
    importer, other = await server.websocket(), await server.websocket()
    lines = [line for number in range(10_000) for line in ({"index": {"_id": number}}, {"n": number})]
    body = {"bulkData": lines}
    running = asyncio.create_task(importer.request("bulk", "import", index="library", collection="books", body=body))
    answers = 0
    while not running.done():
        await other.request("server", "now")
        answers += bool(sizes) and not running.done()
    assert len((await running)["result"]["items"]) == 10_000
    assert sum(sizes) == 10_000
    assert max(sizes) <= 200
    assert answers >= len(sizes)
