"""Shapes, names and texts, as Python writes them."""

from __future__ import annotations

import json
import keyword
import re
import textwrap
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from kuzzle.generation.client.shapes import Constants, ListOf, MapOf, Named, Plain, Record, Row, Shape

_PLAIN: Final[Mapping[str, str]] = {
    "any": "Any",
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
_TYPES: Final = frozenset({"bool", "dict", "float", "int", "list", "str"})
_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=^m)(?=[A-Z])")
_WIDTH: Final = 100


class PythonTypes:
    """Words shapes.

    Args:
        records: Every record by name.
        prefix: What the name of a record begins with: the module it is in.
        hidden: Names that mean something else where the type stands.
    """

    def __init__(self, records: Mapping[str, Record], prefix: str = "", hidden: Collection[str] = ()) -> None:
        self._records = records
        self._prefix = prefix
        self._hidden = hidden

    def word(self, shape: Shape, *, is_sent: bool) -> str:
        """Return the type of a shape; what is sent may be any sequence or mapping, and have members of its own."""
        if isinstance(shape, Plain):
            return _PLAIN[shape.name]
        if isinstance(shape, Constants):
            return f"Literal[{', '.join(literal(value) for value in shape.values)}]"
        if isinstance(shape, Named):
            name = f"{self._prefix}{shape.name}"
            return f"{name} | Mapping[str, Any]" if is_sent and self._records[shape.name].is_open else name
        if isinstance(shape, ListOf):
            return self._list([shape.item], is_sent)
        if isinstance(shape, Row):
            return self._list(shape.items, is_sent)
        if isinstance(shape, MapOf):
            kind = "Mapping" if is_sent else self._builtin("dict")
            return f"{kind}[str, {self.word(shape.value, is_sent=is_sent)}]"
        return " | ".join(dict.fromkeys(self.word(each, is_sent=is_sent) for each in shape.options))

    def _list(self, items: Collection[Shape], is_sent: bool) -> str:
        words = dict.fromkeys(self.word(item, is_sent=is_sent) for item in items)
        return f"{'Sequence' if is_sent else self._builtin('list')}[{' | '.join(words)}]"

    def _builtin(self, name: str) -> str:
        return f"builtins.{name}" if name in self._hidden else name


def literal(value: Any) -> str:
    """Return a value as source."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def snake(name: str, taken: Collection[str] = ()) -> str:
    """Return a name as Python spells it: `retryOnConflict` becomes `retry_on_conflict`, `_id` becomes `id`."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", _CAPITAL.sub("_", name)).strip("_").lower()
    while keyword.iskeyword(words) or words in taken:
        words += "_"
    return words


def is_plain_name(name: str) -> bool:
    """Tell whether a name can be that of an attribute, with types behind it."""
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__") and name not in _TYPES


def documentation(text: str, indent: str, rest: Collection[str] = ()) -> Iterator[str]:
    """Yield the lines of a docstring: a text, and lines that follow it after an empty one."""
    lines = textwrap.wrap(_quoted(text), _WIDTH) or [""]
    lines[-1] += "" if lines[-1].endswith(".") else "."  # nor may it end with a quote
    if not rest and len(lines) == 1:
        yield f'{indent}"""{lines[0]}"""'
        return
    yield f'{indent}"""{lines[0]}'
    yield from (f"{indent}{line}" for line in lines[1:])
    if rest:
        yield ""
        yield from (f"{indent}{line}" if line else "" for line in rest)
    yield f'{indent}"""'


def entry(name: str, text: str) -> Iterator[str]:
    """Yield the lines that a docstring has for an argument or an error."""
    yield from textwrap.wrap(_quoted(f"{name}: {text}"), _WIDTH - 4, initial_indent="    ", subsequent_indent=" " * 8)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
