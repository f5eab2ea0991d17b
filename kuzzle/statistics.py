"""How many requests and connections each protocol has, in frames of time.

On the path of a request this costs a look-up and three additions. Frames are kept in memory: a restart
begins without any.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

# A frame takes about a kilobyte: a long memory of short frames must not take the server's.
MAX_FRAMES: Final = 10_000

Frame = dict[str, Any]
"""`{"completedRequests", "connections", "failedRequests", "ongoingRequests", "timestamp"}`: numbers by
protocol (those that are not 0), and milliseconds since the epoch."""


@dataclass(slots=True)
class Counters:
    """Requests of one protocol: those at work, and how those since the last frame ended."""

    ongoing: int = 0
    completed: int = 0
    failed: int = 0


class Statistics:
    """The counters of now and the frames of before."""

    def __init__(self, options: Mapping[str, Any], *, clock: Callable[[], float] = time.time) -> None:
        """`options` holds `statsInterval` and `ttl`, in seconds; `clock` gives seconds since the epoch."""
        self._interval_s: int = options["statsInterval"]
        self._kept_ms: int = options["ttl"] * 1000
        self._clock = clock
        self._counters: dict[str, Counters] = {}
        self._frames: deque[Frame] = deque(maxlen=MAX_FRAMES)
        self._timer: asyncio.TimerHandle | None = None
        self.connection_counts: Callable[[], dict[str, int]] = dict

    def counters(self, protocol: str) -> Counters:
        """Return the counters of a protocol, to count a request with."""
        counters = self._counters.get(protocol)
        if counters is None:
            counters = self._counters[protocol] = Counters()
        return counters

    # --- frames

    def start(self) -> None:
        """Make a frame at each interval from now on."""
        self._timer = asyncio.get_running_loop().call_later(self._interval_s, self._tick)

    def stop(self) -> None:
        """Make no more frames."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self.close_frame()
        self.start()

    def close_frame(self) -> None:
        """Keep the counters of now as a frame; completed and failed requests count from 0 again."""
        self._forget_old()
        self._frames.append(self.live())
        for counters in self._counters.values():
            counters.completed = counters.failed = 0

    def clear(self) -> None:
        """Forget all frames."""
        self._frames.clear()

    def live(self) -> Frame:
        """Return the frame that is not over yet, with the time of now."""
        counters = self._counters.items()
        return {
            "completedRequests": {name: each.completed for name, each in counters if each.completed},
            "connections": self.connection_counts(),
            "failedRequests": {name: each.failed for name, each in counters if each.failed},
            "ongoingRequests": {name: each.ongoing for name, each in counters if each.ongoing},
            "timestamp": int(self._clock() * 1000),
        }

    def last(self) -> Frame:
        """Return the last frame; before the first one is made, the live one."""
        self._forget_old()
        return self._frames[-1] if self._frames else self.live()

    def between(self, start_ms: float | None, stop_ms: float | None) -> list[Frame]:
        """Return the frames of a time, bounds included, in the order of time; None sets no bound.

        Before the first frame is made, the live one stands for all.
        """
        self._forget_old()
        return [
            frame
            for frame in (self._frames or [self.live()])
            if (start_ms is None or frame["timestamp"] >= start_ms)
            and (stop_ms is None or frame["timestamp"] <= stop_ms)
        ]

    def _forget_old(self) -> None:
        oldest = self._clock() * 1000 - self._kept_ms
        while self._frames and self._frames[0]["timestamp"] < oldest:
            self._frames.popleft()
