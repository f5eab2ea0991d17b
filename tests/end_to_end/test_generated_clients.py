"""Clients that `kuzzle generate client` writes: checked by the tools of their language, and run against a server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from harness import Server
from node import CLIENTS, Running, program_running
from people import CHEAP_PASSWORDS, add_user
from running import ROOT, run

PYTHON_APPLICATION = CLIENTS / "generated_python.py"
GUIDE = ROOT / "docs" / "clients.md"


@pytest.fixture(scope="module")
def python_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a client in Python; beside it, in `installed`, it is installed."""
    folder = tmp_path_factory.mktemp("python") / "client"
    done = run(folder.parent, "generate", "client", "--lang", "python", "--out", "client")
    assert (done.returncode, done.stderr) == (0, "")
    source = folder.parent / "source"  # building leaves files behind
    shutil.copytree(folder, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps"]
    options = ["--no-index", "--no-build-isolation", "--target", str(folder.parent / "installed"), str(source)]
    built = subprocess.run([*pip, *options], capture_output=True, text=True, timeout=100, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def example(language: str) -> str:
    """Return the example of the guide."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return str(found)


@asynccontextmanager
async def python_running(package: Path, script: Path, *arguments: str) -> AsyncIterator[Running]:
    path = f"PYTHONPATH={package.parent / 'installed'}"
    async with program_running("/usr/bin/env", path, sys.executable, str(script), *arguments) as running:
        yield running


def test_the_same_bytes_come_at_each_run(python_package: Path, tmp_path: Path) -> None:
    done = run(tmp_path, "generate", "client", "--lang", "python", "--out", ".", changes={"PYTHONHASHSEED": "7"})
    assert (done.returncode, done.stderr) == (0, "")
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert written
    for path, content in written.items():
        assert (python_package / path).read_bytes() == content, path


def test_the_python_client_and_what_uses_it_pass_the_strict_type_checker(python_package: Path, tmp_path: Path) -> None:
    guide = tmp_path / "guide.py"
    guide.write_text(example("python"))
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "kuzzle_client"]
    done = subprocess.run(
        [*command, str(PYTHON_APPLICATION), str(guide)],
        cwd=python_package,
        env={**os.environ, "MYPYPATH": str(python_package)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout


async def check_application(client: Running, folder: Path, first: Server) -> None:
    """Follow an application over a restart of the server on the same ports."""
    assert await client.value() == [1, ["a b/ü?"], "Ünïcödé/&?", "NoRouteError"]
    assert await client.value() == ["ann", "ann", "OK"]
    assert await client.value() == [
        ["services.storage.document_already_exists", 400, True, True],
        "services.storage.unexpected_not_found",
        [206, 1, ["fine"]],
    ]
    assert await client.value() == "new"
    assert await client.value() == ["new", "new"]
    assert await client.value() == "newer"
    ports = {name: {"port": first.port(name)} for name in ("http", "websocket", "socketio")}
    await first.stop()
    assert await client.value() == ["lost", False]
    async with Server(folder, {"protocols": ports}) as second:
        assert await client.value() == [True, "restored"]
        await second.http("POST", "/library/books/heard/_create", {"year": 2000})
        assert await client.value() == "heard"
        assert await client.rest() == ["ended"]


async def test_the_python_client_runs_an_application_over_a_restart(python_package: Path, tmp_path: Path) -> None:
    async with Server(tmp_path, {"security": {"passwords": CHEAP_PASSWORDS}}) as server:
        await add_user(server, "ann", "admin")
        urls = (f"ws://localhost:{server.port('websocket')}", server.url)
        async with python_running(python_package, PYTHON_APPLICATION, *urls) as client:
            await check_application(client, tmp_path, server)


async def test_the_example_in_python_says_what_the_guide_says(python_package: Path, tmp_path: Path) -> None:
    async with Server(tmp_path, {"security": {"passwords": CHEAP_PASSWORDS}}) as server:
        await add_user(server, "ann", "admin")
        await server.prepare()
        script = tmp_path / "guide.py"
        script.write_text(example("python").replace("7512", str(server.port("websocket"))))
        async with python_running(python_package, script) as guide:
            assert [await guide.line() for _ in said()] == said()
            assert await guide.rest() == []


def said() -> list[str]:
    """Return what the guide says that its examples print."""
    (found,) = re.findall(r"```text\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return str(found).splitlines()
