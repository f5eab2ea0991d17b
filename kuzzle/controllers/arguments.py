"""How controllers read what their actions share."""

from __future__ import annotations

from typing import Final

from kuzzle.errors import KuzzleError
from kuzzle.request import Request

_BEYOND_INTEGERS: Final = 1 << 63


def waits_for_refresh(request: Request) -> bool:
    """Tell whether the answer must wait until searches see the change (`refresh: wait_for`)."""
    return bool(request.argument("refresh") == "wait_for")


def number(request: Request, name: str) -> int | None:
    """Return an integer argument, None when it is absent; JSON may write it as 10.0.

    Raises:
        KuzzleError: It is a float that no integer of 64 bits equals.
    """
    value = request.argument(name)
    if value is None:
        return None
    if abs(value) >= _BEYOND_INTEGERS:
        raise KuzzleError("api.assert.invalid_argument", name, "an integer of 64 bits")
    return int(value)
