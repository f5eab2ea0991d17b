"""Runs the npm clients of tests/clients, and finds the programs that tests need from outside.

A program that is missing skips the test and says what to install; where the variable CI is set it fails it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

CLIENTS = Path(__file__).parents[1] / "clients"
TIMEOUT_SECONDS = 50


def missing(what: str, remedy: str) -> None:
    """End the test: failed in CI, skipped elsewhere."""
    text = f"{what} is missing: {remedy}"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


def find_program(*names: str, package: str) -> str:
    """Return the path of the first program there is; `package` is what brings it."""
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    missing(names[0], f"apt-get install {package}")
    raise AssertionError


def find_chromium() -> str:
    """Return the path of a Chromium."""
    return find_program("chromium", "chromium-browser", "google-chrome", package="chromium")


def _node() -> str:
    path = find_program("node", package="nodejs")
    if not (CLIENTS / "node_modules").is_dir():
        missing("tests/clients/node_modules", "npm ci in tests/clients")
    return path


async def node(script: str, *arguments: str) -> list[Any]:
    """Run a script of tests/clients to its end and return what it printed, a JSON value a line.

    Fails the test, with what the script wrote to stderr, when it does not end with 0 in time.
    """
    async with node_running(script, *arguments) as running:
        return await running.rest()


@asynccontextmanager
async def node_running(script: str, *arguments: str) -> AsyncIterator[Running]:
    """Run a script of tests/clients beside the test; it is ended with the block."""
    async with program_running(_node(), str(CLIENTS / script), *arguments) as running:
        yield running


@asynccontextmanager
async def program_running(program: str, *arguments: str, cwd: Path | None = None) -> AsyncIterator[Running]:
    """Run a program beside the test; it is killed when the block ends and it has not ended itself."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=16 * 1024 * 1024,
    )
    running = Running(process)
    try:
        yield running
    finally:
        await running.end()


class Running:
    """A program that runs beside the test.

    Attributes:
        process: The program.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        assert process.stdout is not None
        assert process.stderr is not None
        self._stdout = process.stdout
        self._errors = asyncio.get_running_loop().create_task(process.stderr.read())

    async def line(self) -> str:
        """Return the next line it prints, without its end; fails the test when there is none in time."""
        try:
            line = await asyncio.wait_for(self._stdout.readline(), TIMEOUT_SECONDS)
        except TimeoutError:
            line = b""
        if not line:
            raise AssertionError(f"no further line; stderr: {await self._stderr()}")
        return line.decode().rstrip("\n")

    async def value(self) -> Any:
        """Return the JSON value on the next line."""
        return json.loads(await self.line())

    def tell(self, value: Any) -> None:
        """Write a JSON value to its standard input, on a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(value).encode() + b"\n")

    async def rest(self) -> list[Any]:
        """Wait for its end with exit code 0 and return the values it still printed."""
        try:
            output = await asyncio.wait_for(self._stdout.read(), TIMEOUT_SECONDS)
            code = await asyncio.wait_for(self.process.wait(), TIMEOUT_SECONDS)
        except TimeoutError:
            raise AssertionError(f"did not end; stderr: {await self._stderr()}") from None
        assert code == 0, f"ended with {code}; stdout: {output.decode()}; stderr: {await self._stderr()}"
        return [json.loads(line) for line in output.splitlines()]

    async def _stderr(self) -> str:
        if self.process.returncode is None:
            self.process.kill()
        return (await self._errors).decode(errors="replace")

    async def end(self) -> None:
        """Kill it, unless it has ended, and wait until its pipes are closed."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._errors
        await self._stdout.read()
        # The transport's pipes close in the loop's next rounds; a test must not end before.
        transport = self.process._transport  # type: ignore[attr-defined]
        transport.close()
        await asyncio.sleep(0)
