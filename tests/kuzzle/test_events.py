"""Pipes and hooks: order, wildcards, failures, time, and how many hooks may be at work."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import kuzzle.events
from kuzzle.errors import KuzzleError
from kuzzle.events import Events


async def increment(value: int) -> int:
    return value + 1


async def double(value: int) -> int:
    await asyncio.sleep(0)
    return value * 2


async def ignore(value: object) -> None: ...


def noting(seen: list[Any], name: str) -> Callable[[Any], Awaitable[Any]]:
    """A pipe that notes its name."""

    async def note(value: Any) -> Any:
        seen.append(name)
        return value

    return note


async def until(condition: Callable[[], bool]) -> None:
    """Let others work until something is so."""
    while not condition():  # noqa: ASYNC110 - what is waited for sets no event
        await asyncio.sleep(0.001)


# --- order


async def test_pipes_run_in_order_each_fed_with_the_previous_answer() -> None:
    events = Events()
    events.add_pipe("server:beforeNow", double)
    events.add_pipe("server:beforeNow", increment)
    assert await events.fire("server:beforeNow", 3) == 7
    assert await events.fire("server:afterNow", 3) == 3


@pytest.mark.parametrize(
    ("event", "heard"),
    [
        ("document:beforeCreate", ["exact", "before", "all"]),
        ("document:afterCreate", ["after", "all"]),
        ("document:errorCreate", ["all"]),
        ("generic:document:beforeWrite", ["generic exact", "generic before", "generic all"]),
        ("generic:other", []),
        ("nothing", []),
    ],
)
async def test_wildcards_hear_after_the_exact_name_and_the_widest_last(event: str, heard: list[str]) -> None:
    events = Events()
    seen: list[str] = []
    names = {
        "generic:document:*": "generic all",
        "generic:document:before*": "generic before",
        "generic:document:beforeWrite": "generic exact",
        "document:*": "all",
        "document:after*": "after",
        "document:before*": "before",
        "document:beforeCreate": "exact",
    }
    for registered, name in names.items():
        events.add_pipe(registered, noting(seen, name))
    await events.fire(event, 1)
    assert seen == heard


async def test_listeners_that_come_and_go_count_from_then_on() -> None:
    events = Events()
    assert not events.has_listeners("e:x")
    events.add_hook("e:*", ignore, owner="one")
    assert events.has_listeners("e:x")
    assert not events.has_pipes("e:x")
    events.add_pipe("e:x", increment, owner="two")
    assert events.has_pipes("e:x")
    assert events.listened("one") == ([], ["e:*"])
    assert events.listened("two") == (["e:x"], [])
    events.remove_owner("two")
    assert await events.fire("e:x", 1) == 1
    assert events.has_listeners("e:x")
    events.remove_owner("one")
    assert not events.has_listeners("e:x")


async def test_names_without_end_are_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kuzzle.events, "_MAX_RESOLVED", 10)
    events = Events()
    events.add_pipe("e:*", increment)
    for number in range(100):
        assert await events.fire(f"e:{number}", number) == number + 1
    assert len(events._resolved) <= 10


async def test_a_listener_gets_as_much_as_it_takes() -> None:
    events = Events()
    seen: list[Any] = []

    async def pipe_of_two(documents: list[int], request: str) -> list[int]:
        return [*documents, len(request)]

    async def pipe_of_any(*arguments: Any) -> Any:
        seen.append(arguments)
        return arguments[0]

    async def hook_of_all(documents: list[int], request: str, event: str) -> None:
        seen.append((documents, request, event))

    async def hook_of_one(documents: list[int]) -> None:
        seen.append(documents)

    events.add_pipe("e:x", pipe_of_two)
    events.add_pipe("e:x", pipe_of_any)
    events.add_hook("e:x", hook_of_all)
    events.add_hook("e:*", hook_of_one)
    assert await events.fire("e:x", [1], "four") == [1, 4]
    await until(lambda: len(seen) == 3)
    assert seen == [([1, 4], "four"), ([1, 4], "four", "e:x"), [1, 4]]


# --- failures


async def test_an_error_of_kuzzle_passes_and_stops_the_chain() -> None:
    events = Events()
    reached: list[Any] = []

    async def refuse(value: object) -> object:
        raise KuzzleError.without_id(418, "I am a teapot")

    events.add_pipe("e:x", refuse)
    events.add_pipe("e:x", noting(reached, "later"))
    events.add_hook("e:x", noting(reached, "hook"))  # type: ignore[arg-type]
    with pytest.raises(KuzzleError, match="teapot") as caught:
        await events.fire("e:x", 1)
    assert caught.value.status == 418
    await asyncio.sleep(0)
    assert reached == []


async def test_a_defect_of_a_pipe_is_named_to_clients_and_shown_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    events = Events()

    async def break_down(value: object) -> object:
        raise ValueError("the secret of the house")

    events.add_pipe("e:x", break_down, owner="fragile")
    with caplog.at_level(logging.ERROR), pytest.raises(KuzzleError) as caught:
        await events.fire("e:x", 1)
    assert (caught.value.status, caught.value.id) == (500, "plugin.runtime.unexpected_error")
    assert '"fragile" on the event "e:x"' in caught.value.message
    assert "secret" not in caught.value.message
    assert "the secret of the house" in caplog.text


@pytest.mark.parametrize(("answer", "word"), [(None, "nothing"), ("text", "a str instead of a dict")])
async def test_a_pipe_that_answers_something_else_is_an_error_that_names_it(answer: Any, word: str) -> None:
    events = Events()

    async def lose(value: object) -> Any:
        return answer

    events.add_pipe("e:x", lose, owner="forgetful")
    with pytest.raises(KuzzleError, match=word) as caught:
        await events.fire("e:x", {})
    assert caught.value.id == "plugin.runtime.unexpected_error"
    assert "forgetful" in caught.value.message


async def test_a_pipe_that_is_no_coroutine_function_or_cancels_itself_fails_the_event() -> None:
    events = Events()

    def plain(value: int) -> int:
        return value

    async def cancel(value: int) -> int:
        raise asyncio.CancelledError

    events.add_pipe("e:plain", plain, owner="mine")  # type: ignore[arg-type]
    events.add_pipe("e:cancel", cancel, owner="mine")
    for event in ("e:plain", "e:cancel"):
        with pytest.raises(KuzzleError) as caught:
            await events.fire(event, 1)
        assert caught.value.id == "plugin.runtime.unexpected_error"
    assert await events.fire("e:other", 1) == 1


def test_what_cannot_listen_is_refused_when_it_registers() -> None:
    events = Events()

    async def nothing() -> None: ...

    nothing_callable: Any = 7
    for listener in (nothing, nothing_callable):
        with pytest.raises(KuzzleError, match="e:x") as caught:
            events.add_pipe("e:x", listener)
        assert caught.value.id == "plugin.assert.invalid_pipe"
        with pytest.raises(KuzzleError, match="e:x") as caught:
            events.add_hook("e:x", listener)
        assert caught.value.id == "plugin.assert.invalid_hook"
    assert not events.has_listeners("e:x")


@pytest.mark.parametrize("event", ["connection:new", "room:remove", "core:overload"])
def test_a_pipe_on_an_event_that_waits_for_nobody_is_refused(event: str) -> None:
    events = Events()
    with pytest.raises(KuzzleError, match=f'"{event}".*"mine" can put only hooks on it') as caught:
        events.add_pipe(event, increment, owner="mine")
    assert caught.value.id == "plugin.assert.invalid_pipe"
    assert not events.has_listeners(event)
    events.add_hook(event, ignore)
    events.add_pipe(event.rpartition(":")[0] + ":*", increment)


async def test_a_part_of_a_function_listens_too() -> None:
    events = Events()

    async def add(amount: int, value: int) -> int:
        return value + amount

    events.add_pipe("e:x", functools.partial(add, 10))
    assert await events.fire("e:x", 1) == 11


# --- time


async def test_a_pipe_that_takes_too_long_fails_with_504_even_if_it_cannot_be_cancelled() -> None:
    events = Events()
    gate = asyncio.Event()
    reached: list[Any] = []

    async def hang(value: int) -> int:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                reached.append("cancelled")
        return value

    events.add_pipe("e:x", hang, owner="slow", timeout_ms=5)
    events.add_pipe("e:x", noting(reached, "later"))
    with pytest.raises(KuzzleError) as caught:
        await events.fire("e:x", 1)
    assert (caught.value.status, caught.value.id) == (504, "plugin.runtime.pipe_timeout")
    assert 'Plugin "slow"' in caught.value.message
    assert '"e:x" exceeded the timeout delay (5ms)' in caught.value.message
    await until(lambda: reached == ["cancelled"])
    gate.set()
    await asyncio.sleep(0.01)
    assert reached == ["cancelled"]


async def test_a_pipe_that_takes_long_is_told_of_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    events = Events(pipe_warn_time_ms=2, pipe_timeout_ms=0)
    gate = asyncio.Event()

    async def wait(value: int) -> int:
        await gate.wait()
        return value

    events.add_pipe("e:x", increment)
    events.add_pipe("e:x", wait, owner="slow")
    events.add_pipe("e:quiet", wait, warn_time_ms=0)
    with caplog.at_level(logging.WARNING):
        call = asyncio.ensure_future(events.fire("e:x", 1))
        quiet = asyncio.ensure_future(events.fire("e:quiet", 1))
        await until(lambda: "longer than 2 ms" in caplog.text)
        gate.set()
        assert await call == 2
        assert await quiet == 1
    warnings = [record for record in caplog.records if record.name == "kuzzle.events"]
    assert len(warnings) == 1
    assert 'the plugin "slow" on the event "e:x"' in warnings[0].getMessage()


async def test_pipes_run_in_a_task_so_that_they_may_use_what_needs_one() -> None:
    events = Events()

    async def bounded(value: int) -> int:
        async with asyncio.timeout(30):
            await asyncio.sleep(0)
        return value + 1

    events.add_pipe("e:x", bounded)
    outcome: list[int] = []

    async def request() -> None:
        outcome.append(await events.fire("e:x", 1))

    from kuzzle.tasks import start_now  # as requests are started: outside of any task

    asyncio.get_running_loop().call_soon(lambda: start_now(request()))
    await until(lambda: bool(outcome))
    assert outcome == [2]


async def test_whoever_gives_up_waiting_ends_the_pipes() -> None:
    events = Events()
    ended: list[str] = []

    async def wait(value: int) -> int:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("pipe")
        return value

    events.add_pipe("e:x", wait)
    call = asyncio.ensure_future(events.fire("e:x", 1))
    await asyncio.sleep(0.01)
    call.cancel()
    await until(lambda: ended == ["pipe"])
    assert call.cancelled()


# --- hooks


async def test_hooks_get_the_piped_payload_and_delay_nobody(caplog: pytest.LogCaptureFixture) -> None:
    events = Events()
    gate = asyncio.Event()
    seen: list[object] = []

    async def slow(value: object) -> None:
        await gate.wait()
        seen.append(value)

    async def broken(value: object) -> None:
        raise ValueError("a hook's own affair")

    events.add_pipe("e:x", increment)
    events.add_hook("e:x", slow)
    events.add_hook("e:x", broken, owner="fragile")
    with caplog.at_level(logging.ERROR):
        assert await events.fire("e:x", 1) == 2
        assert seen == []
        gate.set()
        await until(lambda: seen == [2] and "fragile" in caplog.text)
    assert 'A hook of the plugin "fragile" on the event "e:x" failed' in caplog.text


async def test_hooks_that_hang_are_bounded_and_leave_those_of_others_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kuzzle.events, "MAX_HOOKS_AT_WORK", 4)
    events = Events()
    gate = asyncio.Event()
    seen: list[str] = []

    async def hang(value: object) -> None:
        await gate.wait()
        seen.append("slow")

    async def note(value: object) -> None:
        seen.append("quick")

    events.add_hook("e:x", hang, owner="slow")
    events.add_hook("e:x", note, owner="quick")
    with caplog.at_level(logging.WARNING):
        for _ in range(7):
            events.notify("e:x", 1)
            await asyncio.sleep(0)
        await until(lambda: seen == ["quick"] * 7)
        assert events.dropped_hooks == {"slow": 3}
        gate.set()
        await until(lambda: "3 hooks of the plugin" in caplog.text)
        events.notify("e:x", 1)
        await until(lambda: seen.count("slow") == 5)
    assert caplog.text.count("are dropped") == 1


async def test_the_end_of_the_server_cuts_hooks_that_do_not_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kuzzle.events, "_STOP_S", 0.01)
    events = Events()
    ended: list[str] = []

    async def hang(value: object) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("hook")

    await events.stop()
    events.add_hook("e:x", hang)
    events.notify("e:x", 1)
    with caplog.at_level(logging.WARNING):
        await events.stop()
    assert ended == ["hook"]
    assert "1 hooks still at work" in caplog.text
