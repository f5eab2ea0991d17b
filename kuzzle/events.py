"""Pipes and hooks: what may change a request on its way, and what only watches.

An event is `<scope>:<name>`. A pipe gets the payload and answers it, changed or not; an error it
raises becomes the request's error. A hook gets the payload and delays nobody. Plugins register here;
without listeners an event costs one dictionary look-up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

Pipe = Callable[[Any], Awaitable[Any]]
Hook = Callable[[Any], Awaitable[None]]

logger = logging.getLogger(__name__)


class Events:
    """The listeners of one server."""

    def __init__(self) -> None:
        self._pipes: dict[str, list[Pipe]] = {}
        self._hooks: dict[str, list[Hook]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def add_pipe(self, event: str, pipe: Pipe) -> None:
        """Append a pipe to an event."""
        self._pipes.setdefault(event, []).append(pipe)

    def add_hook(self, event: str, hook: Hook) -> None:
        """Append a hook to an event."""
        self._hooks.setdefault(event, []).append(hook)

    def has_listeners(self, event: str) -> bool:
        """Tell whether firing the event would call anybody."""
        return event in self._pipes or event in self._hooks

    async def fire(self, event: str, payload: Any) -> Any:
        """Run the pipes of an event in order, each fed with the previous answer, then start its hooks.

        Returns:
            The payload as the last pipe left it.
        """
        for pipe in self._pipes.get(event, ()):
            payload = await pipe(payload)
        self.notify(event, payload)
        return payload

    def notify(self, event: str, payload: Any) -> None:
        """Start the hooks of an event without waiting for them."""
        for hook in self._hooks.get(event, ()):
            task = asyncio.get_running_loop().create_task(self._watch(hook, event, payload))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _watch(self, hook: Hook, event: str, payload: Any) -> None:
        try:
            await hook(payload)
        except Exception:  # a hook only watches: its failure is its author's to read
            logger.exception("A hook of the event %s failed", event)
