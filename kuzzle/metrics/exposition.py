"""Words the figures of the server as Prometheus reads them.

This module alone knows `prometheus_client`; it is imported only where metrics are switched on. A scrape
has two parts: `Figures` are read on the event loop, where they change, and worded off it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder

from kuzzle import __version__
from kuzzle.metrics.requests import BUCKETS_S, Tally
from kuzzle.storage.figures import StoreFigures


@dataclass(frozen=True, slots=True)
class Figures:
    """The server at one moment.

    Attributes:
        requests: Answered requests.
        connections: Number of open connections by protocol name.
        at_work: Number of requests at work.
        waiting: Number of requests that wait for a place.
        rooms: Number of realtime rooms.
        subscriptions: Number of connections in rooms; one in two rooms counts twice.
        is_ready: Whether `/_ready` says so.
        store: None while the store is closed.
    """

    requests: Sequence[Tally]
    connections: Mapping[str, int]
    at_work: int
    waiting: int
    rooms: int
    subscriptions: int
    is_ready: bool
    store: StoreFigures | None


class Exposition:
    """Words figures; may be called from any thread, one call at a time."""

    def __init__(self) -> None:
        self._process = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._process)

    def render(self, figures: Figures, accept: str) -> tuple[str, bytes]:
        """Return content type and body of the page.

        Args:
            accept: The client's Accept header; it chooses between Prometheus's text and OpenMetrics.
        """
        encode, content_type = choose_encoder(accept)
        return content_type, encode(_Page(self._process, figures))


class _Page(CollectorRegistry):
    """What an encoder goes through: the process and the server at one moment."""

    def __init__(self, process: CollectorRegistry, figures: Figures) -> None:
        super().__init__()
        self._figures = figures
        self._process = process

    def collect(self) -> Iterator[Metric]:
        yield from self._process.collect()
        yield InfoMetricFamily("kuzzle", "The server.", {"version": __version__})
        yield from _request_families(self._figures.requests)
        yield from _load_families(self._figures)
        if self._figures.store is not None:
            yield from _store_families(self._figures.store)


def _request_families(requests: Iterable[Tally]) -> Iterator[Metric]:
    answered = CounterMetricFamily(
        "kuzzle_requests",
        "Requests that were answered; names the server does not know count as other.",
        labels=("controller", "action", "protocol", "status"),
    )
    by_action: dict[tuple[str, str], list[Tally]] = {}
    for tally in sorted(requests, key=lambda each: each.labels):
        controller, action, protocol, status = tally.labels
        answered.add_metric((controller, action, protocol, str(status)), sum(tally.buckets))
        by_action.setdefault((controller, action), []).append(tally)
    yield answered
    took = HistogramMetricFamily(
        "kuzzle_request_duration_seconds",
        "Time from the entry of a request to its answer, waiting for a place included.",
        labels=("controller", "action"),
    )
    ends = [*map(str, BUCKETS_S), "+Inf"]
    for (controller, action), tallies in by_action.items():
        counts = accumulate(map(sum, zip(*(tally.buckets for tally in tallies), strict=True)))
        seconds = sum(tally.seconds for tally in tallies)
        took.add_metric((controller, action), list(zip(ends, counts, strict=True)), seconds)
    yield took


def _load_families(figures: Figures) -> Iterator[Metric]:
    connections = GaugeMetricFamily("kuzzle_connections", "Open connections.", labels=("protocol",))
    for protocol, number in sorted(figures.connections.items()):
        connections.add_metric((protocol,), number)
    yield connections
    yield from _gauges(
        ("kuzzle_ready", "1 while the server takes requests, 0 while it starts, stops or is overloaded.",
         int(figures.is_ready)),
        ("kuzzle_requests_at_work", "Requests at work.", figures.at_work),
        ("kuzzle_requests_waiting", "Requests that wait for a place.", figures.waiting),
        ("kuzzle_realtime_rooms", "Realtime rooms.", figures.rooms),
        ("kuzzle_realtime_subscriptions", "Connections in realtime rooms, counted once a room.",
         figures.subscriptions),
    )  # fmt: skip


def _store_families(store: StoreFigures) -> Iterator[Metric]:
    yield CounterMetricFamily(
        "kuzzle_store_commits", "Transactions committed since the start; writes share them.", store.commits
    )
    yield from _gauges(
        ("kuzzle_store_size_bytes", "Size of the store on disk.", store.size_bytes),
        ("kuzzle_store_writes_waiting", "Writes that wait for the store.", store.waiting_writes),
        ("kuzzle_store_searches_waiting", "Searches and counts that wait for the store.", store.waiting_searches),
        ("kuzzle_store_scrolls", "Searches that are kept open page by page.", store.scrolls),
    )


def _gauges(*gauges: tuple[str, str, int]) -> Iterable[Metric]:
    return (GaugeMetricFamily(name, text, value) for name, text, value in gauges)
