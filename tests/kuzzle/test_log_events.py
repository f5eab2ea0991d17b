"""The events of log records, on a real server."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import jsonschema
import pytest
from harness import Server
from listeners import Listeners

import kuzzle.log_events
from kuzzle.errors import KuzzleError
from kuzzle.schemas import load_schema

logger = logging.getLogger("kuzzle.tests")
SCHEMA = next(event["payload"][0]["schema"] for event in load_schema("events.json") if event["name"] == "log:<level>")


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def own(heard: list[Any]) -> list[Any]:
    """What this file has logged, of all that was heard."""
    return [arguments for arguments in heard if arguments[0].startswith("own")]


async def settle(listeners: Listeners, event: str, count: int) -> list[Any]:
    while len(own(listeners.of(event))) < count:  # noqa: ASYNC110 - hooks run whenever they like
        await asyncio.sleep(0.001)
    for arguments in listeners.of(event):
        jsonschema.validate(arguments, SCHEMA)
    return own(listeners.of(event))


@pytest.mark.parametrize(
    ("level", "event"),
    [
        (logging.DEBUG, "log:debug"),
        (logging.INFO, "log:info"),
        (logging.WARNING, "log:warn"),
        (logging.ERROR, "log:error"),
        (logging.CRITICAL, "log:error"),
    ],
)
async def test_each_level_has_its_event(listeners: Listeners, level: int, event: str) -> None:
    listeners.hook(event)
    for each in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        if each != level and not (event == "log:error" and each == logging.ERROR):
            logger.log(each, "own other")
    logger.log(level, "own %d of %s", 1, "two")
    assert await settle(listeners, event, 1) == [["own 1 of two"]]


async def test_plugins_are_heard_too_and_the_access_log_and_libraries_are_not(
    server: Server, listeners: Listeners
) -> None:
    listeners.hook("log:*")
    logging.getLogger("somebody.else").warning("own library")
    assert (await server.http("GET", "/_now")).status == 200
    logging.getLogger("plugin.greeter").warning("own plugin")
    assert await settle(listeners, "log:*", 1) == [["own plugin"]]
    assert not any("_now" in str(arguments) for arguments in listeners.of("log:*"))


async def test_a_traceback_stands_behind_the_text(listeners: Listeners) -> None:
    listeners.hook("log:error")
    try:
        raise OSError("the disk is gone")
    except OSError:
        logger.exception("own failure")
    ((text, traceback),) = await settle(listeners, "log:error", 1)
    assert text == "own failure"
    assert "OSError: the disk is gone" in traceback


async def test_what_a_hook_logs_itself_is_told_to_nobody(server: Server, listeners: Listeners) -> None:
    calls: list[str] = []

    async def echo(arguments: list[str]) -> None:
        if arguments[0].startswith("own"):
            calls.append(arguments[0])
            logger.warning("own echo")
            await asyncio.create_task(later())
            await asyncio.to_thread(logger.warning, "own echo of a thread")
            raise OSError("own failure")  # which is logged as well

    async def later() -> None:
        logger.warning("own echo of a task")

    server.app.events.add_hook("log:*", echo, owner="tests")
    listeners.hook("log:warn")
    logger.warning("own first")
    await settle(listeners, "log:warn", 1)
    await server.app.events.stop()  # waits until the hooks have ended
    logger.warning("own second")
    assert await settle(listeners, "log:warn", 2) == [["own first"], ["own second"]]
    await server.app.events.stop()
    assert calls == ["own first", "own second"]


async def test_records_of_other_threads_start_hooks_on_the_loop_and_no_more_than_so_many_wait(
    server: Server, listeners: Listeners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kuzzle.log_events, "MAX_WAITING", 5)
    listeners.hook("log:info")

    def speak() -> None:
        for number in range(8):
            logger.info("own %d", number)

    thread = threading.Thread(target=speak)
    thread.start()
    thread.join()  # the loop stands still meanwhile
    assert await settle(listeners, "log:info", 5) == [[f"own {number}"] for number in range(5)]
    assert server.app.log_events.dropped >= 3
    logger.info("own end")
    assert len(await settle(listeners, "log:info", 6)) == 6


async def test_nothing_hangs_on_the_loggers_without_hooks(server: Server, listeners: Listeners) -> None:
    log_events = server.app.log_events
    loggers = [logging.getLogger(name) for name in ("kuzzle", "protocols", "plugin")]
    assert not any(log_events in each.handlers for each in loggers)
    listeners.hook("log:info")
    assert all(log_events in each.handlers for each in loggers)
    server.app.events.remove_owner("tests")
    assert not any(log_events in each.handlers for each in loggers)
    listeners.hook("log:info")
    await server.app.stop()
    assert not any(log_events in each.handlers for each in loggers)


async def test_a_record_that_cannot_be_read_breaks_no_caller(
    listeners: Listeners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    listeners.hook("log:info")
    record = logging.LogRecord("kuzzle.tests", logging.INFO, __file__, 0, "own %d", ("no number",), None)
    assert listeners.events is not None
    kuzzle.log_events.LogEvents(listeners.events).handle(record)
    logger.info("own end")
    assert await settle(listeners, "log:info", 1) == [["own end"]]


def test_a_pipe_on_a_record_is_refused(server: Server) -> None:
    async def pipe(arguments: list[str]) -> list[str]:
        return arguments

    with pytest.raises(KuzzleError, match=r'"log:warn".*only hooks'):
        server.app.events.add_pipe("log:warn", pipe, owner="tests")
