"""realtime:join: following what others in a room do, by its id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import Server, WebSocket
from people import CHEAP_PASSWORDS, PASSWORD, bearer, login
from plain_rights import role_of

BOOKS = {"index": "library", "collection": "books"}


async def subscribe(websocket: WebSocket, **members: Any) -> dict[str, str]:
    """Subscribe to novels."""
    reply = await websocket.request("realtime", "subscribe", **BOOKS, body={"equals": {"kind": "novel"}}, **members)
    result: dict[str, str] = reply["result"]
    return result


async def test_who_joins_a_room_hears_what_its_filter_lets_through(server: Server) -> None:
    first, second = await server.websocket(), await server.websocket()
    room = await subscribe(first, users="all")
    reply = await second.request("realtime", "join", body={"roomId": room["roomId"]}, volatile={"name": "guest"})
    assert reply["result"]["roomId"] == room["roomId"]
    told = await first.notification()
    assert (told["type"], told["action"], told["user"]) == ("user", "join", "in")
    assert (told["result"], told["volatile"]["name"]) == ({"count": 2}, "guest")
    for kind in ("poem", "novel"):
        await server.http("POST", "/library/books/_publish", {"kind": kind})
    heard = await second.notification()
    assert (heard["room"], heard["result"]["_source"]["kind"]) == (reply["result"]["channel"], "novel")
    await second.settle()
    assert second.notifications.empty()


async def test_joining_twice_is_joining_once_and_the_room_outlives_its_first_member(server: Server) -> None:
    first, second = await server.websocket(), await server.websocket()
    body = {"roomId": (await subscribe(first))["roomId"]}
    joined = [(await second.request("realtime", "join", body=body))["result"] for _ in range(2)]
    assert joined[0] == joined[1]
    await first.request("realtime", "unsubscribe", body=body)
    assert (await first.request("realtime", "count", body=body))["result"] == {"count": 1}
    other = (await second.request("realtime", "join", body=body, scope="out"))["result"]
    assert other["channel"] != joined[0]["channel"]
    await second.request("realtime", "unsubscribe", body=body)
    gone = await first.request("realtime", "join", body=body)
    assert (gone["status"], gone["error"]["id"]) == (404, "core.realtime.room_not_found")


@pytest.fixture
def guarded(start_server: Callable[..., Server]) -> Server:
    """A server whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS}})


@pytest.mark.parametrize("may_subscribe", [False, True])
async def test_joining_takes_the_right_to_subscribe_there(guarded: Server, may_subscribe: bool) -> None:
    room = await subscribe(await guarded.websocket())
    rights = {"realtime": {"join": True, **({"subscribe": True} if may_subscribe else {})}}
    await guarded.http("PUT", "/roles/joiner", role_of(rights))
    await guarded.http("PUT", "/profiles/joiners", {"policies": [{"roleId": "joiner"}]})
    user = {
        "content": {"profileIds": ["joiners"]},
        "credentials": {"local": {"username": "ada", "password": PASSWORD}},
    }
    assert (await guarded.http("POST", "/users/ada/_create", user)).status == 200
    websocket = await guarded.websocket()
    credentials = {"username": "ada", "password": PASSWORD}
    token = (await websocket.request("auth", "login", strategy="local", body=credentials))["result"]["jwt"]
    reply = await websocket.request("realtime", "join", body={"roomId": room["roomId"]}, jwt=token)
    if may_subscribe:
        assert reply["result"] == room
    else:
        assert (reply["status"], reply["error"]["id"]) == (403, "security.rights.forbidden")


async def test_rooms_are_listed_where_the_user_may_search(guarded: Server) -> None:
    """The right to list them is not restricted, that to search is."""
    subscriber = await guarded.websocket()
    for index, collection in (("library", "books"), ("library", "loans"), ("shop", "books")):
        await subscriber.request("realtime", "subscribe", index=index, collection=collection, body={})
    everything = (await guarded.http("GET", "/_listSubscriptions")).result
    await guarded.http("PUT", "/roles/lister", role_of({"realtime": {"list": True}, "auth": {"login": True}}))
    await guarded.http("PUT", "/roles/searcher", role_of({"document": {"search": True}}))
    books = [{"index": "library", "collections": ["books"]}]
    policies = [{"roleId": "lister"}, {"roleId": "searcher", "restrictedTo": books}]
    await guarded.http("PUT", "/profiles/readers", {"policies": policies})
    user = {
        "content": {"profileIds": ["readers"]},
        "credentials": {"local": {"username": "ada", "password": PASSWORD}},
    }
    assert (await guarded.http("POST", "/users/ada/_create", user)).status == 200
    token = (await login(guarded, "ada"))["jwt"]
    listed = await guarded.http("GET", "/_listSubscriptions", headers=bearer(token))
    assert listed.result == {"library": {"books": everything["library"]["books"]}}
    assert set(everything) == {"library", "shop"}
