"""The whole API as one JSON Schema (draft 2020-12): requests, responses, notifications and errors.

A value obeys it when it is a request, a response or a notification. `$defs` has a schema for each by
itself, and those of each action, as `definitions.py` names them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import kuzzle
from kuzzle.catalogue import Catalogue
from kuzzle.generation.definitions import Definitions, action_name

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def bundled_schema(catalogue: Catalogue) -> dict[str, Any]:
    """Return the schema of all that clients send and get."""
    definitions = Definitions(catalogue, "#/$defs/")
    parts = definitions.all()
    parts["request"] = {
        "description": "A request, told apart by `controller` and `action`.",
        "oneOf": [definitions.reference(f"{action_name(definition)}.request") for definition in catalogue],
    }
    parts["response"] = {
        "description": "What an action answers, told apart by `controller` and `action`.",
        "anyOf": [definitions.reference(name) for name in _answers(catalogue, parts)],
    }
    return {
        "$schema": _DIALECT,
        "title": f"Kuzzle API 1, version {kuzzle.__version__}",
        "description": "What clients and server say to each other over WebSocket, Socket.IO and MQTT; HTTP answers the "
        "same responses.",
        "anyOf": [definitions.reference(name) for name in ("request", "response", "notification")],
        "$defs": dict(sorted(parts.items())),
    }


def _answers(catalogue: Catalogue, parts: dict[str, Any]) -> Iterator[str]:
    for definition in catalogue:
        for kind in ("response", "partial", "failure"):
            name = f"{action_name(definition)}.{kind}"
            if name in parts:
                yield name
