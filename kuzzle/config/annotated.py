"""The annotated configuration file: every option with its default and its meaning, from the schema.

`kuzzle init` writes it, and the `kuzzle.yml` beside the package is a copy of it.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kuzzle.config.options import Node, is_section

_WIDTH: Final = 100
_PLAIN: Final = re.compile(r"[A-Za-z][\w./-]*|\d+[kKmMgGtT][bB]")
# What some reader of YAML takes for something else than a text.
_NOT_PLAIN: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})

_HEAD: Final = """\
# The configuration of the server: every option, its meaning and its default.
# A line that is left out keeps its default; an unknown option stops the start.
# An environment variable overrides an option: KUZZLE_PROTOCOLS__HTTP__PORT=8000 is
# protocols.http.port, KUZZLE_LIMITS__DOCUMENTS_FETCH_COUNT=500 is limits.documentsFetchCount.
# `kuzzle check` shows what is in force.
"""


def annotated(root: Node) -> str:
    """Return the text of the file."""
    return "\n".join([_HEAD.rstrip("\n"), *_section_lines(root, 0)]) + "\n"


def _section_lines(section: Node, depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name, node in section["properties"].items():
        if is_section(node):
            yield ""
            yield from _comment(node, depth)
            yield f"{indent}{name}:{'' if node['properties'] else ' {}'}"
            yield from _section_lines(node, depth + 1)
        else:
            yield from _comment(node, depth)
            yield from _option_lines(name, node["default"], depth)
    others = section.get("additionalProperties")
    if isinstance(others, Mapping):
        yield ""
        yield from _comment(others, depth)
        for example in others["examples"]:
            for name, options in example.items():
                entries = ", ".join(f"{option}: {_flow(value)}" for option, value in options.items())
                yield f"{indent}# {name}: {{{entries}}}"


def _option_lines(name: str, value: Any, depth: int) -> Iterator[str]:
    """Yield an option, an object that is too long for a line entry by entry."""
    line = f"{'  ' * depth}{scalar(name)}: {scalar(value)}"
    if len(line) <= _WIDTH or not isinstance(value, dict):
        yield line
        return
    yield f"{'  ' * depth}{scalar(name)}:"
    for entry, content in value.items():
        yield from _option_lines(entry, content, depth + 1)


def _comment(node: Node, depth: int) -> list[str]:
    text = node["description"]
    if len(node.get("enum", ())) > 1:
        text += f" One of {', '.join(str(choice) for choice in node['enum'])}."
    if "unit" in node:
        text += f" In {node['unit']}."
    lead = "  " * depth + "# "
    return textwrap.wrap(text, _WIDTH, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)


def _flow(value: Any) -> str:
    """Return a value as YAML writes it in one line, a section between braces."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_flow(entry)}' for name, entry in value.items())}}}"
    return scalar(value)


def scalar(value: Any) -> str:
    """Return a value as YAML writes it, the same to readers of YAML 1.1 and 1.2."""
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN
        return value if is_plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)
