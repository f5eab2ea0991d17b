"""The connection page's two shells, with the command that the npm package `mqtt` brings."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from harness import Server
from mqtt_raw import Peers
from node import CLIENTS, Running, missing, program_running

REQUEST = (
    '{"index":"index","collection":"collection","controller":"document","action":"createOrReplace",'
    '"body":{"firstName":"John","lastName":"Doe"}}'
)
PAUSE_SECONDS = 0.05


def mqtt_command() -> str:
    path = CLIENTS / "node_modules" / ".bin" / "mqtt"
    if not path.exists():
        missing(str(path), "npm ci in tests/clients")
    return str(path)


async def answers_shown(shell: Running) -> Any:
    """The next answer the first shell shows that is no answer to a knock."""
    while True:
        topic, _, payload = (await shell.line()).partition(" ")
        assert topic == "Kuzzle"
        answer = json.loads(payload)
        if answer["controller"] != "server":
            return answer


async def knock(port: int, is_heard: asyncio.Task[str]) -> None:
    """Ask for the time on the topic until the first shell, which does not say when it is ready, shows an answer."""
    request = json.dumps({"controller": "server", "action": "now"}).encode()
    async with Peers(port) as peers:
        peer = await peers.join()
        while not is_heard.done():
            peer.publish("Kuzzle", request)
            await asyncio.wait([is_heard], timeout=PAUSE_SECONDS)


@pytest.mark.parametrize("document_id", [None, "john"])
async def test_one_shell_shows_what_the_other_one_asked(server: Server, document_id: str | None) -> None:
    await server.prepare("index", "collection")
    port = str(server.port("mqtt"))
    request = REQUEST if document_id is None else REQUEST.replace('{"index"', f'{{"_id":"{document_id}","index"')
    subscribe = (mqtt_command(), "subscribe", "-v", "-h", "localhost", "-p", port, "-t", "Kuzzle")
    publish = (mqtt_command(), "publish", "-h", "localhost", "-p", port, "-t", "Kuzzle", "-m", request)
    async with program_running(*subscribe) as first_shell:
        first_line = asyncio.ensure_future(first_shell.line())
        await knock(int(port), first_line)
        await first_line
        async with program_running(*publish) as second_shell:
            await second_shell.process.wait()
            assert second_shell.process.returncode == 0
        answer = await answers_shown(first_shell)
    assert answer["status"] == 200
    assert answer["error"] is None
    result = answer["result"]
    assert result["_id"] == (document_id or result["_id"])
    assert result["_id"]
    assert (result["_index"], result["_type"], result["_version"], result["created"]) == (
        "index",
        "collection",
        1,
        True,
    )
    assert result["_source"]["firstName"] == "John"
    assert result["_source"]["lastName"] == "Doe"
    assert (result["controller"], result["action"], result["collection"]) == (
        "document",
        "createOrReplace",
        "collection",
    )
    assert result["requestId"] == answer["requestId"]
    assert result["volatile"] == answer["volatile"]
    stored = await server.http("GET", f"/index/collection/{result['_id']}")
    assert stored.result["_source"]["firstName"] == "John"
