"""What somebody with rights in one collection tries, to get at another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import Server, WebSocket
from people import CHEAP_PASSWORDS, PASSWORD

# Spellings that some layer might take for library/secrets, or for more than one place.
INDEXES = ["library", "Library", " library", "library ", "library,shop", "*", "_all", "lib*", "", "%kuzzle"]
COLLECTIONS = ["secrets", "Secrets", "books,secrets", "books/../secrets", "*", "_all", " secrets", "secrets\u0000", ""]
CALLS: dict[str, dict[str, Any]] = {
    "get": {"_id": "s"},
    "mGet": {"body": {"ids": ["s"]}},
    "search": {"body": {}},
    "count": {"body": {}},
    "exists": {"_id": "s"},
    "deleteByQuery": {"body": {"query": {}}},
    "update": {"_id": "s", "body": {"n": 2}},
    "mDelete": {"body": {"ids": ["s"]}},
    "createOrReplace": {"_id": "s", "body": {"n": 2}},
}


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS}})


async def clerk(server: Server) -> tuple[WebSocket, str]:
    """Log in as somebody who may do everything with documents and messages of library/books, and nothing else."""
    await server.prepare()
    await server.http("PUT", "/library/secrets")
    await server.http("PUT", "/library/secrets/s/_create", {"n": 1})
    await server.http("PUT", "/library/secrets/s", {"n": 1})
    actions = {"actions": {"*": True}}
    books = {"index": "library", "collections": ["books"]}
    securities = {
        "roles": {"clerk": {"controllers": {"document": actions, "bulk": actions, "realtime": actions}}},
        "profiles": {"clerks": {"policies": [{"roleId": "clerk", "restrictedTo": [books]}]}},
        "users": {
            "eve": {
                "content": {"profileIds": ["clerks"]},
                "credentials": {"local": {"username": "eve", "password": PASSWORD}},
            }
        },
    }
    assert (await server.http("POST", "/admin/_loadSecurities?refresh=wait_for", securities)).status == 200
    assert (await server.http("POST", "/_createFirstAdmin?reset", {"content": {}})).status == 200
    websocket = await server.websocket()
    body = {"username": "eve", "password": PASSWORD}
    answer = await websocket.request("auth", "login", strategy="local", body=body)
    return websocket, answer["result"]["jwt"]


async def secret(server: Server) -> dict[str, Any]:
    """The document that nobody may see."""
    return (await server.app.storage.get_document("library", "secrets", "s")).source


async def test_no_spelling_of_a_place_reaches_another_collection(server: Server) -> None:
    websocket, token = await clerk(server)
    before = await secret(server)
    places = [(index, collection) for index in INDEXES for collection in COLLECTIONS]
    for action, call in CALLS.items():
        for index, collection in places:
            answer = await websocket.request("document", action, index=index, collection=collection, jwt=token, **call)
            assert answer["status"] in (400, 403), (action, index, collection, answer)
        answer = await websocket.request("document", action, index="library", collection="books", jwt=token, **call)
        assert answer["status"] != 403, (action, answer)
    assert await secret(server) == before


async def test_no_spelling_of_a_place_is_listened_to(server: Server) -> None:
    websocket, token = await clerk(server)
    for index in INDEXES:
        for collection in COLLECTIONS:
            answer = await websocket.request(
                "realtime", "subscribe", index=index, collection=collection, body={}, jwt=token
            )
            assert answer["status"] in (400, 403), (index, collection, answer)
    assert server.app.realtime.list_rooms() == {}


async def test_rights_hold_for_the_token_of_each_request_not_for_the_connection(server: Server) -> None:
    websocket, token = await clerk(server)
    place = {"index": "library", "collection": "books"}
    assert (await websocket.request("document", "count", jwt=token, **place))["status"] == 200
    answer = await websocket.request("document", "count", **place)  # the same connection, nobody in particular
    assert (answer["status"], answer["error"]["id"]) == (401, "security.rights.unauthorized")


@pytest.mark.parametrize("name", ["-1", "anonymous", "root"])
async def test_nobody_writes_themselves_into_the_securities(server: Server, name: str) -> None:
    websocket, token = await clerk(server)
    content = {"profileIds": ["admin"], "_kuzzle_info": {"author": name}}
    everything = {"controllers": {"*": {"actions": {"*": True}}}}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("createUser", {"_id": name, "body": {"content": content}}),
        ("updateUser", {"_id": "eve", "body": content}),
        ("createFirstAdmin", {"_id": name, "body": {"content": {}}}),
        ("createOrReplaceRole", {"_id": "clerk", "body": everything}),
        ("createOrReplaceProfile", {"_id": "clerks", "body": {"policies": [{"roleId": "admin"}]}}),
    ]
    for jwt in (token, None):
        for action, call in calls:
            answer = await websocket.request("security", action, jwt=jwt, **call)
            assert answer["status"] == (403 if jwt else 401), (action, answer)
    bulk = [{"index": {"_index": "%kuzzle", "_type": "users", "_id": "eve"}}, content]
    answer = await websocket.request("bulk", "import", body={"bulkData": bulk}, jwt=token)
    assert answer["status"] in (400, 403)
    assert (await server.app.security.users.get("eve")).profile_ids == ("clerks",)
