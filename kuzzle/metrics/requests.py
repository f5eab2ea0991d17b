"""Counts the answered requests by controller, action, protocol and status, and how long they took.

Runs on the event loop, so it needs no lock. A request that is counted costs a look-up and three additions:
the counts are our own numbers, and become Prometheus's families only when they are asked for. What
clients choose never becomes a label: a name that the server does not know is counted as `other`, so
there are never more counts than actions, protocols and statuses.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable
from time import perf_counter
from typing import Final, NamedTuple

from kuzzle.catalogue import ALIASES
from kuzzle.request import Request
from kuzzle.response import Response

OTHER: Final = "other"
# Upper ends in seconds: point reads take a fraction of the first, a request that waits for the disk milliseconds,
# and what takes longer than the last is as bad as any.
BUCKETS_S: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Execute = Callable[[Request], Awaitable[Response]]


class Labels(NamedTuple):
    """What requests are told apart by."""

    controller: str
    action: str
    protocol: str
    status: int


class Tally:
    """The requests of one choice of labels.

    Attributes:
        labels: Which.
        seconds: How long they took together.
        buckets: How many took at most each of `BUCKETS_S` and more than the one before; the last, how
            many took longer than all.
    """

    __slots__ = ("buckets", "labels", "seconds")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.seconds = 0.0
        self.buckets = [0] * (len(BUCKETS_S) + 1)

    def copy(self) -> Tally:
        """Return one that later requests leave as it is."""
        copied = Tally(self.labels)
        copied.seconds = self.seconds
        copied.buckets = self.buckets.copy()
        return copied


class RequestMeter:
    """Counts requests."""

    def __init__(self, actions: Iterable[tuple[str, str]], protocols: Iterable[str]) -> None:
        """Start at zero.

        Args:
            actions: Controller and name of every action there is.
            protocols: The names of the protocols that are served.
        """
        self.protocols = tuple(protocols)
        self._actions = frozenset(actions)
        self._controllers = frozenset(controller for controller, _ in self._actions)
        self._tallies: dict[tuple[str | None, str | None, str, int], Tally] = {}

    def around(self, execute: Execute) -> Execute:
        """Return a function that executes a request, and counts it."""

        async def metered(request: Request) -> Response:
            started = perf_counter()
            response = await execute(request)
            self.count(request.controller, request.action, request.connection.protocol, response.status, started)
            return response

        return metered

    def count(
        self,
        controller: str | None,
        action: str | None,
        protocol: str,
        status: int,
        started: float | None = None,
    ) -> None:
        """Count a request that has been answered.

        Args:
            started: What `time.perf_counter()` said when its work began; None when it was refused at once.
        """
        tally = self._tallies.get((controller, action, protocol, status))
        if tally is None:
            labels = self._labels(controller, action, protocol, status)
            tally = self._tallies.setdefault(labels, Tally(labels))
        seconds = 0.0 if started is None else perf_counter() - started
        tally.seconds += seconds
        tally.buckets[bisect_left(BUCKETS_S, seconds)] += 1

    def _labels(self, controller: str | None, action: str | None, protocol: str, status: int) -> Labels:
        controller = ALIASES.get(controller or OTHER, controller)
        if controller not in self._controllers:
            controller = OTHER
        if (controller, action) not in self._actions:
            action = OTHER
        return Labels(controller or OTHER, action or OTHER, protocol if protocol in self.protocols else OTHER, status)

    def snapshot(self) -> list[Tally]:
        """Return the counts as they are now, for another thread to read."""
        return [tally.copy() for tally in self._tallies.values()]
