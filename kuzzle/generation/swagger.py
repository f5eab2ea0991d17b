"""The API as a Swagger 2.0 document, made from the schemas of the actions.

Swagger's own dialect of JSON Schema is poorer than ours: what it cannot say (`const`, several types,
alternatives, conditions) is said with its words where it has them (`enum`, `x-nullable`), and left out
where it has not. The document thus never forbids what the server accepts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import kuzzle
from kuzzle.catalogue import ActionDefinition, Catalogue, Route
from kuzzle.schemas import load_schema

_PLACEHOLDER: Final = re.compile(r":(\w+)")
# Keywords that mean the same in Swagger (2.0, "Schema Object").
_SHARED_KEYWORDS: Final = (
    "description",
    "default",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
)
# Of these, what a parameter outside the body may have ("Parameter Object").
_PARAMETER_KEYWORDS: Final = ("default", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum")
_TYPE_NAMES: Final[Mapping[type, str]] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def swagger_document(catalogue: Catalogue) -> dict[str, Any]:
    """Return the document for all actions that HTTP reaches."""
    paths: dict[str, dict[str, Any]] = {}
    for definition in catalogue:
        for position, route in enumerate(definition.routes):
            path = _PLACEHOLDER.sub(r"{\1}", route.path)
            paths.setdefault(path, {})[route.verb.lower()] = _operation(definition, route, position)
    envelope = load_schema("response.json")
    response = _schema(envelope)
    response["properties"]["error"] = {"$ref": "#/definitions/Error"}
    return {
        "swagger": "2.0",
        "info": {
            "title": "Kuzzle API",
            "description": "Every action of the API that HTTP reaches.",
            "version": kuzzle.__version__,
        },
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "tags": [{"name": name} for name in dict.fromkeys(definition.controller for definition in catalogue)],
        "paths": dict(sorted(paths.items())),
        "definitions": {"Response": response, "Error": _schema(envelope["$defs"]["error"])},
    }


def _operation(definition: ActionDefinition, route: Route, position: int) -> dict[str, Any]:
    specification = definition.specification
    name = f"{definition.controller}_{definition.name}"
    answer = {
        "allOf": [
            {"$ref": "#/definitions/Response"},
            {"type": "object", "properties": {"result": _schema(specification["result"])}},
        ]
    }
    responses = {"200": {"description": "Done.", "schema": answer}}
    if specification.get("partial"):
        responses["206"] = {"description": "Some parts failed; `error.errors` lists them.", "schema": answer}
    known = ", ".join(f"`{error_id}`" for error_id in specification["errors"])
    responses["default"] = {
        "description": f"Failed: {known}." if known else "Failed.",
        "schema": {"$ref": "#/definitions/Response"},
    }
    operation: dict[str, Any] = {
        "tags": [definition.controller],
        "summary": definition.description,
        "operationId": name if position == 0 else f"{name}_{position + 1}",
        "parameters": list(_parameters(definition, route)),
        "responses": responses,
    }
    if "deprecated" in specification:
        operation["deprecated"] = True
    return operation


def _parameters(definition: ActionDefinition, route: Route) -> Iterable[dict[str, Any]]:
    in_path = _PLACEHOLDER.findall(route.path)
    for name, argument in definition.arguments.items():
        if argument["in"] == "root":
            continue
        is_in_path = name in in_path
        yield {
            "name": name,
            "in": "path" if is_in_path else "query",
            "description": argument["description"],
            "required": is_in_path or bool(argument.get("required")),
            **_parameter_type(argument),
        }
    body = definition.specification.get("body")
    if body is not None:
        yield {
            "name": "body",
            "in": "body",
            "description": body["description"],
            "required": definition.is_body_required,
            "schema": _schema(body),
        }


def _parameter_type(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Return type and limits of a parameter, which HTTP carries as a text."""
    converted = _schema(argument)
    kept: dict[str, Any] = {keyword: converted[keyword] for keyword in _PARAMETER_KEYWORDS if keyword in converted}
    if "enum" in kept:
        kept["enum"] = [value for value in kept["enum"] if isinstance(value, str)]
        return {"type": "string", **kept}
    kind = converted.get("type", "string")
    if kind == "array":
        return {"type": "array", "items": {"type": "string"}, "collectionFormat": "csv"}
    return {"type": kind, **kept}


def _schema(schema: Any) -> dict[str, Any]:
    """Say a JSON Schema in Swagger's dialect."""
    if not isinstance(schema, dict):
        return {}
    said = {keyword: schema[keyword] for keyword in _SHARED_KEYWORDS if keyword in schema}
    if not isinstance(said.get("required", []), list) or said.get("required") == []:
        del said["required"]  # of an argument: a flag of ours; an empty list is none in Swagger
    if "const" in schema:
        said["enum"] = [schema["const"]]
    kinds = schema.get("type", _TYPE_NAMES.get(type(schema.get("const"))))
    if isinstance(kinds, list):
        kinds = [kind for kind in kinds if kind != "null"]
        said["x-nullable"] = True
        kinds = kinds[0] if len(kinds) == 1 else None
    if kinds is not None:
        said["type"] = kinds
    if kinds == "array":
        said["items"] = _schema(schema.get("items", {}))
    members = {name: _schema(member) for name, member in schema.get("properties", {}).items() if _can_be(member)}
    if members:
        said["properties"] = members
    additional = schema.get("additionalProperties")
    if isinstance(additional, dict):
        said["additionalProperties"] = _schema(additional)
    return said


def _can_be(member: Any) -> bool:
    """Tell whether a member may have any value at all."""
    return isinstance(member, dict) and member.get("not") != {}
