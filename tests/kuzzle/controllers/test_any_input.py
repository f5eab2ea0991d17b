"""Whatever a client sends to an action is accepted, or refused with an error the action documents."""

from __future__ import annotations

import logging
import random
from typing import Any

import pytest
import wire
from harness import Server

from kuzzle.catalogue import ActionDefinition, Catalogue
from kuzzle.connection import Connection
from kuzzle.encoding import copy_json
from kuzzle.entrypoint import EnvelopeError

ACTIONS = list(Catalogue.load(1))
TRIES = 60


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value, "bool": {"must": [value]}}
        value.pop(random.Random(depth).choice(["a", "bool"]))
    return value


TEXTS = [
    "",
    "library",
    "books",
    "b1",
    "b2",
    "_b",
    "%kuzzle",
    "a,b",
    "*",
    "é\u0000\ud7ff",
    "x" * 3000,
    "false",
    "wait_for",
    "-1",
]
NUMBERS = [0, -1, 1, 2.5, 1e300, 10**18, 2**63 - 1, True, False]
OBJECTS: list[Any] = [
    {},
    {"a": 1, "": 2, "a.b": 3, "_id": "x", "_kuzzle_info": 5},
    {"_routing": None},
    {"query": {"term": {"a": [1]}}},
    {"query": {"bool": {"must": {}, "should": [None]}}},
    {"query": {"range": {"_kuzzle_info.createdAt": {"gte": "now-1d/d", "lt": {}}}}},
    {"equals": {"a": {}}},
    {"and": [{"in": {"a": [[]]}}]},
    {"properties": {"a": {"type": 5}}},
    {"properties": {"": {"properties": []}}, "dynamic": 1, "_meta": []},
    {"documents": [None, {"_id": "", "body": {}}, {"_id": "b2", "body": {"a": [[]], "b": {"c": None}}}]},
    {"documents": [{"_id": "x" * 600, "body": {"a": 1}}]},
    {"ids": ["b1", 5, None, {}]},
    {"ids": ["b1", ""]},
    {"roomId": "unknown"},
    {"sort": [{"a": 5}], "from": -1, "size": "a"},
    nested(60),
]
LISTS: list[Any] = [[], [None], ["a", 1], [{}]]


def payload_for(definition: ActionDefinition, chance: random.Random) -> dict[str, Any]:
    """A call of an action with odd values at odd places; index and collection mostly exist."""
    anything = [*TEXTS, *NUMBERS, *LISTS, *OBJECTS, None]
    payload: dict[str, Any] = {"controller": definition.controller, "action": definition.name}
    for name in [*definition.arguments, "unknown"]:
        if chance.random() < 0.7:
            payload[name] = chance.choice(anything if name not in {"index", "collection", "_id"} else TEXTS)
    if chance.random() < 0.8:
        payload |= {"index": "library", "collection": "books"}
    if "body" in definition.specification and chance.random() < 0.9:
        body = chance.choice(OBJECTS)
        for name in definition.specification["body"].get("properties", ()):
            if chance.random() < 0.7:
                body = {**body, name: chance.choice(anything)}
        payload["body"] = body
    return payload


@pytest.mark.parametrize("definition", ACTIONS, ids=lambda d: f"{d.controller}:{d.name}")
async def test_odd_values_are_accepted_or_refused_by_name(
    server: Server, definition: ActionDefinition, caplog: pytest.LogCaptureFixture
) -> None:
    await server.prepare()
    await server.http("PUT", "/library/books/b1", {"a": 1})
    chance = random.Random(f"{definition.controller}:{definition.name}")
    connection = Connection("test")
    server.app.entrypoint.new_connection(connection)
    with caplog.at_level(logging.WARNING):
        for _ in range(TRIES):
            payload = payload_for(definition, chance)
            try:
                response = await server.app.entrypoint.execute(connection, payload)
            except EnvelopeError:
                continue
            wire.check_response(copy_json(response.content))
            assert response.status < 500, (payload, response.content)
            response.encode()
    assert not caplog.records
