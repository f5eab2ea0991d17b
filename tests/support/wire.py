"""Checks of what the server sends against the schemas it publishes."""

from __future__ import annotations

import functools
from typing import Any

from kuzzle.catalogue import Catalogue
from kuzzle.schemas import load_schema
from kuzzle.validation import Validator


def check_response(envelope: dict[str, Any]) -> None:
    """Check an envelope, and its result against the schema of its action."""
    _check("response.json", envelope)
    definition = _catalogue().find(envelope["controller"], envelope["action"])
    if definition is not None and envelope.get("result") is not None:
        _demand(_result(definition.controller, definition.name), envelope["result"])
    error = envelope["error"]
    if error is not None and definition is not None and error.get("id") is not None:
        assert error["id"] in allowed_errors(definition.controller, definition.name), (
            definition.controller,
            definition.name,
            error,
        )
    if error is not None and definition is not None and error.get("id") is None:
        unnamed = definition.specification.get("unnamedErrors", ())
        assert error["status"] in {*UNNAMED_GATE_ERRORS, *unnamed}, (definition.controller, definition.name, error)


def check_error(error: dict[str, Any]) -> None:
    """Check a bare error."""
    _demand(_part("response.json", "error"), error)


def check_notification(notification: dict[str, Any]) -> None:
    """Check a notification."""
    _check("notification.json", notification)


# Errors that any action may meet on its way through the gates.
GATE_ERRORS = frozenset(load_schema("response.json")["$defs"]["gateErrors"]["enum"])
# Statuses of those without an id: a fault in the envelope, and a server that stops.
UNNAMED_GATE_ERRORS = frozenset({400, 503})


def allowed_errors(controller: str, action: str) -> frozenset[str]:
    """The errors an action documents, and those of the gates."""
    definition = _catalogue().find(controller, action)
    assert definition is not None
    return GATE_ERRORS | frozenset(definition.specification.get("errors", ()))


def _check(schema: str, value: Any) -> None:
    _demand(_whole(schema), value)


def _demand(validator: Validator, value: Any) -> None:
    faults = validator.faults(value)
    assert not faults, [f"{'.'.join(map(str, fault.path))}: {fault.message}" for fault in faults]


@functools.cache
def _catalogue() -> Catalogue:
    return Catalogue.load(1)


@functools.cache
def _whole(schema: str) -> Validator:
    return Validator(load_schema(schema))


@functools.cache
def _part(schema: str, definition: str) -> Validator:
    whole = load_schema(schema)
    return Validator({"$ref": f"#/$defs/{definition}", "$defs": whole["$defs"]})


@functools.cache
def _result(controller: str, action: str) -> Validator:
    definition = _catalogue().find(controller, action)
    assert definition is not None
    return Validator(definition.specification["result"])
