"""The server as a process of its own, started from the command line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from kuzzle.schemas import SCHEMAS_FOLDER

ROOT = SCHEMAS_FOLDER.parent
FREE_PORTS: Mapping[str, str] = {
    f"KUZZLE_PROTOCOLS__{name}__PORT": "0" for name in ("HTTP", "WEBSOCKET", "SOCKETIO", "MQTT")
}


def environment(changes: Mapping[str, str], *, search_path: Path | None = ROOT) -> dict[str, str]:
    """Return the environment of a server's process: ours without KUZZLE_ variables."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KUZZLE_")}
    inherited.pop("PYTHONPATH", None)
    if search_path is not None:
        inherited["PYTHONPATH"] = str(search_path)
    return {**inherited, "PYTHONWARNINGS": "error,ignore::ResourceWarning", **changes}


def run(
    folder: Path, *arguments: str, changes: Mapping[str, str] | None = None, program: Sequence[str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in a folder."""
    return subprocess.run(
        [*(program or (sys.executable, "-m", "kuzzle")), *arguments],
        cwd=folder,
        env=environment(changes or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class RunningServer:
    """A server that has said that it stands.

    Attributes:
        summary: What it said.
        ports: The port each protocol answers on, by protocol name.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        changes: Mapping[str, str] | None = None,
        program: Sequence[str] | None = None,
        search_path: Path | None = ROOT,
        preexec: str | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        command = [*(program or (sys.executable, "-m", "kuzzle")), *arguments]
        if preexec is not None:
            command = ["sh", "-c", f'{preexec}; exec "$@"', "sh", *command]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment({**FREE_PORTS, **(changes or {})}, search_path=search_path),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.summary: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.summary.append(line.rstrip("\n"))
            if line.startswith("  data "):
                break
        else:
            _, errors = self.process.communicate(timeout=30)
            raise AssertionError(f"the server did not start: {errors}")
        self.ports = {
            match[1]: int(match[2])
            for line in self.summary
            if (match := re.fullmatch(r"  (\w+) +\S+?:(\d+)(?:/\S*)?", line)) is not None
        }

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal and return exit code, the rest of the standard output, and the error output."""
        self.process.send_signal(number)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        # Not communicate(): it would lose the lines that reading the summary has buffered.
        out, errors = self.process.stdout.read(), self.process.stderr.read()
        return self.process.wait(60), out, errors

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=30)
