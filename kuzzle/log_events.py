"""The events `log:<level>`: hooks that hear what the server and its plugins log.

Without such hooks nothing hangs on the loggers. Lines of the access log are not told of.

Threads: records come from any thread; hooks start on the event loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from typing import Any, Final

from kuzzle.access_log import LOGGER_NAME as ACCESS_LOGGER
from kuzzle.events import Events

# Loggers of the server, of its protocols and of plugins; those of libraries are for who runs the server.
_LOGGERS: Final = ("kuzzle", "protocols", "plugin")
# What is more severe counts as the most severe of these; Python has nothing below `debug`.
_EVENTS: Final = {
    logging.DEBUG: "log:debug",
    logging.INFO: "log:info",
    logging.WARNING: "log:warn",
    logging.ERROR: "log:error",
}
# Records of other threads that wait for the event loop: some kB each, so a loop that is blocked costs some MB.
MAX_WAITING: Final = 1000

# True where a log hook is at work: what it logs itself is told to nobody, or it would go on for ever.
_is_in_hook: Final = contextvars.ContextVar("is_in_log_hook", default=False)


class LogEvents(logging.Handler):
    """Fires the events of log records, from `start` to `stop`.

    Attributes:
        dropped: Number of records of other threads that found too many waiting.
    """

    def __init__(self, events: Events) -> None:
        super().__init__()
        self.dropped = 0
        self._events = events
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listened: frozenset[str] = frozenset()
        self._waiting = 0
        self._count = threading.Lock()

    def start(self) -> None:
        """Hear from now on, as long as there are hooks; called on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._events.on_changed = self._look
        self._look()

    def stop(self) -> None:
        """Hear no more; a second call does nothing."""
        self._events.on_changed = lambda: None
        self._loop = None
        self._listened = frozenset()
        self._detach()

    def handle(self, record: logging.LogRecord) -> bool:
        """Tell hooks of a record; whatever goes wrong with it, the other handlers get it all the same."""
        event = _event_of(record)
        if event in self._listened and record.name != ACCESS_LOGGER and not _is_in_hook.get():
            try:
                self._pass_on(event, _arguments(record))
            except Exception:  # as handlers of the library do: a record that cannot be read breaks no caller
                self.handleError(record)
        return True

    # --- inside

    def _look(self) -> None:
        self._listened = frozenset(event for event in _EVENTS.values() if self._events.has_listeners(event))
        self._detach()
        if self._listened:
            for name in _LOGGERS:
                logging.getLogger(name).addHandler(self)

    def _detach(self) -> None:
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self)

    def _pass_on(self, event: str, arguments: list[Any]) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if _running_loop() is loop:
            self._fire(event, arguments)
            return
        with self._count:
            if self._waiting >= MAX_WAITING:
                self.dropped += 1
                return
            self._waiting += 1
        loop.call_soon_threadsafe(self._fire_waiting, event, arguments)

    def _fire_waiting(self, event: str, arguments: list[Any]) -> None:
        with self._count:
            self._waiting -= 1
        if self._loop is not None:
            self._fire(event, arguments)

    def _fire(self, event: str, arguments: list[Any]) -> None:
        token = _is_in_hook.set(True)  # hooks run in tasks, which take this along
        try:
            self._events.notify(event, arguments)
        finally:
            _is_in_hook.reset(token)


def _event_of(record: logging.LogRecord) -> str:
    return next((_EVENTS[level] for level in reversed(_EVENTS) if record.levelno >= level), "")


def _arguments(record: logging.LogRecord) -> list[Any]:
    """Return the text of a record, and behind it the traceback if it has one."""
    if not record.exc_info:
        return [record.getMessage()]
    return [record.getMessage(), record.exc_text or logging.Formatter().formatException(record.exc_info)]


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
