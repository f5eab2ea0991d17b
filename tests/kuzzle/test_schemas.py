"""The schemas of the actions hold the documentation, and each other, to account."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

import kuzzle.controllers
from kuzzle.catalogue import ActionDefinition, Catalogue
from kuzzle.controllers.base import Controller
from kuzzle.controllers.memory_storage.commands import COMMANDS
from kuzzle.errors import error_table
from kuzzle.schemas import action_files, load_schema
from kuzzle.validation import Validator

CATALOGUE = Catalogue.load(1)
DEFINITIONS = list(CATALOGUE)
every_action = pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: f"{d.controller}:{d.name}")


def shipped_controllers() -> Iterator[type[Controller]]:
    for module in pkgutil.walk_packages(kuzzle.controllers.__path__, "kuzzle.controllers."):
        if module.name != Controller.__module__:
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and issubclass(value, Controller) and value.__module__ == module.name:
                    yield value


def own_errors(schema: Any) -> Iterator[str]:
    """Yield the errors that schemas name beside their keywords."""
    if isinstance(schema, dict):
        if isinstance(schema.get("error"), str):
            yield schema["error"]
        for value in schema.values():
            yield from own_errors(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from own_errors(value)


def test_every_action_has_a_schema_and_every_schema_an_action() -> None:
    methods = {
        (controller.name, method.action_name)
        for controller in shipped_controllers()
        for method in vars(controller).values()
        if hasattr(method, "action_name")
    }
    methods |= {("ms", name) for name in COMMANDS}
    described = {(controller, action) for controller, action, _ in action_files()}
    assert methods == described
    assert {(definition.controller, definition.name) for definition in DEFINITIONS} == described


@pytest.mark.parametrize("name", ["action.json", "request.json", "response.json", "notification.json", "config.json"])
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(load_schema(name))


@pytest.mark.parametrize("path", [path for _, _, path in action_files()], ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_action_has_the_form_of_the_metaschema(path: Any) -> None:
    assert not Validator(load_schema("action.json")).faults(orjson.loads(path.read_bytes()))


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"description": "no full stop, far too short"}, ()),
        ({"1": {"result": {"type": "object"}, "errors": []}}, ("1",)),
        ({"1": {"since": "1.0.0", "result": {"type": "object"}, "errors": ["not an id"]}}, ("1", "errors", 0)),
        (
            {"1": {"since": "1.0.0", "result": {"type": "object"}, "errors": [], "arguments": {"a": {"in": "path"}}}},
            ("1", "arguments", "a"),
        ),
        (
            {"1": {"since": "1.0.0", "result": {"properties": {"a": {"type": "string"}}}, "errors": []}},
            ("1", "result", "properties", "a"),
        ),
        (
            {
                "1": {
                    "since": "1.0.0",
                    "result": {"type": "object"},
                    "errors": [],
                    "http": [{"verb": "get", "path": "/a"}],
                }
            },
            ("1", "http", 0, "verb"),
        ),
        ({"unknown": 1}, ()),
    ],
    ids=["description", "since", "error id", "undescribed argument", "undescribed member", "verb", "unknown member"],
)
def test_the_metaschema_refuses_what_has_another_form(change: dict[str, Any], at: tuple[str | int, ...]) -> None:
    action = {
        "$schema": "../../action.json",
        "description": "Does something useful.",
        "1": {"since": "1.0.0", "result": {"type": "object"}, "errors": []},
    }
    metaschema = Validator(load_schema("action.json"))
    assert not metaschema.faults(action)
    assert {fault.path[: len(at)] for fault in metaschema.faults({**action, **change})} == {at}


def test_shared_definitions_have_the_form_of_the_metaschema_and_are_used() -> None:
    metaschema = load_schema("action.json")
    definitions = load_schema("definitions.json")["$defs"]
    for name, definition in definitions.items():
        form = "argument" if name.endswith("Argument") else "schema"
        faults = Validator({"$ref": f"#/$defs/{form}", "$defs": metaschema["$defs"]}).faults(definition)
        assert not faults, name
    texts = b"".join(path.read_bytes() for _, _, path in action_files()) + orjson.dumps(definitions)
    unused = [name for name in definitions if f'#/$defs/{name}"'.encode() not in texts]
    assert not unused


@every_action
def test_arguments_bodies_and_results_compile(definition: ActionDefinition) -> None:
    Draft202012Validator.check_schema(definition.input_schema())
    Draft202012Validator.check_schema(definition.specification["result"])
    Validator(definition.specification["result"])


@every_action
def test_every_argument_and_member_is_described(definition: ActionDefinition) -> None:
    for name, argument in definition.arguments.items():
        assert argument["description"], name
        assert argument["in"] in {"path", "query", "root"}, name


@every_action
def test_every_error_named_exists_in_the_table(definition: ActionDefinition) -> None:
    documented = set(definition.specification["errors"])
    assert documented <= set(error_table())
    assert set(own_errors(definition.input_schema())) <= documented, "a named error is not documented"
    body = definition.specification.get("body", {})
    is_called_otherwise = "named" in body and "error" not in body
    demands_body = definition.is_body_required and not is_called_otherwise
    assert demands_body == ("api.assert.body_required" in documented)
    assert definition.specification.get("partial", False) == any(
        error_table()[error_id]["1"]["status"] == 206 for error_id in documented
    )


@every_action
def test_defaults_are_valid_arguments(definition: ActionDefinition) -> None:
    schema = definition.input_schema()
    for name, default in definition.defaults.items():
        assert Draft202012Validator(schema["properties"][name]).is_valid(default), name


@every_action
def test_placeholders_of_routes_are_arguments(definition: ActionDefinition) -> None:
    for route in definition.routes:
        for name in re.findall(r":(\w+)", route.path):
            assert definition.arguments[name]["in"] in {"path", "query"}
    for name, argument in definition.arguments.items():
        if argument["in"] == "path":
            assert any(f":{name}" in route.path for route in definition.routes), name


@every_action
def test_optional_members_of_bodies_may_be_null(definition: ActionDefinition) -> None:
    body = definition.specification.get("body", {})
    for name, member in body.get("properties", {}).items():
        if name not in body.get("required", ()) and "type" in member:
            assert "null" in member["type"], name


def test_no_two_actions_share_a_route() -> None:
    routes = [
        (route.verb, re.sub(r":\w+", ":", route.path)) for definition in DEFINITIONS for route in definition.routes
    ]
    assert len(routes) == len(set(routes))


def test_results_are_closed_where_the_server_decides_their_members() -> None:
    """A wrong member of a result must not pass unseen in the other tests."""
    open_results = {
        f"{definition.controller}:{definition.name}"
        for definition in DEFINITIONS
        if definition.specification["result"].get("type") == "object"
        and definition.specification["result"].get("additionalProperties") is None
    }
    assert open_results == {"server:getConfig"}
