"""The API of one server, as clients call it: read from the documents `schema` and `openapi` of `kuzzle generate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.generation.client.shapes import Shape, Shapes, pascal
from kuzzle.generation.definitions import PARTIAL_STATUS
from kuzzle.generation.pages import PAGES_TAG

Document = Mapping[str, Any]

# Of a request, what is no argument of its action.
_ENVELOPE: Final = frozenset({"controller", "action", "requestId", "jwt", "volatile", "timestamp", "body"})
# Statuses as errors are called by; `PartialError` is no class of the generated ones.
_STATUSES: Final[Mapping[int, str]] = {
    206: "Partial",
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    412: "PreconditionFailed",
    413: "TooLarge",
    429: "TooManyRequests",
    500: "Internal",
    503: "Unavailable",
    504: "GatewayTimeout",
}


# How both clients say what they share.
BODY_TEXT: Final = "What the action works with."
VOLATILE_TEXT: Final = "Free data, shown in the notifications that this causes."
HEADS: Final[Mapping[str, str]] = {
    "types": "What actions take, and what they and the server's notifications give.",
    "models": "What documents of collections hold, as their mappings say.",
    "errors": "The refusals of the server: a class for each status, and below it one for each id.",
    "routes": "The ways to actions over HTTP.",
    "client": "The client: its controllers are attributes.",
    "package": "A client of a Kuzzle server: `Kuzzle` is where to begin.",
}


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of an action."""

    name: str
    shape: Shape
    description: str
    is_required: bool
    default: Any


@dataclass(frozen=True, slots=True)
class Action:
    """One action.

    Attributes:
        body: None where it reads none.
        error_ids: Errors of its own, beyond those that any action may answer.
        opens_channel: Notifications come through what it returns.
    """

    controller: str
    name: str
    description: str
    arguments: tuple[Argument, ...]
    body: Shape | None
    body_description: str
    is_body_required: bool
    result: Shape
    error_ids: tuple[str, ...]
    opens_channel: bool


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """An error of the table, with the name of its class."""

    id: str
    name: str
    status: int
    message: str


class Api:
    """What a client is generated from.

    Args:
        schema: The bundled JSON Schema.
        openapi: The OpenAPI document, for the routes.

    Attributes:
        version: That of the server.
        shapes: The shapes that came up.
        controllers: Name to actions, both sorted.
        routes: Controller and action to verbs and paths.
        errors: Sorted by id.
        notifications: Shape of each kind.
    """

    def __init__(self, schema: Document, openapi: Document) -> None:
        self._definitions: Mapping[str, Any] = schema["$defs"]
        self.version = str(openapi["info"]["version"])
        self.shapes = Shapes(self._definitions)
        self.errors = tuple(_errors(self._definitions["errorId"]["oneOf"]))
        self._common = self._common_errors()
        self.controllers: dict[str, list[Action]] = {}
        for name in sorted(self._definitions):
            if name.endswith(".request"):
                action = self._action(name.removesuffix(".request"))
                self.controllers.setdefault(action.controller, []).append(action)
        self.routes = dict(sorted(_routes(openapi)))
        kinds = ("documentNotification", "userNotification", "serverNotification")
        self.notifications = tuple(self._named(kind, is_sent=False) for kind in kinds)

    @property
    def statuses(self) -> list[int]:
        """The statuses that have a class of errors; that of partial answers is written by hand."""
        return sorted({each.status for each in self.errors} - {PARTIAL_STATUS})

    def own_errors(self, action: Action) -> list[str]:
        """Return the classes of the errors that not every action may answer."""
        return [each.name for each in self.errors if each.id in action.error_ids]

    def _named(self, name: str, *, is_sent: bool) -> Shape:
        return self.shapes.read({"$ref": f"#/$defs/{name}"}, "", is_sent=is_sent)

    def _action(self, name: str) -> Action:
        request = self._definitions[f"{name}.request"]
        members = request["properties"]
        controller = members["controller"]
        first: str = controller["const"] if "const" in controller else controller["enum"][0]
        action: str = members["action"]["const"]
        required = request["required"]
        body = self._definitions.get(f"{name}.body")
        result = self._definitions[f"{name}.result"]
        return Action(
            controller=first,
            name=action,
            description=request["description"],
            arguments=tuple(
                self._argument(f"{pascal(name)}{pascal(key)}", key, part, key in required)
                for key, part in members.items()
                if key not in _ENVELOPE
            ),
            body=None if body is None else self._named(f"{name}.body", is_sent=True),
            body_description="" if body is None else self._described(body),
            is_body_required="body" in required,
            result=self._named(f"{name}.result", is_sent=False),
            error_ids=tuple(each for each in self._failures(name) if each not in self._common),
            opens_channel="channel" in self._resolved(result).get("properties", {}),
        )

    def _argument(self, called: str, name: str, schema: Document, is_required: bool) -> Argument:
        shape = self.shapes.read(schema, called, is_sent=True)
        return Argument(name, shape, self._described(schema), is_required, schema.get("default"))

    def _resolved(self, schema: Document) -> Document:
        while "$ref" in schema:
            schema = self._definitions[schema["$ref"].rpartition("/")[2]]
        return schema

    def _described(self, schema: Document) -> str:
        return str(schema.get("description") or self._resolved(schema).get("description", ""))

    def _failures(self, name: str) -> list[str]:
        answers = (self._definitions.get(f"{name}.{kind}") for kind in ("failure", "partial"))
        errors = (answer["properties"]["error"]["properties"]["id"]["enum"] for answer in answers if answer is not None)
        return sorted({each for ids in errors for each in ids})

    def _common_errors(self) -> frozenset[str]:
        """Return the errors that every action may answer."""
        names = [name.removesuffix(".request") for name in self._definitions if name.endswith(".request")]
        return frozenset.intersection(*(frozenset(self._failures(name)) for name in names))


def error_names(ids: list[str]) -> dict[str, str]:
    """Return the name of each error's class: subdomain and name, or the whole id where two would be called the same."""
    short = {each: _error_name(each.partition(".")[2]) for each in ids}
    taken = list(short.values())
    return {each: name if taken.count(name) == 1 else _error_name(each) for each, name in short.items()}


def ordered(action: Action) -> list[Argument]:
    """Return the arguments of an action, those that say where before the others."""
    places = ("index", "collection", "_id")
    return sorted(action.arguments, key=lambda each: places.index(each.name) if each.name in places else len(places))


def status_name(status: int) -> str:
    """Return the name of the class of all errors of a status."""
    return f"{_STATUSES.get(status, f'Status{status}')}Error"


def _error_name(text: str) -> str:
    return f"{pascal(text).removesuffix('Error')}Error"


def _errors(known: list[Document]) -> Iterator[ErrorKind]:
    names = error_names([each["const"] for each in known])
    for each in sorted(known, key=lambda each: str(each["const"])):
        yield ErrorKind(each["const"], names[each["const"]], each["x-status"], each["title"])


def _routes(openapi: Document) -> Iterator[tuple[tuple[str, str], list[tuple[str, str]]]]:
    found: dict[tuple[str, str], list[tuple[int, str, str]]] = {}
    for path, operations in openapi["paths"].items():
        for verb, operation in operations.items():
            (controller,) = operation["tags"]
            if controller == PAGES_TAG:
                continue
            parts = operation["operationId"].removeprefix(f"{controller.replace('/', '.')}.").split(".")
            number = int(parts[1]) if len(parts) > 1 else 1
            found.setdefault((controller, parts[0]), []).append((number, verb.upper(), path))
    for key, routes in found.items():
        yield key, [(verb, path) for _, verb, path in sorted(routes)]
