"""The definitions that the generated documents share: envelopes, and what each action takes and answers.

Every document has them under its own place (`#/$defs/`, `#/components/schemas/`) and the same names:

- `<controller>.<action>.request`, `.body`, `.result`, `.response` (all went well), `.partial` (parts failed)
  and `.failure`; a slash in the name of a controller becomes a dot;
- `requestEnvelope`, `responseEnvelope`, `error`, `errorId`, `fault`, `notification` and its kinds;
- the names of `definitions.json` for what several actions share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from kuzzle.catalogue import ALIASES, ActionDefinition, Catalogue
from kuzzle.errors import error_table
from kuzzle.schemas import load_schema

Schema = dict[str, Any]
Schemas = dict[str, Schema]

PARTIAL_STATUS: Final = 206
NOTIFICATION_KINDS: Final[Mapping[str, str]] = {
    "document": "documentNotification",
    "user": "userNotification",
    "server": "serverNotification",
}

# Keywords of our own, which say how a fault is worded.
OWN_KEYWORDS: Final = frozenset({"error", "named", "expected"})
# How keywords of JSON Schema hold schemas; what stands under any other keyword is plain data.
_SCHEMA_KEYWORDS: Final = frozenset(
    {"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"}
)
_LIST_KEYWORDS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAP_KEYWORDS: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
# What may stand beside a reference without changing what it allows.
_ANNOTATIONS: Final = frozenset({"description", "title", "default"})
# What HTTP carries elsewhere, and other protocols beside the arguments.
_ENVELOPE_MEMBERS: Final = ("requestId", "jwt", "volatile", "timestamp")


class Definitions:
    """Makes the definitions of one document.

    Args:
        catalogue: The actions.
        place: What a reference to a definition begins with, such as `#/$defs/`.
    """

    def __init__(self, catalogue: Catalogue, place: str) -> None:
        self._catalogue = catalogue
        self._place = place
        self._shared: Mapping[str, Schema] = load_schema("definitions.json")["$defs"]
        self._made: Schemas = {}

    def all(self) -> Schemas:
        """Return every definition by its name, sorted."""
        self._add_envelopes()
        for definition in self._catalogue:
            self._add_action(definition)
        return dict(sorted(self._made.items()))

    def reference(self, name: str) -> Schema:
        """Return a reference to a definition."""
        return {"$ref": f"{self._place}{name}"}

    def _add_envelopes(self) -> None:
        request, response = load_schema("request.json"), load_schema("response.json")
        parts = response["$defs"]
        local = {name: name for name in ("error", "fault")}
        self._made["requestEnvelope"] = self._translated(_without_head(request), {})
        self._made["responseEnvelope"] = self._translated(_without_head(response), local)
        for name in local:
            self._made[name] = self._translated(parts[name], local)
        notification = load_schema("notification.json")
        self._made["notification"] = self._translated(_without_head(notification), NOTIFICATION_KINDS)
        for kind, name in NOTIFICATION_KINDS.items():
            self._made[name] = self._translated(notification["$defs"][kind], NOTIFICATION_KINDS)
        self._made["errorId"] = self._error_id()

    def _error_id(self) -> Schema:
        known = {name: error_table()[name]["1"] for name in response_ids("httpErrors")}
        for each in self._catalogue:
            known |= {name: each.error(name)["1"] for name in all_error_ids(each)}
        return {
            "description": "Ids of the errors that are answered, each with its message (a title) and status.",
            "oneOf": [
                {"const": name, "title": wording["message"], "x-status": wording["status"]}
                for name, wording in sorted(known.items())
            ],
        }

    def _add_action(self, definition: ActionDefinition) -> None:
        name, call = action_name(definition), f"{definition.controller}:{definition.name}"
        for part in ("body", "result"):
            if part in definition.written:
                self._made[f"{name}.{part}"] = self._translated(definition.written[part], None)
        self._made[f"{name}.request"] = self._request(definition)
        result = self.reference(f"{name}.result")
        self._made[f"{name}.response"] = self._answer(
            definition, f"What `{call}` answers.", {"const": 200}, {"type": "null"}, result
        )
        if definition.specification.get("partial"):
            error = self.failure_error(error_ids(definition, {PARTIAL_STATUS}))
            self._made[f"{name}.partial"] = self._answer(
                definition,
                f"What `{call}` answers when parts of it failed.",
                {"const": PARTIAL_STATUS},
                error,
                {"anyOf": [result, {"type": "null"}]},
            )
        self._made[f"{name}.failure"] = self._answer(
            definition,
            f"What `{call}` answers when it failed.",
            {"type": "integer", "minimum": 400},
            self.failure_error(sorted(set(all_error_ids(definition)) - set(error_ids(definition, {PARTIAL_STATUS})))),
            {},
        )

    def failure_error(self, ids: Iterable[str]) -> Schema:
        """Return the schema of an error with one of some ids, or without an id."""
        return {"allOf": [self.reference("error")], "properties": {"id": {"enum": list(ids)}}}

    def _answer(
        self, definition: ActionDefinition, description: str, status: Schema, error: Schema, result: Schema
    ) -> Schema:
        return {
            "description": description,
            "allOf": [self.reference("responseEnvelope")],
            "properties": {
                "status": status,
                "error": error,
                "controller": _one_of(controller_names(definition)),
                "action": {"const": definition.name},
                "result": result,
            },
        }

    def _request(self, definition: ActionDefinition) -> Schema:
        envelope = load_schema("request.json")["properties"]
        properties: Schema = {
            "controller": {
                **_one_of(controller_names(definition)),
                "description": envelope["controller"]["description"],
            },
            "action": {"const": definition.name, "description": envelope["action"]["description"]},
            **{member: envelope[member] for member in _ENVELOPE_MEMBERS},
        }
        required = ["controller", "action"]
        for argument, schema in definition.arguments.items():
            properties[argument] = self._translated(definition.argument_schema(argument), None)
            if schema.get("required"):
                required.append(argument)
        if "body" in definition.written:
            properties["body"] = self.reference(f"{action_name(definition)}.body")
        if definition.is_body_required:
            required.append("body")
        return {
            "description": definition.description,
            "type": "object",
            "properties": properties,
            "required": required,
        }

    def _translated(self, schema: Any, local: Mapping[str, str] | None) -> Any:
        """Return a schema with its references turned to this document.

        Args:
            local: What the names under the `$defs` of the schema's own file are called here; None: its
                references lead to `definitions.json`.
        """
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return self._resolved(schema, local)
        return {
            (f"x-{keyword}" if keyword in OWN_KEYWORDS else keyword): _mapped(
                keyword, value, lambda part: self._translated(part, local)
            )
            for keyword, value in schema.items()
        }

    def _resolved(self, schema: Schema, local: Mapping[str, str] | None) -> Schema:
        target = schema["$ref"].rpartition("/$defs/")[2]
        beside = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        if local is not None:
            return {**self.reference(local[target]), **beside}
        if not beside.keys() <= _ANNOTATIONS:
            merged: Schema = self._translated({**self._shared[target], **beside}, None)
            return merged
        if target not in self._made:
            self._made[target] = {}  # definitions may lead to themselves
            self._made[target] = self._translated(self._shared[target], None)
        return {**self.reference(target), **beside}


def action_name(definition: ActionDefinition) -> str:
    """Return how documents name an action: `document.create`."""
    return f"{definition.controller.replace('/', '.')}.{definition.name}"


def controller_names(definition: ActionDefinition) -> list[str]:
    """Return the names of an action's controller, its own before the others."""
    return [definition.controller, *(alias for alias, name in ALIASES.items() if name == definition.controller)]


def all_error_ids(definition: ActionDefinition) -> list[str]:
    """Return the ids of every error an action may answer, sorted."""
    return sorted({*response_ids("gateErrors"), *definition.specification["errors"]})


def response_ids(group: str) -> list[str]:
    """Return the ids of errors that are answered whatever the action: `gateErrors` or `httpErrors`."""
    ids: list[str] = load_schema("response.json")["$defs"][group]["enum"]
    return ids


def error_ids(definition: ActionDefinition, statuses: Iterable[int]) -> list[str]:
    """Return the ids of the errors of some statuses that an action may answer, sorted."""
    wanted = set(statuses)
    return [error_id for error_id in all_error_ids(definition) if error_status(definition, error_id) in wanted]


def error_status(definition: ActionDefinition, error_id: str) -> int:
    """Return the HTTP status of an error that an action may answer."""
    status: int = definition.error(error_id)["1"]["status"]
    return status


def _one_of(names: list[str]) -> Schema:
    return {"const": names[0]} if len(names) == 1 else {"enum": names}


def _without_head(schema: Mapping[str, Any]) -> Schema:
    return {keyword: value for keyword, value in schema.items() if keyword not in ("$schema", "$defs")}


def _mapped(keyword: str, value: Any, change: Callable[[Any], Any]) -> Any:
    """Return the value of a keyword, its schemas changed."""
    if keyword in _SCHEMA_KEYWORDS:
        return change(value)
    if keyword in _LIST_KEYWORDS:
        return [change(part) for part in value]
    if keyword in _MAP_KEYWORDS:
        return {name: change(part) for name, part in value.items()}
    return value
