"""The Swagger document says what the catalogue says, in the words of Swagger 2.0."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kuzzle.catalogue import Catalogue
from kuzzle.generation.swagger import swagger_document

CATALOGUE = Catalogue.load(1)
DOCUMENT = swagger_document(CATALOGUE)
# Swagger 2.0, "Schema Object", and the extension for null.
SCHEMA_KEYWORDS = {
    *("$ref", "type", "description", "default", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum"),
    *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "required", "properties", "items"),
    *("additionalProperties", "allOf", "x-nullable"),
}
TYPES = {"string", "number", "integer", "boolean", "array", "object"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, verbs in DOCUMENT["paths"].items():
        for verb, operation in verbs.items():
            yield path, verb, operation


def check_schema(schema: dict[str, Any]) -> None:
    assert set(schema) <= SCHEMA_KEYWORDS
    assert schema.get("type", "object") in TYPES
    assert isinstance(schema.get("required", ["x"]), list)
    assert schema.get("required") != []
    if schema.get("type") == "array":
        assert "items" in schema
    for member in [*schema.get("properties", {}).values(), *schema.get("allOf", ())]:
        check_schema(member)
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if inner is not None:
            check_schema(inner)


def test_every_route_is_an_operation() -> None:
    routes = {(route.verb.lower(), re.sub(r":(\w+)", r"{\1}", route.path)) for d in CATALOGUE for route in d.routes}
    assert {(verb, path) for path, verb, _ in operations()} == routes


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    assert {"document_create", "document_create_2"} <= set(names)


def test_every_placeholder_is_a_required_parameter() -> None:
    for path, _, operation in operations():
        in_path = {entry["name"] for entry in operation["parameters"] if entry["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        assert all(entry["required"] for entry in operation["parameters"] if entry["in"] == "path")
        assert len([entry for entry in operation["parameters"] if entry["in"] == "body"]) <= 1


def test_only_words_of_swagger_are_used() -> None:
    for _, _, operation in operations():
        for parameter in operation["parameters"]:
            if parameter["in"] == "body":
                check_schema(parameter["schema"])
            else:
                assert parameter["type"] in TYPES - {"object"}
                assert set(parameter) - {"name", "in"} <= SCHEMA_KEYWORDS
        for response in operation["responses"].values():
            assert response["description"]
            check_schema(response["schema"])
    for schema in DOCUMENT["definitions"].values():
        check_schema(schema)


def test_partial_answers_are_told() -> None:
    assert "206" in DOCUMENT["paths"]["/{index}/{collection}/_mCreate"]["post"]["responses"]
    assert "206" not in DOCUMENT["paths"]["/{index}/{collection}/_create"]["post"]["responses"]


def test_a_parameter_that_text_carries_has_text_values() -> None:
    operation = DOCUMENT["paths"]["/{index}/{collection}/_create"]["post"]
    refresh = next(entry for entry in operation["parameters"] if entry["name"] == "refresh")
    assert refresh["enum"] == ["wait_for", "false"]
    assert refresh["type"] == "string"
