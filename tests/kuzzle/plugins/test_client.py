"""Calls of the API inside the server: what a client would get, for the server itself or for a user."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

import pytest
from harness import Server
from people import add_user

from kuzzle.errors import KuzzleError, PartialError
from kuzzle.plugins.client import MAX_CALLS, Inside, InsideClient

BOOKS = {"index": "library", "collection": "books"}


def client_of(server: Server) -> InsideClient:
    """Return the client of a plugin."""
    app = server.app
    return InsideClient(Inside(app.entrypoint, app.funnel, app.security.users))


async def error_of(call: Any) -> KuzzleError:
    """Return what a call raises."""
    with pytest.raises(KuzzleError) as caught:
        await call
    return caught.value


async def test_results_are_those_that_a_client_gets(server: Server) -> None:
    await server.prepare()
    client, websocket = client_of(server), await server.websocket()
    await client.execute("document", "create", **BOOKS, _id="emma", body={"title": "Emma"}, refresh="wait_for")
    for controller, action, arguments in (
        ("document", "get", {**BOOKS, "_id": "emma"}),
        ("document", "exists", {**BOOKS, "_id": "emma"}),
        ("document", "count", BOOKS),
        ("document", "mGet", {**BOOKS, "body": {"ids": ["emma"]}}),
        ("document", "validate", {**BOOKS, "body": {"title": "Emma"}}),
        ("collection", "list", {"index": "library"}),
        ("collection", "getMapping", BOOKS),
        ("index", "list", {}),
        ("realtime", "list", {}),
        ("security", "getRole", {"_id": "admin"}),
        ("security", "searchProfiles", {"body": {}, "size": 1}),
        ("server", "publicApi", {}),
        ("server", "getConfig", {}),
        ("auth", "getStrategies", {}),
    ):
        outside = await websocket.request(controller, action, **arguments)
        assert outside["error"] is None, action
        assert await client.execute(controller, action, **arguments) == outside["result"], action


async def test_no_rights_apply_but_those_of_the_user_it_asks_for(server: Server) -> None:
    await server.prepare()
    client = client_of(server)
    await client.execute("security", "createFirstAdmin", _id="root", reset=True, body={"content": {}})
    assert (await server.http("GET", "/library/books/emma")).status == 401
    await client.execute("document", "create", **BOOKS, _id="emma", body={"title": "Emma"})
    await add_user(server, "ada", "default")
    ada = client.as_user("ada")
    assert await ada.execute("auth", "getCurrentUser") | {"_meta": None} == {
        "_id": "ada",
        "_source": {"profileIds": ["default"]},
        "_meta": None,
        "strategies": ["local"],
    }
    error = await error_of(ada.execute("index", "create", index="other"))
    assert (error.status, error.id) == (403, "security.rights.forbidden")
    await client.execute("security", "replaceUser", _id="ada", body={"profileIds": ["admin"]})
    created = await ada.execute("document", "create", **BOOKS, body={})
    assert created["_meta"]["author"] == "ada"
    assert (await client.execute("document", "get", **BOOKS, _id="emma"))["_meta"]["author"] is None
    await client.execute("security", "deleteUser", _id="ada")
    error = await error_of(ada.execute("server", "now"))
    assert (error.status, error.id) == (404, "services.storage.not_found")


@pytest.mark.parametrize("kuid", ["", None, 5])
async def test_who_is_nobody_cannot_be_asked_for(server: Server, kuid: Any) -> None:
    with pytest.raises(KuzzleError) as caught:
        client_of(server).as_user(kuid)
    assert caught.value.id == "plugin.context.invalid_user"


async def test_what_is_wrong_with_a_call_is_raised(server: Server) -> None:
    client = client_of(server)
    for controller, action, arguments, status, error_id in (
        ("realtime", "subscribe", {**BOOKS, "body": {}}, 500, "plugin.context.unavailable_realtime"),
        ("realtime", "join", {"body": {"roomId": "r"}}, 500, "plugin.context.unavailable_realtime"),
        ("realtime", "unsubscribe", {"body": {"roomId": "r"}}, 500, "plugin.context.unavailable_realtime"),
        ("no", "now", {}, 404, "api.process.controller_not_found"),
        ("document", "get", BOOKS, 400, "api.assert.missing_argument"),
        ("document", "create", BOOKS, 400, "api.assert.body_required"),
        ("document", "get", {**BOOKS, "_id": 5}, 400, None),
        ("document", "create", {**BOOKS, "body": {"n": 1 << 64}}, 400, None),
        ("document", "create", {**BOOKS, "body": {"n": object()}}, 400, None),
        ("server", "now", {"jwt": "a"}, 400, "api.assert.forbidden_argument"),
    ):
        error = await error_of(client.execute(controller, action, **arguments))
        assert (error.status, error.id) == (status, error_id), (controller, action)


async def test_what_failed_in_part_is_raised_as_a_client_would_read_it(server: Server) -> None:
    await server.prepare()
    documents = [{"_id": "emma", "body": {"n": 1}}, {"_id": "emma", "body": {"n": 2}}, {"_id": 5, "body": {}}]
    call = {**BOOKS, "body": {"documents": documents}}
    outside = await (await server.websocket()).request("document", "mReplace", **call)
    with pytest.raises(PartialError) as caught:
        await client_of(server).execute("document", "mReplace", **call)
    assert len(caught.value.errors) == len(outside["error"]["errors"]) == 3
    assert caught.value.result == outside["result"] == {"hits": [], "total": 0}


async def test_nothing_of_a_call_is_shared_with_the_plugin(server: Server) -> None:
    await server.prepare()
    client = client_of(server)
    body = {"titles": ["Emma"]}
    created = await client.execute("document", "create", **BOOKS, _id="emma", body=body)
    body["titles"].append("Persuasion")
    created["_source"]["titles"].clear()
    found = await client.execute("document", "get", **BOOKS, _id="emma")
    assert found["_source"]["titles"] == ["Emma"]
    (await client.execute("server", "getConfig"))["limits"].clear()
    assert (await client.execute("server", "getConfig"))["limits"]


async def test_events_are_triggered_on_demand(server: Server) -> None:
    asked: list[Any] = []

    async def note(request: Any) -> Any:
        asked.append(request.user.id)
        return request

    server.app.events.add_pipe("server:beforeNow", note)
    client = client_of(server)
    await client.execute("server", "now")
    assert asked == []
    await client.execute("server", "now", triggers_events=True)
    await client.as_user("anonymous").execute("server", "now", triggers_events=True)
    assert asked == ["", "-1"]


async def test_calls_that_call_themselves_end(server: Server) -> None:
    client = client_of(server)
    refused: list[str | None] = []

    async def again(request: Any) -> Any:
        try:
            await client.execute("server", "now", triggers_events=True)
        except KuzzleError as error:
            refused.append(error.id)
        return request

    server.app.events.add_pipe("server:beforeNow", again, timeout_ms=0, warn_time_ms=0)
    await client.execute("server", "now", triggers_events=True)
    assert refused == ["api.process.overloaded"]
    assert client._inside.at_work == 0


async def test_more_calls_than_may_be_at_work_are_refused(server: Server) -> None:
    await server.prepare()
    client = client_of(server)
    calls = [client.execute("document", "create", **BOOKS, body={}) for _ in range(MAX_CALLS + 5)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    refused = [one for one in ended if isinstance(one, KuzzleError)]
    assert [error.id for error in refused] == ["api.process.overloaded"] * 5
    assert (await client.execute("document", "count", **BOOKS))["count"] == MAX_CALLS


async def test_dates_become_texts(server: Server) -> None:
    await server.prepare()
    moment = datetime.datetime(1815, 12, 23, tzinfo=datetime.UTC)
    created = await client_of(server).execute("document", "create", **BOOKS, body={"printed": moment})
    assert created["_source"]["printed"] == "1815-12-23T00:00:00+00:00"
