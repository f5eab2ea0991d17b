"""Logging in, and the commands that hand one action to the server: what they send, and what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scripted_server import scripted
from shell_operator import Operator

DONE = {"acknowledge": True}


def test_a_login_sends_its_token_with_every_request(tmp_path: Path) -> None:
    with scripted({"auth:login": {"_id": "ada", "jwt": "token"}, "server:now": {"now": 1}}) as server:
        operator = Operator(tmp_path, server.port)
        ended = operator.run("query", "server:now", "--username", "ada", "--password", "secret")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert operator.run("query", "server:now", "--username", "ada", stdin="from a pipe\n").returncode == 0
    login, now, second, _ = server.requests
    assert login["strategy"] == "local"
    assert login["body"] == {"username": "ada", "password": "secret"}
    assert "jwt" not in login
    assert now["jwt"] == "token"
    assert second["body"]["password"] == "from a pipe"


@pytest.mark.parametrize(
    ("command", "action"),
    [
        ("load-mappings", "loadMappings"),
        ("load-fixtures", "loadFixtures"),
        ("load-securities", "loadSecurities"),
    ],
)
def test_a_file_is_loaded_and_waited_for(tmp_path: Path, command: str, action: str) -> None:
    content = {"library": {"books": {}}}
    (tmp_path / "file.json").write_text(json.dumps(content))
    with scripted({f"admin:{action}": DONE}) as server:
        operator = Operator(tmp_path, server.port)
        ended = operator.run(command, "file.json")
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Loaded file.json\n", "")
        assert operator.run(command, "-", stdin=json.dumps(content)).returncode == 0
    for request in server.requests:
        assert (request["action"], request["body"], request["refresh"]) == (action, content, "wait_for")


@pytest.mark.parametrize(("text", "reason"), [("[]", "no JSON object"), ("{", "no JSON: "), (None, "cannot be read")])
def test_a_file_that_holds_no_object_is_refused(operator: Operator, text: str | None, reason: str) -> None:
    if text is not None:
        (operator.folder / "file.json").write_text(text)
    ended = operator.run("load-mappings", "file.json")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"kuzzle: file.json: {reason}")


def test_a_database_is_reset_after_a_yes_alone(tmp_path: Path) -> None:
    with scripted({"admin:resetDatabase": DONE}) as server:
        operator = Operator(tmp_path, server.port)
        ended = operator.run("reset-database", stdin="y\n")  # no terminal: nobody was asked
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "--yes" in ended.stderr
        assert server.requests == []
        ended = operator.run("reset-database", "--yes")
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Every index is deleted\n", "")
    assert [request["action"] for request in server.requests] == ["resetDatabase"]


def test_the_first_administrator_gets_the_password_of_the_standard_input(tmp_path: Path) -> None:
    with scripted({"security:createFirstAdmin": {"_id": "someone"}}) as server:
        operator = Operator(tmp_path, server.port)
        ended = operator.run("create-first-admin", "ada", stdin="secret\n")
        assert (ended.returncode, ended.stdout) == (0, "Administrator ada is made, with the id someone\n")
        assert operator.run("create-first-admin", "ada", "--kuid", "a", "--reset", stdin="secret\n").returncode == 0
        ended = operator.run("create-first-admin", "ada")
        assert (ended.returncode, "no password" in ended.stderr) == (2, True)
    plain, full = server.requests
    credentials: dict[str, Any] = {"local": {"username": "ada", "password": "secret"}}
    assert plain["body"] == {"content": {}, "credentials": credentials}
    assert {"_id", "reset"}.isdisjoint(plain)
    assert (full["_id"], full["reset"]) == ("a", True)


def test_a_server_without_the_action_is_told_plainly(tmp_path: Path) -> None:
    with scripted({}) as server:
        ended = Operator(tmp_path, server.port).run("create-first-admin", "ada", stdin="secret\n")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "kuzzle: API action security:createFirstAdmin not found. (api.process.action_not_found, status 404)\n"
        "kuzzle:   this server does not offer security:createFirstAdmin\n"
    )
