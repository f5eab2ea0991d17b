"""The pages that HTTP has beside the actions, as OpenAPI describes them: health, and the descriptions of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

PAGES_TAG: Final = "pages of the server"  # no controller can be called so
_JSON: Final = "application/json"


class Page(NamedTuple):
    """A page: what it is, its type, and its statuses, each with its meaning and the schema of its body."""

    text: str
    content_type: str
    statuses: Mapping[int, tuple[str, Mapping[str, Any]]]


def _health(*words: str) -> Mapping[str, Any]:
    return {"type": "object", "properties": {"status": {"enum": list(words)}}, "required": ["status"]}


def _document(text: str, member: str, content_type: str = _JSON) -> Page:
    """Return the page of a description, which is an object with a certain member."""
    return Page(text, content_type, {200: ("It.", {"type": "object", "required": [member]})})


PAGES: Final[Mapping[str, Page]] = {
    "/_healthcheck": Page("Whether the process is up.", _JSON, {200: ("It is.", _health("up"))}),
    "/_ready": Page(
        "Whether the server takes requests.",
        _JSON,
        {
            200: ("It does.", _health("ready")),
            503: ("It starts, stops or is overloaded.", _health("unavailable")),
        },
    ),
    "/asyncapi.json": _document("The API of this server as an AsyncAPI 3.0 document.", "asyncapi"),
    "/openapi.json": _document("This document.", "openapi"),
    "/schema.json": _document("The API of this server as one JSON Schema.", "$defs"),
    "/swagger.json": _document("The API of this server as a Swagger 2.0 document.", "swagger"),
    "/swagger.yml": _document("The same as YAML.", "swagger", "application/yaml"),
}
"""The pages by their paths, which GET reaches; none of them asks for rights."""


def page_operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield paths with the operations of the pages."""
    for path, page in PAGES.items():
        responses = {
            str(status): {"description": meaning, "content": {page.content_type: {"schema": schema}}}
            for status, (meaning, schema) in page.statuses.items()
        }
        yield (
            path,
            {
                "get": {
                    "tags": [PAGES_TAG],
                    "summary": page.text,
                    "operationId": f"page.{path.removeprefix('/')}",
                    "security": [],
                    "responses": responses,
                }
            },
        )
