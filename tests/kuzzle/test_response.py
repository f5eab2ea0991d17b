"""Answers as JSON texts."""

from __future__ import annotations

import json

import orjson

from kuzzle.response import Response


def test_parts_that_are_texts_already_are_indented_with_the_rest() -> None:
    content = {"status": 200, "result": {"_source": orjson.Fragment('{"a":[1,{"b":2}]}')}}
    whole = {"status": 200, "result": {"_source": {"a": [1, {"b": 2}]}}}
    response = Response("id", 200, content)
    assert response.encode() == json.dumps(whole, separators=(",", ":")).encode()
    assert response.encode(pretty=True) == json.dumps(whole, indent=2).encode()
