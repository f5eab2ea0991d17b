"""Every route, called rightly and wrongly by schemathesis: no defect, and no answer outside the OpenAPI document."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from running import ROOT, RunningServer

from kuzzle.catalogue import Catalogue
from kuzzle.generation.openapi import openapi_document
from kuzzle.generation.pages import PAGES_TAG

SUPPORT: Final = ROOT / "tests" / "support"
CONTROLLERS: Final = sorted({definition.controller for definition in Catalogue.load(1) if definition.routes})
# Those with many routes have a server of their own; a start of schemathesis takes as long as hundreds of calls.
LARGE: Final = ("document", "ms", "security")
GROUPS: Final = (*((name,) for name in LARGE), tuple(name for name in CONTROLLERS if name not in LARGE))
# They take data or rights away: what follows would meet nothing.
RESETS: Final = ("admin.resetCache", "admin.resetDatabase", "admin.resetKuzzleData", "admin.resetSecurity")
# They end the token: what follows would be refused.
ENDS: Final = ("auth.logout", "auth.refreshToken", "auth.updateMyCredentials", "security.revokeTokens")
# Ends the server; tests/actions calls it.
LEFT_OUT: Final = "admin.shutdown"
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "error_stands_under_its_status",
)
MAX_EXAMPLES: Final = 5


def send(port: int, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Send a request that succeeds and return its result."""
    connection = http.client.HTTPConnection("localhost", port, timeout=30)
    connection.request(verb, path, None if body is None else json.dumps(body))
    answer = connection.getresponse()
    envelope = json.loads(answer.read())
    connection.close()
    assert answer.status == 200, envelope
    return envelope["result"]


def fill(port: int) -> None:
    """Make what half of the calls are about."""
    mapping = {"properties": {"title": {"type": "text"}, "year": {"type": "integer"}}}
    send(port, "POST", "/admin/_loadMappings?refresh=wait_for", {"library": {"books": mapping}})
    for name, year in (("emma", 1815), ("persuasion", 1817)):
        book = {"title": name.capitalize(), "year": year}
        send(port, "POST", f"/library/books/{name}/_create?refresh=wait_for", book)


def log_in(port: int) -> str:
    """Make an administrator, whom no example is about, and return a token of theirs."""
    credentials = {"username": "grace", "password": "hopper"}
    send(port, "POST", "/grace/_createFirstAdmin", {"content": {}, "credentials": {"local": credentials}})
    token: str = send(port, "POST", "/_login/local", credentials)["jwt"]
    return token


def test_every_operation_is_called_by_one_of_the_runs() -> None:
    operations = {
        operation["operationId"]: operation["tags"]
        for verbs in openapi_document(Catalogue.load(1))["paths"].values()
        for operation in verbs.values()
    }
    alone = {*RESETS, *ENDS, LEFT_OUT}
    assert alone <= operations.keys()
    assert len(alone) == len(RESETS) + len(ENDS) + 1
    grouped = [name for group in GROUPS for name in group]
    assert len(grouped) == len(set(grouped))
    # The pages are held to the document by tests/kuzzle/generation/test_openapi.py.
    called = {name for name, tags in operations.items() if tags[0] in grouped} | alone
    assert {name for name in operations.keys() - called if operations[name] != [PAGES_TAG]} == set()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("controllers", GROUPS, ids=lambda group: group[0])
def test_no_answer_lies_outside_the_document(tmp_path: Path, controllers: Sequence[str]) -> None:
    wanted = (part for name in controllers for part in ("--include-tag", name))
    unwanted = (part for name in (LEFT_OUT, *RESETS, *ENDS) for part in ("--exclude-operation-id", name))
    call_everything(tmp_path, *wanted, *unwanted, keeps_token=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("operations", [RESETS, ENDS], ids=["resets", "ends of tokens"])
def test_no_answer_of_a_great_change_lies_outside_the_document(tmp_path: Path, operations: Sequence[str]) -> None:
    wanted = (part for name in operations for part in ("--include-operation-id", name))
    call_everything(tmp_path, *wanted, keeps_token=False)


def call_everything(folder: Path, *selection: str, keeps_token: bool) -> None:
    """Let schemathesis call some routes of a server, as somebody who may do everything, to the end of the calls."""
    (folder / "kuzzle.yml").write_text("security: {local: {passwordReset: true}}\n")
    with RunningServer(folder) as server:
        port = server.ports["http"]
        fill(port)
        token = log_in(port)
        ended = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                *("--config-file", str(SUPPORT / "schemathesis.toml")),
                *("run", f"http://localhost:{port}/openapi.json"),
                *("--checks", ",".join(CHECKS)),
                *("--max-examples", str(MAX_EXAMPLES)),
                *("--header", f"Authorization: Bearer {token}"),
                *selection,
            ],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(SUPPORT), "SCHEMATHESIS_HOOKS": "schemathesis_hooks"},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
        # All that was selected was called.
        selected = re.search(r"Selected: (\d+)/", ended.stdout)
        tested = re.search(r"Tested: (\d+)$", ended.stdout, re.MULTILINE)
        assert selected is not None, ended.stdout
        assert tested is not None, ended.stdout
        assert selected[1] == tested[1], ended.stdout
        if keeps_token:
            assert send(port, "POST", "/_checkToken", {"token": token})["valid"] is True
        # What the server says of itself after all that: no defect was written to its log.
        assert server.process.poll() is None
        _, _, log = server.stop()
        assert "failed unexpectedly" not in log
