"""A server that the commands talk to: a process of its own, one for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import RunningServer
from shell_operator import Operator


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("server")) as running:
        yield running
        code, _, errors = running.stop()
        assert code == 0
        assert "Traceback" not in errors


@pytest.fixture
def operator(server: RunningServer, tmp_path: Path) -> Operator:
    return Operator(tmp_path, server.ports["websocket"])
