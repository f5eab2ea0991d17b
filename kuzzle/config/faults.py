"""What is wrong with a configuration, a line per fault: the option's path, what was found, what was
expected, and the nearest right name of an option that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kuzzle.config.options import (
    Node,
    OptionPath,
    description_of,
    expectation,
    find_child,
    find_node,
    is_section,
    is_size,
)
from kuzzle.validation import Fault, Validator

_NO_SOURCES: Final[Mapping[OptionPath, str]] = {}


def find_faults(values: Mapping[str, Any], root: Node, sources: Mapping[OptionPath, str]) -> list[str]:
    """Check a configuration with its defaults filled in.

    Args:
        sources: The environment variable that set an option, to be named with it.
    """
    return section_faults(values, root, sources=sources) or list(_broken_rules(values["limits"]))


def section_faults(
    values: Mapping[str, Any],
    root: Node,
    *,
    prefix: OptionPath = (),
    sources: Mapping[OptionPath, str] = _NO_SOURCES,
) -> list[str]:
    """Check a section, with its defaults filled in, against its schema.

    Args:
        prefix: Where the section stands.
        sources: The environment variable that set an option, to be named with it.

    Raises:
        SchemaError: The schema is none.
    """
    validator = Validator(dict(root))
    lines: dict[OptionPath, str] = {}
    if not validator.is_valid(values):
        for fault in validator.faults(values):
            for path, text in _explain(fault, root):
                lines.setdefault(path, f"{_label((*prefix, *path), sources)}: {text}")
    for path, found in _beyond_schema(values, root):
        expected = expectation(find_node(root, path))
        lines.setdefault(
            path, f"{_label((*prefix, *path), sources)}: found {description_of(found)}, expected {expected}"
        )
    return list(lines.values())


def _label(path: OptionPath, sources: Mapping[OptionPath, str]) -> str:
    variables = [variable for place, variable in sources.items() if place[: len(path)] == path]
    return f"{'.'.join(path)} (set by {variables[0]})" if variables else ".".join(path)


def _explain(fault: Fault, root: Node) -> Iterator[tuple[OptionPath, str]]:
    path = tuple(str(part) for part in fault.path)
    # A fault may lie within an option that is a list or an object: the option says what it takes.
    node = next(node for end in range(len(path), -1, -1) if (node := find_node(root, path[:end])))
    if fault.keyword == "additionalProperties" and is_section(node):
        for name in fault.found:
            if find_child(node, name) is None:
                yield (*path, name), _unknown((*path, name), node, root)
    elif fault.keyword == "required" and path[:1] == ("protocols",) and fault.expected == ["class"]:
        names = [name for name in find_node(root, path[:-1])["properties"] if name != path[-1]]
        hint = _nearest(path[-1], names)
        yield path, f"unknown protocol{hint}; one of your own needs the option `class`"
    elif fault.keyword == "required" and is_section(node):
        for name in node["required"]:
            if name not in fault.found:
                expected = expectation(find_node(root, (*path, name)))
                yield (*path, name), f"not given, expected {expected or 'a value'}"
    elif "expected" in node or (find_node(root, path) is node and _is_said_by_expectation(fault, node)):
        found = "a value that does not fit" if node.get("secret") else description_of(fault.found)
        yield path, f"found {found}, expected {expectation(node)}"
    else:
        yield path, "a value that does not fit" if node.get("secret") else fault.message


def _is_said_by_expectation(fault: Fault, node: Node) -> bool:
    """Tell whether what an option takes, in our words, says more than the library's own text."""
    if node.get("format") == "size":
        return True
    return fault.keyword in ("type", "enum", "minimum", "maximum", "minLength") and bool(expectation(node))


def _unknown(path: OptionPath, section: Node, root: Node) -> str:
    new_name = root.get("formerNames", {}).get(".".join(path))
    if new_name is not None:
        return f"unknown option; here it is {new_name}"
    names = list(section["properties"])
    return f"unknown option{_nearest(path[-1], names) or '; expected one of ' + ', '.join(names)}"


def _nearest(name: str, names: list[str]) -> str:
    by_folded = {known.lower(): known for known in names}
    found = difflib.get_close_matches(name.lower(), by_folded, n=1, cutoff=0.6)
    return f"; did you mean `{by_folded[found[0]]}`" if found else ""


def _beyond_schema(value: Any, node: Node, path: OptionPath = ()) -> Iterator[tuple[OptionPath, Any]]:
    """Find what JSON Schema lets pass: 7512.0 as an integer, and sizes like 0MB."""
    if is_section(node):
        if isinstance(value, Mapping):
            for name, entry in value.items():
                yield from _beyond_schema(entry, find_child(node, name) or {}, (*path, name))
        return
    is_float = isinstance(value, float) and "integer" in (node.get("type"), *node.get("type", ()))
    is_no_size = isinstance(value, str) and node.get("format") == "size" and not is_size(value, node)
    if is_float or is_no_size:
        yield path, value


def _broken_rules(limits: Mapping[str, Any]) -> Iterator[str]:
    """Check the rules between options."""
    at_work, size = limits["concurrentRequests"], limits["requestsBufferSize"]
    threshold = limits["requestsBufferWarningThreshold"]
    if at_work >= size:
        yield f"limits.concurrentRequests: found {at_work}, expected less than limits.requestsBufferSize ({size})"
    elif not at_work <= threshold <= size:
        yield (
            f"limits.requestsBufferWarningThreshold: found {threshold}, expected from limits.concurrentRequests "
            f"({at_work}) to limits.requestsBufferSize ({size})"
        )
