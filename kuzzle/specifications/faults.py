"""What is wrong with a specification: each fault is an error of `validation.assert` or `validation.types`."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from kuzzle.errors import KuzzleError


def check_keys(value: Mapping[str, Any], allowed: Collection[str], path: str) -> None:
    """Refuse members that an object of a specification does not have.

    Raises:
        KuzzleError: `validation.assert.unexpected_properties`.
    """
    if any(name not in allowed for name in value):
        raise KuzzleError("validation.assert.unexpected_properties", path, ", ".join(allowed))


def demand(condition: bool, path: str, expected: str) -> None:
    """Refuse a member of another type than expected.

    Raises:
        KuzzleError: `validation.assert.invalid_type`.
    """
    if not condition:
        raise KuzzleError("validation.assert.invalid_type", path, expected)


def is_number(value: Any) -> bool:
    """Tell whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_integer(value: Any) -> bool:
    """Tell whether a JSON value is a whole number; JSON may write it as 10.0."""
    return is_number(value) and (isinstance(value, int) or value.is_integer())


def read_bounds(options: Mapping[str, Any], name: str, path: str) -> tuple[Any, Any]:
    """Return `min` and `max` of an option, None where there is none. Their type is not checked.

    Raises:
        KuzzleError: It is no object, or has other members.
    """
    bounds = options.get(name)
    if bounds is None:
        return None, None
    demand(isinstance(bounds, dict), f"{path}.{name}", "object")
    check_keys(bounds, ("min", "max"), f"{path}.{name}")
    return bounds.get("min"), bounds.get("max")


def check_order(name: str, low: Any, high: Any) -> None:
    """Refuse a range whose ends are the wrong way round.

    Raises:
        KuzzleError: `validation.assert.invalid_range`.
    """
    if low is not None and high is not None and low > high:
        raise KuzzleError("validation.assert.invalid_range", name, low, high)
