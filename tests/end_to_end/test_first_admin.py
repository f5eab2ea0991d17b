"""A new server is open, says so where others reach it, and closes when its first administrator is made."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import RunningServer, environment
from shell_operator import Operator

OPEN = "The server is open to everyone. To change that: kuzzle create-first-admin NAME --reset"


@pytest.mark.parametrize(("host", "is_warned"), [("0.0.0.0", True), ("127.0.0.1", False), ("localhost", False)])
def test_an_open_server_warns_where_others_reach_it(tmp_path: Path, host: str, is_warned: bool) -> None:
    with RunningServer(tmp_path, changes={"KUZZLE_SERVER__HOST": host}) as server:
        code, out, errors = server.stop()
    assert code == 0
    assert OPEN in out
    warning = f"Everybody who reaches {host} may do everything; `kuzzle create-first-admin NAME --reset` ends that"
    assert (warning in errors) is is_warned


def test_the_first_administrator_closes_the_server_and_the_warning_is_gone(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        operator = Operator(tmp_path, server.ports["websocket"])
        assert operator.run("query", "index:list").returncode == 0
        ended = operator.run("create-first-admin", "ada", "--kuid", "a", "--reset", stdin="engine\n")
        assert (ended.returncode, ended.stdout) == (0, "Administrator ada is made, with the id a\n")
        refused = operator.run("query", "index:list")
        assert refused.returncode == 1
        assert "security.rights.unauthorized" in refused.stderr
        again = operator.run("create-first-admin", "bob", stdin="engine\n")
        assert (again.returncode, "security.rights.unauthorized" in again.stderr) == (1, True)
        server.stop()
    with RunningServer(tmp_path, changes={"KUZZLE_SERVER__HOST": "0.0.0.0"}) as server:
        _, out, errors = server.stop()
    assert "open to everyone" not in out
    assert "may do everything" not in errors


def test_without_reset_the_second_one_is_refused_and_the_server_stays_open(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        operator = Operator(tmp_path, server.ports["websocket"])
        assert operator.run("create-first-admin", "ada", stdin="engine\n").returncode == 0
        again = operator.run("create-first-admin", "bob", stdin="engine\n")
        assert (again.returncode, again.stdout) == (1, "")
        assert "Admin user is already set." in again.stderr
        assert operator.run("query", "index:list").returncode == 0


def test_a_terminal_does_not_show_the_password(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        command = [sys.executable, "-m", "kuzzle", "create-first-admin", "ada", "--kuid", "a"]
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [*command, "--port", str(server.ports["websocket"])],
            cwd=tmp_path,
            env=environment({}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        shown = b""
        answers = [(b"New password of ada: ", b"engine\n"), (b"Again: ", b"engine\n")]
        deadline = time.monotonic() + 50
        while time.monotonic() < deadline:
            if answers and answers[0][0] in shown:
                os.write(ours, answers.pop(0)[1])
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    shown += os.read(ours, 4096)
                except OSError:  # Linux says so when the other side is closed
                    break
            elif process.poll() is not None:
                break
        os.close(ours)
        assert process.wait(30) == 0
    assert b"Administrator ada is made, with the id a" in shown
    assert b"engine" not in shown
