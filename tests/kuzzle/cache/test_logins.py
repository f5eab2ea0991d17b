"""Logins of servers that share a cache, and what a crash leaves of sessions."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import redis_process
from harness import Reply, Server
from people import CHEAP_PASSWORDS, PASSWORD, add_user, login
from redis_process import RedisProcess, running_redis
from running import RunningServer

SECURITY = {"passwords": CHEAP_PASSWORDS, "failedLogins": {"perUser": 3, "firstDelay": 600_000, "maxDelay": 600_000}}


def serving(folder: Path, process: RedisProcess, name: str) -> Server:
    """A server whose cache is a part of a Redis that no other test has."""
    folder.mkdir(exist_ok=True)
    section = {"host": "127.0.0.1", "port": process.port, "prefix": f"{name}:"}
    return Server(folder, {"cache": {"backend": "redis", "redis": section}, "security": SECURITY})


async def guess(server: Server, password: str = "wrong") -> Reply:
    return await server.http("POST", "/_login/local", {"username": "ada", "password": password})


async def test_guesses_at_several_servers_count_together(tmp_path: Path, redis_server: RedisProcess) -> None:
    name = tmp_path.name
    async with (
        serving(tmp_path / "one", redis_server, name) as one,
        serving(tmp_path / "other", redis_server, name) as other,
    ):
        for server in (one, other):
            await add_user(server, "ada")
        replies = [await guess(server) for server in (one, other, one, other)]
        assert [reply.status for reply in replies] == [401] * 4
        for server in (one, other):
            reply = await guess(server, PASSWORD)
            assert reply.status == 429
            assert int(reply.headers["Retry-After"]) > 0
    async with serving(tmp_path / "one", redis_server, name) as again:
        assert (await guess(again, PASSWORD)).status == 429, "a restart gives no guesses"
        await again.http("POST", "/admin/_resetCache?database=internalCache")
        assert (await guess(again, PASSWORD)).status == 200


async def test_nobody_guesses_uncounted_while_the_cache_is_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    redis_process.demand()
    folder = tmp_path / "redis"
    folder.mkdir()
    with running_redis(folder) as process:
        async with serving(tmp_path, process, "kuzzle") as server:
            await add_user(server, "ada")
            token = {"Authorization": f"Bearer {(await login(server, 'ada'))['jwt']}"}
            process.stop()
            for password in (PASSWORD, "wrong"):
                reply = await guess(server, password)
                assert (reply.status, reply.error_id) == (503, "services.cache.not_connected")
            reply = await server.http("GET", "/users/_me", headers=token)
            assert (reply.status, reply.result["_id"]) == (200, "ada"), "sessions go on"
            assert (await server.http("POST", "/_logout", headers=token)).status == 200
            assert (await server.http("GET", "/users/_me", headers=token)).status == 401
            process.start()
            assert (await guess(server, PASSWORD)).status == 200
    assert "The cache at 127.0.0.1" in caplog.text


def ask(server: RunningServer, verb: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
    request = urllib.request.Request(
        f"http://localhost:{server.ports['http']}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})},
        method=verb,
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.load(reply)["result"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None


def test_sessions_and_their_ends_survive_a_kill(tmp_path: Path) -> None:
    user = {
        "content": {"profileIds": ["default"]},
        "credentials": {"local": {"username": "ada", "password": PASSWORD}},
    }
    with RunningServer(tmp_path) as server:
        ask(server, "POST", "/admin/_loadSecurities?refresh=wait_for", {"users": {"ada": user}})
        credentials = user["credentials"]["local"]
        kept, ended = (ask(server, "POST", "/_login/local", credentials)[1]["jwt"] for _ in range(2))
        assert ask(server, "POST", "/_logout", token=ended)[0] == 200
        server.stop(signal.SIGKILL)
    with RunningServer(tmp_path) as server:
        status, me = ask(server, "GET", "/users/_me", token=kept)
        assert (status, me["_id"]) == (200, "ada")
        assert ask(server, "GET", "/users/_me", token=ended)[0] == 401
        server.stop(signal.SIGKILL)
