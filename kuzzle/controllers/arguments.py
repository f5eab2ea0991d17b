"""How controllers read what their actions share."""

from __future__ import annotations

from kuzzle.request import Request


def waits_for_refresh(request: Request) -> bool:
    """Tell whether the answer must wait until searches see the change (`refresh: wait_for`)."""
    return bool(request.argument("refresh") == "wait_for")


def number(request: Request, name: str) -> int | None:
    """Return an integer argument, None when it is absent; JSON may write it as 10.0."""
    value = request.argument(name)
    return None if value is None else int(value)
