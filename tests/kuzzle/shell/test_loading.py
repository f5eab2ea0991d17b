"""The commands that administer, against a server that stands: what they load is there, what they reset is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import RunningServer
from shell_operator import Operator

MAPPINGS = {"library": {"books": {"dynamic": "strict", "properties": {"title": {"type": "keyword"}}}}, "archive": {}}
FIXTURES = {"library": {"books": [{"index": {"_id": "emma"}}, {"title": "Emma"}, {"create": {}}, {"title": "Kim"}]}}
SECURITIES = {
    "roles": {"counter": {"controllers": {"document": {"actions": {"count": True}}}}},
    "profiles": {"counters": {"policies": [{"roleId": "counter"}]}},
    "users": {
        "ada": {
            "content": {"profileIds": ["counters", "default"]},
            "credentials": {"local": {"username": "ada", "password": "number engine"}},
        }
    },
}
BOOKS = {"index": "library", "collection": "books"}


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """Somebody at a shell, with a new server."""
    folder = tmp_path / "server"
    folder.mkdir()
    with RunningServer(folder) as running:
        yield Operator(tmp_path, running.ports["websocket"])
        code, _, errors = running.stop()
        assert code == 0
        assert "Traceback" not in errors


def load(operator: Operator, command: str, content: Any, *options: str) -> tuple[int, str, str]:
    """Run a command that loads a file."""
    (operator.folder / "content.json").write_text(json.dumps(content))
    ended = operator.run(command, "content.json", *options)
    return ended.returncode, ended.stdout, ended.stderr


def test_mappings_and_fixtures_are_loaded_and_a_reset_takes_them_away(operator: Operator) -> None:
    done = (0, "Loaded content.json\n", "")
    assert load(operator, "load-mappings", MAPPINGS) == done
    assert load(operator, "load-mappings", MAPPINGS) == done, "loading again changes nothing"
    assert sorted(operator.query("index:list")["indexes"]) == ["archive", "library"]
    assert load(operator, "load-fixtures", FIXTURES) == done
    assert operator.query("document:count", **BOOKS)["count"] == 2, "they are visible to searches at once"
    ended = operator.run("reset-database", "--yes")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Every index is deleted\n", "")
    assert operator.query("index:list") == {"indexes": []}


@pytest.mark.parametrize(
    ("command", "content", "error_id"),
    [
        ("load-mappings", {"library": {"books": {"properties": {"n": {"type": "novel"}}}}}, "invalid_mapping_type"),
        ("load-mappings", {"%kuzzle": {}}, "index_reserved"),
        ("load-fixtures", {"nowhere": {"books": [{"index": {}}, {}]}}, "unknown_index_collection"),
        ("load-fixtures", {"library": {"books": [{"index": {}}, {"year": 1815}]}}, "import_failed"),
        ("load-securities", {"roles": 5}, "invalid_argument"),
    ],
)
def test_what_the_server_refuses_ends_a_command_with_the_reason(
    operator: Operator, command: str, content: Any, error_id: str
) -> None:
    assert load(operator, "load-mappings", MAPPINGS)[0] == 0
    code, out, errors = load(operator, command, content)
    assert (code, out) == (1, "")
    assert errors.startswith("kuzzle: ")
    assert f".{error_id}, status " in errors
    assert "Traceback" not in errors


def test_people_are_loaded_and_an_administrator_closes_the_door_behind_him(operator: Operator) -> None:
    assert load(operator, "load-mappings", MAPPINGS)[0] == 0
    assert load(operator, "load-securities", SECURITIES) == (0, "Loaded content.json\n", "")
    ended = operator.run("create-first-admin", "root", "--reset", stdin="deep secret\n")
    assert (ended.returncode, ended.stderr) == (0, "")

    def ask(action: str, *options: str) -> tuple[int, str]:
        texts = [text for name, value in BOOKS.items() for text in ("--arg", f"{name}={value}")]
        ended = operator.run("query", action, *texts, *options)
        return ended.returncode, ended.stderr

    ada = ("--username", "ada", "--password", "number engine")
    root = ("--username", "root", "--password", "deep secret")
    code, errors = ask("document:count")
    assert (code, "security.rights.unauthorized" in errors) == (1, True)
    assert ask("document:count", *ada) == (0, "")
    code, errors = ask("collection:truncate", *ada)
    assert (code, "security.rights.forbidden" in errors) == (1, True)
    assert ask("collection:truncate", *root) == (0, "")
    code, errors = ask("document:count", "--username", "ada", "--password", "wrong")
    assert code == 1
    assert load(operator, "load-fixtures", FIXTURES)[0] == 1
    assert load(operator, "load-fixtures", FIXTURES, *root)[0] == 0
