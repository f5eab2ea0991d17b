"""How many requests and connections each protocol has, in frames of time.

On the path of a request this costs a look-up and three additions. Frames are kept in the cache: those of all servers
that share it are told together, and where it is memory a restart begins without any.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.cache.base import Cache, TableBounds
from kuzzle.connection import new_id
from kuzzle.encoding import decode_json, encode_json
from kuzzle.errors import KuzzleError

# A frame takes about half a kilobyte, more where there are many protocols of users' own: a long memory of short
# frames must not take the server's.
FRAMES: Final = TableBounds("statistics", max_entries=10_000, max_value_bytes=8192)

Frame = dict[str, Any]
"""`{"completedRequests", "connections", "failedRequests", "ongoingRequests", "timestamp"}`: numbers by
protocol (those that are not 0), and milliseconds since the epoch."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Counters:
    """Requests of one protocol: those at work, and how those since the last frame ended."""

    ongoing: int = 0
    completed: int = 0
    failed: int = 0


class Statistics:
    """The counters of now and the frames of before."""

    def __init__(self, options: Mapping[str, Any], cache: Cache, *, clock: Callable[[], float] = time.time) -> None:
        """`options` holds `statsInterval` and `ttl`, in seconds; `clock` gives seconds since the epoch."""
        self._interval_s: int = options["statsInterval"]
        self._kept_ms: int = options["ttl"] * 1000
        self._frames = cache.table(FRAMES)
        self._clock = clock
        self._counters: dict[str, Counters] = {}
        self._maker: asyncio.Task[None] | None = None
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
        self._maker = asyncio.get_running_loop().create_task(self._make_frames())

    async def stop(self) -> None:
        """Make no more frames."""
        if self._maker is not None:
            self._maker.cancel()
            await asyncio.wait([self._maker])
            self._maker = None

    async def _make_frames(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self.close_frame()

    async def close_frame(self) -> None:
        """Keep the counters of now as a frame; completed and failed requests count from 0 again.

        Where the cache does not take it, they go into the next one.
        """
        frame = self.live()
        counted = [(counters, counters.completed, counters.failed) for counters in self._counters.values()]
        for counters, _, _ in counted:
            counters.completed = counters.failed = 0
        try:
            await self._frames.put(new_id(), encode_json(frame), self._kept_ms)
        except KuzzleError as error:
            logger.info("A frame of the statistics goes into the next one: %s", error.message)
            for counters, completed, failed in counted:
                counters.completed += completed
                counters.failed += failed

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

    async def last(self) -> Frame:
        """Return the last frame; before the first one is made, the live one.

        Raises:
            KuzzleError: `services.cache.not_connected`, `services.cache.read_failed`.
        """
        frames = await self._frames.newest(1)
        return _decoded(frames)[0] if frames else self.live()

    async def between(self, start_ms: float | None, stop_ms: float | None) -> list[Frame]:
        """Return the frames of a time, bounds included, in the order of time; None sets no bound.

        Before the first frame is made, the live one stands for all.

        Raises:
            KuzzleError: `services.cache.not_connected`, `services.cache.read_failed`.
        """
        frames = _decoded(await self._frames.newest(FRAMES.max_entries)) or [self.live()]
        frames.sort(key=lambda frame: frame["timestamp"])  # the clocks of several servers differ a little
        return [
            frame
            for frame in frames
            if (start_ms is None or frame["timestamp"] >= start_ms)
            and (stop_ms is None or frame["timestamp"] <= stop_ms)
        ]

    async def known(self) -> list[Frame]:
        """Return all frames; the live one alone where the cache tells none."""
        try:
            return await self.between(None, None)
        except KuzzleError:
            return [self.live()]


def _decoded(frames: list[bytes]) -> list[Frame]:
    """Read frames, as one text: that costs half of reading each."""
    return list(decode_json(b"[%b]" % b",".join(frames)))
