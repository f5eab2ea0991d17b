"""What a controller is, and how its methods become actions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from kuzzle.request import Request

Method = Callable[[Request], Awaitable[Any]]
_MethodType = TypeVar("_MethodType", bound=Callable[..., Awaitable[Any]])


def action(name: str) -> Callable[[_MethodType], _MethodType]:
    """Declare a method as the action of that wire name; `schemas/api/` must describe it."""

    def declare(method: _MethodType) -> _MethodType:
        method.action_name = name  # type: ignore[attr-defined]
        return method

    return declare


class Controller:
    """A group of actions.

    Attributes:
        name: Wire name, also the name of the folder in `schemas/api/`.
    """

    name: str

    def actions(self) -> Iterator[tuple[str, Method]]:
        """Yield wire name and bound method of each action."""
        for attribute in vars(type(self)).values():
            name = getattr(attribute, "action_name", None)
            if name is not None:
                yield name, attribute.__get__(self)
