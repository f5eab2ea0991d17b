"""`kuzzle generate client` as an operator uses it: whose mappings become models, and what a second run does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import RunningServer, run
from shell_operator import Operator

BOOKS = {"properties": {"title": {"type": "text"}, "year": {"type": "integer"}}}
# Order of sets, encoding of texts, sorting, time zone: nothing of these may be seen in what is generated.
MACHINES = (
    {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
    {"PYTHONHASHSEED": "2", "LC_ALL": "C", "LANG": "tr_TR.ISO-8859-9", "PYTHONUTF8": "0", "TZ": "Asia/Tokyo"},
)
PYTHON = ("generate", "client", "--lang", "python")
MODELS = Path("kuzzle_client") / "models.py"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a collection that only its administrator ada may read."""
    folder = tmp_path_factory.mktemp("closed")
    with RunningServer(folder) as server:
        operator = Operator(folder, server.ports["websocket"])
        operator.query("admin:loadMappings", {"library": {"books": BOOKS}}, refresh="wait_for")
        made = operator.run("create-first-admin", "ada", "--reset", stdin="engine\n")
        assert made.returncode == 0, made.stderr
        yield server


def arguments(server: RunningServer, *more: str, collection: str = "library/books") -> tuple[str, ...]:
    """The command for the models of a collection of a server."""
    url = f"http://localhost:{server.ports['http']}"
    return (*PYTHON, "--out", "out", "--url", url, "--collections", collection, *more)


def test_mappings_are_read_as_the_user_who_logs_in(closed: RunningServer, tmp_path: Path) -> None:
    refused = run(tmp_path, *arguments(closed))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "security.rights.unauthorized" in refused.stderr
    assert not (tmp_path / "out").exists()
    # The password comes by the standard input, where nobody who lists processes sees it.
    operator = Operator(tmp_path, closed.ports["websocket"])
    done = operator.run_here(*arguments(closed, "--username", "ada"), stdin="engine\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "    year: NotRequired[int]\n" in (tmp_path / "out" / MODELS).read_text()
    wrong = run(tmp_path, *arguments(closed, "--username", "ada", "--password", "wrong"))
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (1, "", 1)
    assert wrong.stderr.startswith("kuzzle: cannot log in: ")
    assert "wrong username or password" in wrong.stderr


def test_mappings_are_read_as_the_user_of_a_token(closed: RunningServer, tmp_path: Path) -> None:
    operator = Operator(tmp_path, closed.ports["websocket"])
    credentials = {"username": "ada", "password": "engine"}
    (tmp_path / "token").write_text(operator.query("auth:login", credentials, strategy="local")["jwt"])
    done = run(tmp_path, *arguments(closed, "--token-file", "token"))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / MODELS).exists()
    missing = run(tmp_path, *arguments(closed, "--token-file", "token", collection="library/none"))
    assert missing.returncode == 1
    assert "library/none" in missing.stderr


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_the_same_bytes_come_at_each_run_whatever_the_machine(language: str, tmp_path: Path) -> None:
    (tmp_path / "mappings.json").write_text(json.dumps({"library": {"books": BOOKS}}))
    models = ("--collections", "library/books", "--mappings", "mappings.json")
    runs = []
    for number, machine in enumerate(MACHINES):
        folder = tmp_path / str(number)
        done = run(tmp_path, *PYTHON[:-1], language, "--out", str(folder), *models, changes=machine)
        assert (done.returncode, done.stderr) == (0, "")
        runs.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    assert len(runs[0]) > 20
    assert runs[0] == runs[1]


def test_a_second_run_replaces_what_the_first_wrote_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "mappings.json").write_text(json.dumps({"library": {"books": BOOKS}}))
    models = ("--collections", "library/books", "--mappings", "mappings.json")
    assert run(tmp_path, *PYTHON, "--out", "out", *models).returncode == 0
    out = tmp_path / "out"
    assert (out / MODELS).exists()
    (out / "mine.py").write_text("mine")
    assert run(tmp_path, *PYTHON, "--out", "out").returncode == 0
    assert not (out / MODELS).exists()
    typescript = run(tmp_path, "generate", "client", "--lang", "typescript", "--out", "out")
    assert (typescript.returncode, typescript.stderr) == (0, "")
    assert not (out / "kuzzle_client").exists()
    assert (out / "src" / "client.ts").exists()
    assert (out / "mine.py").read_text() == "mine"


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My project\n")
    refused = run(tmp_path, *PYTHON, "--out", ".")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("kuzzle: README.md: exists and was not generated")
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--collections", "library/books"], "--collections needs --url or --mappings"),
        (["--collections", "library", "--mappings", "mappings.json"], "expected INDEX/COLLECTION"),
        (["--collections", "library/none", "--mappings", "mappings.json"], "no mapping of library/none"),
        (["--collections", "library/books", "--mappings", "none.json"], "none.json: cannot be read"),
        (["--username", "ada", "--password", "x"], "asked only for the mappings of --collections at --url"),
    ],
)
def test_models_that_cannot_be_made_are_said_in_a_line(tmp_path: Path, more: list[str], said: str) -> None:
    (tmp_path / "mappings.json").write_text(json.dumps({"library": {"books": BOOKS}}))
    done = run(tmp_path, *PYTHON, "--out", "out", *more)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
