"""Who guesses passwords has to wait, and learns nothing by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from harness import Reply, Server
from people import CHEAP_PASSWORDS, PASSWORD, add_user, message, refusal


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server whose passwords cost little."""
    return start_server({"security": {"passwords": CHEAP_PASSWORDS}})


@pytest.fixture
def strict_server(start_server: Callable[..., Server]) -> Server:
    """A server that lets a name fail three times, and an address six times."""
    limits = {"perUser": 3, "perAddress": 6, "firstDelay": 60_000}
    return start_server({"security": {"passwords": CHEAP_PASSWORDS, "failedLogins": limits}})


async def guess(server: Server, username: str, password: str = "wrong") -> Reply:
    return await server.http("POST", "/_login/local", {"username": username, "password": password})


@pytest.mark.parametrize("username", ["u1", "nobody"])
async def test_who_guesses_too_often_has_to_wait_whether_the_name_exists_or_not(
    strict_server: Server, username: str
) -> None:
    await add_user(strict_server, "u1")
    await add_user(strict_server, "u2")
    answers = [await guess(strict_server, username) for _ in range(4)]
    assert [answer.status for answer in answers] == [401] * 4
    refused = await guess(strict_server, username, PASSWORD)
    assert refusal(refused) == (429, None)
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert message(refused) == f"Too many failed logins: try again in {refused.headers['Retry-After']} s"
    websocket = await strict_server.websocket()
    body = {"username": username, "password": PASSWORD}
    assert (await websocket.request("auth", "login", strategy="local", body=body))["status"] == 429
    assert (await guess(strict_server, "u2", PASSWORD)).status == 200, "others log in as ever"


async def test_guesses_made_at_once_are_worth_no_more(strict_server: Server) -> None:
    await add_user(strict_server, "u1")
    passwords = [f"guess {number}" for number in range(20)] + [PASSWORD]
    answers = await asyncio.gather(*(guess(strict_server, "u1", password) for password in passwords))
    assert [answer.status for answer in answers].count(401) == 4
    assert answers[-1].status == 429, "the right one came too late"


async def test_an_address_that_tries_many_names_has_to_wait(strict_server: Server) -> None:
    await add_user(strict_server, "u1")
    for number in range(7):
        assert (await guess(strict_server, f"user {number}")).status == 401
    assert (await guess(strict_server, "u1", PASSWORD)).status == 429


@pytest.fixture
def proxied_server(start_server: Callable[..., Server]) -> Server:
    """A server behind a proxy that lets a name fail three times."""
    options = {"passwords": CHEAP_PASSWORDS, "failedLogins": {"perUser": 3, "firstDelay": 60_000}}
    return start_server({"security": options, "server": {"trustedProxies": 1}})


async def test_who_logged_in_before_is_not_locked_out_by_strangers(proxied_server: Server) -> None:
    await add_user(proxied_server, "u1")

    async def log_in(address: str, password: str) -> int:
        body = {"username": "u1", "password": password}
        # What the client itself writes comes first, what the proxy appends last.
        forwarded = {"X-Forwarded-For": f"192.0.2.1, {address}"}
        return (await proxied_server.http("POST", "/_login/local", body, forwarded)).status

    assert await log_in("203.0.113.7", PASSWORD) == 200
    for number in range(4):
        assert await log_in(f"198.51.100.{number}", "wrong") == 401
    assert await log_in("198.51.100.9", PASSWORD) == 429
    assert await log_in("203.0.113.7", PASSWORD) == 200


async def test_many_successful_logins_are_not_slowed(strict_server: Server) -> None:
    await add_user(strict_server, "u1")
    answers = await asyncio.gather(*(guess(strict_server, "u1", PASSWORD) for _ in range(30)))
    assert {answer.status for answer in answers} == {200}


async def test_unknown_names_and_wrong_passwords_cost_the_same_work(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_user(server, "u1")
    await guess(server, "nobody")  # makes what unknown names are compared with
    passwords = server.app.passwords
    compared: list[str] = []
    verify = passwords._verify

    def watch(stored: str, password: str) -> bool:
        compared.append(stored.rpartition("p=")[0])
        return verify(stored, password)

    monkeypatch.setattr(passwords, "_verify", watch)
    known, unknown = await guess(server, "u1"), await guess(server, "nobody")
    assert compared == ["$argon2id$v=19$m=1024,t=1,"] * 2
    for answer in (known, unknown):
        del answer.json["requestId"]
    assert known.json == unknown.json
