"""Somebody who runs commands against a server that stands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from running import environment


class Operator:
    """Runs commands against a server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command for the server to its end."""
        return self.run_here(*arguments, "--port", str(self.port), stdin=stdin)

    def run_here(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command that does not take a port to its end."""
        return subprocess.run(
            [sys.executable, "-m", "kuzzle", *arguments],
            cwd=self.folder,
            env=environment({}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def query(self, action: str, body: Any = None, **arguments: str) -> Any:
        """Run an action that succeeds, and return its result."""
        texts = [text for name, value in arguments.items() for text in ("--arg", f"{name}={value}")]
        ended = self.run("query", action, "--body", "-", *texts, stdin=json.dumps(body))
        assert (ended.returncode, ended.stderr) == (0, "")
        return json.loads(ended.stdout)
