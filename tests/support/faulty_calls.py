"""Calls with one thing wrong at a time, derived from the schemas of actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kuzzle.catalogue import ActionDefinition

SAMPLES: dict[str, Any] = {"string": "text", "integer": 3, "number": 2.5, "boolean": True, "array": [], "object": {}}
WRONG: dict[str, Any] = {"string": 5, "integer": "three", "boolean": "yes", "array": "a", "object": "o"}

Case = tuple[ActionDefinition, dict[str, Any], str, str]


def sample(schema: dict[str, Any]) -> Any:
    """A value that obeys a schema of an argument or body."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    value = SAMPLES[kind if isinstance(kind, str) else kind[0]]
    if value == []:
        least = max(part.get("minItems", 0) for part in (schema, *schema.get("allOf", ())))
        return [sample(schema["items"]) for _ in range(least)]
    if kind == "object":
        wanted = [name for part in (schema, *schema.get("allOf", ())) for name in part.get("required", ())]
        return {name: sample(schema["properties"][name]) for name in wanted}
    return value


def valid_payload(definition: ActionDefinition) -> dict[str, Any]:
    payload = {name: sample(argument) for name, argument in definition.arguments.items()}
    if "body" in definition.specification:
        payload["body"] = sample(definition.specification["body"])
    return payload


def expected_for_wrong(schema: dict[str, Any]) -> str:
    return schema.get("error", "api.assert.invalid_type" if "type" in schema else "api.assert.invalid_argument")


def faulty_calls(definition: ActionDefinition) -> Iterator[Case]:
    """An action with one thing wrong at a time: the call, the id of the error and what its text names."""
    good = valid_payload(definition)
    for name, argument in definition.arguments.items():
        without = {key: value for key, value in good.items() if key != name}
        if argument.get("required"):
            yield definition, without, "api.assert.missing_argument", argument.get("named", name)
            if argument.get("type", "string") == "string" and argument.get("minLength") != 0:
                yield definition, {**good, name: ""}, "api.assert.missing_argument", name
        kinds = argument.get("type", "string")
        if kinds != "string":  # texts are checked in the envelope
            wrong = {} if isinstance(kinds, list) else WRONG[kinds]
            yield definition, {**good, name: wrong}, expected_for_wrong(argument), name
        if "enum" in argument:
            yield (
                definition,
                {**good, name: "unheard of"},
                argument.get("error", "api.assert.invalid_argument"),
                name,
            )
            yield definition, {**good, name: 12}, argument.get("error", "api.assert.invalid_argument"), name
        if "minimum" in argument:
            yield definition, {**good, name: argument["minimum"] - 1}, "api.assert.invalid_argument", name
    body = definition.specification.get("body")
    if body is None:
        return
    is_named = "named" in body and "error" not in body
    if definition.is_body_required:
        error_id = "api.assert.missing_argument" if is_named else "api.assert.body_required"
        yield definition, {key: value for key, value in good.items() if key != "body"}, error_id, body.get("named", "")
    for name, member in body.get("properties", {}).items():
        path = f"body.{name}"
        if name in body.get("required", ()):
            rest = {key: value for key, value in good["body"].items() if key != name}
            called = member.get("named", path)
            error_id = body.get("error", "api.assert.missing_argument")
            yield definition, {**good, "body": rest}, error_id, called
            yield definition, {**good, "body": {**rest, name: None}}, "api.assert.missing_argument", called
        kinds = member.get("type", "")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds[0] in WRONG:
            # A text is no array and no object, unless a text is right too.
            wrong = (
                {} if "number" in kinds or "integer" in kinds else WRONG["string" if "string" in kinds else kinds[0]]
            )
            called = member.get("named", path) if "error" in member else path
            yield definition, {**good, "body": {**good["body"], name: wrong}}, expected_for_wrong(member), called
