"""The credentials of users, over HTTP and WebSocket: actions of `security`."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any

import pytest
from harness import Reply, Server

from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.strategies.base import Accepted, Secrets, Strategy, Verdict
from kuzzle.storage.internal import INTERNAL_INDEX, InternalCollection

EMMA = {"username": "emma", "password": "Highbury"}


async def add_user(server: Server, kuid: str) -> None:
    users = InternalCollection(server.app.storage, "users", {"profileIds": {"type": "keyword"}})
    await users.put(kuid, {"profileIds": ["default"]})


async def stored(server: Server, username: str) -> dict[str, Any] | None:
    (found,) = await server.app.storage.get_documents(INTERNAL_INDEX, "credentials-local", [username])
    return None if found is None else found.source


def refusal(reply: Reply) -> tuple[int, str | None]:
    return reply.status, reply.error_id


async def test_credentials_live_from_their_creation_to_their_deletion(server: Server) -> None:
    await add_user(server, "u1")
    websocket = await server.websocket()
    about = {"strategy": "local", "_id": "u1"}
    assert (await server.http("GET", "/credentials/local/u1/_exists")).result is False
    assert (await server.http("POST", "/credentials/local/u1/_validate", EMMA)).result is True
    shown = {"username": "emma", "kuid": "u1"}
    assert (await server.http("POST", "/credentials/local/u1/_create", EMMA)).result == shown
    assert (await websocket.request("security", "hasCredentials", **about))["result"] is True
    assert (await websocket.request("security", "getCredentials", **about))["result"] == shown
    assert (await server.http("GET", "/credentials/local/emma/_byId")).result == shown
    renamed = {"username": "woodhouse", "kuid": "u1"}
    reply = await websocket.request("security", "updateCredentials", body={"username": "woodhouse"}, **about)
    assert reply["result"] == renamed
    assert await stored(server, "emma") is None
    assert (await server.http("GET", "/credentials/local/u1")).result == renamed
    assert (await websocket.request("security", "deleteCredentials", **about))["result"] == {"acknowledged": True}
    assert (await server.http("GET", "/credentials/local/u1/_exists")).result is False
    assert (await server.http("GET", "/credentials/local/u1")).status == 412
    assert (await server.http("GET", "/credentials/local/woodhouse/_byId")).status == 412
    assert (await server.http("DELETE", "/credentials/local/u1")).status == 412
    assert (await server.http("PUT", "/credentials/local/u1/_update", {"password": "x"})).status == 412


async def test_the_same_over_the_other_protocol(server: Server) -> None:
    await add_user(server, "u1")
    websocket = await server.websocket()
    about = {"strategy": "local", "_id": "u1"}
    assert (await websocket.request("security", "validateCredentials", body=EMMA, **about))["result"] is True
    created = await websocket.request("security", "createCredentials", body=EMMA, **about)
    assert created["result"] == {"username": "emma", "kuid": "u1"}
    by_id = await websocket.request("security", "getCredentialsById", strategy="local", _id="emma")
    assert by_id["result"] == created["result"]
    assert (await server.http("PUT", "/credentials/local/u1/_update", {"password": "Donwell"})).status == 200
    assert (await server.http("GET", "/credentials/local/u1")).result == created["result"]
    assert (await server.http("DELETE", "/credentials/local/u1")).result == {"acknowledged": True}


async def test_a_password_is_stored_as_a_hash_alone(server: Server) -> None:
    await add_user(server, "u1")
    await server.http("POST", "/credentials/local/u1/_create", {**EMMA, "note": "extra", "hash": "forged"})
    document = await stored(server, "emma")
    assert document is not None
    assert document.keys() == {"kuid", "username", "hash", "changedAt", "updater"}
    assert document["hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await server.http("PUT", "/credentials/local/u1/_update", {"username": "woodhouse"})
    assert await stored(server, "woodhouse") == {**document, "username": "woodhouse"}
    await server.http("PUT", "/credentials/local/u1/_update", {"password": "Donwell"})
    changed = await stored(server, "woodhouse")
    assert changed is not None
    assert changed["hash"] != document["hash"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "emma"},
        {"password": "Highbury"},
        {"username": "", "password": "Highbury"},
        {"username": {"$ne": None}, "password": "Highbury"},
        {"username": "emma", "password": 5},
        {"username": "emma", "password": "Highbury", "kuid": "somebody"},
        {"username": "emma", "password": "Highbury", "imported": {"userPassword": "ab", "algorithm": "md5"}},
        {"username": "emma", "imported": {"userPassword": "ab", "algorithm": "md5"}},
        {"username": "emma", "imported": "ab"},
    ],
)
async def test_malformed_credentials_are_refused_everywhere(server: Server, body: dict[str, Any]) -> None:
    await add_user(server, "u1")
    for verb, path in (("POST", "_create"), ("POST", "_validate")):
        reply = await server.http(verb, f"/credentials/local/u1/{path}", body)
        assert refusal(reply) == (400, None), path
    assert (await server.http("GET", "/credentials/local/u1/_exists")).result is False
    is_malformed = body.keys() - {"username", "password"} or not all(
        isinstance(value, str) and value for value in body.values()
    )
    if is_malformed or not body:  # an update may give one of the two alone
        assert refusal(await server.http("PUT", "/credentials/local/u1/_update", body)) == (400, None)


async def test_a_name_has_one_user_and_a_user_one_name(server: Server) -> None:
    for kuid in ("u1", "u2"):
        await add_user(server, kuid)
    await server.http("POST", "/credentials/local/u1/_create", EMMA)
    other = {"username": "harriet", "password": "Goddard"}
    assert (await server.http("POST", "/credentials/local/u2/_create", EMMA)).status == 412
    assert (await server.http("POST", "/credentials/local/u2/_validate", EMMA)).status == 412
    assert (await server.http("POST", "/credentials/local/u1/_create", other)).status == 412
    await server.http("POST", "/credentials/local/u2/_create", other)
    assert (await server.http("PUT", "/credentials/local/u2/_update", {"username": "emma"})).status == 412
    assert (await server.http("PUT", "/credentials/local/u2/_update", {"username": "Emma"})).status == 200
    websocket = await server.websocket()
    reply = await websocket.request("security", "validateCredentials", strategy="local", body=EMMA)
    assert reply["status"] == 412


async def test_of_two_who_want_a_name_at_once_one_gets_it(server: Server) -> None:
    for kuid in ("u1", "u2"):
        await add_user(server, kuid)
    replies = await asyncio.gather(
        *(server.http("POST", f"/credentials/local/{kuid}/_create", EMMA) for kuid in ("u1", "u2")),
        *(server.http("POST", "/credentials/local/u1/_create", {**EMMA, "username": f"n{i}"}) for i in range(3)),
    )
    winners = [reply.result for reply in replies if reply.status == 200]
    assert {reply.status for reply in replies} == {200, 412}
    assert (
        len({winner["kuid"] for winner in winners}) == len({winner["username"] for winner in winners}) == len(winners)
    )


async def test_only_users_get_credentials_and_only_of_strategies_there_are(server: Server) -> None:
    await add_user(server, "u1")
    not_found = (404, "services.storage.not_found")
    unknown = (400, "security.credentials.unknown_strategy")
    assert refusal(await server.http("POST", "/credentials/local/nobody/_create", EMMA)) == not_found
    assert refusal(await server.http("PUT", "/credentials/local/nobody/_update", EMMA)) == not_found
    for verb, path in (
        ("POST", "u1/_create"),
        ("PUT", "u1/_update"),
        ("POST", "u1/_validate"),
        ("DELETE", "u1"),
        ("GET", "u1"),
        ("GET", "u1/_byId"),
        ("GET", "u1/_exists"),
        ("GET", "_fields"),
    ):
        body = EMMA if verb in ("POST", "PUT") else None
        assert refusal(await server.http(verb, f"/credentials/nothing/{path}", body)) == unknown, path
    websocket = await server.websocket()
    reply = await websocket.request("security", "createCredentials", strategy="local", _id="u1")
    assert (reply["status"], reply["error"]["id"]) == (400, "api.assert.body_required")


async def test_the_fields_of_strategies_are_told(server: Server) -> None:
    websocket = await server.websocket()
    assert (await server.http("GET", "/credentials/local/_fields")).result == ["username", "password"]
    assert (await server.http("GET", "/credentials/_fields")).result == {"local": ["username", "password"]}
    reply = await websocket.request("security", "getCredentialFields", strategy="local")
    assert reply["result"] == ["username", "password"]
    reply = await websocket.request("security", "getAllCredentialFields")
    assert reply["result"] == {"local": ["username", "password"]}


async def test_a_hash_of_kuzzle_is_stored_as_it_is(server: Server) -> None:
    await add_user(server, "u1")
    salt = "ab" * 128
    digest = hmac.new(salt.encode(), b"Highbury", "sha512").hexdigest()
    imported = {"userPassword": digest, "userSalt": salt, "algorithm": "sha512", "stretching": False}
    body = {"username": "emma", "imported": {**imported, "kuid": "somebody"}}
    assert (await server.http("POST", "/credentials/local/u1/_create", body)).status == 200
    document = await stored(server, "emma")
    assert document is not None
    assert {name: document.get(name) for name in ("kuid", *imported)} == {"kuid": "u1", **imported}
    assert "hash" not in document


# --- strategies of others


class Doors(Strategy):
    """A strategy that keeps its credentials in memory."""

    name = "doors"
    fields = ("door",)

    def __init__(self) -> None:
        self.doors: dict[str, Any] = {}
        self.is_ready = False
        self.fails = False

    async def after_register(self) -> None:
        self.is_ready = True

    async def verify(self, request: Request) -> Verdict:
        return Accepted(self.doors[request.body["door"]])

    async def exists(self, request: Request | None, kuid: str) -> bool:
        return kuid in self.doors

    async def validate(self, request: Request | None, secrets: Secrets, kuid: str | None, *, is_update: bool) -> None:
        if secrets["door"] == "walled up":
            raise KuzzleError.without_id(400, "no such door")

    async def create(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        if self.fails:
            raise RuntimeError("the secret of the house")
        self.doors[kuid] = secrets["door"]
        return {"door": secrets["door"]}

    async def update(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        return await self.create(request, secrets, kuid)

    async def delete(self, request: Request | None, kuid: str) -> None:
        if self.fails:
            raise RuntimeError("the secret of the house")
        del self.doors[kuid]


async def test_strategies_come_and_go_while_the_server_runs(server: Server) -> None:
    await add_user(server, "u1")
    strategies = server.app.credentials.strategies
    doors = Doors()
    told: list[str] = []

    async def listen(event: dict[str, Any]) -> dict[str, Any]:
        told.append(event["name"])
        return event

    server.app.events.add_pipe("core:auth:strategyAdded", listen)
    server.app.events.add_pipe("core:auth:strategyRemoved", listen)
    await strategies.register(doors, "carpenter")
    assert doors.is_ready
    assert (await server.http("POST", "/credentials/doors/u1/_create", {"door": "oak"})).result == {"door": "oak"}
    assert (await server.http("GET", "/credentials/doors/u1")).result == {}  # it shows nothing
    assert (await server.http("GET", "/credentials/_fields")).result.keys() == {"local", "doors"}
    assert refusal(await server.http("POST", "/credentials/doors/u1/_create", {"door": "walled up"})) == (400, None)
    await strategies.unregister("doors", "carpenter")
    reply = await server.http("GET", "/credentials/doors/u1/_exists")
    assert refusal(reply) == (400, "security.credentials.unknown_strategy")
    assert told == ["doors", "doors"]


async def test_nobody_touches_the_strategy_of_another(server: Server) -> None:
    strategies = server.app.credentials.strategies
    await strategies.register(Doors(), "carpenter")
    newer = Doors()
    await strategies.register(newer, "carpenter")
    assert strategies.get("doors") is newer
    for wrong, error_id in (
        (strategies.register(Doors(), "burglar"), "plugin.strategy.failed_registration"),
        (strategies.unregister("doors", "burglar"), "plugin.strategy.unauthorized_removal"),
        (strategies.unregister("windows", "burglar"), "plugin.strategy.strategy_not_found"),
    ):
        with pytest.raises(KuzzleError) as caught:
            await wrong
        assert caught.value.id == error_id
    assert strategies.get("doors") is newer


async def test_a_defect_of_a_strategy_shows_no_details(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    await add_user(server, "u1")
    doors = Doors()
    await server.app.credentials.strategies.register(doors, "carpenter")
    doors.fails = True
    reply = await server.http("POST", "/credentials/doors/u1/_create", {"door": "oak"})
    assert refusal(reply) == (500, "plugin.runtime.unexpected_error")
    assert b"secret" not in reply.body
    assert "the secret of the house" in caplog.text
    caplog.clear()


async def test_first_credentials_are_stored_all_or_none(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    doors = Doors()
    credentials = server.app.credentials
    await credentials.strategies.register(doors, "carpenter")
    wanted = {"local": EMMA, "doors": {"door": "oak"}}
    await credentials.validate(wanted, "u1")
    doors.fails = True
    with pytest.raises(KuzzleError, match="the strategy doors failed"):
        await credentials.create("u1", wanted)
    assert await stored(server, "emma") is None
    doors.fails = False
    await credentials.create("u1", wanted)
    assert await credentials.strategies_of("u1") == ["local", "doors"]
    with pytest.raises(KuzzleError) as caught:
        await credentials.validate({"local": {"username": "other", "password": "p"}}, "u1")
    assert caught.value.id == "security.credentials.database_inconsistency"
    with pytest.raises(KuzzleError) as caught:
        await credentials.validate({"windows": {}}, "u2")
    assert caught.value.id == "security.credentials.unknown_strategy"
    doors.fails = True
    with pytest.raises(KuzzleError) as caught:
        await credentials.delete_all("u1")
    assert caught.value.id == "security.credentials.rejected"
    assert await stored(server, "emma") is None
    doors.fails = False
    await credentials.delete_all("u1")
    assert await credentials.strategies_of("u1") == []
    caplog.clear()
