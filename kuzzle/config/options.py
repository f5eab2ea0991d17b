"""The tree of options, read from `schemas/config.json`, and what it says about each of them.

A node is a JSON Schema with its references replaced by what they name. A section has `properties`;
where it also has a schema as `additionalProperties` it takes entries of any name (protocols of
users' own).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kuzzle.schemas import load_schema

Node = Mapping[str, Any]
OptionPath = tuple[str, ...]

_ANYTHING: Final[Node] = {}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) *([a-z]*)")
_SIZE_UNITS: Final[Mapping[str, int]] = {"": 0, "b": 0, "kb": 1, "mb": 2, "gb": 3, "tb": 4}


class ConfigError(Exception):
    """The configuration cannot be used.

    Attributes:
        faults: One line per fault, for the operator.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load_options() -> dict[str, Any]:
    """Return the root of the tree."""
    schema = load_schema("config.json")
    root: dict[str, Any] = _inline(schema, schema["$defs"])
    return root


def _inline(schema: Any, shared: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inline(item, shared) for item in schema]
    if not isinstance(schema, dict):
        return schema
    own = {key: _inline(value, shared) for key, value in schema.items() if key not in ("$ref", "$defs")}
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return own
    return {**_inline(shared[reference.removeprefix("#/$defs/")], shared), **own}


def is_section(node: Node) -> bool:
    """Tell whether a node holds options rather than being one."""
    return "properties" in node


def find_child(node: Node, name: str) -> Node | None:
    """Return the node of an entry, None when a section takes none of that name."""
    if not is_section(node):
        return _ANYTHING if node is _ANYTHING else None
    known: Node | None = node["properties"].get(name)
    if known is not None:
        return known
    others = node.get("additionalProperties", True)
    if isinstance(others, Mapping):
        return others
    return _ANYTHING if others else None


def find_node(root: Node, path: OptionPath) -> Node:
    """Return the node at a path; one that fits anything where the tree does not reach."""
    node = root
    for name in path:
        node = find_child(node, name) or _ANYTHING
    return node


def leaves(node: Node, path: OptionPath = ()) -> Iterator[tuple[OptionPath, Node]]:
    """Yield every option with its path, in the order of the file."""
    for name, child in node["properties"].items():
        if is_section(child):
            yield from leaves(child, (*path, name))
        else:
            yield (*path, name), child


def size_in_bytes(size: str | int) -> int:
    """Turn a size (`1MB`, `512 kb`, `1048576`) into bytes; 1 kb is 1024 bytes.

    Raises:
        ValueError: It is no size.
    """
    if isinstance(size, int):
        return size
    match = _SIZE.fullmatch(size.strip().lower())
    if match is None or match[2] not in _SIZE_UNITS:
        raise ValueError(f"{size!r} is no size")
    return int(float(match[1]) * 1024 ** _SIZE_UNITS[match[2]])


def is_size(text: str, node: Node) -> bool:
    """Tell whether a text is a size within the range of an option."""
    try:
        return bool(node.get("minimum", 0) <= size_in_bytes(text) <= node.get("maximum", math.inf))
    except ValueError:
        return False


def expectation(node: Node) -> str:
    """Word what an option takes."""
    if "expected" in node:
        return str(node["expected"])
    if is_section(node):
        return "a section of options"
    if "enum" in node:
        return " or ".join(json.dumps(value) for value in node["enum"])
    if node.get("format") == "size":
        return 'a size of at least one byte, such as "1MB" (units: b, kb, mb, gb, tb)'
    types = node.get("type", [])
    words = [_type_expectation(kind, node) for kind in ([types] if isinstance(types, str) else types)]
    return " or ".join(words)


def _type_expectation(kind: str, node: Node) -> str:
    if kind == "boolean":
        return "true or false"
    if kind == "integer":
        unit = f" ({node['unit']})" if "unit" in node else ""
        return f"an integer{_range_expectation(node)}{unit}"
    if kind == "number":
        return f"a number{_range_expectation(node)}"
    if kind == "string":
        return "a text that is not empty" if node.get("minLength") else "a text"
    return {"array": "a list", "object": "a section"}.get(kind, kind)


def _range_expectation(node: Node) -> str:
    lowest, highest = node.get("minimum"), node.get("maximum")
    if lowest is None:
        return "" if highest is None else f" up to {highest}"
    return f" from {lowest}" if highest is None else f" from {lowest} to {highest}"


def description_of(value: Any) -> str:
    """Word a value that was found, shortened."""
    if isinstance(value, Mapping):
        return "a section"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f"the text {json.dumps(value if len(value) <= 60 else f'{value[:57]}...', ensure_ascii=False)}"
    return json.dumps(value)
