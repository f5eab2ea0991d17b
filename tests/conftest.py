"""Fixtures of all tests: an event loop per test, and whole servers on free ports."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis_process
import tornado.ioloop
import wire
from harness import Server
from listeners import Listeners
from redis_process import RedisProcess, running_redis


@pytest.fixture
def io_loop() -> Iterator[tornado.ioloop.IOLoop]:
    """Replace pytest-tornado's loop fixture, whose `make_current` is deprecated; end what tests leave running."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    io_loop = tornado.ioloop.IOLoop(asyncio_loop=loop, make_current=False)
    yield io_loop
    left = [task for task in asyncio.all_tasks(loop) if not task.done()]
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    io_loop.close(all_fds=True)
    asyncio.set_event_loop(None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every `async def` test for pytest-tornado, with a time-out that a slow machine does not meet."""
    for item in items:
        if inspect.iscoroutinefunction(getattr(item, "obj", None)) and not item.get_closest_marker("gen_test"):
            item.add_marker(pytest.mark.gen_test(timeout=60))


@pytest.fixture
def start_server(io_loop: tornado.ioloop.IOLoop, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers with options of the test's own: `start_server({"limits": {"requestsBufferSize": 1}})`."""
    started: list[Server] = []

    def start(options: dict[str, Any] | None = None, *, folder: Path | None = None) -> Server:
        server = Server(folder or tmp_path, options or {})
        io_loop.run_sync(server.start)
        started.append(server)
        return server

    yield start
    for server in started:
        io_loop.run_sync(server.stop)


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A whole server with its default options, on free ports."""
    return start_server()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    """One Redis for all tests of a run."""
    redis_process.demand()
    with running_redis(tmp_path_factory.mktemp("redis")) as process:
        yield process


@pytest.fixture
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which the server logs more than information; a client of an earlier test may still speak."""
    yield
    loud = [
        record
        for record in caplog.get_records("call")
        if record.levelno > logging.INFO and not record.name.endswith(".client")
    ]
    assert not loud, [record.getMessage() for record in loud]


@pytest.fixture
def listeners(server: Server) -> Listeners:
    """Listeners on the events of the server."""
    return Listeners(server.app.events)


@pytest.fixture
def check_envelopes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipes answer what no action's schema describes: only the envelope is held against its own."""
    monkeypatch.setattr(wire, "check_response", lambda envelope: wire._check("response.json", envelope))
