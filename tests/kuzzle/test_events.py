"""Pipes and hooks."""

from __future__ import annotations

import asyncio
import logging

import pytest

from kuzzle.events import Events


async def test_pipes_run_in_order_each_fed_with_the_previous_answer() -> None:
    events = Events()

    async def double(value: int) -> int:
        await asyncio.sleep(0)
        return value * 2

    async def increment(value: int) -> int:
        return value + 1

    events.add_pipe("server:beforeNow", double)
    events.add_pipe("server:beforeNow", increment)
    assert await events.fire("server:beforeNow", 3) == 7
    assert await events.fire("server:afterNow", 3) == 3


async def test_an_error_of_a_pipe_stops_the_chain() -> None:
    events = Events()
    reached: list[object] = []

    async def refuse(value: object) -> object:
        raise PermissionError("no")

    async def record(value: object) -> object:
        reached.append(value)
        return value

    events.add_pipe("e:x", refuse)
    events.add_pipe("e:x", record)
    with pytest.raises(PermissionError):
        await events.fire("e:x", 1)
    assert reached == []


async def test_hooks_get_the_piped_payload_and_delay_nobody(caplog: pytest.LogCaptureFixture) -> None:
    events = Events()
    gate = asyncio.Event()
    seen: list[object] = []

    async def increment(value: int) -> int:
        return value + 1

    async def slow(value: object) -> None:
        await gate.wait()
        seen.append(value)

    async def broken(value: object) -> None:
        raise ValueError("a hook's own affair")

    events.add_pipe("e:x", increment)
    events.add_hook("e:x", slow)
    events.add_hook("e:x", broken)
    with caplog.at_level(logging.ERROR):
        assert await events.fire("e:x", 1) == 2
        assert seen == []
        gate.set()
        for _ in range(3):
            await asyncio.sleep(0)
    assert seen == [2]
    assert "A hook of the event e:x failed" in caplog.text


def test_an_event_without_listeners_is_known_as_such() -> None:
    events = Events()

    async def watch(value: object) -> None: ...

    assert not events.has_listeners("e:x")
    events.add_hook("e:x", watch)
    assert events.has_listeners("e:x")
