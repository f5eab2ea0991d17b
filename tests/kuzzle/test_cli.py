"""The command line, as an operator uses it: whole processes, real signals, real ports."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from running import FREE_PORTS, ROOT, RunningServer, environment, run

from kuzzle import __version__
from kuzzle.catalogue import Catalogue
from kuzzle.config.annotated import annotated
from kuzzle.config.options import load_options


def get(port: int, path: str) -> Any:
    """Ask over HTTP and return the JSON of the answer."""
    connection = http.client.HTTPConnection("localhost", port, timeout=30)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


# --- commands that end by themselves


def test_the_version_is_told(tmp_path: Path) -> None:
    ended = run(tmp_path, "--version")
    assert (ended.returncode, ended.stdout) == (0, f"kuzzle {__version__}\n")


def test_help_names_every_command(tmp_path: Path) -> None:
    ended = run(tmp_path, "--help")
    assert ended.returncode == 0
    for command in (
        "start",
        "init",
        "check",
        "routes",
        "query",
        "index-dump",
        "backup",
        "restore",
        "reset-database",
        "--config",
        "--version",
    ):
        assert command in ended.stdout


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    ended = run(tmp_path, "stop")
    assert ended.returncode == 2
    assert "invalid choice: 'stop'" in ended.stderr


def test_init_writes_the_annotated_file_into_the_folder(tmp_path: Path) -> None:
    ended = run(tmp_path, "init")
    assert (ended.returncode, ended.stdout) == (0, "Wrote kuzzle.yml\n")
    assert (tmp_path / "kuzzle.yml").read_text() == annotated(load_options())


def test_init_does_not_overwrite(tmp_path: Path) -> None:
    (tmp_path / "kuzzle.yml").write_text("mine")
    ended = run(tmp_path, "init")
    assert (ended.returncode, ended.stderr) == (1, "kuzzle: kuzzle.yml: exists already and is left as it is\n")
    assert (tmp_path / "kuzzle.yml").read_text() == "mine"


@pytest.mark.parametrize("arguments", [("init", "--config", "other.yml"), ("--config", "other.yml", "init")])
def test_init_writes_the_file_it_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run(tmp_path, *arguments).returncode == 0
    assert (tmp_path / "other.yml").exists()


def test_init_says_when_it_cannot_write(tmp_path: Path) -> None:
    ended = run(tmp_path, "init", "--config", "nowhere/kuzzle.yml")
    assert (ended.returncode, ended.stderr) == (
        1,
        "kuzzle: nowhere/kuzzle.yml: cannot be written: No such file or directory\n",
    )


def test_check_shows_what_is_in_force(tmp_path: Path) -> None:
    (tmp_path / "kuzzle.yml").write_text(
        "limits: {documentsFetchCount: 3}\nprotocols: {own: {class: 'own:Own', key: sesame}}"
    )
    (tmp_path / "own.py").write_text(OWN_PROTOCOL)
    ended = run(tmp_path, "check", changes={"KUZZLE_SERVER__HOST": "127.0.0.1"})
    assert (ended.returncode, ended.stderr) == (0, "")
    shown = yaml.safe_load(ended.stdout)
    assert shown["limits"]["documentsFetchCount"] == 3
    assert shown["server"]["host"] == "127.0.0.1"
    assert shown["protocols"]["own"]["key"] == "********"
    assert "sesame" not in ended.stdout
    assert str(tmp_path / "kuzzle.yml") in ended.stdout


def test_check_without_a_file_shows_the_defaults(tmp_path: Path) -> None:
    ended = run(tmp_path, "check")
    assert ended.returncode == 0
    assert yaml.safe_load(ended.stdout) == yaml.safe_load(annotated(load_options()))


@pytest.mark.parametrize("command", ["check", "start"])
def test_a_wrong_configuration_is_one_line_a_fault_and_no_traceback(tmp_path: Path, command: str) -> None:
    (tmp_path / "kuzzle.yml").write_text("sever: {}\nserver: {host: 1}")
    ended = run(tmp_path, command)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert sorted(ended.stderr.splitlines()) == [
        "kuzzle: server.host: found 1, expected a text that is not empty",
        "kuzzle: sever: unknown option; did you mean `server`",
    ]


@pytest.mark.parametrize("command", ["check", "start"])
@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("nowhere:Own", "cannot load 'nowhere:Own': No module named 'nowhere'"),
        ("own:Other", "cannot load 'own:Other': .*"),
        ("json:JSONDecoder", "'json:JSONDecoder' is no subclass of protocols.base:Protocol"),
    ],
)
def test_a_protocol_that_cannot_be_loaded_is_one_clear_line(
    tmp_path: Path, command: str, place: str, reason: str
) -> None:
    (tmp_path / "own.py").write_text(OWN_PROTOCOL)
    (tmp_path / "kuzzle.yml").write_text(f"protocols: {{own: {{class: '{place}'}}}}")
    ended = run(tmp_path, command, changes=FREE_PORTS)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(f"kuzzle: protocols.own.class: {reason}\n", ended.stderr)


def test_routes_lists_every_route(tmp_path: Path) -> None:
    ended = run(tmp_path, "routes")
    assert ended.returncode == 0
    listed = [line.split() for line in ended.stdout.splitlines()]
    assert sorted(listed) == sorted(
        [route.verb.upper(), route.path, f"{definition.controller}:{definition.name}"]
        for definition in Catalogue.load(1).without(["kuzzle-plugin-auth-passport-local/password"])
        for route in definition.routes
    )
    assert ["GET", "/_now", "server:now"] in listed


def test_routes_lists_those_of_the_configured_server(tmp_path: Path) -> None:
    guestbook = ROOT / "docs" / "examples" / "plugins" / "guestbook"
    (tmp_path / "kuzzle.yml").write_text(
        f"plugins: {{guestbook: {{path: {guestbook}}}}}\nsecurity: {{local: {{passwordReset: true}}}}\n"
    )
    ended = run(tmp_path, "routes")
    assert ended.returncode == 0, ended.stderr
    actions = {line.split()[2] for line in ended.stdout.splitlines()}
    assert "guestbook/entries:sign" in actions, actions
    assert "kuzzle-plugin-auth-passport-local/password:reset" in actions


# --- the server


OWN_PROTOCOL = """
from protocols.base import Protocol

class Own(Protocol):
    async def start(self): self.context.ports.numbers[self.name] = 0
    async def stop(self): pass
    def broadcast(self, channels, notification): pass
    def notify(self, connection_id, channels, notification): pass
    def join_channel(self, channel, connection_id): pass
    def leave_channel(self, channel, connection_id): pass
    def disconnect(self, connection_id, message): pass
"""


def test_the_server_starts_without_a_file_and_says_where_it_listens(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        assert set(server.ports) == {"http", "websocket", "socketio", "mqtt"}
        assert server.summary[-1].endswith(str(tmp_path / "data" / "kuzzle.db"))
        assert get(server.ports["http"], "/_now")["status"] == 200
        with socket.create_connection(("localhost", server.ports["mqtt"]), timeout=30):
            pass
        code, out, errors = server.stop()
    assert code == 0
    assert out.splitlines()[0] == (
        "The server is open to everyone. To change that: kuzzle create-first-admin NAME --reset"
    )
    assert [line.split(" ", 1)[1] for line in errors.splitlines()] == [
        "INFO kuzzle.process: Stopping on SIGTERM; a second one ends the server at once"
    ]
    assert (tmp_path / "data" / "kuzzle.db").exists()


def test_data_is_kept_beside_the_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "kuzzle.yml").write_text("storage: {sqlite: {path: kept/store.db}}")
    with RunningServer(tmp_path / "here", "--config", "../there/kuzzle.yml") as server:
        assert server.stop()[0] == 0
    assert (tmp_path / "there" / "kept" / "store.db").exists()
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with RunningServer(tmp_path) as server:
        get(server.ports["http"], "/_now")
        code, _, errors = server.stop(number)
    assert code == 0
    assert "Traceback" not in errors
    store = sqlite3.connect(tmp_path / "data" / "kuzzle.db")
    store.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the store was closed whole
    store.close()


def test_a_second_signal_ends_the_server_at_once(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        OWN_PROTOCOL.replace(
            "async def stop(self): pass",
            "async def stop(self):\n        import asyncio\n        await asyncio.sleep(3600)",
        )
    )
    (tmp_path / "kuzzle.yml").write_text("protocols: {own: {class: 'own:Own'}}")
    with RunningServer(tmp_path) as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.stderr is not None
        assert "Stopping on SIGTERM" in server.process.stderr.readline()
        code, _, _ = server.stop(signal.SIGINT)
    assert code == 128 + signal.SIGINT


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(tmp_path, changes={**FREE_PORTS, "KUZZLE_PROTOCOLS__HTTP__PORT": str(port)})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (f"kuzzle: protocols.http.port: cannot listen on localhost:{port}: Address already in use\n")


def test_one_port_for_mqtt_and_http_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    changes = {**FREE_PORTS, "KUZZLE_PROTOCOLS__HTTP__PORT": port, "KUZZLE_PROTOCOLS__MQTT__PORT": port}
    ended = run(tmp_path, changes=changes)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(
        rf"kuzzle: protocols\.\w+\.port: {port} is already the port of protocols\.\w+; .+\n", ended.stderr
    )


def test_a_data_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    ended = run(tmp_path, changes=FREE_PORTS)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(rf"kuzzle: .*{re.escape(str(tmp_path / 'data'))}.*\n", ended.stderr)


def test_a_store_from_a_newer_version_is_one_clear_line(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        assert server.stop()[0] == 0
    store = sqlite3.connect(tmp_path / "data" / "kuzzle.db")
    (version,) = store.execute("PRAGMA user_version").fetchone()
    store.execute(f"PRAGMA user_version = {version + 1}")
    store.commit()
    store.close()
    ended = run(tmp_path, changes=FREE_PORTS)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(r"kuzzle: .*newer.*\n", ended.stderr)


def test_a_log_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the way")
    ended = run(tmp_path, changes={**FREE_PORTS, "KUZZLE_LOGS__FILE": "log/server.log"})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(r"kuzzle: logs\.file: cannot write .+\n", ended.stderr)


@pytest.mark.parametrize("protocol", ["http", "websocket", "socketio", "mqtt"])
def test_a_protocol_that_is_switched_off_is_not_served(tmp_path: Path, protocol: str) -> None:
    with RunningServer(tmp_path, changes={f"KUZZLE_PROTOCOLS__{protocol.upper()}__ENABLED": "false"}) as server:
        assert set(server.ports) == {"http", "websocket", "socketio", "mqtt"} - {protocol}
        assert server.stop()[0] == 0


def test_ones_own_protocol_is_found_beside_the_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN_PROTOCOL)
    (tmp_path / "kuzzle.yml").write_text("protocols: {own: {class: 'own:Own'}}")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with RunningServer(elsewhere, "start", "--config", "../kuzzle.yml") as server:
        assert "  own        without a port of its own" in server.summary
        assert server.stop()[0] == 0


def test_the_access_log_shows_who_asked_what(tmp_path: Path) -> None:
    changes = {"KUZZLE_LOGS__ACCESS__ENABLED": "true", "KUZZLE_LOGS__ACCESS__FILE": "access.log"}
    with RunningServer(tmp_path, changes=changes) as server:
        get(server.ports["http"], "/_now?pretty")
        assert server.stop()[0] == 0
    line = (tmp_path / "access.log").read_text()
    assert re.fullmatch(r'\S+ - - \[.+\] "GET /_now\?pretty HTTP/1\.1" 200 \d+ "-" "-"\n', line)


def test_a_hangup_reads_the_log_level_anew(tmp_path: Path) -> None:
    (tmp_path / "kuzzle.yml").write_text("logs: {file: server.log}")
    log = tmp_path / "server.log"

    def hang_up(text: str, expected: str) -> None:
        (tmp_path / "kuzzle.yml").write_text(text)
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 30
        while expected not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)

    with RunningServer(tmp_path) as server:
        hang_up("logs: {file: server.log, level: debug}", "The log level is debug")
        hang_up("logs: {level: loud}", "The log level stays as it is: logs.level: found")
        assert server.stop()[0] == 0


def test_the_server_stops_with_the_terminal_it_was_started_from(tmp_path: Path) -> None:
    terminal, own_end = os.openpty()
    try:
        with RunningServer(tmp_path, stdin=own_end) as server:
            assert server.stop(signal.SIGHUP)[0] == 0
    finally:
        os.close(own_end)
        os.close(terminal)


def test_the_server_stands_though_nobody_reads_what_it_says(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    read_end, write_end = os.pipe()
    os.close(read_end)
    changes = {**FREE_PORTS, "KUZZLE_PROTOCOLS__HTTP__PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "kuzzle"],
        cwd=tmp_path,
        env=environment(changes),
        stdin=subprocess.DEVNULL,
        stdout=write_end,
    )
    os.close(write_end)
    try:
        deadline = time.monotonic() + 30
        answer = None
        while answer is None:
            assert time.monotonic() < deadline
            with contextlib.suppress(ConnectionRefusedError):
                answer = get(port, "/_now")
        assert answer["status"] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(30)


def test_few_open_files_are_told(tmp_path: Path) -> None:
    with RunningServer(tmp_path, preexec="ulimit -n 500") as server:
        code, out, _ = server.stop()
    assert code == 0
    assert "At most 500 files may be open" in out


def test_the_server_starts_from_a_folder_with_decoys(tmp_path: Path) -> None:
    for name in ("protocols", "schemas", "yaml", "socketio", "queue", "logging"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise RuntimeError('the decoy {name} was imported')")
    (tmp_path / "schemas" / "config.json").write_text("{}")
    with RunningServer(tmp_path) as server:
        assert get(server.ports["http"], "/_now")["status"] == 200
        assert server.stop()[0] == 0


def test_the_server_starts_from_its_own_folder(tmp_path: Path) -> None:
    changes = {"KUZZLE_STORAGE__SQLITE__PATH": str(tmp_path / "kuzzle.db")}
    with RunningServer(ROOT, changes=changes, search_path=None, program=[sys.executable, "-m", "kuzzle"]) as server:
        assert get(server.ports["http"], "/_now")["status"] == 200
        assert server.stop()[0] == 0
