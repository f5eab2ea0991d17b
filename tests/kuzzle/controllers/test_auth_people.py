"""Who somebody is: one's own credentials, content and rights, as clients see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness import Server
from people import CHEAP_PASSWORDS, PASSWORD, add_user, bearer, login, refusal

from kuzzle.storage.internal import INTERNAL_INDEX


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS}})


# --- credentials of one's own


async def test_people_manage_their_own_credentials(server: Server) -> None:
    await add_user(server, "u1")
    headers = bearer((await login(server, "u1"))["jwt"])
    me = "/credentials/local/_me"
    assert (await server.http("GET", f"{me}/_exists", headers=headers)).result is True
    updated = await server.http("PUT", f"{me}/_update", {"username": "emma"}, headers)
    assert updated.result == {"username": "emma", "kuid": "u1"}
    reply = await server.http("PUT", f"{me}/_update", {"imported": {"userPassword": "a"}}, headers)
    assert refusal(reply) == (400, None)
    assert (await server.http("DELETE", me, headers=headers)).result == {"acknowledged": True}
    assert (await server.http("GET", f"{me}/_exists", headers=headers)).result is False, "the token lives on"
    assert (await server.http("GET", me, headers=headers)).status == 412
    assert (await server.http("DELETE", me, headers=headers)).status == 412
    mine = {"username": "woodhouse", "password": "Donwell"}
    assert (await server.http("POST", f"{me}/_validate", mine, headers)).result is True
    created = await server.http("POST", f"{me}/_create", mine, headers)
    assert created.result == {"username": "woodhouse", "kuid": "u1"}
    assert (await server.http("POST", f"{me}/_create", mine, headers)).status == 412
    assert (await server.http("POST", "/_login/local", mine)).result["_id"] == "u1"


@pytest.mark.parametrize(
    "action",
    [
        "createMyCredentials",
        "updateMyCredentials",
        "deleteMyCredentials",
        "credentialsExist",
        "getMyCredentials",
        "validateMyCredentials",
    ],
)
async def test_anonymous_has_no_credentials(server: Server, action: str) -> None:
    websocket = await server.websocket()
    answer = await websocket.request("auth", action, strategy="local", body={"username": "a", "password": "b"})
    assert (answer["status"], answer["error"]["id"]) == (401, "security.rights.unauthorized")
    await add_user(server, "u1")
    token = (await login(server, "u1"))["jwt"]
    answer = await websocket.request("auth", action, strategy="unheard", body={}, jwt=token)
    assert (answer["status"], answer["error"]["id"]) == (400, "security.credentials.unknown_strategy")


async def test_an_imported_hash_is_made_anew_at_the_next_login(server: Server) -> None:
    await add_user(server, "u1")
    imported = {
        "userPassword": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "userSalt": "",
        "algorithm": "sha256",
        "stretching": False,
        "encryption": "hash",
    }
    await server.http("PUT", "/credentials/local/u1/_update", {"imported": imported})
    assert (await server.http("POST", "/_login/local", {"username": "u1", "password": "bar"})).status == 401
    (before,) = await server.app.storage.get_documents(INTERNAL_INDEX, "credentials-local", ["u1"])
    assert (await server.http("POST", "/_login/local", {"username": "u1", "password": "foo"})).status == 200
    (after,) = await server.app.storage.get_documents(INTERNAL_INDEX, "credentials-local", ["u1"])
    assert before is not None
    assert after is not None
    assert before.source.keys() - imported.keys() == {"kuid", "username", "changedAt", "updater"}
    assert after.source.keys() == {"kuid", "username", "changedAt", "updater", "hash"}
    assert (await server.http("POST", "/_login/local", {"username": "u1", "password": "foo"})).status == 200


# --- who one is


async def test_people_learn_who_they_are(server: Server) -> None:
    await add_user(server, "u1", "default", username="emma")
    headers = bearer((await login(server, "emma"))["jwt"])
    me = (await server.http("GET", "/users/_me", headers=headers)).result
    assert (me["_id"], me["_source"]["profileIds"], me["strategies"]) == ("u1", ["default"], ["local"])
    await server.http("DELETE", "/credentials/local/_me", headers=headers)
    assert (await server.http("GET", "/users/_me", headers=headers)).result["strategies"] == []
    websocket = await server.websocket()
    anonymous = (await websocket.request("auth", "getCurrentUser"))["result"]
    assert anonymous == {
        "_id": "-1",
        "_source": {"name": "Anonymous", "profileIds": ["anonymous"]},
        "_meta": {},
    }


async def test_people_change_their_own_content_and_nothing_that_gives_rights(server: Server) -> None:
    author = {"author": "somebody", "createdAt": 5}
    users = server.app.security.users
    await users.create("u1", {"profileIds": ["default"], "name": "Emma", "home": {"town": "x"}, "_kuzzle_info": author})
    await server.app.credentials.create("u1", {"local": {"username": "u1", "password": PASSWORD}})
    headers = bearer((await login(server, "u1"))["jwt"])
    body = {"home": {"village": "Highbury"}, "_kuzzle_info": {"author": "me"}, "profileIds": None}
    updated = await server.http("PUT", "/_updateSelf", body, headers)
    expected = {
        "profileIds": ["default"],
        "name": "Emma",
        "home": {"village": "Highbury"},
        "_kuzzle_info": author,
    }
    assert updated.result == {"_id": "u1", "_source": expected, "_meta": author}
    assert (await server.http("GET", "/users/_me", headers=headers)).result["_source"] == expected
    websocket = await server.websocket()
    token = headers["Authorization"].removeprefix("Bearer ")
    for wrong in ({"profileIds": ["admin"]}, {"profileIds": []}, {"_id": "u2"}):
        answer = await websocket.request("auth", "updateSelf", body=wrong, jwt=token)
        assert (answer["status"], answer["error"]["id"]) == (400, "api.assert.forbidden_argument")
        assert f"body.{next(iter(wrong))}" in answer["error"]["message"]
    answer = await websocket.request("auth", "updateSelf", body={})
    assert (answer["status"], answer["error"]["id"]) == (401, "security.rights.unauthorized")
    assert (await server.http("GET", "/users/_me", headers=headers)).result["_source"] == expected


async def test_people_learn_what_they_may_do(server: Server) -> None:
    everything = {"controller": "*", "action": "*", "index": "*", "collection": "*", "value": "allowed"}
    assert (await server.http("GET", "/users/_me/_rights")).result == {"hits": [everything], "total": 1}
    role = {"controllers": {"auth": {"actions": {"*": True}}, "document": {"actions": {"get": True, "create": False}}}}
    await server.http("PUT", "/roles/reader", role)
    restricted = {"policies": [{"roleId": "reader", "restrictedTo": [{"index": "library", "collections": ["books"]}]}]}
    await server.http("PUT", "/profiles/readers", restricted)
    await add_user(server, "u1", "readers")
    token = (await login(server, "u1"))["jwt"]
    websocket = await server.websocket()
    rights = (await websocket.request("auth", "getMyRights", jwt=token))["result"]
    assert [(right["controller"], right["action"], right["value"]) for right in rights["hits"]] == [
        ("auth", "*", "allowed"),
        ("document", "get", "allowed"),
        ("document", "create", "denied"),
    ]
    assert {(right["index"], right["collection"]) for right in rights["hits"]} == {("library", "books")}
    answer = await websocket.request("server", "now", jwt=token)
    assert (answer["status"], answer["error"]["id"]) == (403, "security.rights.forbidden")
