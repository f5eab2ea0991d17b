"""The actions of the API, read from `schemas/api/<controller>/<action>.json`.

Each file is the only statement of its action. From it come the HTTP routes, the check of the
arguments, their defaults, `server:publicApi`, the generated documents (`kuzzle/generation`) and the documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from kuzzle.document_events import find_document_events
from kuzzle.errors import KuzzleError, error_table
from kuzzle.schemas import action_files, load_schema
from kuzzle.validation import Fault, Validator

# Members of an argument that are ours; all others are JSON Schema, which ignores `error`.
_OWN_MEMBERS: Final = frozenset({"in", "required"})
# Members that no check reads.
_ANNOTATIONS: Final = frozenset({"default", "description"})
NO_ERRORS: Final[Mapping[str, Mapping[str, Any]]] = {}
# Second names of controllers.
ALIASES: Final[Mapping[str, str]] = {"memoryStorage": "ms"}
# Actions that Kuzzle declares routes for, and does not have: calling them is a 404 `api.process.action_not_found`.
_ROUTES_TO_NOTHING: Final = (("ms", "bgrewriteaof", "/ms/_bgrewriteaof"), ("ms", "bgsave", "/ms/_bgsave"))
_INTEGER: Final = re.compile(r"[+-]?\d{1,19}")


@dataclass(frozen=True, slots=True)
class Route:
    """One way to an action over HTTP; `path` has `:name` placeholders."""

    verb: str
    path: str


class ActionDefinition:
    """One action in one API generation.

    Attributes:
        routes: HTTP routes, in the order that clients see.
        arguments: Argument name to its schema, `in`, `required`, `default`, `error` included.
        defaults: Default value of each argument that has one.
        specification: The whole content of the file for this generation, shared definitions put in.
        written: Its `body` and `result` as the file has them, with references to `definitions.json`.
        before_event, after_event, error_event: Names of the action's own events.
        document_events: Its generic events; None where it has none.
        events: Names of all events that a request of this action may fire once it is allowed.
        own_errors: The errors of the plugin it belongs to, in the form of `schemas/errors.json`, by their ids.
    """

    def __init__(
        self,
        controller: str,
        name: str,
        description: str,
        specification: Mapping[str, Any],
        written: Mapping[str, Any] | None = None,
        own_errors: Mapping[str, Mapping[str, Any]] = NO_ERRORS,
    ) -> None:
        self.controller = controller
        self.name = name
        self.description = description
        self.specification = specification
        self.own_errors = own_errors
        source = specification if written is None else written
        self.written: Mapping[str, Any] = {part: source[part] for part in ("body", "result") if part in source}
        self.routes = tuple(Route(route["verb"], route["path"]) for route in specification.get("http", ()))
        self.arguments: Mapping[str, Mapping[str, Any]] = specification.get("arguments", {})
        self.defaults: Mapping[str, Any] = {
            argument: schema["default"] for argument, schema in self.arguments.items() if "default" in schema
        }
        self.is_body_required = "body" in specification and not specification.get("bodyOptional", False)
        capitalised = name[0].upper() + name[1:]
        self.before_event = f"{controller}:before{capitalised}"
        self.after_event = f"{controller}:after{capitalised}"
        self.error_event = f"{controller}:error{capitalised}"
        self.document_events = find_document_events(controller, name)
        self.events = self._all_events()
        self._validator = Validator(self.input_schema())
        self._is_valid = self._validator.is_valid

    def _all_events(self) -> tuple[str, ...]:
        own = (self.before_event, self.after_event, self.error_event, "request:onSuccess", "request:onError")
        generic = self.document_events
        return own if generic is None else (*own, *((generic.before,) if generic.before else ()), generic.after)

    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a payload that calls this action."""
        properties: dict[str, Any] = {}
        required = ["body"] if self.is_body_required else []
        for argument, schema in self.arguments.items():
            described = self.argument_schema(argument)
            properties[argument] = {key: value for key, value in described.items() if key not in _ANNOTATIONS}
            if schema.get("required"):
                required.append(argument)
        if "body" in self.specification:
            properties["body"] = self.specification["body"]
        return {"type": "object", "properties": properties, "required": required}

    def argument_schema(self, name: str) -> dict[str, Any]:
        """Return the JSON Schema of an argument, with its description and default."""
        argument = self.arguments[name]
        schema = {key: value for key, value in argument.items() if key not in _OWN_MEMBERS}
        if argument.get("required") and argument.get("type") == "string":
            schema.setdefault("minLength", 1)  # an empty text counts as absent, unless the schema says otherwise
        return schema

    def check(self, payload: Mapping[str, Any]) -> None:
        """Check the arguments and the body of a call.

        Raises:
            KuzzleError: The first fault, in the order: body, absent arguments, the others.
        """
        if self._is_valid(payload):
            return
        faults = self._validator.faults(payload)
        if faults:
            raise min((self._translate(fault) for fault in faults), key=lambda ranked: ranked[0])[1]

    def error(self, error_id: str) -> Mapping[str, Any]:
        """Return what the table of errors says of an id: `{"code", "1": {"status", "message"}}`."""
        return self.own_errors.get(error_id) or error_table()[error_id]

    def from_texts(self, texts: Mapping[str, str | list[str]]) -> dict[str, Any]:
        """Turn the texts of a query string into arguments of their types.

        A boolean is a flag: present means true, whatever its text. A list is a repeated key or a
        comma-separated text. A text that is no number stays a text, for the check to refuse.
        """
        return {name: _from_text(self.arguments.get(name, {}).get("type"), text) for name, text in texts.items()}

    def _translate(self, fault: Fault) -> tuple[tuple[int, int], KuzzleError]:
        """Return the error of a fault, after its rank among the faults of a call."""
        path = ".".join(str(part) for part in fault.path)
        missing = _missing(fault, path)
        if missing == "body" and fault.named is None:
            return (0, 0), KuzzleError("api.assert.body_required")
        if missing is not None:
            return (1, self._position(missing)), KuzzleError("api.assert.missing_argument", fault.named or missing)
        if fault.error_id is not None:
            return (2, self._position(path)), self._own_error(fault.error_id, fault, fault.named or path)
        if fault.keyword == "type":
            kinds = [fault.expected] if isinstance(fault.expected, str) else fault.expected
            expected = fault.wording or " or ".join(kind for kind in kinds if kind != "null")
            return (2, self._position(path)), KuzzleError("api.assert.invalid_type", path, expected)
        return (2, self._position(path)), KuzzleError("api.assert.invalid_argument", path, _expectation(fault))

    def _own_error(self, error_id: str, fault: Fault, path: str) -> KuzzleError:
        """Build the error that a schema names: its text asks for argument and expectation, the value or nothing."""
        definition = self.error(error_id)
        wanted = definition["1"]["message"].count("%s")
        placeholders = ((path, _expectation(fault)) if wanted == 2 else (fault.named or fault.found,))[:wanted]
        return KuzzleError.of_definition(error_id, definition, *placeholders)

    def _position(self, path: str) -> int:
        """Return the rank of an argument among the others; members of the body come last."""
        return list(self.arguments).index(path) if path in self.arguments else len(self.arguments)


class Catalogue:
    """Every action of one API generation."""

    def __init__(self, definitions: Mapping[tuple[str, str], ActionDefinition]) -> None:
        self._definitions = definitions
        self._by_any_name = {
            (alias, action): definition
            for alias, name in ALIASES.items()
            for (controller, action), definition in definitions.items()
            if controller == name
        } | dict(definitions)

    @classmethod
    def load(cls, generation: int) -> Catalogue:
        """Read and compile the schemas of one API generation.

        Raises:
            SchemaError: A schema is not valid.
        """
        shared = load_schema("definitions.json")["$defs"]
        return cls(
            {
                (controller, action): definition
                for controller, action, path in action_files()
                if (definition := define(controller, action, orjson.loads(path.read_bytes()), str(generation), shared))
            }
        )

    def find(self, controller: str | None, action: str | None) -> ActionDefinition | None:
        """Return an action, None when the generation has none of that name; an alias of the controller will do."""
        return self._by_any_name.get((controller, action))  # type: ignore[arg-type]

    def names(self) -> Iterator[tuple[str, ActionDefinition]]:
        """Yield the actions with each name of their controller."""
        for (controller, _), definition in self._by_any_name.items():
            yield controller, definition

    def without(self, controllers: Iterable[str]) -> Catalogue:
        """Return the same without some controllers."""
        left_out = set(controllers)
        return Catalogue({key: each for key, each in self._definitions.items() if key[0] not in left_out})

    def extended(self, definitions: Iterable[ActionDefinition]) -> Catalogue:
        """Return the same with more actions."""
        return Catalogue({**self._definitions, **{(each.controller, each.name): each for each in definitions}})

    def has_controller(self, controller: str) -> bool:
        """Tell whether any action belongs to that controller."""
        return any(name == controller for name, _ in self._definitions)

    def __iter__(self) -> Iterator[ActionDefinition]:
        return iter(self._definitions.values())


def routes_to_nothing() -> Iterator[ActionDefinition]:
    """Yield what HTTP routes lead to without being an action of the catalogue."""
    for controller, action, path in _ROUTES_TO_NOTHING:
        specification = {"http": [{"verb": "POST", "path": path}]}
        yield ActionDefinition(controller, action, "No action of this server.", specification)


def define(
    controller: str,
    action: str,
    content: Mapping[str, Any],
    generation: str,
    shared: Mapping[str, Any],
    own_errors: Mapping[str, Mapping[str, Any]] = NO_ERRORS,
) -> ActionDefinition | None:
    """Return an action as it is in one API generation, None when it has none.

    Args:
        content: What its file holds, in the form of `schemas/action.json`.
        shared: The `$defs` of `definitions.json`.

    Raises:
        KeyError: It refers to something that is not there.
        SchemaError: A schema in it is not valid.
    """
    specification = content.get(generation)
    if specification is None:
        return None
    inlined: dict[str, Any] = _inline(specification, shared)
    return ActionDefinition(controller, action, content["description"], inlined, specification, own_errors)


def _inline(schema: Any, shared: Mapping[str, Any]) -> Any:
    """Replace references to `definitions.json` by what they name."""
    if isinstance(schema, list):
        return [_inline(item, shared) for item in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target = _inline(shared[reference.rpartition("#/$defs/")[2]], shared)
        return {**target, **{key: _inline(value, shared) for key, value in schema.items() if key != "$ref"}}
    return {key: _inline(value, shared) for key, value in schema.items()}


def _from_text(kind: Any, text: str | list[str]) -> Any:
    if kind == "boolean":
        return True
    if kind == "array":
        return text.split(",") if isinstance(text, str) else text
    if isinstance(text, list):
        return text
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number":
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _missing(fault: Fault, path: str) -> str | None:
    """Return what a fault says to be absent: not there, an empty text where one is needed, null in a body."""
    if fault.keyword == "required":
        if fault.error_id is not None:
            return None
        name = next(name for name in fault.expected if name not in fault.found)
        return f"{path}.{name}" if path else str(name)
    if fault.found is None or (fault.keyword == "minLength" and fault.found == ""):
        return path
    return None


def _expectation(fault: Fault) -> str:
    """Word what would have been right."""
    if fault.wording is not None:
        return fault.wording
    if fault.keyword == "enum":
        texts = (value if isinstance(value, str) else orjson.dumps(value).decode() for value in fault.expected)
        return f"one of {', '.join(dict.fromkeys(texts))}"
    if fault.keyword == "type":
        return str(fault.expected)
    if fault.keyword == "minimum":
        return f"at least {fault.expected}"
    return f"{fault.keyword} {fault.expected}"
