"""Coroutines that start at once."""

from __future__ import annotations

import asyncio

import pytest

from kuzzle.tasks import start_now


async def test_a_coroutine_that_never_waits_is_done_at_once() -> None:
    seen: list[str] = []

    async def work() -> None:
        seen.append("done")

    assert start_now(work()) is None
    assert seen == ["done"]


async def test_the_rest_after_the_first_wait_becomes_a_task() -> None:
    seen: list[str] = []
    gate: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        seen.append("before")
        seen.append(await gate)
        await asyncio.sleep(0)
        seen.append("after")

    task = start_now(work())
    assert task is not None
    assert seen == ["before"]
    gate.set_result("value")
    await task
    assert seen == ["before", "value", "after"]


async def test_an_error_of_what_is_awaited_reaches_the_coroutine() -> None:
    gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    caught: list[Exception] = []

    async def work() -> None:
        try:
            await gate
        except ValueError as error:
            caught.append(error)
        await asyncio.sleep(0)

    task = start_now(work())
    assert task is not None
    gate.set_exception(ValueError("late"))
    await task
    assert [str(error) for error in caught] == ["late"]


async def test_an_error_before_the_first_wait_is_raised_to_the_caller() -> None:
    async def work() -> None:
        raise ValueError("early")

    with pytest.raises(ValueError, match="early"):
        start_now(work())


async def test_cancelling_the_task_lets_the_coroutine_clean_up() -> None:
    cleaned: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            cleaned.append(True)

    task = start_now(work())
    assert task is not None
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned == [True]


async def test_calls_that_do_not_wait_keep_their_order_before_those_that_do() -> None:
    order: list[int] = []

    async def work(number: int) -> None:
        if number % 2:
            await asyncio.sleep(0)
        order.append(number)

    tasks = [task for number in range(6) if (task := start_now(work(number)))]
    assert order == [0, 2, 4]
    await asyncio.gather(*tasks)
    assert order == [0, 2, 4, 1, 3, 5]
