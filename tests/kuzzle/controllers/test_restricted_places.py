"""A user who may write in some collections only writes nowhere else, whichever way the place is named."""

from __future__ import annotations

from typing import Any

from harness import Server

BOOKS = {"policies": [{"roleId": "anonymous", "restrictedTo": [{"index": "library", "collections": ["books"]}]}]}


async def restricted(server: Server) -> None:
    """Let everybody act on the books of the library only."""
    await server.prepare()
    await server.http("PUT", "/library/people")
    assert (await server.http("PUT", "/profiles/anonymous", BOOKS)).status == 200


async def count(server: Server, collection: str) -> int:
    return await server.app.storage.count("library", collection)


async def test_no_line_of_an_import_leaves_the_allowed_places(server: Server) -> None:
    await restricted(server)
    websocket = await server.websocket()

    async def bring(place: str, **target: Any) -> dict[str, Any]:
        data = [
            {"index": {"_index": "library", "_type": "books"}},
            {"n": 1},
            {"index": {"_index": "library", "_type": place}},
            {"n": 2},
        ]
        return await websocket.request("bulk", "import", body={"bulkData": data}, **target)

    for target in ({}, {"index": "library", "collection": "books"}, {"index": "library"}):
        reply = await bring("people", **target)
        assert (reply["status"], reply["error"]["id"]) == (401, "security.rights.unauthorized")
    assert (await count(server, "books"), await count(server, "people")) == (0, 0)
    assert (await bring("books"))["status"] == 200
    assert await count(server, "books") == 2


async def test_no_specification_is_given_to_other_places(server: Server) -> None:
    await restricted(server)
    websocket = await server.websocket()
    allowed = {"library": {"books": {"strict": False}}}
    for body in ({"library": {"books": {}, "people": {}}}, {"shop": {"books": {}}}):
        reply = await websocket.request("collection", "updateSpecifications", body=body)
        assert (reply["status"], reply["error"]["id"]) == (401, "security.rights.unauthorized")
    reply = await websocket.request("collection", "updateSpecifications", body=allowed)
    assert reply["result"] == allowed


async def test_several_documents_are_written_in_allowed_places_only(server: Server) -> None:
    await restricted(server)
    body = {"documents": [{"body": {"n": 1}}]}
    assert (await server.http("POST", "/library/people/_mCreate", body)).status == 401
    assert (await server.http("POST", "/library/books/_mCreate", body)).status == 200
