"""Statistics: counters, frames, and the actions that tell them."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Server

from kuzzle.cache.memory import MemoryCache
from kuzzle.statistics import FRAMES, Statistics


class Clock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def made(clock: Clock, ttl: int = 3600) -> Statistics:
    return Statistics({"statsInterval": 10, "ttl": ttl}, MemoryCache(clock), clock=clock)


async def frames_at(clock: Clock, *moments: float, ttl: int = 3600) -> Statistics:
    statistics = made(clock, ttl)
    for clock.now in moments:
        await statistics.close_frame()
    return statistics


async def times(statistics: Statistics, start: float | None = None, stop: float | None = None) -> list[int]:
    return [frame["timestamp"] for frame in await statistics.between(start, stop)]


async def test_a_frame_starts_completed_and_failed_anew_and_leaves_the_rest() -> None:
    statistics = made(Clock())
    statistics.connection_counts = lambda: {"mqtt": 2}
    counters = statistics.counters("mqtt")
    counters.ongoing, counters.completed, counters.failed = 1, 5, 2
    await statistics.close_frame()
    frame = {"connections": {"mqtt": 2}, "ongoingRequests": {"mqtt": 1}, "timestamp": 1_000_000}
    assert await statistics.last() == {"completedRequests": {"mqtt": 5}, "failedRequests": {"mqtt": 2}, **frame}
    assert statistics.live() == {"completedRequests": {}, "failedRequests": {}, **frame}


async def test_bounds_are_included() -> None:
    statistics = await frames_at(Clock(), 1, 2, 3)
    assert await times(statistics) == [1000, 2000, 3000]
    assert await times(statistics, 2000, 3000) == [2000, 3000]
    assert await times(statistics, None, 2000) == [1000, 2000]
    assert await times(statistics, 3001) == []


async def test_frames_are_told_in_the_order_of_time() -> None:
    assert await times(await frames_at(Clock(), 2, 1, 3)) == [1000, 2000, 3000]


async def test_frames_are_kept_for_their_time() -> None:
    clock = Clock()
    statistics = await frames_at(clock, 100, 105, 111, ttl=10)
    assert await times(statistics) == [105_000, 111_000]
    clock.now = 200
    assert await times(statistics) == [200_000]  # the live counters: no frame is left


async def test_frames_are_bounded() -> None:
    statistics = await frames_at(Clock(), *[5.0] * (FRAMES.max_entries + 10))
    assert len(await times(statistics)) == FRAMES.max_entries


async def test_a_frame_that_is_too_large_for_the_cache_goes_into_the_next_one() -> None:
    statistics = made(Clock())
    counters = statistics.counters("mqtt")
    counters.ongoing, counters.completed, counters.failed = 1, 5, 2
    statistics.connection_counts = lambda: {"x" * FRAMES.max_value_bytes: 1}
    await statistics.close_frame()
    statistics.connection_counts = dict
    counters.completed += 1
    assert await statistics.last() == statistics.live()
    await statistics.close_frame()
    frame = await statistics.last()
    assert (frame["completedRequests"], frame["failedRequests"]) == ({"mqtt": 6}, {"mqtt": 2})
    assert (counters.completed, counters.failed) == (0, 0)


async def test_requests_are_counted_by_protocol(server: Server) -> None:
    websocket = await server.websocket()
    await websocket.request("server", "now")
    await websocket.request("server", "nothing")
    await server.http("GET", "/_now")
    live = (await server.http("GET", "/_getLastStats")).result
    assert live["completedRequests"] == {"http": 1, "websocket": 1}
    assert live["failedRequests"] == {"websocket": 1}
    assert live["ongoingRequests"] == {"http": 1}
    assert live["connections"] == {"http": 1, "websocket": 1}
    await server.app.statistics.close_frame()
    frame = (await websocket.request("server", "getLastStats"))["result"]
    assert frame["completedRequests"] == {"http": 2, "websocket": 1}


@pytest.mark.parametrize("verb_and_path", ["GET /_getAllStats", "GET /_getStats", "POST /_getStats"])
async def test_frames_are_listed_over_every_route(server: Server, verb_and_path: str) -> None:
    reply = await server.http(*verb_and_path.split())
    assert reply.result["total"] == 1  # the live one
    await server.app.statistics.close_frame()
    await server.app.statistics.close_frame()
    assert (await server.http(*verb_and_path.split())).result["total"] == 2


@pytest.mark.parametrize(
    ("bounds", "count"),
    [
        ({}, 3),
        ({"startTime": 2000}, 2),
        ({"startTime": "2000", "stopTime": "2000"}, 1),
        ({"startTime": "1970-01-01T00:00:02Z"}, 2),
        ({"startTime": "1970-01-01T01:00:02+01:00"}, 2),
        ({"stopTime": "Thu, 01 Jan 1970 00:00:02 +0000"}, 2),
        ({"startTime": "2999-01-01"}, 0),
        ({"stopTime": "1969-12-31"}, 0),
    ],
)
async def test_a_time_is_named_in_several_ways(server: Server, bounds: dict[str, Any], count: int) -> None:
    clock = Clock()
    server.app.statistics._clock = clock
    for clock.now in (1, 2, 3):
        await server.app.statistics.close_frame()
    websocket = await server.websocket()
    result = (await websocket.request("server", "getStats", **bounds))["result"]
    assert (result["total"], len(result["hits"])) == (count, count)


@pytest.mark.parametrize("name", ["startTime", "stopTime"])
@pytest.mark.parametrize("value", ["yesterday", "", "nan", "inf", "12:30", "9" * 400, True, [], {}])
async def test_what_names_no_time_is_refused(server: Server, name: str, value: Any) -> None:
    websocket = await server.websocket()
    reply = await websocket.request("server", "getStats", **{name: value})
    assert (reply["status"], reply["error"]["id"]) == (400, "api.assert.invalid_argument")
    assert name in reply["error"]["message"]


async def test_frames_are_made_by_themselves(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Server(tmp_path, {}) as server:
        statistics = server.app.statistics
        await statistics.stop()
        statistics._interval_s = 0
        statistics.start()
        websocket = await server.websocket()
        while (await websocket.request("server", "getAllStats"))["result"]["total"] < 3:
            pass
