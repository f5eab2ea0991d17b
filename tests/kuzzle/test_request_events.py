"""The events of a request: when they are fired, what they carry, and what a pipe may change, by real clients."""

from __future__ import annotations

import re
from typing import Any

import pytest
from harness import Server
from listeners import Listeners, raising
from plain_rights import rights_of, role_of

from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.schemas import load_schema

pytestmark = pytest.mark.usefixtures("check_envelopes_only")
TEAPOT = KuzzleError.without_id(418, "I am a teapot")
BOOKS = "/library/books"


async def test_a_success_fires_its_events_in_order(server: Server, listeners: Listeners) -> None:
    await server.prepare()
    for event in ("request:*", "document:*", "generic:document:*"):
        listeners.pipe(event)
    names: list[str] = []

    async def name(_payload: Any, *rest: Any) -> None:
        names.append(rest[-1])

    for event in ("request:*", "document:*", "generic:document:*"):
        server.app.events.add_hook(event, name)
    reply = await server.http("POST", f"{BOOKS}/emma/_create", {"title": "Emma"})
    assert reply.status == 200
    assert listeners.names == [
        "request:*",
        "generic:document:*",
        "document:*",
        "document:*",
        "generic:document:*",
        "request:*",
    ]
    assert names == [
        "request:onAuthorized",
        "generic:document:beforeWrite",
        "document:beforeCreate",
        "document:afterCreate",
        "generic:document:afterWrite",
        "request:onSuccess",
    ]
    for event in names:
        assert is_described(event), event


def is_described(event: str) -> bool:
    """Tell whether the list of events has one of that name."""
    patterns = (re.sub(r"<\w+>", r"[\\w/-]+", entry["name"]) for entry in load_schema("events.json"))
    return any(re.fullmatch(pattern, event) for pattern in patterns)


async def test_a_failure_fires_error_events_with_the_error(server: Server, listeners: Listeners) -> None:
    await server.prepare()
    seen: list[Any] = []
    listeners.pipe("document:errorGet", lambda request: seen.append((request.error.status, request.status)))
    listeners.pipe("request:onError", lambda request: seen.append(request.error.id))
    listeners.pipe("request:onSuccess")
    reply = await server.http("GET", f"{BOOKS}/nothing")
    assert (reply.status, reply.error_id) == (404, "services.storage.unexpected_not_found")
    assert seen == [(404, 404), "services.storage.unexpected_not_found"]
    assert "request:onSuccess" not in listeners.names


async def test_faulty_arguments_and_raising_pipes_fire_error_events_too(server: Server, listeners: Listeners) -> None:
    listeners.pipe("index:errorExists")
    listeners.pipe("server:errorNow")
    listeners.pipe("server:beforeNow", raising(TEAPOT))
    websocket = await server.websocket()
    assert (await websocket.request("index", "exists"))["status"] == 400
    assert (await websocket.request("server", "now"))["error"]["message"] == "I am a teapot"
    assert listeners.names == ["index:errorExists", "server:beforeNow", "server:errorNow"]


async def test_an_unknown_action_fires_nothing_after_the_rights(server: Server, listeners: Listeners) -> None:
    listeners.pipe("request:*")
    websocket = await server.websocket()
    assert (await websocket.request("server", "fly"))["status"] == 404
    assert len(listeners.heard) == 1


async def test_a_pipe_that_clears_the_error_makes_a_success(server: Server, listeners: Listeners) -> None:
    await server.prepare()

    def replace(request: Request) -> None:
        request.clear_error()
        request.result = {"found": False}

    listeners.pipe("document:errorGet", replace)
    listeners.pipe("request:onError")
    reply = await server.http("GET", f"{BOOKS}/nothing")
    assert (reply.status, reply.result) == (200, {"found": False})
    assert listeners.names == ["document:errorGet"]


async def test_on_error_keeps_the_error_of_the_same_request_and_takes_another(
    server: Server, listeners: Listeners
) -> None:
    listeners.pipe("request:onError", lambda request: request.clear_error())
    websocket = await server.websocket()
    assert (await websocket.request("index", "exists"))["status"] == 400

    def other(request: Request) -> Request:
        replacement = Request({"controller": "index", "action": "exists"}, request.connection)
        replacement.set_result("instead", status=202)
        return replacement

    listeners.pipe("request:onError", other)
    answer = await websocket.request("index", "exists", requestId="mine")
    assert (answer["status"], answer["result"], answer["error"]) == (202, "instead", None)


async def test_an_error_of_an_error_pipe_takes_the_place_of_the_first(server: Server, listeners: Listeners) -> None:
    listeners.pipe("index:errorExists", raising(TEAPOT))
    seen: list[str] = []
    listeners.pipe("request:onError", lambda request: seen.append(request.error.message))
    websocket = await server.websocket()
    assert (await websocket.request("index", "exists"))["status"] == 418
    assert seen == ["I am a teapot"]


async def test_who_is_refused_is_told_of_once_and_a_pipe_may_word_it(server: Server, listeners: Listeners) -> None:
    server.app.funnel._rights = rights_of({"anonymous": role_of({"server": {"info": True}})})
    listeners.pipe("request:*")
    websocket = await server.websocket()
    assert (await websocket.request("server", "now"))["status"] == 401
    assert [request.error.id for _, request in listeners.heard] == ["security.rights.unauthorized"]
    assert (await websocket.request("server", "now", jwt="no.good.token"))["status"] == 401
    assert len(listeners.heard) == 1
    listeners.pipe("request:onUnauthorized", raising(TEAPOT))
    assert (await websocket.request("server", "now"))["status"] == 418


async def test_pipes_change_arguments_results_statuses_and_headers(server: Server, listeners: Listeners) -> None:
    await server.prepare()

    def stamp(request: Request) -> None:
        request.body = {**request.body, "stamp": 1}
        request.document_id = "stamped"
        request.set_argument("refresh", "wait_for")

    def shorten(request: Request) -> None:
        request.set_result(request.result["_id"], status=202, headers={"X-Stamp": "yes"})

    listeners.pipe("document:beforeCreate", stamp)
    listeners.pipe("document:afterCreate", shorten)
    reply = await server.http("POST", f"{BOOKS}/_create", {"title": "Emma"})
    assert (reply.status, reply.result, reply.headers["X-Stamp"]) == (202, "stamped", "yes")
    assert (await server.http("GET", f"{BOOKS}/stamped")).result["_source"]["stamp"] == 1


async def test_an_allowed_request_may_become_another_one(server: Server, listeners: Listeners) -> None:
    def other(request: Request) -> Request:
        return Request({"controller": "index", "action": "exists", "index": "library"}, request.connection)

    listeners.pipe("request:onAuthorized", other)
    websocket = await server.websocket()
    answer = await websocket.request("server", "now", requestId="mine")
    assert (answer["requestId"], answer["status"], answer["result"]) == ("mine", 200, False)


async def test_what_pipes_do_to_a_result_stays_in_this_answer(server: Server, listeners: Listeners) -> None:
    def spoil(request: Request) -> None:
        request.result["server"].clear()

    before = (await server.http("GET", "/_publicApi")).result
    listeners.pipe("server:afterPublicApi", spoil)
    assert (await server.http("GET", "/_publicApi")).result["server"] == {}
    server.app.events.remove_owner("tests")
    assert (await server.http("GET", "/_publicApi")).result == before


async def test_a_result_that_is_no_json_is_an_error(server: Server, listeners: Listeners) -> None:
    listeners.pipe("server:afterNow", lambda request: request.set_result({1, 2}))
    websocket = await server.websocket()
    answer = await websocket.request("server", "now")
    assert (answer["status"], answer["error"]["id"]) == (500, "plugin.controller.unserializable_response")


async def test_a_partial_answer_shows_result_and_error(server: Server, listeners: Listeners) -> None:
    await server.prepare()
    seen: list[Any] = []
    listeners.pipe("document:afterMCreate", lambda request: seen.append((request.error.status, request.result)))
    documents = [{"_id": "a", "body": {}}, {"_id": "b", "body": 7}]
    reply = await server.http("POST", f"{BOOKS}/_mCreate", {"documents": documents})
    assert reply.status == 206
    assert seen[0][0] == 206
    assert seen[0][1] == reply.result


async def test_memory_storage_is_ms(server: Server, listeners: Listeners) -> None:
    listeners.pipe("ms:beforePing")
    websocket = await server.websocket()
    assert (await websocket.request("memoryStorage", "ping"))["status"] == 200
    assert listeners.names == ["ms:beforePing"]


# --- generic events of documents


async def before(server: Server, listeners: Listeners, kind: str, action: str, **members: Any) -> tuple[Any, Any]:
    """Call an action and return what a pipe got before it and the answer."""
    got: list[Any] = []
    listeners.pipe(f"generic:document:before{kind}", lambda documents: got.append([dict(each) for each in documents]))
    websocket = await server.websocket()
    answer = await websocket.request("document", action, index="library", collection="books", **members)
    return got[0] if got else None, answer


@pytest.mark.parametrize(
    ("kind", "action", "members", "documents"),
    [
        ("Write", "create", {"body": {"a": 1}}, [{"_id": None, "_source": {"a": 1}}]),
        ("Write", "createOrReplace", {"_id": "x", "body": {"a": 1}}, [{"_id": "x", "_source": {"a": 1}}]),
        ("Write", "replace", {"_id": "x", "body": {"a": 1}}, [{"_id": "x", "_source": {"a": 1}}]),
        ("Update", "update", {"_id": "x", "body": {"a": 1}}, [{"_id": "x", "_source": {"a": 1}}]),
        ("Delete", "delete", {"_id": "x"}, [{"_id": "x"}]),
        ("Get", "get", {"_id": "x"}, [{"_id": "x"}]),
        ("Delete", "mDelete", {"body": {"ids": ["x", 7, "y"]}}, [{"_id": "x"}, {"_id": "y"}]),
        ("Get", "mGet", {"body": {"ids": ["x", "y"]}}, [{"_id": "x"}, {"_id": "y"}]),
        ("Get", "mGet", {"body": {"ids": "x"}}, None),
        ("Get", "search", {"body": {}}, None),
        ("Delete", "deleteByQuery", {"body": {"query": {}}}, None),
        *(
            (
                "Update" if action == "mUpdate" else "Write",
                action,
                {"body": {"documents": [{"_id": "x", "body": {"a": 1}}, 7, {"_id": "z"}, {"body": {"b": 2}}]}},
                [{"_id": "x", "_source": {"a": 1}}, {"_id": None, "_source": {"b": 2}}],
            )
            for action in ("mCreate", "mCreateOrReplace", "mReplace", "mUpdate")
        ),
    ],
)
async def test_documents_are_told_of_before_the_action(
    server: Server, listeners: Listeners, kind: str, action: str, members: dict[str, Any], documents: Any
) -> None:
    await server.prepare()
    got, answer = await before(server, listeners, kind, action, **members)
    assert got == documents
    if action.startswith("m") and kind in ("Write", "Update"):  # the bad entries are still refused one by one
        assert {"reason": "bad format", "document": 7} in answer["error"]["errors"]


async def test_pipes_change_add_and_drop_documents_and_the_results_follow(server: Server, listeners: Listeners) -> None:
    await server.prepare()

    def rewrite(documents: list[Any]) -> list[Any]:
        documents[0]["_source"]["seen"] = True
        return [{**documents[0], "_id": "renamed"}, {"_source": {"added": 1}}]

    def filtered(documents: list[Any]) -> list[Any]:
        return [each for each in documents if each["_id"] == "renamed"]

    listeners.pipe("generic:document:beforeWrite", rewrite)
    listeners.pipe("generic:document:afterWrite", filtered)
    sent = [{"_id": "a", "body": {"n": 1}}, {"_id": "b", "body": {"n": 2}}]
    reply = await server.http("POST", f"{BOOKS}/_mCreate?refresh=wait_for", {"documents": sent})
    assert [hit["_id"] for hit in reply.result["hits"]] == ["renamed"]
    assert reply.result["total"] == 1
    found = (await server.http("POST", f"{BOOKS}/_search", {})).result
    assert found["total"] == 2
    assert {hit["_source"].get("seen") for hit in found["hits"]} == {True, None}
    assert (await server.http("GET", f"{BOOKS}/a")).status == 404


async def test_ids_change_too(server: Server, listeners: Listeners) -> None:
    await server.prepare()
    for name in ("a", "b"):
        await server.http("POST", f"{BOOKS}/{name}/_create", {"name": name})
    listeners.pipe("generic:document:beforeGet", lambda documents: [{"_id": "b"}])
    assert (await server.http("GET", f"{BOOKS}/a")).result["_source"]["name"] == "b"
    assert [hit["_id"] for hit in (await server.http("POST", f"{BOOKS}/_mGet", {"ids": ["a"]})).result["hits"]] == ["b"]
    listeners.pipe("generic:document:beforeDelete", lambda documents: documents[:1])
    listeners.pipe("generic:document:afterDelete", lambda ids: [*ids, "told"])
    assert (await server.http("DELETE", f"{BOOKS}/_mDelete", {"ids": ["a", "b"]})).result == ["a", "told"]


async def test_the_total_of_a_search_stays_and_the_ids_of_delete_by_query_are_told(
    server: Server, listeners: Listeners
) -> None:
    await server.prepare()
    for name in ("a", "b"):
        await server.http("POST", f"{BOOKS}/{name}/_create", {"name": name})
    listeners.pipe("generic:document:afterGet", lambda hits: [])
    found = (await server.http("POST", f"{BOOKS}/_search", {})).result
    assert (found["hits"], found["total"]) == ([], 2)
    listeners.pipe("generic:document:afterDelete", lambda ids: sorted(ids))
    websocket = await server.websocket()
    target = {"index": "library", "collection": "books"}
    answer = await websocket.request("document", "deleteByQuery", body={"query": {"match_all": {}}}, **target)
    assert answer["result"]["ids"] == ["a", "b"]


@pytest.mark.parametrize("answer", [[], [1], [{"_id": 7, "_source": {}}], [{"_id": "x"}], ["x", "y"], {}])
async def test_what_is_no_document_is_an_error_that_names_the_event(
    server: Server, listeners: Listeners, answer: Any
) -> None:
    await server.prepare()
    listeners.pipe("generic:document:beforeWrite", lambda documents: answer)
    reply = await server.http("POST", f"{BOOKS}/_create", {"title": "Emma"})
    assert (reply.status, reply.error_id) == (500, "plugin.runtime.unexpected_error")
    assert "generic:document:beforeWrite" in reply.json["error"]["message"]


async def test_a_generic_pipe_refuses_and_nothing_is_written(server: Server, listeners: Listeners) -> None:
    await server.prepare()
    listeners.pipe("generic:document:beforeUpdate", raising(TEAPOT))
    await server.http("POST", f"{BOOKS}/a/_create", {"n": 1})
    assert (await server.http("PUT", f"{BOOKS}/a/_update", {"n": 2})).status == 418
    assert (await server.http("GET", f"{BOOKS}/a")).result["_source"]["n"] == 1
