"""Servers as processes of their own that start at once: forked from one that has imported everything.

Run as a program it is that one: for each line with a folder on its standard input it forks a server with
its store there, which prints its process id and the port of WebSocket. Kill them as you like.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import running

OPTIONS: dict[str, Any] = {
    "server": {"host": "127.0.0.1"},
    "protocols": {
        "http": {"port": 0},
        "websocket": {"port": 0},
        "socketio": {"enabled": False},
        "mqtt": {"enabled": False},
    },
}


class Nursery:
    """The one that all are forked from."""

    def __init__(self) -> None:
        search_path = os.pathsep.join([str(running.ROOT), str(Path(__file__).parent)])
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**running.environment({}), "PYTHONPATH": search_path},
        )

    def start(self, folder: Path) -> ForkedServer:
        """Start a server on the store of a folder."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{folder}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the server did not start"
        return ForkedServer(*json.loads(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)


class ForkedServer:
    """A server that can only be killed.

    Attributes:
        port: Of WebSocket.
    """

    def __init__(self, pid: int, port: int) -> None:
        self.port = port
        self._pid = pid

    def kill(self) -> None:
        """End it at once, whatever it does."""
        os.kill(self._pid, signal.SIGKILL)

    async def ended(self) -> None:
        """Wait until it is gone."""
        while True:
            try:
                os.kill(self._pid, 0)
            except ProcessLookupError:
                return
            await asyncio.sleep(0.001)


def main() -> None:
    import yaml

    from kuzzle.app import Application
    from kuzzle.builders.protocols import load_protocol
    from kuzzle.config import Config
    from kuzzle.storage.sqlite import SqliteStorage

    assert SqliteStorage is not None  # imported once, for all of them
    for name in ("http", "websocket"):
        load_protocol(name, {})
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them

    async def serve(folder: Path) -> None:
        path = folder / "kuzzle.yml"
        path.write_text(yaml.safe_dump(OPTIONS))
        app = Application(Config.load(path, {}))
        await app.start()
        print(json.dumps([os.getpid(), app.ports.numbers["websocket"]]), flush=True)  # noqa: T201 - said to the test
        await asyncio.Event().wait()

    for line in sys.stdin:
        if os.fork() == 0:
            sys.stdin.close()
            asyncio.run(serve(Path(line.rstrip("\n"))))


if __name__ == "__main__":
    main()
