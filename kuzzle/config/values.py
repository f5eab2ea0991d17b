"""What is in force of a section: what was given, defaults beneath, read-only."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kuzzle.config.options import Node, find_child, is_section, size_in_bytes


def fill_defaults(values: dict[str, Any], node: Node) -> None:
    """Add what is not given and has a default, in sections within too; those are made where they are absent."""
    for name, child in node["properties"].items():
        if not is_section(child):
            if "default" in child:
                values.setdefault(name, child["default"])
            continue
        if values.get(name) is None:  # a section whose every line is commented out is null to YAML
            values[name] = {}
        if isinstance(values[name], dict):
            fill_defaults(values[name], child)
    others = node.get("additionalProperties")
    if isinstance(others, Mapping):
        for name, section in values.items():
            if name in node["properties"]:
                continue
            if section is None and "required" not in others:
                values[name] = section = {}
            if isinstance(section, dict):
                fill_defaults(section, others)


def in_force(value: Any, node: Node) -> Any:
    """Return a read-only copy with sizes as bytes; what the tree does not describe is copied as it is."""
    if is_section(node):
        return MappingProxyType({name: in_force(entry, find_child(node, name) or {}) for name, entry in value.items()})
    if node.get("format") == "size":
        return size_in_bytes(value)
    return copy.deepcopy(value)
