"""What a plugin contributes is a part of the server like any other."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from harness import Server
from plugin_folder import described, write_plugin

from kuzzle.config import ConfigError

WHO = {"who": {"in": "path", "required": True, "type": "string", "description": "Whom to greet."}}
GREETER = """
class Greetings(Controller):
    name = "greetings"

    def __init__(self, plugin):
        self.plugin = plugin

    @action("hello")
    async def hello(self, request):
        async with asyncio.timeout(5):
            pass
        if request.required("who") == "nobody":
            raise self.plugin.context.error("nobody_there", "nobody")
        return {"said": f"{self.plugin.greeting} {request.required('who')}"}

    @action("odd")
    async def odd(self, request):
        kind = request.argument("kind")
        if kind == "raises":
            raise ValueError("a secret of the code")
        if kind == "raw":
            request.raw = True
            request.status = 201
            request.set_header("Content-Type", "text/csv")
            return "a,b"
        if kind == "bytes":
            request.raw = True
            request.set_header("Content-Type", "application/octet-stream")
            return bytes([0, 255])
        if kind == "headers":
            request.set_header("X-Colour", "red")
            return None
        return {"request": request, "set": {1}, "number": 1 << 70, "loop": LOOP, "keys": {1: 2}}[kind]

LOOP = []
LOOP.append(LOOP)

class Guest(Strategy):
    name = "guest"
    fields = ("word",)

    async def verify(self, request):
        async with asyncio.timeout(5):
            pass
        return Accepted("ann") if request.body.get("word") == "please" else Refused("say the word")

    async def exists(self, request, kuid):
        return False

    async def validate(self, request, secrets, kuid, *, is_update):
        pass

    async def create(self, request, secrets, kuid):
        return {}

    async def update(self, request, secrets, kuid):
        return {}

    async def delete(self, request, kuid):
        pass

class Greeter(Plugin):
    name = "greeter"
    version = "1.2.3"
    code = 77
    errors = {"nobody_there": {"code": 1, "status": 412, "message": "There is %s."}}
    config_schema = {"type": "object", "properties": {"greeting": {"type": "string", "default": "Hello"}}}

    async def init(self, config, context):
        self.greeting = config["greeting"]
        self.context = context
        self.heard = []

    def controllers(self):
        return [Greetings(self)]

    def pipes(self):
        return {"greeter/greetings:beforeHello": [self.politely], "plugin-greeter:asked": self.politely}

    def hooks(self):
        return {"server:*": self.hear}

    def strategies(self):
        return [Guest()]

    async def politely(self, request):
        request.payload["who"] = request.payload["who"].title()
        return request

    async def hear(self, payload):
        self.heard.append(payload)
        self.context.log.warning("heard")
"""
SCHEMAS = {
    "greetings/hello": described(
        http=[{"verb": "GET", "path": "/hello/:who"}, {"verb": "PATCH", "path": "/hello/:who"}],
        arguments=WHO,
        result={
            "type": "object",
            "properties": {"said": {"type": "string", "description": "The greeting."}},
            "required": ["said"],
            "additionalProperties": False,
        },
        errors=["plugin.greeter.nobody_there", "api.assert.missing_argument"],
    ),
    "greetings/odd": described(
        http=[{"verb": "GET", "path": "/odd/:kind"}],
        arguments={"kind": {"in": "path", "type": "string", "description": "What is odd."}},
    ),
}


def options(folder: Path, **section: Any) -> dict[str, Any]:
    """Return the options of a server with the greeter."""
    return {"plugins": {"greeter": {**write_plugin(folder, GREETER, schemas=SCHEMAS), **section}}}


async def test_its_actions_answer_like_ours_over_every_way(tmp_path: Path) -> None:
    async with Server(tmp_path, options(tmp_path, config={"greeting": "Welcome,"})) as server:
        reply = await server.http("GET", "/_plugin/greeter/hello/ann")
        assert (reply.status, reply.result) == (200, {"said": "Welcome, Ann"})
        assert (reply.json["controller"], reply.json["action"]) == ("greeter/greetings", "hello")
        assert (await server.http("PATCH", "/_plugin/greeter/hello/bob", {})).result == {"said": "Welcome, Bob"}
        websocket = await server.websocket()
        assert (await websocket.request("greeter/greetings", "hello", who="ann"))["result"] == {"said": "Welcome, Ann"}


async def test_its_calls_are_checked_and_its_errors_are_its_own(tmp_path: Path) -> None:
    code = GREETER.replace('"greeter/greetings:beforeHello": [self.politely], ', "")
    section = write_plugin(tmp_path, code, schemas=SCHEMAS)
    async with Server(tmp_path, {"plugins": {"greeter": section}}) as server:
        websocket = await server.websocket()
        reply = await websocket.request("greeter/greetings", "hello")
        assert reply["error"]["id"] == "api.assert.missing_argument"
        reply = await websocket.request("greeter/greetings", "hello", who="nobody")
        assert (reply["status"], reply["error"]["message"]) == (412, "There is nobody.")
        assert (reply["error"]["id"], reply["error"]["code"]) == (
            "plugin.greeter.nobody_there",
            4 << 24 | 77 << 16 | 1,
        )
        for controller, action, error_id in (
            ("greeter/greetings", "bye", "api.process.action_not_found"),
            ("greeter/none", "hello", "api.process.controller_not_found"),
        ):
            assert (await websocket.request(controller, action))["error"]["id"] == error_id


@pytest.mark.parametrize("kind", ["request", "set", "number", "loop"])
async def test_an_answer_that_is_no_json_is_a_500(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    async with Server(tmp_path, options(tmp_path)) as server:
        reply = await server.http("GET", f"/_plugin/greeter/odd/{kind}")
        assert (reply.status, reply.error_id) == (500, "plugin.controller.unserializable_response")
        assert "greeter/greetings:odd" in caplog.text


async def test_what_it_raises_is_logged_and_not_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Server(tmp_path, options(tmp_path)) as server:
        reply = await server.http("GET", "/_plugin/greeter/odd/raises")
        assert (reply.status, reply.error_id) == (500, "plugin.runtime.unexpected_error")
        assert b"secret" not in reply.body
        assert "a secret of the code" in caplog.text
        assert (await server.http("GET", "/_now")).status == 200


async def test_it_answers_without_the_envelope_where_it_wants(tmp_path: Path) -> None:
    async with Server(tmp_path, options(tmp_path)) as server:
        reply = await server.http("GET", "/_plugin/greeter/odd/raw")
        assert (reply.status, reply.body, reply.headers["Content-Type"]) == (201, b"a,b", "text/csv")
        assert (await server.http("GET", "/_plugin/greeter/odd/bytes")).body == b"\x00\xff"
        reply = await server.http("GET", "/_plugin/greeter/odd/headers")
        assert (reply.headers["X-Colour"], reply.result) == ("red", None)


async def test_its_strategy_lets_people_in(tmp_path: Path) -> None:
    async with Server(tmp_path, options(tmp_path)) as server:
        await server.app.security.users.create("ann", {"profileIds": ["default"]})
        assert "guest" in (await server.http("GET", "/strategies")).result
        assert (await server.http("POST", "/_login/guest", {"word": "please"})).result["_id"] == "ann"
        websocket = await server.websocket()
        logged_in = await websocket.request("auth", "login", strategy="guest", body={"word": "please"})
        assert logged_in["result"]["_id"] == "ann"
        reply = await server.http("POST", "/_login/guest", {"word": "now"})
        assert (reply.status, reply.error_id) == (401, "plugin.strategy.missing_user")
        assert reply.json["error"]["message"] == "say the word"


async def test_a_strategy_of_somebody_elses_name_is_refused(tmp_path: Path) -> None:
    code = GREETER.replace('name = "guest"', 'name = "local"')
    server = Server(tmp_path, {"plugins": {"greeter": write_plugin(tmp_path, code, schemas=SCHEMAS)}})
    with pytest.raises(ConfigError, match=r"plugin\.strategy\.failed_registration"):
        await server.start()


async def test_its_hooks_hear_and_log_by_its_own_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    code = GREETER + "\n    def unused(self):\n        return None\n"
    section = write_plugin(tmp_path, code, schemas=SCHEMAS)
    async with Server(tmp_path, {"plugins": {"greeter": section}}) as server:
        await server.http("GET", "/_now")
        await server.app.events.stop()
        assert ("plugin.greeter", logging.WARNING, "heard") in caplog.record_tuples


async def test_the_server_tells_of_it(tmp_path: Path) -> None:
    async with Server(tmp_path, options(tmp_path, config={"greeting": "sesame"})) as server:
        told = (await server.http("GET", "/")).result["serverInfo"]["kuzzle"]["plugins"]
        assert told == {
            "greeter": {
                "version": "1.2.3",
                "manifest": {"name": "greeter", "kuzzleVersion": ">=1,<2", "privileged": False},
                "hooks": ["server:*"],
                "pipes": ["greeter/greetings:beforeHello", "plugin-greeter:asked"],
                "controllers": ["greeter/greetings"],
                "routes": [
                    {
                        "verb": verb,
                        "url": f"_plugin/greeter/{path}",
                        "controller": "greeter/greetings",
                        "action": action,
                    }
                    for verb, path, action in (
                        ("get", "hello/:who", "hello"),
                        ("patch", "hello/:who", "hello"),
                        ("get", "odd/:kind", "odd"),
                    )
                ],
                "strategies": ["guest"],
            }
        }
        shown = (await server.http("GET", "/_publicApi")).result["greeter/greetings"]["hello"]
        assert shown["http"][0] == {"url": "_plugin/greeter/hello/:who", "verb": "GET"}
        assert b"sesame" not in (await server.http("GET", "/_getConfig")).body


async def test_its_actions_are_in_every_description_of_the_api(tmp_path: Path) -> None:
    async with Server(tmp_path, options(tmp_path)) as server:
        openapi = (await server.http("GET", "/openapi.json", checks=False)).json
        operation = openapi["paths"]["/_plugin/greeter/hello/{who}"]["get"]
        assert operation["operationId"] == "greeter.greetings.hello"
        assert operation["responses"]["412"]["x-error-ids"] == ["plugin.greeter.nobody_there"]
        schema = (await server.http("GET", "/schema.json", checks=False)).json
        assert schema["$defs"]["greeter.greetings.hello.result"]["properties"]["said"]["type"] == "string"
        named = {each["const"]: each["x-status"] for each in schema["$defs"]["errorId"]["oneOf"]}
        assert named["plugin.greeter.nobody_there"] == 412
        asyncapi = (await server.http("GET", "/asyncapi.json", checks=False)).json
        assert "greeter.greetings.hello.request" in asyncapi["components"]["messages"]
        swagger = (await server.http("GET", "/swagger.json", checks=False)).json
        assert "/_plugin/greeter/hello/{who}" in swagger["paths"]


async def test_rights_hold_for_its_actions(tmp_path: Path) -> None:
    async with Server(tmp_path, options(tmp_path)) as server:
        role = {
            "controllers": {"greeter/greetings": {"actions": {"hello": True}}, "auth": {"actions": {"login": True}}}
        }
        reply = await server.http("PUT", "/roles/anonymous", role)
        assert reply.status == 200, reply.json["error"]
        assert (await server.http("GET", "/_plugin/greeter/hello/ann")).status == 200
        assert (await server.http("GET", "/_plugin/greeter/odd/headers")).status == 401
