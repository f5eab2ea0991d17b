"""Sections whose options somebody else states: that of a protocol of a user's own.

Its author gives a JSON Schema (draft 2020-12). Its section is held to that with the same texts as ours, and gets the
defaults that the schema states: of the options themselves, and of those of sections within.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from kuzzle.config.faults import section_faults
from kuzzle.config.options import ConfigError, Node, OptionPath
from kuzzle.config.values import fill_defaults, in_force
from kuzzle.validation import Validator

# What the server itself reads of such a section: a schema need not repeat them.
_OURS: Final[Node] = {"class": {"type": "string"}, "enabled": {"type": "boolean"}}


def complete_section(path: OptionPath, section: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Check a section and fill its defaults in.

    Args:
        path: Where it stands, as `("protocols", "lines")`.

    Returns:
        The section, read-only; options of the format `size` (`16MB`) as bytes.

    Raises:
        ConfigError: One line per fault, as `protocols.lines.port: found the text "here", expected an integer`.
        SchemaError: The schema is none.
    """
    Validator(dict(schema))
    root: dict[str, Any] = _as_tree(schema)
    root["properties"] = {**_OURS, **root.get("properties", {})}
    values = copy.deepcopy(dict(section))
    fill_defaults(values, root)
    faults = section_faults(values, root, prefix=path)
    if faults:
        raise ConfigError(faults)
    completed: Mapping[str, Any] = in_force(values, root)
    return completed


def _as_tree(schema: Any) -> Any:
    """Return a schema, and those of its options, as objects: JSON Schema lets true and false stand for some."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    tree = dict(schema)
    if "properties" in tree:
        tree["properties"] = {name: _as_tree(option) for name, option in tree["properties"].items()}
    return tree
