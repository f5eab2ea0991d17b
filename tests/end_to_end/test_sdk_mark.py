"""A request of API 2's SDKs is refused, as API 1 documents it, on every protocol."""

from __future__ import annotations

import json

import pytest
from harness import Server
from talkers import talker

ERROR = "api.process.incompatible_sdk_version"


@pytest.mark.parametrize("protocol", ["websocket", "socketio", "mqtt"])
async def test_a_mark_of_sdk_7_is_refused(server: Server, protocol: str) -> None:
    async with talker(server, protocol) as client:
        answer = await client.ask("server", "now", volatile={"sdkName": "js@7.0.0"})
        assert (answer["status"], answer["error"]["id"], answer["result"]) == (400, ERROR, None)
        assert (await client.ask("server", "now", volatile={"sdkName": "js@6.2.8"}))["status"] == 200
        assert (await client.ask("server", "now", volatile={"sdkVersion": "6.2.8"}))["status"] == 200


async def test_a_mark_of_sdk_7_is_refused_over_http(server: Server) -> None:
    refused = await server.http("GET", "/_now", headers={"x-kuzzle-volatile": json.dumps({"sdkName": "js@7.0.0"})})
    assert (refused.status, refused.error_id) == (400, ERROR)
    served = await server.http("GET", "/_now", headers={"x-kuzzle-volatile": json.dumps({"sdkName": "js@6.2.8"})})
    assert served.status == 200
