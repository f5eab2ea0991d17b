"""server: what it tells about itself."""

from __future__ import annotations

import time
from typing import Any

import pytest
from harness import Server

import kuzzle
from kuzzle.catalogue import Catalogue
from kuzzle.controllers.passwords import PasswordController


async def test_the_time_is_now(server: Server) -> None:
    before = int(time.time() * 1000)
    now = (await server.http("GET", "/_now")).result["now"]
    assert before <= now <= int(time.time() * 1000)


@pytest.mark.parametrize("path", ["/", "/_serverInfo"])
async def test_the_server_describes_itself(server: Server, path: str) -> None:
    reply = await server.http("GET", path)
    assert (reply.json["controller"], reply.json["action"]) == ("server", "info")
    told = reply.result["serverInfo"]
    assert told["kuzzle"]["version"] == kuzzle.__version__
    assert told["kuzzle"]["api"]["routes"] == (await server.http("GET", "/_publicApi")).result
    assert told["kuzzle"]["memoryUsed"] > 1_000_000
    assert told["kuzzle"]["system"]["memory"]["total"] > 0
    assert told["kuzzle"]["system"]["cpus"]
    assert told["kuzzle"]["plugins"] == {}
    assert told["services"]["storageEngine"]["type"] == "sqlite"
    assert told["services"]["memoryStorage"]["type"] == "memory"
    assert told["services"]["internalCache"]["type"] == "memory"


async def test_the_public_actions_are_those_of_the_catalogue(server: Server) -> None:
    told = (await server.http("GET", "/_publicApi")).result
    switched_off = [PasswordController.name]  # as long as nobody sets `security.local.passwordReset`
    catalogue = Catalogue.load(1).without(switched_off)
    described = {(controller, definition.name) for controller, definition in catalogue.names()}
    assert {("ms", "get"), ("memoryStorage", "get")} < described
    assert {(name, action) for name, actions in told.items() for action in actions} == described
    assert told["server"]["info"]["http"] == [{"url": "/", "verb": "GET"}, {"url": "/_serverInfo", "verb": "GET"}]
    without_route = {
        f"{name}:{action}" for name, actions in told.items() for action in actions if "http" not in actions[action]
    }
    assert without_route == {f"realtime:{name}" for name in ("subscribe", "unsubscribe", "join", "count", "validate")}


async def test_a_server_that_works_is_healthy(server: Server) -> None:
    reply = await server.http("GET", "/_healthCheck")
    assert reply.status == 200
    assert reply.result == {
        "status": "green",
        "services": {"internalCache": "green", "memoryStorage": "green", "storageEngine": "green"},
    }


async def test_what_the_server_tells_is_the_same_over_every_protocol(server: Server) -> None:
    websocket = await server.websocket()
    for action, path in (
        ("healthCheck", "/_healthCheck"),
        ("adminExists", "/_adminExists"),
        ("getConfig", "/_getConfig"),
    ):
        reply = await websocket.request("server", action)
        assert reply["result"] == (await server.http("GET", path)).result
    told = (await websocket.request("server", "info"))["result"]["serverInfo"]
    assert told["services"]["storageEngine"]["status"] == "green"


async def test_a_closed_store_is_red_and_the_answer_says_so(server: Server) -> None:
    await server.app.storage.close()
    reply = await server.http("GET", "/_healthCheck")
    assert (reply.status, reply.error_id) == (500, "core.fatal.service_unavailable")
    assert reply.json["error"]["message"] == "Service unavailable: storageEngine."
    assert reply.result == {
        "status": "red",
        "services": {"internalCache": "green", "memoryStorage": "green", "storageEngine": "red"},
    }


async def test_a_new_server_has_no_administrator(server: Server) -> None:
    assert (await server.http("GET", "/_adminExists")).result == {"exists": False}


async def test_an_administrator_is_noticed(server: Server) -> None:
    for name, profiles, exists in (("plain", ["default"], False), ("root", ["default", "admin"], True)):
        await server.app.security.users.create(name, {"profileIds": profiles})
        assert (await server.http("GET", "/_adminExists")).result == {"exists": exists}


async def test_the_configuration_is_shown_with_the_options_in_force(server: Server) -> None:
    told: dict[str, Any] = (await server.http("GET", "/_getConfig")).result
    assert told["version"] == kuzzle.__version__
    assert told["limits"]["documentsWriteCount"] == 200
    assert told["protocols"]["http"]["port"] == 0
    assert told["storage"]["backend"] == "sqlite"


async def test_what_does_not_exist_is_not_found(server: Server) -> None:
    websocket = await server.websocket()
    reply = await websocket.request("server", "nothing")
    assert (reply["status"], reply["error"]["id"]) == (404, "api.process.action_not_found")
    reply = await websocket.request("memory", "get")
    assert (reply["status"], reply["error"]["id"]) == (404, "api.process.controller_not_found")


async def test_the_mark_of_a_newer_sdk_is_refused_everywhere(server: Server) -> None:
    websocket = await server.websocket()
    reply = await websocket.request("server", "now", volatile={"sdkName": "js@7.17.1"})
    assert (reply["status"], reply["error"]["id"]) == (400, "api.process.incompatible_sdk_version")
    assert reply["volatile"] == {"sdkName": "js@7.17.1"}
    reply = await websocket.request("server", "now", volatile={"sdkVersion": "6.2.8"})
    assert reply["status"] == 200
    over_http = await server.http("GET", "/_now", headers={"x-kuzzle-volatile": '{"sdkName": "js@7.17.1"}'})
    assert (over_http.status, over_http.error_id) == (400, "api.process.incompatible_sdk_version")
