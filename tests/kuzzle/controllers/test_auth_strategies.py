"""What comes out of strategies that are not ours, and what pipes make of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import Server
from people import CHEAP_PASSWORDS, add_user, login, message, refusal

from kuzzle.errors import KuzzleError
from kuzzle.events import Pipe
from kuzzle.request import Request
from kuzzle.security.strategies.base import Accepted, Redirected, Refused, Secrets, Strategy, Verdict


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS}})


class Wanderer(Strategy):
    """A strategy that answers what it is told to."""

    name = "wanderer"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Request] = []

    async def verify(self, request: Request) -> Verdict:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        answer: Verdict = self.answer
        return answer

    async def exists(self, request: Request | None, kuid: str) -> bool:
        return False

    async def validate(self, request: Request | None, secrets: Secrets, kuid: str | None, *, is_update: bool) -> None:
        return None

    async def create(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        return {}

    async def update(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        return {}

    async def delete(self, request: Request | None, kuid: str) -> None:
        return None


async def test_a_strategy_of_two_steps_redirects_first(server: Server) -> None:
    await add_user(server, "u1")
    wanderer = Wanderer(Redirected(302, {"Location": "https://example.org/authorize?state=5"}))
    await server.app.credentials.strategies.register(wanderer, "roads")
    reply = await server.http("GET", "/_login/wanderer", follow_redirects=False)
    assert (reply.status, reply.headers["Location"]) == (302, "https://example.org/authorize?state=5")
    assert reply.result == {"headers": {"Location": "https://example.org/authorize?state=5"}, "statusCode": 302}
    websocket = await server.websocket()
    answer = await websocket.request("auth", "login", strategy="wanderer")
    assert (answer["status"], answer["result"]["statusCode"]) == (302, 302)
    wanderer.answer = Accepted("u1")
    reply = await server.http("GET", "/_login/wanderer?code=abc&state=5", headers={"X-Note": "n"})
    assert reply.result["_id"] == "u1"
    asked = wanderer.asked[-1]
    assert (asked.payload["code"], asked.payload["state"]) == ("abc", "5")
    assert asked.connection.headers["x-note"] == "n"


@pytest.mark.parametrize(
    ("answer", "status", "error_id", "text"),
    [
        (Refused("not today"), 401, "plugin.strategy.missing_user", "not today"),
        (
            Refused(),
            401,
            "plugin.strategy.missing_user",
            'Unable to log in using the strategy "wanderer"',
        ),
        (None, 500, "plugin.strategy.invalid_verify_resolve", "[wanderer] invalid authentication strategy result"),
        (Accepted(5), 500, "plugin.strategy.invalid_kuid", "[wanderer] invalid authentication kuid returned"),  # type: ignore[arg-type]
        (Accepted("nobody"), 404, "services.storage.not_found", 'Document "nobody" not found.'),
        (KuzzleError("api.assert.missing_argument", "code"), 400, "api.assert.missing_argument", "Missing argument"),
    ],
)
async def test_what_comes_out_of_a_strategy_is_looked_at(
    server: Server, answer: Any, status: int, error_id: str, text: str
) -> None:
    await server.app.credentials.strategies.register(Wanderer(answer), "roads")
    reply = await server.http("POST", "/_login/wanderer", {})
    assert refusal(reply) == (status, error_id)
    assert message(reply).startswith(text)


async def test_a_pipe_may_put_something_else_in_place_of_the_user(server: Server) -> None:
    await add_user(server, "u1")
    told: list[Any] = []

    async def watch(event: dict[str, Any]) -> dict[str, Any]:
        told.append((event["strategy"], event["content"].id))
        return event

    async def ask_more(event: dict[str, Any]) -> dict[str, Any]:
        return {**event, "content": {"question": "the second factor"}}

    pipe: Pipe = watch
    server.app.events.add_pipe("auth:strategyAuthenticated", pipe)
    assert (await login(server, "u1"))["_id"] == "u1"
    server.app.events.add_pipe("auth:strategyAuthenticated", ask_more)
    assert await login(server, "u1") == {"question": "the second factor"}
    assert told == [("local", "u1")] * 2
    await server.http("POST", "/_login/local", {"username": "u1", "password": "wrong"})
    assert len(told) == 2
