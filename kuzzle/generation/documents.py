"""The descriptions of the API by name, for the command line and for the server, which has each at `/<name>.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from kuzzle.catalogue import Catalogue
from kuzzle.generation.asyncapi import asyncapi_document
from kuzzle.generation.bundle import bundled_schema
from kuzzle.generation.openapi import openapi_document

Protocols = Mapping[str, Mapping[str, Any]]
"""The section `protocols` of a configuration."""


class Description(NamedTuple):
    """A description of the API: what it is, in words, and how it is made."""

    text: str
    make: Callable[[Catalogue, Protocols], dict[str, Any]]


DESCRIPTIONS: Final[Mapping[str, Description]] = {
    "asyncapi": Description("what WebSocket, Socket.IO and MQTT carry as an AsyncAPI 3.0 document", asyncapi_document),
    "openapi": Description(
        "the HTTP routes of the API as an OpenAPI 3.1 document", lambda catalogue, _: openapi_document(catalogue)
    ),
    "schema": Description("the API as one JSON Schema (draft 2020-12)", lambda catalogue, _: bundled_schema(catalogue)),
}
