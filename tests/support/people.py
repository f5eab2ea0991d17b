"""Users with credentials, and clients that are logged in as them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from harness import Reply, Server

from kuzzle.storage.internal import InternalCollection

AnswerType = TypeVar("AnswerType")

PASSWORD = "Highbury"
CHEAP_PASSWORDS = {"memoryCost": 1024, "timeCost": 1}
"""Costs of hashes in tests that are not about them."""


async def add_user(server: Server, kuid: str, *profiles: str, username: str | None = None) -> None:
    """Store a user, and credentials of `local`: its id and PASSWORD, unless `username` says otherwise."""
    users = InternalCollection(server.app.storage, "users", {"profileIds": {"type": "keyword"}})
    await users.put(kuid, {"profileIds": list(profiles or ("default",))})
    await server.app.credentials.create(kuid, {"local": {"username": username or kuid, "password": PASSWORD}})


async def login(server: Server, username: str, **query: Any) -> dict[str, Any]:
    """Log in over HTTP; return the result, the token in its `jwt`."""
    text = "&".join(f"{name}={value}" for name, value in query.items())
    body = {"username": username, "password": PASSWORD}
    reply = await server.http("POST", f"/_login/local{'?' if text else ''}{text}", body)
    assert reply.status == 200, reply.json
    result: dict[str, Any] = reply.result
    return result


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def refusal(reply: Reply) -> tuple[int, str | None]:
    """Return the status of an answer, and the id of its error."""
    return reply.status, reply.error_id


def message(reply: Reply) -> str:
    """Return the text of the error of an answer."""
    return str(reply.json["error"]["message"])


async def until_refused(ask: Callable[[], Awaitable[AnswerType]], status_of: Callable[[AnswerType], int]) -> AnswerType:
    """Ask again and again until the answer is no success; return it."""
    for _ in range(600):
        answer = await ask()
        if status_of(answer) != 200:
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError("it is never refused")
