"""Requests of code inside the server: the same gates, for whom it says, and neither token nor slot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import Server
from people import add_user

from kuzzle.connection import Connection
from kuzzle.errors import KuzzleError, PartialError
from kuzzle.request import Request
from kuzzle.security.users import SERVER, User

BOOKS = {"index": "library", "collection": "books"}


async def ask(server: Server, action: str, user: User = SERVER, **arguments: Any) -> Any:
    """Run `<controller>:<action>` inside the server."""
    controller, _, name = action.partition(":")
    payload = {"controller": controller, "action": name, **arguments}
    return await server.app.funnel.execute_inside(Request(payload, Connection("")), user)


async def close_to_strangers(server: Server) -> None:
    """Take all rights but those of administrators away."""
    await ask(server, "security:createFirstAdmin", _id="admin", reset=True, body={"content": {}, "credentials": {}})


async def test_the_server_itself_may_do_everything(server: Server) -> None:
    await close_to_strangers(server)
    assert (await server.http("POST", "/library/_create")).status == 401
    assert await ask(server, "index:create", index="library") == {
        "acknowledged": True,
        "shards_acknowledged": True,
        "index": "library",
    }
    await ask(server, "collection:create", **BOOKS)
    lines = [{"create": {"_id": "emma", "_index": "library", "_type": "books"}}, {"title": "Emma"}]
    assert (await ask(server, "bulk:import", body={"bulkData": lines}))["errors"] is False
    assert await ask(server, "index:mDelete", body={"indexes": ["library"]}) == {"deleted": ["library"]}


async def test_what_the_server_itself_writes_has_no_author(server: Server) -> None:
    await server.prepare()
    created = await ask(server, "document:create", **BOOKS, body={"title": "Emma"})
    assert created["_meta"]["author"] is None
    await ask(server, "document:update", **BOOKS, _id=created["_id"], body={"year": 1815})
    found = (await server.http("GET", f"/library/books/{created['_id']}")).result
    assert found["_meta"]["updater"] is None
    role = {"controllers": {"server": {"actions": {"now": True}}}}
    assert (await ask(server, "security:createRole", _id="clock", body=role))["_meta"]["author"] is None


async def test_a_user_is_the_author_and_may_do_what_he_may_otherwise(server: Server) -> None:
    await server.prepare()
    writer = {"controllers": {"document": {"actions": {"create": True}}}}
    await ask(server, "security:createRole", _id="writer", body=writer)
    await ask(server, "security:createProfile", _id="writer", body={"policies": [{"roleId": "writer"}]})
    await add_user(server, "ada", "writer")
    ada = await server.app.security.users.get("ada")
    created = await ask(server, "document:create", ada, **BOOKS, body={"title": "Emma"})
    assert created["_meta"]["author"] == "ada"
    with pytest.raises(KuzzleError) as caught:
        await ask(server, "document:delete", ada, **BOOKS, _id=created["_id"])
    assert (caught.value.status, caught.value.id) == (403, "security.rights.forbidden")


@pytest.mark.parametrize(
    "action",
    [
        "auth:getCurrentUser",
        "auth:getMyRights",
        "auth:updateSelf",
        "auth:logout",
        "auth:refreshToken",
    ],
)
async def test_the_server_itself_is_nobody_who_could_have_an_account(server: Server, action: str) -> None:
    with pytest.raises(KuzzleError) as caught:
        await ask(server, action, body={})
    assert (caught.value.status, caught.value.id) == (401, "security.rights.unauthorized")


async def test_what_a_client_would_be_refused_is_raised(server: Server) -> None:
    for action, arguments, error_id in (
        ("no:now", {}, "api.process.controller_not_found"),
        ("server:no", {}, "api.process.action_not_found"),
        ("document:get", BOOKS, "api.assert.missing_argument"),
        ("document:get", {**BOOKS, "_id": "emma"}, "services.storage.unknown_index"),
        ("document:search", {"index": "%kuzzle", "collection": "users"}, "services.storage.index_reserved"),
    ):
        with pytest.raises(KuzzleError) as caught:
            await ask(server, action, **arguments)
        assert caught.value.id == error_id


async def test_what_failed_in_part_is_raised_with_what_worked(server: Server) -> None:
    await server.prepare()
    documents = [{"_id": "emma", "body": {}}, {"_id": "emma", "body": {}}]
    with pytest.raises(PartialError) as caught:
        await ask(server, "document:mCreate", **BOOKS, body={"documents": documents})
    assert caught.value.status == 206
    assert [hit["_id"] for hit in caught.value.result["hits"]] == ["emma"]
    assert [error["document"]["_id"] for error in caught.value.errors] == ["emma"]


async def test_a_defect_tells_its_details_to_the_log_alone(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def break_down() -> list[str]:
        raise ZeroDivisionError("the secret of the house")

    monkeypatch.setattr(server.app.storage, "list_indexes", break_down)
    with pytest.raises(KuzzleError) as caught:
        await ask(server, "index:list")
    assert caught.value.id == "core.fatal.unexpected_error"
    assert "secret" not in caught.value.message
    assert "the secret of the house" in caplog.text


@pytest.mark.parametrize("fires_events", [True, False])
async def test_its_events_are_fired_if_it_says_so(server: Server, fires_events: bool) -> None:
    fired: list[str] = []

    async def note(payload: Any) -> Any:
        fired.append("now")
        return payload

    server.app.events.add_pipe("server:beforeNow", note)
    server.app.events.add_pipe("server:afterNow", note)
    request = Request({"controller": "server", "action": "now"}, Connection(""))
    request.fires_events = fires_events
    await server.app.funnel.execute_inside(request, SERVER)
    assert len(fired) == (2 if fires_events else 0)


async def test_subscribers_hear_of_it_without_a_protocol(server: Server) -> None:
    await server.prepare()
    websocket = await server.websocket()
    await websocket.request("realtime", "subscribe", **BOOKS, body={})
    await ask(server, "realtime:publish", **BOOKS, body={"title": "Emma"}, volatile={"from": "inside"})
    heard = await websocket.notification()
    assert (heard["protocol"], heard["volatile"]) == (None, {"from": "inside"})
    assert heard["result"]["_source"]["_kuzzle_info"]["author"] is None


async def test_no_slot_is_taken(tmp_path: Path) -> None:
    async with Server(tmp_path, {"limits": {"concurrentRequests": 1}}) as server:

        async def ask_again(request: Request) -> Request:
            await ask(server, "server:info")
            return request

        server.app.events.add_pipe("server:beforeNow", ask_again)
        assert (await server.http("GET", "/_now")).status == 200


async def test_nobody_counts_it(server: Server) -> None:
    await ask(server, "server:now")
    frame = (await server.http("GET", "/_getLastStats")).result
    assert sum(frame["completedRequests"].values()) == 0
    assert sum(frame["failedRequests"].values()) == 0
