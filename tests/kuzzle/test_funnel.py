"""The gates of a request, in the order that clients see them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from harness import Server
from plain_rights import rights_of, role_of

from kuzzle.connection import Connection
from kuzzle.errors import KuzzleError
from kuzzle.request import Request


async def execute(server: Server, **payload: Any) -> Any:
    """Run an envelope as the protocols do and return the answer's."""
    return (await server.app.entrypoint.execute(Connection("test"), payload)).content


def error_of(envelope: Any) -> tuple[int, str | None]:
    """Status and id of an envelope's error; the result is void beside it."""
    assert envelope["result"] is None
    assert envelope["error"]["status"] == envelope["status"]
    return envelope["status"], envelope["error"].get("id")


async def test_an_action_runs_and_its_answer_echoes_the_request(server: Server) -> None:
    envelope = await execute(server, controller="server", action="now", requestId="mine", volatile={"a": 1})
    assert list(envelope) == [
        "requestId",
        "status",
        "error",
        "controller",
        "action",
        "collection",
        "index",
        "volatile",
        "result",
    ]
    assert (envelope["requestId"], envelope["status"], envelope["volatile"]) == ("mine", 200, {"a": 1})
    assert envelope["error"] is envelope["index"] is envelope["collection"] is None


@pytest.mark.parametrize(
    ("payload", "error_id", "text"),
    [
        ({}, "api.process.controller_not_found", 'API controller "null" not found.'),
        ({"action": "now"}, "api.process.controller_not_found", 'API controller "null" not found.'),
        (
            {"controller": "no", "action": "now"},
            "api.process.controller_not_found",
            'API controller "no" not found.',
        ),
        ({"controller": "server"}, "api.process.action_not_found", 'Controller action "null" not found.'),
        ({"controller": "server", "action": "x"}, "api.process.action_not_found", 'Controller action "x" not found.'),
    ],
)
async def test_an_unknown_action_is_not_found(
    server: Server, payload: dict[str, Any], error_id: str, text: str
) -> None:
    envelope = await execute(server, **payload)
    assert error_of(envelope) == (404, error_id)
    assert envelope["error"]["message"] == text


async def test_a_token_nobody_issued_is_refused_before_anything_else(server: Server) -> None:
    envelope = await execute(server, controller="no", action="now", jwt="made.up.token")
    assert error_of(envelope) == (401, "security.token.invalid")
    assert error_of(await execute(server, controller="server", action="now", jwt="")) == (401, "security.token.invalid")


async def test_a_caller_without_rights_does_not_learn_whether_an_action_exists(server: Server) -> None:
    server.app.funnel._rights = rights_of({"anonymous": role_of({"server": {"info": True}})})
    for action in ("now", "no-such-action"):
        envelope = await execute(server, controller="server", action=action)
        assert error_of(envelope) == (401, "security.rights.unauthorized")
    assert (await execute(server, controller="server", action="info"))["status"] == 200


@pytest.mark.parametrize("mark", ["js@7.0.0", "js@10.1.0", "csharp@2", "php@4.0.0-beta.1"])
async def test_the_mark_of_an_sdk_of_the_next_api_is_refused(server: Server, mark: str) -> None:
    envelope = await execute(server, controller="server", action="now", volatile={"sdkName": mark})
    assert error_of(envelope) == (400, "api.process.incompatible_sdk_version")


@pytest.mark.parametrize(
    "volatile",
    [{"sdkName": "js@6.2.8"}, {"sdkVersion": "6.2.8"}, {"sdkName": "mine@99"}, {"sdkName": "js"}, {"sdkName": 7}],
)
async def test_other_marks_pass(server: Server, volatile: dict[str, Any]) -> None:
    assert (await execute(server, controller="server", action="now", volatile=volatile))["status"] == 200


async def test_the_mark_is_looked_at_after_the_action_is_known(server: Server) -> None:
    envelope = await execute(server, controller="server", action="x", volatile={"sdkName": "js@7.0.0"})
    assert error_of(envelope) == (404, "api.process.action_not_found")


async def test_arguments_are_checked_after_the_pipes_that_may_supply_them(server: Server) -> None:
    assert error_of(await execute(server, controller="index", action="exists")) == (400, "api.assert.missing_argument")

    async def supply(request: Request) -> Request:
        request.payload["index"] = "library"
        return request

    server.app.events.add_pipe("index:beforeExists", supply)
    envelope = await execute(server, controller="index", action="exists")
    assert (envelope["status"], envelope["result"]) == (200, False)


async def test_a_pipe_may_refuse_a_request_or_change_its_result(server: Server) -> None:
    async def refuse(_request: Request) -> Request:
        raise KuzzleError("services.storage.no_routing")

    async def replace(request: Request) -> Request:
        request.result = {"now": 0}
        return request

    server.app.events.add_pipe("server:beforeInfo", refuse)
    server.app.events.add_pipe("server:afterNow", replace)
    assert error_of(await execute(server, controller="server", action="info")) == (400, "services.storage.no_routing")
    assert (await execute(server, controller="server", action="now"))["result"] == {"now": 0}


async def test_a_defect_reaches_the_log_and_not_the_client(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    async def break_down(_request: Request) -> Request:
        raise RuntimeError("the secret of the house")

    server.app.events.add_pipe("server:beforeNow", break_down)
    with caplog.at_level(logging.ERROR):
        envelope = await execute(server, controller="server", action="now")
    assert error_of(envelope) == (500, "plugin.runtime.unexpected_error")
    assert "secret" not in str(envelope)
    assert "the secret of the house" in caplog.text


@pytest.fixture
def narrow_server(start_server: Callable[..., Server]) -> Server:
    """A server that works on one request at a time and lets three wait."""
    limits = {"concurrentRequests": 1, "requestsBufferSize": 3, "requestsBufferWarningThreshold": 2}
    return start_server({"limits": limits})


async def test_beyond_the_buffer_requests_are_refused_and_all_others_answered(narrow_server: Server) -> None:
    gate, at_work = asyncio.Event(), asyncio.Event()

    async def wait(request: Request) -> Request:
        at_work.set()
        await gate.wait()
        return request

    app = narrow_server.app
    app.events.add_pipe("server:beforeNow", wait)
    calls = [asyncio.ensure_future(execute(narrow_server, controller="server", action="now")) for _ in range(6)]
    await at_work.wait()
    await asyncio.sleep(0)  # the other five have asked meanwhile
    assert app.slots.waiting == 3
    assert not app.is_ready()
    gate.set()
    answers = [envelope["status"] for envelope in await asyncio.gather(*calls)]
    assert sorted(answers) == [200, 200, 200, 200, 503, 503]
    assert app.is_ready()
