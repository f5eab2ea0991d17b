"""A real Redis for tests: Debian's redis-server, started on a free port, in a folder of its own."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from node import missing

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")


def demand() -> None:
    """End the test where no Redis is installed: failed in CI, skipped elsewhere."""
    if PROGRAM is None:
        missing("redis-server", "apt-get install redis-server")


class RedisProcess:
    """A running redis-server that keeps nothing.

    Attributes:
        port: Where it listens, on 127.0.0.1; the same after a restart.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._folder = folder
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        listening = ("--port", str(self.port), "--bind", "127.0.0.1")
        kept = ("--save", "", "--appendonly", "no", "--dir", str(self._folder))
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM or "", *listening, *kept, *self._arguments], stdout=log, stderr=log
            )
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise AssertionError((self._folder / "redis.log").read_text())

    def stop(self) -> None:
        """Stop it; a second call does nothing."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


@contextlib.contextmanager
def running_redis(folder: Path, *arguments: str) -> Iterator[RedisProcess]:
    """Run a Redis."""
    process = RedisProcess(folder, *arguments)
    process.start()
    try:
        yield process
    finally:
        process.stop()


def redis_options(process: RedisProcess, **changes: Any) -> dict[str, Any]:
    """The section `memoryStorage.redis` for a process."""
    nobody = {"username": None, "password": None, "tls": False}
    return {"host": "127.0.0.1", "port": process.port, "database": 0, "timeout": 5000, **nobody, **changes}


def cache_options(process: RedisProcess, **changes: Any) -> dict[str, Any]:
    """The section `cache.redis` for a process."""
    return redis_options(process, **{"prefix": "kuzzle:", **changes})
