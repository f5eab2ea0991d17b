"""The slow and thorough check of `schemas/`, for `kuzzle check` and the tests.

A start only makes sure that the schemas compile; here each of them is held to the metaschema of JSON
Schema, and each action to `schemas/action.json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema

from kuzzle.catalogue import Catalogue
from kuzzle.schemas import SCHEMAS_FOLDER, action_files, load_schema
from kuzzle.validation import Validator


def find_schema_faults() -> list[str]:
    """Return one line per fault, the file's name first."""
    faults = []
    for name, schema in _schemas():
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            faults.append(f"{name}: {error.json_path}: {error.message}")
    action = Validator(load_schema("action.json"))
    for controller, name, path in action_files():
        content = load_schema(str(path.relative_to(SCHEMAS_FOLDER)))
        faults += [f"api/{controller}/{name}.json: {fault.path}: {fault.message}" for fault in action.faults(content)]
    return faults


def _schemas() -> Iterator[tuple[str, Any]]:
    for path in sorted(SCHEMAS_FOLDER.glob("*.json")):
        schema = load_schema(path.name)
        if "$schema" in schema:
            yield path.name, schema
    for definition in Catalogue.load(1):
        name = f"api/{definition.controller}/{definition.name}.json"
        yield f"{name} (arguments)", definition.input_schema()
        yield f"{name} (result)", definition.specification.get("result", {})
