"""What the bodies of keywords have in common: their shapes, and how a wrong one is refused."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

from kuzzle.errors import KuzzleError


def refuse(path: str, reason: str) -> NoReturn:
    """Refuse a filter.

    Raises:
        KuzzleError: 400 without id: the quoted path of keywords and fields, a colon, the reason.
    """
    text = f'"{path}": {reason}' if path else f"A filter {reason}"
    raise KuzzleError.without_id(400, text)


def one_field(body: Any, path: str) -> tuple[str, Any]:
    """Return field and operand of an object with one field."""
    if not isinstance(body, dict):
        refuse(path, "must be an object")
    if len(body) != 1:
        refuse(path, f"must have exactly one field, not {len(body)}")
    ((field, value),) = body.items()
    return field, value


def field_beside(body: Any, names: Sequence[str], path: str) -> tuple[str, Any]:
    """Return field and operand of an object with these keys and one field."""
    if not isinstance(body, dict):
        refuse(path, "must be an object")
    for name in names:
        if name not in body:
            refuse(path, f'the property "{name}" is missing')
    if len(body) != len(names) + 1:
        refuse(path, f"must have {' and '.join(names)} and exactly one field, not {len(body)} properties")
    return next((field, value) for field, value in body.items() if field not in names)


def only(body: Any, allowed: Collection[str], path: str) -> dict[str, Any]:
    """Return an object that has something, and nothing but what is allowed."""
    if not isinstance(body, dict) or not body:
        refuse(path, "must be a non-empty object")
    for name in body:
        if name not in allowed:
            refuse(path, f'"{name}" is not an allowed attribute (allowed: {", ".join(allowed)})')
    return body


def non_empty_array(values: Any, path: str) -> Sequence[Any]:
    """Return an array that has something."""
    if not isinstance(values, list):
        refuse(path, "must be an array")
    if not values:
        refuse(path, "cannot be empty")
    return values


def texts(values: Any, path: str) -> Sequence[str]:
    """Return a non-empty array of texts, each once."""
    for value in non_empty_array(values, path):
        if not isinstance(value, str):
            refuse(path, "must hold only values of type string")
    return list(dict.fromkeys(values))


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number; true and false are none."""
    return type(value) is int or (type(value) is float and math.isfinite(value))


def check_likeness(pattern: Any, path: str, depth: int) -> int:
    """Return how many values something that others must be like holds; it may nest so deep."""
    if depth < 0:
        refuse(path, "nests too deep")
    if isinstance(pattern, dict):
        return 1 + sum(check_likeness(part, f"{path}.{name}", depth - 1) for name, part in pattern.items())
    if isinstance(pattern, list):
        return 1 + sum(check_likeness(part, path, depth - 1) for part in pattern)
    if not (pattern is None or isinstance(pattern, str | bool) or is_number(pattern)):
        refuse(path, "must hold only values of JSON")
    return 1
