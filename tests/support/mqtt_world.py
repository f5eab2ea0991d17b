"""A broker with a clock of the test's own, and clients without sockets."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
from collections.abc import Callable
from typing import Any

from mqtt_stage import default_options

from kuzzle.connection import Connection
from protocols.mqtt.bounds import Bounds
from protocols.mqtt.broker import Broker
from protocols.mqtt.message import Message
from protocols.mqtt.packets import Subscribe, TopicRequest
from protocols.mqtt.session import Session
from protocols.mqtt.topics import Destination, Topics


class Clock:
    """Time that passes when it is told to."""

    class Timer:
        is_cancelled = False

        def cancel(self) -> None:
            self.is_cancelled = True

    def __init__(self) -> None:
        self.now = 1000.0
        self._due: list[tuple[float, int, Clock.Timer, Callable[[], None]]] = []
        self._order = itertools.count()

    def __call__(self) -> float:
        return self.now

    def call_later(self, delay_s: float, step: Callable[[], None]) -> Clock.Timer:
        timer = Clock.Timer()
        heapq.heappush(self._due, (self.now + delay_s, next(self._order), timer, step))
        return timer

    def pass_by(self, seconds: float) -> None:
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, timer, step = heapq.heappop(self._due)
            if not timer.is_cancelled:
                step()
        self.now = end

    @property
    def waiting(self) -> int:
        return sum(not timer.is_cancelled for _, _, timer, _ in self._due)


class Client:
    """A receiver that takes what it gets."""

    def __init__(self, version: int = 5, window: int = 1000) -> None:
        self.version = version
        self.window = window
        self.max_packet_size: int | None = None
        self.is_writable = True
        self.got: list[bytes] = []
        self.why: str | None = None

    def send(self, data: bytes) -> None:
        self.got.append(data)

    def let_go(self, why: str) -> None:
        self.why = why

    def give_up_session(self) -> None:
        raise AssertionError("not asked for here")


class World:
    """A broker with its surroundings."""

    def __init__(self, **bounds: int) -> None:
        self.clock = Clock()
        self.requests: list[tuple[bytes, Destination]] = []
        options = default_options()
        self.broker = Broker(
            Topics(request_topic="ask", response_topic="hear", shared_topic="shared", allow_pub_sub=True),
            dataclasses.replace(Bounds.of(options, 1 << 20), **bounds),
            clock=self.clock,
            call_later=self.clock.call_later,
            serve_will=lambda _lost, payload, destination: self.requests.append((payload, destination)),
        )

    def enter(self, name: str, client: Client | None = None, *, expiry_s: int = 0, clean: bool = False) -> Session:
        session, _ = self.broker.enter(name, clean_start=clean)
        session.expiry_s = expiry_s
        session.attach(client or Client())
        session.send_waiting()
        return session

    def follow(self, session: Session, topic: str = "t", qos: int = 1, **options: Any) -> None:
        packet = Subscribe(1, [TopicRequest(topic, qos, **options)])
        self.broker.deliver_retained(session, self.broker.subscribe(session, packet, 5, Connection("mqtt"))[1])

    def publish(self, payload: bytes = b"m", qos: int = 1, topic: str = "t", **options: Any) -> None:
        self.broker.publish(Message(topic, payload, qos, now=self.clock.now, **options), None)
