"""Commands that act as somebody: against a whole server with an administrator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scripted_server import scripted
from shell_operator import Operator

WHO = ("query", "auth:getCurrentUser")


def test_commands_act_as_the_user_whose_password_they_give(operator: Operator) -> None:
    ended = operator.run("create-first-admin", "ada", "--reset", stdin="engine\n")
    assert ended.returncode == 0, ended.stderr
    ended = operator.run("query", "index:list")
    assert ended.returncode == 1
    assert "security.rights.unauthorized" in ended.stderr
    ended = operator.run(*WHO, "--username", "ada", stdin="engine\n")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["_source"]["profileIds"] == ["admin"]
    ended = operator.run(*WHO, "--username", "ada", "--password", "wrong")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("kuzzle: cannot log in: ")
    assert "wrong username or password" in ended.stderr
    body = json.dumps({"username": "ada", "password": "engine"})
    ended = operator.run("query", "auth:login", "--arg", "strategy=local", "--body", "-", stdin=body)
    (operator.folder / "token").write_text(json.loads(ended.stdout)["jwt"] + "\n")
    ended = operator.run("query", "index:list", "--token-file", "token")
    assert ended.returncode == 0, ended.stderr
    ended = operator.run("query", "auth:logout", "--token-file", "token")
    assert ended.returncode == 0, ended.stderr
    ended = operator.run("query", "index:list", "--token-file", "token")
    assert ended.returncode == 1
    assert "Invalid token." in ended.stderr


def test_a_token_goes_with_every_request(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("the token\n")
    with scripted({"server:now": {"now": 1}}) as server:
        assert Operator(tmp_path, server.port).run("query", "server:now", "--token-file", "token").returncode == 0
    (request,) = server.requests
    assert request["jwt"] == "the token"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file or directory"), (b"", "it is empty"), (b" \n", "it is empty"), (b"\xff", "it is no text")],
)
def test_a_file_without_a_token_is_named(operator: Operator, content: bytes | None, reason: str) -> None:
    if content is not None:
        (operator.folder / "token").write_bytes(content)
    ended = operator.run("query", "server:now", "--token-file", "token")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"kuzzle: cannot read the token in token: {reason}\n"


def test_one_is_one_user(operator: Operator) -> None:
    ended = operator.run("query", "server:now", "--username", "ada", "--token-file", "token")
    assert ended.returncode == 2
    assert "--token-file and --username exclude each other" in ended.stderr
