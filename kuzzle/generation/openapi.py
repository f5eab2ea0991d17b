"""The HTTP routes of the API as an OpenAPI 3.1 document, whose schemas are JSON Schema as ours are.

An operation is called `<controller>.<action>`; further routes to the same action get a number:
`document.create.2`. Its answers stand under their statuses, with the ids of the errors in `x-error-ids`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import kuzzle
from kuzzle.catalogue import ActionDefinition, Catalogue, Route
from kuzzle.generation.definitions import (
    OWN_KEYWORDS,
    PARTIAL_STATUS,
    Definitions,
    Schema,
    action_name,
    all_error_ids,
    error_status,
    response_ids,
)
from kuzzle.generation.pages import PAGES_TAG, page_operations
from kuzzle.schemas import load_example

_PLACEHOLDER: Final = re.compile(r":(\w+)")
_JSON: Final = "application/json"
_NO_ENVELOPE: Final = "httpFailure"
_DESCRIPTION: Final = """Every action of the API that HTTP reaches.

The answer is an envelope whose `status` is also that of the answer. A parameter of the path that a route
leaves out may stand in the query string. A token comes in the header `Authorization`, or as `jwt` in the
query string. Bodies may also be forms (`application/x-www-form-urlencoded`, `multipart/form-data`) and
compressed (`gzip`, `deflate`). An absent member may also be null."""


def openapi_document(catalogue: Catalogue) -> dict[str, Any]:
    """Return the document for all actions that HTTP reaches, and for its pages."""
    definitions = Definitions(catalogue, "#/components/schemas/")
    schemas = definitions.all()
    schemas[_NO_ENVELOPE] = _http_failure(definitions)
    paths: dict[str, dict[str, Any]] = dict(page_operations())
    for definition in catalogue:
        for number, route in enumerate(definition.routes):
            path = _PLACEHOLDER.sub(r"{\1}", route.path)
            paths.setdefault(path, {})[route.verb.lower()] = _operation(definitions, definition, route, number)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kuzzle API 1",
            "description": _DESCRIPTION,
            "version": kuzzle.__version__,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/", "description": "The server that this document comes from."}],
        "security": [{"bearer": []}, {}],
        "tags": [
            *({"name": name} for name in sorted({each.controller for each in catalogue if each.routes})),
            {"name": PAGES_TAG},
        ],
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "parameters": _PARAMETERS,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The `jwt` that `auth:login` answers. Without one a request is anonymous.",
                }
            },
        },
    }


_PARAMETERS: Final[Mapping[str, Any]] = {
    "pretty": {
        "name": "pretty",
        "in": "query",
        "description": "Indents the answer; any value does.",
        "schema": {"type": "string"},
        "allowEmptyValue": True,
    },
    "volatile": {
        "name": "x-kuzzle-volatile",
        "in": "header",
        "description": "Free data as a JSON object, echoed in the answer and in the notifications the request causes.",
        "content": {_JSON: {"schema": {"type": "object"}}},
    },
}


def _operation(definitions: Definitions, definition: ActionDefinition, route: Route, number: int) -> dict[str, Any]:
    specification, name = definition.specification, action_name(definition)
    example = (load_example(definition.controller, definition.name) or {}) if number == 0 else {}
    operation: dict[str, Any] = {
        "tags": [definition.controller],
        "summary": definition.description,
        "operationId": name if number == 0 else f"{name}.{number + 1}",
        "parameters": [
            *_parameters(definition, route),
            *({"$ref": f"#/components/parameters/{shared}"} for shared in _PARAMETERS),
        ],
    }
    if "notifies" in specification:
        operation["description"] = f"Notifies: {specification['notifies']}."
    if "body" in specification:
        operation["requestBody"] = {
            "description": specification["body"].get("description", "The body."),
            **_content(definitions.reference(f"{name}.body"), (example.get("http") or {}).get("body")),
            "required": definition.is_body_required,
        }
    operation["responses"] = dict(_responses(definitions, definition, _over_http(example.get("response"))))
    if "deprecated" in specification or _is_deprecated(definition, route):
        operation["deprecated"] = True
    return operation


def _is_deprecated(definition: ActionDefinition, route: Route) -> bool:
    return any(
        each["verb"] == route.verb and each["path"] == route.path and "deprecated" in each
        for each in definition.specification["http"]
    )


def _parameters(definition: ActionDefinition, route: Route) -> Iterator[dict[str, Any]]:
    in_path = _PLACEHOLDER.findall(route.path)
    for name, argument in definition.arguments.items():
        if argument["in"] == "root":
            continue
        schema = _of_text(definition.argument_schema(name))
        is_in_path = name in in_path
        if is_in_path and "enum" not in schema:
            schema["minLength"] = max(1, schema.get("minLength", 1))  # a path with an empty part is another path
        yield {
            "name": name,
            "in": "path" if is_in_path else "query",
            "description": schema.pop("description"),
            "required": is_in_path or bool(argument.get("required")),
            "schema": schema,
            **_manner(schema),
        }


def _of_text(argument: Schema) -> Schema:
    """Return the schema of an argument that HTTP carries as a text."""
    schema = {(f"x-{keyword}" if keyword in OWN_KEYWORDS else keyword): value for keyword, value in argument.items()}
    kinds = schema.get("type", [])
    if kinds == "boolean":  # a flag
        schema.pop("default", None)
        return {**schema, "enum": [True]}
    if "array" in kinds:
        schema.pop("pattern", None)  # of the whole text, which the list becomes
        return {**schema, "type": "array", "items": {"type": "string"}}
    if "enum" in schema:
        return {**schema, "type": "string", "enum": [value for value in schema["enum"] if isinstance(value, str)]}
    return schema


def _manner(schema: Schema) -> dict[str, Any]:
    """Return how a parameter is put into its place."""
    if schema.get("type") == "array":
        return {"style": "form", "explode": False}  # values with commas between them
    return {"allowEmptyValue": True} if schema.get("type") == "boolean" else {}


def _over_http(response: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the example of an answer as HTTP has it; None where it is cut for people."""
    if response is None or '"..."' in json.dumps(response):
        return None
    return {name: value for name, value in response.items() if name != "room"}


def _responses(
    definitions: Definitions, definition: ActionDefinition, example: dict[str, Any] | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    name = action_name(definition)
    yield "200", {"description": "Done.", **_content(definitions.reference(f"{name}.response"), example)}
    by_status: dict[int, list[str]] = {}
    for error_id in sorted({*all_error_ids(definition), *_http_error_ids()}):
        by_status.setdefault(error_status(definition, error_id), []).append(error_id)
    for status in definition.specification.get("unnamedErrors", ()):
        by_status.setdefault(status, [])
    for status in sorted(by_status):
        ids = by_status[status]
        if status == PARTIAL_STATUS:
            schema = definitions.reference(f"{name}.partial")
        else:
            schema = definitions.reference(f"{name}.failure")
            if not set(ids).isdisjoint(_http_error_ids()):
                schema = {"anyOf": [schema, definitions.reference(_NO_ENVELOPE)]}
        named = ", ".join(f"`{error_id}`" for error_id in ids) or "An error without an id"
        yield str(status), {"description": f"{named}.", **_content(schema), "x-error-ids": ids}


def _content(schema: Schema, example: Any = None) -> dict[str, Any]:
    return {"content": {_JSON: {"schema": schema} | ({} if example is None else {"example": example})}}


def _http_error_ids() -> list[str]:
    """Return the ids of the errors that every route may answer, but for those about paths that are none."""
    return sorted(set(response_ids("httpErrors")) - {"network.http.url_not_found", "network.http.unsupported_verb"})


def _http_failure(definitions: Definitions) -> Schema:
    error = definitions.failure_error(_http_error_ids())
    return {
        "description": "A request that HTTP could not make out: a bare error, or an envelope once the route was found.",
        "anyOf": [
            error,
            {
                "allOf": [definitions.reference("responseEnvelope")],
                "properties": {"controller": {"type": "null"}, "action": {"type": "null"}, "error": error},
            },
        ],
    }
