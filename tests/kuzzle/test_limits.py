"""Requests at work, requests that wait, and whose turn it is."""

from __future__ import annotations

import asyncio

import pytest

from kuzzle.connection import Connection
from kuzzle.errors import KuzzleError
from kuzzle.limits import RequestSlots


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_request_beyond_the_places_waits_for_one_to_come_free() -> None:
    slots = RequestSlots(1, 10)
    assert slots.take_free()
    assert not slots.take_free()
    waiting = asyncio.ensure_future(slots.take(Connection("test")))
    await settle()
    assert (slots.at_work, slots.waiting) == (1, 1)
    slots.give_back()
    await waiting
    assert (slots.at_work, slots.waiting) == (1, 0)
    slots.give_back()
    assert slots.at_work == 0


async def test_a_full_buffer_refuses_with_overloaded() -> None:
    slots = RequestSlots(1, 1)
    slots.take_free()
    waiting = asyncio.ensure_future(slots.take(Connection("test")))
    await settle()
    assert slots.is_overloaded
    with pytest.raises(KuzzleError) as caught:
        await slots.take(Connection("test"))
    assert caught.value.id == "api.process.overloaded"
    assert caught.value.status == 503
    slots.give_back()
    await waiting


async def test_connections_take_turns_whatever_one_of_them_has_sent() -> None:
    slots = RequestSlots(1, 100)
    slots.take_free()
    greedy, modest = Connection("test"), Connection("test")
    order: list[str] = []

    async def request(connection: Connection, name: str) -> None:
        await slots.take(connection)
        order.append(name)
        slots.give_back()

    tasks = [asyncio.ensure_future(request(greedy, f"greedy {number}")) for number in range(4)]
    await settle()
    tasks.append(asyncio.ensure_future(request(modest, "modest")))
    await settle()
    slots.give_back()
    await asyncio.gather(*tasks)
    assert order == ["greedy 0", "modest", "greedy 1", "greedy 2", "greedy 3"]


async def test_a_request_whose_client_left_is_dropped_and_the_next_one_served() -> None:
    slots = RequestSlots(1, 10)
    slots.take_free()
    gone, here = Connection("test"), Connection("test")
    dropped = asyncio.ensure_future(slots.take(gone))
    served = asyncio.ensure_future(slots.take(here))
    await settle()
    gone.is_open = False
    slots.give_back()
    with pytest.raises(KuzzleError) as caught:
        await dropped
    assert caught.value.id == "api.process.connection_dropped"
    await served
    assert slots.waiting == 0


async def test_a_cancelled_request_gives_its_place_to_nobody_twice() -> None:
    slots = RequestSlots(1, 10)
    slots.take_free()
    cancelled = asyncio.ensure_future(slots.take(Connection("test")))
    await settle()
    slots.give_back()  # the place is handed over, the request is cancelled before it learns of it
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert slots.at_work == 0
    assert slots.take_free()


async def test_waiting_for_idle_ends_with_the_last_request_or_the_time() -> None:
    slots = RequestSlots(2, 10)
    assert await slots.wait_idle(0)
    slots.take_free()
    assert not await slots.wait_idle(0.001)
    idle = asyncio.ensure_future(slots.wait_idle(30))
    await settle()
    assert not idle.done()
    slots.give_back()
    assert await idle


async def test_an_overload_is_logged_once_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    slots = RequestSlots(1, 10, warning_threshold=4)
    slots.take_free()
    connection = Connection("test")

    async def fill(count: int) -> list[asyncio.Future[None]]:
        waiting = [asyncio.ensure_future(slots.take(connection)) for _ in range(count)]
        await settle()
        return waiting

    async def empty(waiting: list[asyncio.Future[None]]) -> None:
        for turn in waiting:
            slots.give_back()
            await turn

    first = await fill(3)
    assert caplog.records == []
    second = await fill(3)
    assert [record.getMessage() for record in caplog.records] == [
        "Overload: 4 requests wait for one of 1 places; beyond 10 they are refused"
    ]
    await empty(first + second)
    await empty(await fill(5))
    assert len(caplog.records) == 2
