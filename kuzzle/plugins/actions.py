"""The actions of plugins: what describes them, and the boundary between their code and ours.

An action of a plugin is described in the form of `schemas/action.json`, as ours are, and becomes a member of the
catalogue like them: routes, checks, rights and generated documents know no difference. Paths of its routes begin
below `/_plugin/<plugin>`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from kuzzle.catalogue import ActionDefinition, define
from kuzzle.config import ConfigError
from kuzzle.controllers.base import Controller, Method
from kuzzle.encoding import JsonError, decode_json
from kuzzle.errors import KuzzleError, error_table
from kuzzle.plugins.base import ActionSchemas, Plugin
from kuzzle.plugins.manifest import Manifest
from kuzzle.request import Request
from kuzzle.schemas import load_schema
from kuzzle.validation import SchemaError, Validator

GENERATION: Final = "1"
# What the boundary makes of wrong code; any action of a plugin may answer it.
BOUNDARY_ERRORS: Final = ("plugin.controller.unserializable_response", "plugin.runtime.unexpected_error")
# Files of descriptions name the metaschema for editors, each by its own way to it.
_METASCHEMA: Final = {"$schema": "../../action.json"}
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_PLACEHOLDER: Final = re.compile(r":[^/]+")

logger = logging.getLogger(__name__)


class OwnedController(Controller):
    """A controller of a plugin under its wire name, its actions behind the boundary."""

    def __init__(self, plugin: str, controller: Controller) -> None:
        self.name = f"{plugin}/{controller.name}"
        self.own_name = controller.name
        self._controller = controller

    def actions(self) -> Iterator[tuple[str, Method]]:
        """Yield wire name and guarded method of each action."""
        for name, method in self._controller.actions():
            yield name, _guarded(f"{self.name}:{name}", method)


def own_controllers(plugin: Plugin, manifest: Manifest) -> list[OwnedController]:
    """Return the controllers of a plugin.

    Raises:
        KuzzleError: One is none, or has a name that cannot be (`plugin.controller.*`).
    """
    label = f"[{manifest.name}]"
    owned: dict[str, OwnedController] = {}
    for controller in plugin.controllers():
        if not isinstance(controller, Controller):
            raise KuzzleError("plugin.controller.invalid_description", label, type(controller).__name__)
        name = getattr(controller, "name", None)
        if not (isinstance(name, str) and _NAME.fullmatch(name)) or name in owned:
            text = "It needs a name of its own: letters, digits, hyphens and underscores."
            raise KuzzleError("plugin.controller.undefined_controller", label, name, text)
        for action, method in controller.actions():
            if not inspect.iscoroutinefunction(method):
                text = "Expected an async method."
                raise KuzzleError("plugin.controller.invalid_action", label, f"{name}:{action}", text)
        owned[name] = OwnedController(manifest.name, controller)
    return list(owned.values())


def _guarded(call: str, method: Method) -> Method:
    async def guarded(request: Request) -> Any:
        try:
            # In a task of its own, since a request has none before its first wait, and `asyncio.timeout` needs one.
            result: Any = await asyncio.ensure_future(method(request))
        except KuzzleError:
            raise
        except Exception as error:  # code of others: its defects are to be told from ours
            logger.exception("The action %s failed unexpectedly", call, extra={"request_id": request.id})
            raise KuzzleError("plugin.runtime.unexpected_error", f"the action {call} failed") from error
        if not (request.raw and isinstance(result, bytes)):
            _check_serializable(call, request, result)
        return result

    return guarded


def _check_serializable(call: str, request: Request, result: Any) -> None:
    try:
        orjson.dumps(result)
    except TypeError as error:
        logger.error("The answer of %s is no JSON: %s", call, error, extra={"request_id": request.id})
        raise KuzzleError("plugin.controller.unserializable_response") from error


# --- descriptions


def own_definitions(
    plugin: Plugin, manifest: Manifest, controllers: Iterable[OwnedController], label: str
) -> list[ActionDefinition]:
    """Return what describes the actions of a plugin.

    Args:
        label: What the lines of faults begin with, such as `plugins.greeter`.

    Raises:
        ConfigError: A line per fault: an action without a description, a description without an action, a wrong one.
    """
    faults: list[str] = []
    described = dict(_descriptions(plugin, faults))
    actions = {(each.own_name, name): each.name for each in controllers for name, _ in each.actions()}
    for controller, action in sorted(actions.keys() - described.keys()):
        faults.append(f"the action {controller}:{action} has no description ({controller}/{action}.json)")
    shared = load_schema("definitions.json")["$defs"]
    metaschema = Validator(load_schema("action.json"))
    definitions = []
    for (controller, action), content in described.items():
        place = f"{controller}/{action}.json"
        if (controller, action) not in actions:
            faults.append(f"{place}: there is no action {controller}:{action}")
            continue
        wrong = _faults_of_form(metaschema, content)
        if not wrong:
            try:
                definition = _define(manifest, actions[controller, action], action, content, shared)
                wrong = list(_faults_of_content(definition))
                definitions.append(definition)
            except KeyError as error:
                wrong = [f"there is no definition {error} in definitions.json"]
            except SchemaError as error:
                wrong = [f"no JSON Schema: {error}"]
        faults += [f"{place}: {fault}" for fault in wrong]
    faults += _double_routes(definitions)
    if faults:
        raise ConfigError([f"{label}: {fault}" for fault in faults])
    return definitions


def _descriptions(plugin: Plugin, faults: list[str]) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield what the plugin says of its actions, by controller and action."""
    schemas = _beside(plugin) if plugin.schemas is None else plugin.schemas
    if not isinstance(schemas, Path):
        yield from _of_mapping(schemas)
        return
    for path in sorted(schemas.glob("*/*.json")):
        try:
            yield (path.parent.name, path.stem), decode_json(path.read_bytes())
        except OSError as error:
            faults.append(f"{path}: cannot be read: {error.strerror}")
        except JsonError as error:
            faults.append(f"{path}: no JSON: {error}")


def _of_mapping(schemas: ActionSchemas) -> Iterator[tuple[tuple[str, str], Any]]:
    for controller, actions in schemas.items():
        for action, content in actions.items():
            yield (controller, action), content


def _beside(plugin: Plugin) -> Path:
    """Return the folder `schemas` beside the file of a plugin's class."""
    file = getattr(sys.modules.get(type(plugin).__module__), "__file__", None)
    return Path(file or "").parent / "schemas"


def _faults_of_form(metaschema: Validator, content: Any) -> list[str]:
    whole = {**content, **_METASCHEMA} if isinstance(content, dict) else content
    if metaschema.is_valid(whole):
        return []
    faults = metaschema.faults(whole)
    return list(dict.fromkeys(f"{'.'.join(map(str, fault.path)) or 'the whole'}: {fault.message}" for fault in faults))


def _define(
    manifest: Manifest, controller: str, action: str, content: Mapping[str, Any], shared: Mapping[str, Any]
) -> ActionDefinition:
    """Return the definition of an action: its routes below `/_plugin/<plugin>`, errors of the boundary among its own.

    Raises:
        KeyError, SchemaError
    """
    specification = dict(content[GENERATION])
    routes = specification.get("http", ())
    if routes:
        prefix = f"/_plugin/{manifest.name}"
        specification["http"] = [{**route, "path": f"{prefix}{route['path']}"} for route in routes]
    specification["errors"] = sorted({*specification["errors"], *BOUNDARY_ERRORS})
    definition = define(
        controller, action, {**content, GENERATION: specification}, GENERATION, shared, manifest.error_table
    )
    assert definition is not None  # the metaschema demands the generation
    Validator(definition.specification["result"])
    return definition


def _faults_of_content(definition: ActionDefinition) -> Iterator[str]:
    """Yield what the metaschema cannot see."""
    documented = set(definition.specification["errors"])
    for error_id in sorted(documented - error_table().keys() - definition.own_errors.keys()):
        yield f"the error {error_id} is in no table"
    for error_id in sorted(set(_named_errors(definition.input_schema())) - documented):
        yield f"the error {error_id} is not among its errors"
    for route in definition.routes:
        for placeholder in _PLACEHOLDER.findall(route.path):
            if definition.arguments.get(placeholder[1:], {}).get("in") != "path":
                yield f"{placeholder} of the route {route.path} is no argument of the path"


def _named_errors(schema: Any) -> Iterator[str]:
    """Yield the errors that a schema names beside its keywords."""
    if isinstance(schema, list):
        for part in schema:
            yield from _named_errors(part)
    elif isinstance(schema, dict):
        if isinstance(schema.get("error"), str):
            yield schema["error"]
        for part in schema.values():
            yield from _named_errors(part)


def _double_routes(definitions: Iterable[ActionDefinition]) -> list[str]:
    """Return a line for each route that leads to two actions."""
    taken: dict[tuple[str, str], ActionDefinition] = {}
    faults = []
    for definition in definitions:
        for route in definition.routes:
            way = route.verb, _PLACEHOLDER.sub(":", route.path)
            first = taken.get(way)
            if first is definition:
                faults.append(f"{route.verb} {route.path} stands twice")
            elif first is not None:
                both = f"{first.controller}:{first.name} and {definition.controller}:{definition.name}"
                faults.append(f"{route.verb} {route.path} leads to {both}")
            taken[way] = definition
    return faults
