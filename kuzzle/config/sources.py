"""Where options come from: a YAML file, and environment variables over it.

YAML is read with the scalars of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/, 10.3), because
those of 1.1 surprise: `12:30` would be 750, `0123` 83, `yes` true and `2026-01-01` a date. Here they
are texts, which the check of the options then refuses by name. A key may stand once.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from kuzzle.config.options import ConfigError, Node, OptionPath, find_child, is_section, leaves

PREFIX: Final = "KUZZLE_"
FILE_VARIABLE: Final = "KUZZLE_CONFIG"

_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+")


class _Loader(yaml.CSafeLoader):
    """libyaml's parser, the scalars of YAML 1.2, keys that are texts and stand once."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's name and form


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(f"(?:{_INTEGER.pattern})$"), [*"-+0123456789"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(f"(?:{_FLOAT.pattern})$"), [*"-+.0123456789"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, "a name must be a text", key_node.start_mark)
        if key in mapping:
            raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice", key_node.start_mark)
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def read_file(path: Path) -> dict[str, Any]:
    """Read a configuration file; an empty one has no options.

    Raises:
        ConfigError: It cannot be read, or is no YAML mapping.
    """
    try:
        # `_Loader` is a safe one that reads other scalars, which bandit cannot see.
        content = yaml.load(path.read_bytes(), _Loader)  # nosec B506
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError([f"{path}: {_reason(error)}"]) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError([f"{path}: found no options, expected sections such as `server:`"])
    return content


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())


def variable_name(path: OptionPath) -> str:
    """Return the environment variable of an option: `limits.maxRequestSize` has
    KUZZLE_LIMITS__MAX_REQUEST_SIZE."""
    return PREFIX + "__".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper() for name in path)


def apply_environment(
    values: dict[str, Any], environment: Mapping[str, str], root: Node
) -> tuple[dict[OptionPath, str], list[str]]:
    """Put the options that variables set into `values`.

    A variable is ours when it begins with KUZZLE_ and either holds `__` or names a section.

    Returns:
        The variable that set each path, and one line per variable that names no option.
    """
    sources: dict[OptionPath, str] = {}
    faults: list[str] = []
    for variable, text in sorted(environment.items()):
        words = variable.removeprefix(PREFIX)
        if words == variable or variable == FILE_VARIABLE:
            continue
        parts = words.split("__")
        if len(parts) == 1 and _match(root["properties"], parts[0]) is None:
            continue
        found = _find_option(values, parts, root)
        if found is None:
            faults.append(f"{variable}: {_no_such_variable(variable, root)}")
            continue
        path, node = found
        if is_section(node):
            faults.append(f"{variable}: {'.'.join(path)} is a section; set its options, such as {_first(path, node)}")
            continue
        _put(values, path, _from_text(text, node))
        sources[path] = variable
    return sources, faults


def _find_option(values: Any, parts: list[str], root: Node) -> tuple[OptionPath, Node] | None:
    path: OptionPath = ()
    node = root
    for part in parts:
        own = values if isinstance(values, dict) else {}
        known = node["properties"] if is_section(node) else {}
        name = _match(known, part) or _match(own, part) or _camel_case(part)
        child = find_child(node, name)
        if child is None or not name:
            return None
        path, node, values = (*path, name), child, own.get(name)
    return path, node


def _match(names: Mapping[str, Any], part: str) -> str | None:
    folded = part.replace("_", "").lower()
    return next((name for name in names if name.replace("_", "").lower() == folded), None)


def _camel_case(part: str) -> str:
    first, *rest = part.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def _first(path: OptionPath, node: Node) -> str:
    return next((variable_name(leaf) for leaf, _ in leaves(node, path)), variable_name((*path, "port")))


def _no_such_variable(variable: str, root: Node) -> str:
    nearest = difflib.get_close_matches(variable, [variable_name(path) for path, _ in leaves(root)], n=1, cutoff=0.7)
    return f"names no option; did you mean {nearest[0]}?" if nearest else "names no option"


def _put(values: dict[str, Any], path: OptionPath, value: Any) -> None:
    for name in path[:-1]:
        section = values.get(name)
        if section is None:
            section = values[name] = {}
        if not isinstance(section, dict):
            return  # the file has no section there, which the check reports
        values = section
    values[path[-1]] = value


def _from_text(text: str, node: Node) -> Any:
    """Turn a variable's text into a value of the option's type; what does not fit stays a text."""
    if not node:
        return yaml.load(text, _Loader) if _is_plain(text) else text  # nosec B506
    types = node.get("type", "string" if "enum" not in node else _types_of(node["enum"]))
    types = [types] if isinstance(types, str) else types
    if "null" in types and text in ("", "null"):
        return None
    if "boolean" in types and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if ("array" in types and text.startswith("[")) or ("object" in types and text.startswith("{")):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _types_of(choices: list[Any]) -> list[str]:
    return ["integer" if isinstance(choice, int) else "string" for choice in choices]


def _is_plain(text: str) -> bool:
    return re.fullmatch(r"[-+.\w]*", text) is not None
