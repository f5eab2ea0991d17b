"""The event of users that are shown, by real clients."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from harness import Server
from listeners import Listeners, raising

from kuzzle.errors import KuzzleError
from kuzzle.schemas import load_schema

pytestmark = pytest.mark.usefixtures("check_envelopes_only")
EVENT = "security:formatUserForSerialization"
TEAPOT = KuzzleError.without_id(418, "I am a teapot")
SCHEMA = next(event["payload"][0]["schema"] for event in load_schema("events.json") if event["name"] == EVENT)
CONTENT = {"profileIds": ["default"], "phone": "555"}


def hide_phone(user: dict[str, Any]) -> None:
    jsonschema.validate(user, SCHEMA)
    user["_source"].pop("phone", None)
    user["_source"]["seen"] = True


async def create(server: Server, kuid: str = "ada", **content: Any) -> Any:
    return await server.http("POST", f"/users/{kuid}/_create?refresh=wait_for", {"content": {**CONTENT, **content}})


async def test_a_pipe_decides_what_is_shown_of_a_user_and_changes_none(server: Server, listeners: Listeners) -> None:
    listeners.pipe(EVENT, hide_phone)
    replies = [
        await create(server),
        await server.http("GET", "/users/ada"),
        await server.http("PUT", "/users/ada/_update", {"name": "Ada"}),
        await server.http("PUT", "/users/ada/_replace", CONTENT),
        await server.http("POST", "/users/bob/_createRestricted", {"content": {"phone": "556"}}),
    ]
    for reply in replies:
        assert reply.status == 200
        assert "phone" not in reply.result["_source"]
        assert reply.result["_source"]["seen"] is True
        assert reply.result["_meta"] == reply.result["_source"]["_kuzzle_info"]
    assert [user["_id"] for user in listeners.of(EVENT)] == ["ada"] * 4 + ["bob"]
    server.app.events.remove_owner("tests")
    plain = (await server.http("GET", "/users/ada")).result["_source"]
    assert plain["phone"] == "555"
    assert "seen" not in plain


async def test_found_users_are_shown_by_it_one_by_one_page_after_page(server: Server, listeners: Listeners) -> None:
    for kuid in ("ada", "bob", "eve"):
        await create(server, kuid)
    listeners.pipe(EVENT, hide_phone)
    first = (await server.http("POST", "/users/_search?from=0&size=2&scroll=1m", {"query": {}})).result
    second = (await server.http("GET", f"/users/_scroll/{first['scrollId']}")).result
    found = [*first["hits"], *second["hits"]]
    assert sorted(hit["_id"] for hit in found) == ["ada", "bob", "eve"]
    assert all(hit["_source"]["seen"] and "phone" not in hit["_source"] for hit in found)
    assert len(listeners.of(EVENT)) == 3


async def test_the_caller_is_shown_by_it(server: Server, listeners: Listeners) -> None:
    listeners.pipe(EVENT, hide_phone)
    reply = await server.http("GET", "/users/_me")
    assert reply.result["_id"] == "-1"
    assert reply.result["_source"]["seen"] is True
    listeners.events.remove_owner("tests")
    assert "seen" not in (await server.http("GET", "/users/_me")).result["_source"]


async def test_an_error_of_a_pipe_is_answered(server: Server, listeners: Listeners) -> None:
    await create(server)
    listeners.pipe(EVENT, raising(TEAPOT))
    assert (await server.http("GET", "/users/ada")).status == 418


@pytest.mark.parametrize(
    ("left", "error_id"),
    [
        ({"_id": "ada"}, "plugin.runtime.unexpected_error"),
        ({"_id": "ada", "_source": 3}, "plugin.runtime.unexpected_error"),
        ({"_id": "ada", "_source": {"many": {1, 2}}}, "plugin.controller.unserializable_response"),
    ],
)
async def test_what_is_no_user_is_an_error(
    server: Server, listeners: Listeners, left: dict[str, Any], error_id: str
) -> None:
    await create(server)
    listeners.pipe(EVENT, lambda _user: left)
    reply = await server.http("GET", "/users/ada")
    assert reply.status == 500
    assert reply.error_id == error_id
