"""Every action answers alike on the embedded storage and on a real Redis, over HTTP and WebSocket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from action_table import CATALOGUE, Way, ways_to
from harness import Server
from redis_process import RedisProcess

from kuzzle.catalogue import ActionDefinition
from tests.actions.ms import ACTIONS, BY_CHANCE, IN_ANY_ORDER, OF_THE_MOMENT, fill

DEFINITIONS = [definition for definition in CATALOGUE if definition.controller == "ms"]


def comparable(name: str, result: Any) -> Any:
    """A result, such that equal ones are alike."""
    if result is None:
        return None
    if name in BY_CHANCE | OF_THE_MOMENT:
        return type(result)
    if name in IN_ANY_ORDER and isinstance(result, list):
        return sorted(result, key=repr)
    if name.endswith("scan"):
        return [result[0], sorted(result[1])]
    return result


async def told(server: Server, way: Way, definition: ActionDefinition, call: dict[str, Any]) -> Any:
    """What is told of a call."""
    await server.http("POST", "/ms/_flushdb")
    await fill(server)
    envelope = await way.call(server, call)
    return envelope["status"], envelope["error"], comparable(definition.name, envelope["result"])


@pytest.mark.parametrize("protocol", ["WebSocket", "HTTP"])
async def test_every_action_is_answered_alike(tmp_path: Path, redis_server: RedisProcess, protocol: str) -> None:
    folders = [tmp_path / "embedded", tmp_path / "real"]
    for folder in folders:
        folder.mkdir()
    on_redis = {"memoryStorage": {"backend": "redis", "redis": {"port": redis_server.port}}}
    compared = 0
    async with Server(folders[0], {}) as embedded, Server(folders[1], on_redis) as real:
        for definition in DEFINITIONS:
            action = ACTIONS[definition.name]
            calls = [dict(action.call)]
            if protocol == "WebSocket":  # HTTP says the same, and was shown to in tests/actions
                calls += [{**action.call, **refusal.changes} for refusal in action.refusals if not refusal.options]
            for way in ways_to(definition):
                if (way.route is None) != (protocol == "WebSocket"):
                    continue
                for call in filter(way.can_say, calls):
                    expected = await told(real, way, definition, call)
                    assert await told(embedded, way, definition, call) == expected, (definition.name, call)
                    compared += 1
    assert compared >= len(DEFINITIONS)
