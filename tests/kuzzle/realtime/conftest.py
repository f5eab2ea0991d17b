"""Fixtures of the realtime tests."""

from __future__ import annotations

import pytest
from realtime_scene import Scene

from kuzzle.connection import Connection


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def ann() -> Connection:
    return Connection("websocket")


@pytest.fixture
def bob() -> Connection:
    return Connection("mqtt")


@pytest.fixture
def back() -> Connection:
    """The connection of somebody who comes back."""
    return Connection("websocket")
