"""The servers under test, each a process of its own on a free port of this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
CLIENTS = ROOT / "tests" / "clients" / "node_modules"
# An environment without the packages that only tests need: what users run.
PLAIN_ENVIRONMENT = ROOT / "build" / "benchmark-venv"
START_SECONDS = 20


@dataclass(frozen=True)
class Running:
    """A server that listens.

    Attributes:
        pid: Its process.
        port: Its port; of Kuzzle the web one.
        mqtt_port: Of Kuzzle, the one of MQTT.
        store: Of Kuzzle, the file of its documents.
        start_seconds: Time from the start of the process until it took a connection.
    """

    pid: int
    port: int
    mqtt_port: int
    start_seconds: float
    store: Path = Path()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("localhost", 0)) as server:
        return int(server.getsockname()[1])


def plain_python() -> str:
    """Return the Python of an environment with the server and what it needs only, made when missing."""
    python = PLAIN_ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", PLAIN_ENVIRONMENT], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--editable", ROOT], check=True)
    return str(python)


def on_disk(sync_ms: int, *program: str) -> list[str]:
    """Return the command of a program in Python, on a disk whose syncs take so much longer."""
    slow = [str(FOLDER / "slow_disk.py"), str(sync_ms)] if sync_ms else []
    return [str(PLAIN_ENVIRONMENT / "bin" / "python"), *slow, *program]


@contextmanager
def kuzzle(
    options: Mapping[str, Any] | None = None,
    limits: Mapping[str, Any] | None = None,
    kept: Path | None = None,
    sections: Mapping[str, Any] | None = None,
    sync_ms: int = 0,
) -> Iterator[Running]:
    """Run `python -m kuzzle` in an empty folder, with its defaults but for ports, `options` of MQTT and `limits`.

    Args:
        sections: Other sections of the configuration.
        kept: A folder to run in instead, made when missing, which stays with its store.
        sync_ms: By how much longer each sync of the disk takes.
    """
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
    port, mqtt_port = free_port(), free_port()
    web = {name: {"port": port} for name in ("http", "websocket", "socketio")}
    configuration = {
        "protocols": {**web, "mqtt": {"port": mqtt_port, **(options or {})}},
        "logs": {"level": "warning"},
        "limits": limits or {},
        **(sections or {}),
    }
    with tempfile.TemporaryDirectory() if kept is None else nullcontext(str(kept)) as folder:
        Path(folder, "kuzzle.yml").write_text(json.dumps(configuration))  # JSON is YAML
        command = on_disk(sync_ms, "-m", "kuzzle")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("KUZZLE_", "PYTHON"))}
        with _running(command, port, folder, environment, mqtt_port) as running:
            yield replace(running, store=Path(folder, "data", "kuzzle.db"))


@contextmanager
def node(script: str, *arguments: str) -> Iterator[Running]:
    """Run a peer written for Node."""
    if not CLIENTS.is_dir():
        raise SystemExit("tests/clients/node_modules is missing: npm ci in tests/clients")
    port = free_port()
    environment = {**os.environ, "NODE_PATH": str(CLIENTS), "NODE_ENV": "production"}
    with _running(["node", str(FOLDER / "peers" / script), str(port), *arguments], port, None, environment) as running:
        yield running


@contextmanager
def tornado(script: str, *arguments: str) -> Iterator[Running]:
    """Run a peer written for Tornado."""
    port = free_port()
    python = str(PLAIN_ENVIRONMENT / "bin" / "python")
    with _running([python, str(FOLDER / "peers" / script), str(port), *arguments], port) as running:
        yield running


def has_mosquitto() -> bool:
    """Tell whether Debian's Mosquitto is there."""
    return _mosquitto() is not None


def _mosquitto() -> str | None:
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def mosquitto() -> Iterator[Running]:
    """Run Mosquitto as it comes, on a free port."""
    program, port = _mosquitto(), free_port()
    assert program is not None
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as configuration:
        configuration.write(f"listener {port} localhost\nallow_anonymous true\nlog_type none\n")
        configuration.flush()
        os.chmod(configuration.name, 0o644)  # it reads as its own user
        with _running([program, "-c", configuration.name], port) as running:
            yield running


def has_redis() -> bool:
    """Tell whether Debian's Redis is there."""
    return shutil.which("redis-server") is not None


@contextmanager
def redis_server() -> Iterator[Running]:
    """Run Redis as it comes, on a free port, keeping nothing."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--save", "", "--appendonly", "no", "--loglevel", "warning"]
        with _running(["redis-server", *options], port, folder) as running:
            yield running


@contextmanager
def _running(
    command: Sequence[str],
    port: int,
    folder: str | None = None,
    environment: Mapping[str, str] | None = None,
    mqtt_port: int = 0,
) -> Iterator[Running]:
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        seconds = _wait_for_port(process, port, start)
        if mqtt_port:
            _wait_for_port(process, mqtt_port, start)
        yield Running(process.pid, port, mqtt_port, seconds)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_port(process: subprocess.Popen[bytes], port: int, start: float) -> float:
    while process.poll() is None and time.perf_counter() - start < START_SECONDS:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
        except OSError:
            time.sleep(0.002)
        else:
            return time.perf_counter() - start
    raise RuntimeError(f"{process.args!r} does not listen on {port}")
