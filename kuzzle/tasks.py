"""Coroutines that start at once.

Most API calls finish without ever waiting. A task for each of them would cost more than the call
itself, and would let a later message of the same client overtake it. So a call is run here and now up
to its first wait, and becomes a task only for the rest.

Rule: code before its first wait runs outside of any task of its own, hence must not ask for
`asyncio.current_task()` (nor use `asyncio.timeout`).
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

_unfinished: set[asyncio.Task[None]] = set()


def start_now(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """Run a coroutine up to its first wait; return the task of the rest, None when it is done.

    The coroutine deals with its own errors: what it raises before the first wait is raised here.
    """
    try:
        awaited = coroutine.send(None)
    except StopIteration:
        return None
    task = asyncio.get_running_loop().create_task(_rest(coroutine, awaited))
    _unfinished.add(task)  # the loop itself keeps only weak references to tasks
    task.add_done_callback(_unfinished.discard)
    return task


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """Go on with a started coroutine, handing on what it waits for and what comes back."""
    while True:
        try:
            value = yield awaited
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:  # cancellation included: it is the coroutine's to handle
            step: Callable[[Any], Any] = coroutine.throw
            argument: Any = error
        else:
            step = coroutine.send
            argument = value
        try:
            awaited = step(argument)
        except StopIteration:
            return
