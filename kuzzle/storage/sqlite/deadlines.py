"""Searches that end when their time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import apsw

from kuzzle.storage.errors import SearchTooLongError
from kuzzle.storage.hits import SearchPage

# Steps of SQLite's machine between two looks at the clock: a fraction of a millisecond.
_STEPS: Final = 2000


def within(connection: apsw.Connection, timeout_ms: int | None, search: Callable[[], SearchPage]) -> SearchPage:
    """Run a search; when its time is over before it has found its page, answer an empty one that says so.

    Args:
        timeout_ms: None: it may take as long as it does.
    """
    if timeout_ms is None:
        return search()
    started = time.monotonic()
    deadline = started + timeout_ms / 1000
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    try:
        return search()
    except apsw.InterruptError:
        return SearchPage([], 0, None, round((time.monotonic() - started) * 1000), is_timed_out=True)
    finally:
        connection.set_progress_handler(None)


@contextmanager
def bounded(connection: apsw.Connection, limit_ms: int) -> Iterator[None]:
    """Give up what a connection does when it takes too long.

    Args:
        limit_ms: 0: it may take as long as it does.

    Raises:
        SearchTooLongError
    """
    if not limit_ms:
        yield
        return
    deadline = time.monotonic() + limit_ms / 1000
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS, id=bounded)
    try:
        yield
    except apsw.InterruptError:
        raise SearchTooLongError.after(limit_ms) from None
    finally:
        connection.set_progress_handler(None, id=bounded)
