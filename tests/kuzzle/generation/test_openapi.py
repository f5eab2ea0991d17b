"""The OpenAPI document says what the catalogue says, and its own tools accept it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from harness import Server
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from kuzzle.catalogue import ActionDefinition, Catalogue
from kuzzle.errors import error_table
from kuzzle.generation.openapi import openapi_document
from kuzzle.generation.pages import PAGES_TAG
from protocols.http.pages import Pages

CATALOGUE = Catalogue.load(1)
DOCUMENT = openapi_document(CATALOGUE)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the operations of actions."""
    for path, verbs in DOCUMENT["paths"].items():
        for verb, operation in verbs.items():
            if operation["tags"] != [PAGES_TAG]:
                yield path, verb, operation


def operation(verb: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][verb]
    return found


def parameter(verb: str, path: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(p for p in operation(verb, path)["parameters"] if p.get("name") == name)
    return found


def test_the_validator_of_openapi_accepts_it() -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_every_route_is_an_operation_with_a_name_of_its_own() -> None:
    routes = {(route.verb.lower(), re.sub(r":(\w+)", r"{\1}", route.path)) for d in CATALOGUE for route in d.routes}
    assert {(verb, path) for path, verb, _ in operations()} == routes
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    assert {"document.create", "document.create.2", "server.now"} <= set(names)


def test_every_operation_has_a_tag_that_the_document_knows() -> None:
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    assert {PAGES_TAG, *(tag for _, _, operation in operations() for tag in operation["tags"])} == tags


async def test_every_page_of_the_server_is_described_and_is_as_described(server: Server) -> None:
    pages = {path: verbs["get"] for path, verbs in DOCUMENT["paths"].items() if "get" in verbs}
    described = {path: operation for path, operation in pages.items() if operation["tags"] == [PAGES_TAG]}
    assert Pages(server.app.entrypoint, {}).by_path().keys() == described.keys()
    for path, operation in described.items():
        reply = await server.http("GET", path, checks=False)
        (content_type, content), *_ = operation["responses"][str(reply.status)]["content"].items()
        assert reply.headers["Content-Type"].partition(";")[0] == content_type
        Draft202012Validator(content["schema"]).validate(yaml.safe_load(reply.body))


def test_every_placeholder_is_a_required_parameter_that_is_not_empty() -> None:
    for path, _, operation in operations():
        in_path = [entry for entry in operation["parameters"] if entry.get("in") == "path"]
        assert {entry["name"] for entry in in_path} == set(re.findall(r"{(\w+)}", path))
        assert all(
            entry["required"] and (entry["schema"].get("minLength") or entry["schema"]["enum"]) for entry in in_path
        )


def test_every_error_of_an_action_stands_under_its_status() -> None:
    for definition in CATALOGUE:
        for route in definition.routes:
            responses = operation(route.verb.lower(), re.sub(r":(\w+)", r"{\1}", route.path))["responses"]
            assert "default" not in responses
            for error_id in definition.specification["errors"]:
                assert error_id in responses[str(error_table()[error_id]["1"]["status"])]["x-error-ids"]
            assert "security.token.expired" in responses["401"]["x-error-ids"]
            assert {str(status) for status in definition.specification.get("unnamedErrors", ())} <= responses.keys()
            assert ("206" in responses) == bool(definition.specification.get("partial"))


def test_bodies_are_required_where_the_action_needs_one() -> None:
    assert operation("post", "/{index}/{collection}/_create")["requestBody"]["required"] is True
    assert operation("post", "/{index}/{collection}/_search")["requestBody"]["required"] is False
    assert "requestBody" not in operation("get", "/_now")


def test_a_parameter_is_described_as_the_text_that_it_is() -> None:
    refresh = parameter("post", "/{index}/{collection}/_create", "refresh")
    assert refresh["schema"]["enum"] == ["wait_for", "false"]
    assert refresh["in"] == "query"
    assert refresh["schema"]["x-error"] == "services.storage.invalid_argument"
    flag = parameter("get", "/{index}/{collection}", "includeTrash")
    assert flag["schema"] == {"type": "boolean", "enum": [True]}
    assert flag["allowEmptyValue"] is True
    several = parameter("get", "/ms/_mget", "keys")
    assert (several["schema"], several["explode"]) == ({"type": "array", "items": {"type": "string"}}, False)
    assert parameter("get", "/{index}/{collection}", "from")["schema"] == {"type": "integer", "minimum": -1}


def test_what_a_route_leaves_out_of_its_path_goes_into_the_query_string() -> None:
    assert parameter("post", "/{index}/{collection}/_create", "_id")["in"] == "query"
    assert parameter("post", "/{index}/{collection}/{_id}/_create", "_id")["in"] == "path"


def test_a_token_is_asked_for_and_may_be_absent() -> None:
    assert DOCUMENT["security"] == [{"bearer": []}, {}]
    assert DOCUMENT["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


@pytest.mark.parametrize(
    ("changes", "is_deprecated"),
    [
        ({}, []),
        ({"deprecated": "1.5.0"}, ["get", "post"]),
        ({"http": [{"verb": "GET", "path": "/a", "deprecated": "1.5.0"}, {"verb": "POST", "path": "/a"}]}, ["get"]),
    ],
)
def test_an_action_that_is_added_appears(changes: dict[str, Any], is_deprecated: list[str]) -> None:
    specification = {
        "since": "1.0.0",
        "http": [{"verb": "GET", "path": "/a"}, {"verb": "POST", "path": "/a"}],
        "result": {"type": "integer"},
        "errors": ["services.storage.not_connected"],
        "notifies": "nothing at all",
        **changes,
    }
    document = openapi_document(
        Catalogue({("shop/desk", "lend"): ActionDefinition("shop/desk", "lend", "Lends.", specification)})
    )
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    verbs = document["paths"]["/a"]
    assert [verbs[verb]["operationId"] for verb in verbs] == ["shop.desk.lend", "shop.desk.lend.2"]
    assert [verb for verb in verbs if verbs[verb].get("deprecated")] == is_deprecated
    schema = verbs["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/shop.desk.lend.response"}
    assert document["components"]["schemas"]["shop.desk.lend.result"] == {"type": "integer"}
    assert verbs["get"]["description"] == "Notifies: nothing at all."


def test_examples_obey_the_schemas_that_they_stand_beside() -> None:
    """They are what tests have sent and got: `schemas/examples`."""
    registry = {"$defs": {}, "components": DOCUMENT["components"]}
    seen = 0
    for _, _, described in operations():
        contents = [described.get("requestBody"), described["responses"]["200"]]
        for content in (each["content"]["application/json"] for each in contents if each is not None):
            if "example" in content:
                validator = Draft202012Validator({**registry, **content["schema"]})
                faults = [
                    f"{list(fault.absolute_path)}: {fault.message}"
                    for fault in validator.iter_errors(content["example"])
                ]
                assert not faults, (described["operationId"], faults)
                seen += 1
    assert seen > len({definition.name for definition in CATALOGUE})
