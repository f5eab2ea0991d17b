"""The peers of the data benchmarks: processes that are told a work and say what it cost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from processes import FOLDER, ROOT

PEERS = ("sqlite", "duckdb", "tantivy")
# Packages that nothing but these peers needs, in an environment of their own.
PACKAGES = ("apsw", "orjson", "duckdb", "tantivy")
ENVIRONMENT = ROOT / "build" / "benchmark-peers-venv"
SECONDS = 0.7


def peers_python() -> str:
    """Return the Python of the peers' environment, made when missing."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES], check=True)
    return str(python)


class Peer:
    """One process.

    Attributes:
        costs: CPU microseconds of one call of the work that was measured last, by round.
    """

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.costs: list[float] = []
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def wait_until_ready(self) -> None:
        """Wait until its documents are loaded."""
        self._read()

    def measure(self, work: str) -> None:
        """Let it work for a while."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"work": work, "seconds": SECONDS}) + "\n")
        self._process.stdin.flush()
        done = json.loads(self._read())
        self.costs.append(done["cpuSeconds"] / done["count"] * 1e6)

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} has ended")
        return line

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


@contextmanager
def open_peers(
    names: Sequence[str], store: Path, folder: Path, questions: Path, documents: Path
) -> Iterator[list[Peer]]:
    """Run peers; each loads the documents by itself."""
    peers = []
    with ExitStack() as stack:
        for name in names:
            own = folder / name
            own.mkdir()
            command = [peers_python(), str(FOLDER / "peers" / f"data_{name}.py")]
            before = [str(store)] if name == "sqlite" else []
            peer = Peer(name, [*command, *before, str(own), str(questions), str(documents)])
            stack.callback(peer.close)
            peer.wait_until_ready()
            peers.append(peer)
        yield peers
