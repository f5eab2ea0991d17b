"""`kuzzle generate` as an operator uses it, from the files and from a running server."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

import pytest
from running import FREE_PORTS, RunningServer, run

KINDS = ("asyncapi", "openapi", "schema")
# Order of sets, encoding of texts, sorting, time zone: nothing of these may be seen in what is generated.
MACHINES = (
    {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
    {"PYTHONHASHSEED": "2", "LC_ALL": "C", "LANG": "tr_TR.ISO-8859-9", "PYTHONUTF8": "0", "TZ": "Asia/Tokyo"},
)
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_the_same_bytes_come_at_each_run_whatever_the_machine(tmp_path: Path, kind: str) -> None:
    first = run(tmp_path, "generate", kind, changes=MACHINES[0])
    ended = run(tmp_path, "generate", kind, "--out", "again.json", changes=MACHINES[1])
    assert (first.returncode, first.stderr, ended.returncode, ended.stdout) == (0, "", 0, "Wrote again.json\n")
    assert (tmp_path / "again.json").read_text(encoding="utf-8") == first.stdout


def test_a_running_server_describes_itself_as_the_files_do(tmp_path: Path) -> None:
    with RunningServer(tmp_path, changes=FREE_PORTS) as server:
        port = server.ports["http"]
        for kind in KINDS:
            here = run(tmp_path, "generate", kind, changes=FREE_PORTS)
            there = run(tmp_path, "generate", kind, "--url", f"http://localhost:{port}/")
            assert (there.returncode, there.stderr) == (0, "")
            assert there.stdout == here.stdout
            connection = http.client.HTTPConnection("localhost", port, timeout=30)
            connection.request("GET", f"/{kind}.json")
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("content-type")) == (200, "application/json")
            assert json.loads(answer.read()) == json.loads(here.stdout)
            connection.close()


@every_kind
def test_actions_that_the_configuration_switches_off_are_left_out(tmp_path: Path, kind: str) -> None:
    name = "kuzzle-plugin-auth-passport-local"
    (tmp_path / "on.yml").write_text("security: {local: {passwordReset: true}}\n")
    assert name not in run(tmp_path, "generate", kind).stdout
    assert name in run(tmp_path, "generate", kind, "--config", "on.yml").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "the following arguments are required: KIND"),
        (("nonsense",), 2, "invalid choice: 'nonsense'"),
        (("schema", "--url", "ftp://localhost"), 2, "expected http://host:port"),
        (("schema", "--url", "http://localhost:port"), 2, "--url http://localhost:port: "),
        (("schema", "--url", "http://localhost:1"), 1, "http://localhost:1/schema.json: "),
        (("schema", "--out", "nowhere/schema.json"), 1, "nowhere/schema.json: cannot be written: No such file"),
        (("schema", "--config", "none.yml"), 1, "none.yml"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = run(tmp_path, "generate", *arguments)
    assert ended.returncode == code
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_answer_that_is_no_description_is_refused(tmp_path: Path) -> None:
    with RunningServer(tmp_path, changes=FREE_PORTS) as server:
        ended = run(tmp_path, "generate", "schema", "--url", f"http://localhost:{server.ports['http']}/a/b/c/d")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "/a/b/c/d/schema.json: " in ended.stderr
    assert "network.http.url_not_found, status 404" in ended.stderr
