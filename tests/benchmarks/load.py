"""The load of all benchmarks: many connections, one loop, nothing but system calls and counting.

A link is a connected blocking socket with what it sends; the loop answers every reply with the next request,
so each link keeps `window` requests under way. Written on bare sockets to cost far less than what it measures. It never
sleeps: a server whose answer wakes a sleeping process pays for that, by half of a cheap request on a virtual machine.
"""

from __future__ import annotations

import itertools
import select
import socket
import time
from collections.abc import Callable, Sequence

# Takes received bytes, gives the number of whole messages in them and the number of bytes those take.
Framing = Callable[[bytes], tuple[int, int]]

RECEIVE_BYTES = 256 * 1024
# A search of a million documents on a busy machine takes seconds.
DRAIN_SECONDS = 60


def connect(port: int) -> socket.socket:
    """Open a connection to this machine."""
    link = socket.create_connection(("localhost", port), timeout=DRAIN_SECONDS)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


class Link:
    """One connection that asks and is answered.

    Attributes:
        last: The bytes of the answers read last.
    """

    last = b""

    def __init__(self, link: socket.socket, requests: Sequence[bytes], framing: Framing) -> None:
        self.socket = link
        self._requests = itertools.cycle(requests)
        self._framing = framing
        self._rest = b""

    def send(self, count: int) -> None:
        """Send the next requests."""
        self.socket.sendall(b"".join(itertools.islice(self._requests, count)))

    def receive(self) -> int:
        """Read what has arrived; the number of answers in it."""
        return self._whole(self._read())[0]

    def _read(self) -> bytes:
        received = self.socket.recv(RECEIVE_BYTES)
        if not received:
            raise ConnectionError("the server closed the connection")
        return received

    def _whole(self, received: bytes) -> tuple[int, bytes]:
        data = self._rest + received if self._rest else received
        count, used = self._framing(data)
        self._rest = data[used:]
        if count:
            self.last = data[:used]
        return count, self.last

    @property
    def sender(self) -> Link:
        """The link that sends the next request when this one has received."""
        return self

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()


def drive(links: Sequence[Link], window: int, seconds: float) -> int:
    """Keep `window` requests of every sender under way for so long, then wait for the last answers.

    Returns:
        The number of answered requests.

    Raises:
        TimeoutError: An answer is missing at the end.
    """
    by_number = {link.socket.fileno(): link for link in links}
    poll = select.epoll()
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    senders = {id(link.sender): link.sender for link in links}.values()
    under_way = done = 0
    end = time.perf_counter() + seconds
    for sender in senders:
        sender.send(window)
        under_way += window
    try:
        while under_way:
            is_over = time.perf_counter() >= end
            while not (ready := poll.poll(0)):
                if time.perf_counter() >= end + DRAIN_SECONDS:
                    raise TimeoutError(f"{under_way} answers are missing")
            for number, _ in ready:
                link = by_number[number]
                answered = link.receive()
                done += answered
                if is_over:
                    under_way -= answered
                elif answered:
                    link.sender.send(answered)
    finally:
        poll.close()
    return done
