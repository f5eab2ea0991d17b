"""Collections of a plugin's own: the methods on them, and that nobody else sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import Server, WebSocket

from kuzzle.errors import KuzzleError
from kuzzle.plugins.services import PrivateDocument
from kuzzle.plugins.storage import PrivateStorage
from kuzzle.storage.sqlite.backup import back_up, restore

FAST = {"storage": {"sqlite": {"durability": "normal"}}}
INDEX = "%plugin:greeter"


def storage_of(server: Server, plugin: str = "Greeter", **limits: int) -> PrivateStorage:
    """Return the storage of a plugin."""
    return PrivateStorage(server.app.storage, plugin, {"documentsFetchCount": 100, **limits})


async def refusal(call: Any) -> tuple[int, str | None]:
    """Return status and id of what a call raises."""
    with pytest.raises(KuzzleError) as caught:
        await call
    return caught.value.status, caught.value.id


NOT_FOUND = (404, "services.storage.not_found")


async def test_documents_are_written_and_read(server: Server) -> None:
    books = storage_of(server).repository("books")
    assert await books.create({"title": "Emma"}, "emma") == PrivateDocument("emma", {"title": "Emma"}, 1)
    assert await refusal(books.create({}, "emma")) == (400, "services.storage.document_already_exists")
    made = await books.create({"title": "Persuasion"})
    assert await books.get(made.id) == made
    assert await books.create_or_replace("emma", {"pages": {"of": 474}}) == PrivateDocument(
        "emma", {"pages": {"of": 474}}, 2
    )
    assert (await books.update("emma", {"pages": {"read": 3}})).content == {"pages": {"of": 474, "read": 3}}
    assert await books.replace("emma", {"title": "Emma"}) == PrivateDocument("emma", {"title": "Emma"}, 4)
    assert [found.id for found in await books.m_get([made.id, "none", "emma"])] == [made.id, "emma"]
    await books.delete("emma")
    for call in (
        books.get("emma"),
        books.delete("emma"),
        books.update("emma", {}),
        books.replace("emma", {}),
    ):
        assert await refusal(call) == NOT_FOUND


async def test_reading_what_nobody_has_made_finds_nothing(server: Server) -> None:
    books = storage_of(server).repository("books")
    assert await refusal(books.get("emma")) == NOT_FOUND
    assert await refusal(books.delete("emma")) == NOT_FOUND
    assert await books.m_get(["emma"]) == []
    page = await books.search({})
    assert (page.documents, page.total) == ([], 0)


async def test_documents_are_found_by_the_query_language(server: Server) -> None:
    storage = storage_of(server)
    await storage.bootstrap({"books": {"properties": {"title": {"type": "keyword"}, "year": {"type": "integer"}}}})
    await storage.bootstrap({"books": {"properties": {"pages": {"type": "integer"}}}, "people": {}})
    books = storage.repository("books")
    for number, title in enumerate(("Emma", "Persuasion", "Sanditon")):
        await books.create({"title": title, "year": 1815 + number}, title)
    page = await books.search({"query": {"range": {"year": {"gte": 1816}}}, "sort": [{"year": "desc"}]}, size=1)
    assert (page.documents, page.total) == ([PrivateDocument("Sanditon", {"title": "Sanditon", "year": 1817}, 1)], 2)
    page = await books.search({"sort": [{"year": "desc"}], "search_after": [1817]}, size=1)
    assert [found.id for found in page.documents] == ["Persuasion"]
    assert [found.id for found in (await books.search({"sort": ["year"]}, offset=2)).documents] == ["Sanditon"]
    assert await refusal(books.search({"aggs": {}})) == (400, "services.storage.unexpected_bad_request")
    assert await refusal(books.search({"query": {"no": {}}})) == (400, "services.storage.unexpected_bad_request")


async def test_what_is_asked_for_at_once_is_bounded(server: Server) -> None:
    books = storage_of(server, documentsFetchCount=2).repository("books")
    too_many = (413, "services.storage.get_limit_exceeded")
    assert await refusal(books.m_get(["a", "b", "c"])) == too_many
    assert await refusal(books.search({}, size=3)) == too_many


async def test_contents_are_json_without_metadata_and_nobody_elses(server: Server) -> None:
    books = storage_of(server).repository("books")
    content: dict[str, Any] = {"titles": ["Emma"], "_kuzzle_info": {"active": False}}
    made = await books.create(content, "emma")
    content["titles"].append("Persuasion")
    assert made.content == (await books.get("emma")).content == {"titles": ["Emma"]}
    assert await refusal(books.create({"n": object()})) == (400, "services.storage.unexpected_bad_request")
    assert await refusal(books.create({}, "x" * 513)) == (400, "services.storage.unexpected_bad_request")


async def test_a_collection_has_a_name_and_mappings_like_any_other(server: Server) -> None:
    storage = storage_of(server)
    for name, mappings in (("_own", {}), ("books", {"properties": {"n": {"type": "no"}}})):
        with pytest.raises(KuzzleError) as caught:
            await storage.create_collection(name, mappings)
        assert caught.value.status == 400
    await storage.create_collection("strict", {"dynamic": "strict"})
    assert (await refusal(storage.repository("strict").create({"n": 1})))[0] == 400
    await storage.create_collection("strict", {"properties": {"n": {"type": "integer"}}})
    await storage.repository("strict").create({"n": 1})


async def test_plugins_see_nothing_of_each_other(server: Server) -> None:
    await storage_of(server, "one").repository("books").create({}, "emma")
    assert await refusal(storage_of(server, "two").repository("books").get("emma")) == NOT_FOUND
    assert (await storage_of(server, "ONE").repository("books").get("emma")).id == "emma"


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("document", "get", {"_id": "emma"}),
    ("document", "mGet", {"body": {"ids": ["emma"]}}),
    ("document", "search", {"body": {}}),
    ("document", "count", {}),
    ("document", "create", {"body": {}}),
    ("document", "update", {"_id": "emma", "body": {}}),
    ("document", "delete", {"_id": "emma"}),
    ("document", "deleteByQuery", {"body": {"query": {}}}),
    ("bulk", "write", {"body": {}}),
    ("bulk", "import", {"body": {"bulkData": [{"delete": {"_id": "emma"}}]}}),
    ("collection", "list", {}),
    ("collection", "exists", {}),
    ("collection", "getMapping", {}),
    ("collection", "truncate", {}),
    ("collection", "create", {}),
    ("index", "delete", {}),
    ("index", "exists", {}),
    ("index", "create", {}),
    ("index", "refresh", {}),
]


async def answers(websocket: WebSocket) -> list[tuple[str, str, Any]]:
    """Return what each of CALLS is answered, of the private collection."""
    target = {"index": INDEX, "collection": "books"}
    return [
        (controller, action, await websocket.request(controller, action, **target, **arguments))
        for controller, action, arguments in CALLS
    ]


async def test_no_client_can_name_it(server: Server) -> None:
    books = storage_of(server).repository("books")
    await books.create({"secret": "of the house"}, "emma")
    await server.prepare()
    websocket = await server.websocket()
    for controller, action, answer in await answers(websocket):
        assert (answer["error"] or {}).get("id") == "services.storage.index_reserved", (controller, action, answer)
    for line in ({"_index": INDEX, "_type": "books", "_id": "emma"},):
        answer = await websocket.request("bulk", "import", body={"bulkData": [{"delete": line}]})
        assert answer["error"]["id"] == "services.storage.index_reserved"
    for action in ("loadMappings", "loadFixtures"):
        kind: Any = {} if action == "loadMappings" else []
        answer = await websocket.request("admin", action, body={INDEX: {"books": kind}}, refresh="wait_for")
        assert answer["error"]["id"] == "services.storage.index_reserved"
    assert (await websocket.request("index", "mDelete", body={"indexes": [INDEX]}))["result"] == {"deleted": []}
    assert (await websocket.request("index", "list"))["result"] == {"indexes": ["library"]}
    for index in ("*", "_all", f"library,{INDEX}"):
        search = await websocket.request("document", "search", index=index, collection="books", body={})
        assert "of the house" not in str(search)
    assert (await books.get("emma")).content == {"secret": "of the house"}


async def test_nobody_hears_of_it(server: Server) -> None:
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", index=INDEX, collection="books", body={})
    books = storage_of(server).repository("books")
    await books.create({}, "emma")
    await books.update("emma", {"n": 1})
    await books.delete("emma")
    await websocket.settle()
    assert websocket.notifications.empty()


async def test_what_deletes_everything_of_users_leaves_it(server: Server) -> None:
    books = storage_of(server).repository("books")
    await books.create({}, "emma")
    await server.prepare()
    websocket = await server.websocket()
    for action in ("resetDatabase", "resetSecurity", "resetKuzzleData"):
        assert (await websocket.request("admin", action, refresh="wait_for"))["error"] is None
    assert (await server.http("GET", "/_list")).result == {"indexes": []}
    assert (await books.get("emma")).id == "emma"


async def test_it_survives_a_restart_and_is_in_backups(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    async with Server(first, FAST) as server:
        await storage_of(server).repository("books").create({"title": "Emma"}, "emma")
    async with Server(first, FAST) as server:
        assert (await storage_of(server).repository("books").get("emma")).content == {"title": "Emma"}
        store = server.app.config.path(server.app.config.section("storage")["sqlite"]["path"])
        back_up(store, tmp_path / "copy")
    restore(tmp_path / "copy", second / store.relative_to(first))
    async with Server(second, FAST) as server:
        found = await storage_of(server).repository("books").search({"query": {"match": {"title": "emma"}}})
        assert [document.id for document in found.documents] == ["emma"]
