"""Listeners for tests: they note what they get, and do what the test wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from kuzzle.events import Events

Change = Callable[[Any], Any]


class Listeners:
    """Pipes and hooks on the events of a server.

    Attributes:
        heard: Event and payload of each call, in order; the payload as it was then, if `copy` was given.
    """

    def __init__(self, events: Events) -> None:
        self.events = events
        self.heard: list[tuple[str, Any]] = []

    def pipe(self, event: str, change: Change | None = None) -> None:
        """Add a pipe; `change` answers what it answers, None: the payload as it is."""

        async def listen(payload: Any) -> Any:
            self.heard.append((event, payload))
            await asyncio.sleep(0)  # a pipe may wait
            if change is None:
                return payload
            answer = change(payload)
            return payload if answer is None else answer

        self.events.add_pipe(event, listen, owner="tests")

    def hook(self, event: str) -> None:
        """Add a hook."""

        async def listen(payload: Any) -> None:
            self.heard.append((event, payload))

        self.events.add_hook(event, listen, owner="tests")

    @property
    def names(self) -> list[str]:
        """The events that were heard, in order."""
        return [event for event, _ in self.heard]

    def of(self, event: str) -> list[Any]:
        """What an event has carried, in order."""
        return [payload for heard, payload in self.heard if heard == event]

    async def settle(self, event: str, count: int = 1) -> list[Any]:
        """Wait until an event was heard that often; return what it carried."""
        while len(self.of(event)) < count:  # noqa: ASYNC110 - hooks run whenever they like
            await asyncio.sleep(0.001)
        return self.of(event)


def raising(error: Exception) -> Change:
    """A pipe that refuses."""

    def refuse(_payload: Any) -> Any:
        raise error

    return refuse
