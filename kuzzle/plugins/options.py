"""The options that a plugin itself takes: the member `config` of its section, held to the plugin's own schema.

They count as secret, so a fault is told without the value that was found.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from kuzzle.config import ConfigError
from kuzzle.config.options import find_node
from kuzzle.errors import KuzzleError
from kuzzle.plugins.manifest import Manifest
from kuzzle.validation import Fault, SchemaError, Validator


def read_options(manifest: Manifest, given: Mapping[str, Any], label: str) -> dict[str, Any]:
    """Return a plugin's options, with the defaults of its schema.

    Args:
        label: What the lines of faults begin with, such as `plugins.greeter.config`.

    Raises:
        ConfigError: A line per fault.
        KuzzleError: The schema is none.
    """
    options = copy.deepcopy(dict(given))
    schema = manifest.config_schema
    if schema is None:
        return options
    if not isinstance(schema, Mapping):
        raise KuzzleError("plugin.manifest.cannot_load", manifest.name, "configSchema is no object")
    try:
        validator = Validator(dict(schema))
        _fill_defaults(options, schema)
        faults = [] if validator.is_valid(options) else validator.faults(options)
    except SchemaError as error:
        raise KuzzleError(
            "plugin.manifest.cannot_load", manifest.name, f"configSchema is no schema: {error}"
        ) from error
    if faults:
        lines = [
            f"{'.'.join((label, *map(str, path)))}: {text}"
            for fault in faults
            for path, text in _explain(fault, schema)
        ]
        raise ConfigError(list(dict.fromkeys(lines)))
    return options


def _fill_defaults(options: dict[str, Any], schema: Mapping[str, Any]) -> None:
    properties = schema.get("properties")
    for name, child in properties.items() if isinstance(properties, Mapping) else ():
        if not isinstance(child, Mapping):
            continue
        if name not in options:
            if "default" in child:
                options[name] = copy.deepcopy(child["default"])
            elif isinstance(child.get("properties"), Mapping):
                section: dict[str, Any] = {}
                _fill_defaults(section, child)
                if section:
                    options[name] = section
        elif isinstance(options[name], dict):
            _fill_defaults(options[name], child)


def _explain(fault: Fault, schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if fault.keyword == "required":
        for name in fault.expected:
            if name not in fault.found:
                yield (*fault.path, name), "not given, but the plugin needs it"
    elif fault.keyword == "additionalProperties" and fault.expected is False:
        known = find_node(schema, tuple(map(str, fault.path))).get("properties", {})
        for name in fault.found:
            if name not in known:
                yield (*fault.path, name), f"unknown option; expected one of {', '.join(known)}"
    else:
        expected = fault.expected if isinstance(fault.expected, str) else json.dumps(fault.expected)
        yield fault.path, f"expected {fault.wording or f'{fault.keyword} {expected}'}"
