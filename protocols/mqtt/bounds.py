"""How much the broker keeps, and for how long.

Each bound is an option of `protocols.mqtt`, but for the size of a packet: `limits.maxRequestSize`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of one server.

    Attributes:
        max_packet_size: Bytes of the largest packet that is read; larger ones close the connection
            before they are kept in memory.
        max_inflight: Messages of QoS 1 and 2 sent to a client before it must acknowledge some, and
            messages of QoS 2 that a client may leave unreleased.
        max_queued_messages: Messages that wait for one client. A connected client with more is let go;
            for an absent one new messages are dropped.
        max_queued_bytes: The same in bytes, sent but unacknowledged messages included.
        max_stored_bytes: Bytes of all messages that wait or are retained, together: no number of
            sessions can fill the memory.
        max_retained_messages: Topics with a retained message.
        max_sessions: Sessions of connected and absent clients; the longest absent one makes room.
        max_subscriptions: Topics one client may subscribe to.
        max_requests: Requests of one client at work or waiting; its socket is not read beyond.
        session_expiry_s: How long the session of an absent client is kept at most.
    """

    max_packet_size: int
    max_inflight: int
    max_queued_messages: int
    max_queued_bytes: int
    max_stored_bytes: int
    max_retained_messages: int
    max_sessions: int
    max_subscriptions: int
    max_requests: int
    session_expiry_s: int

    @classmethod
    def of(cls, options: Mapping[str, Any], max_request_size: int) -> Bounds:
        """Read the options; a packet may be as large as a request, in bytes."""
        return cls(
            max_packet_size=max_request_size,
            max_inflight=options["maxInflight"],
            max_queued_messages=options["maxQueuedMessages"],
            max_queued_bytes=options["maxQueuedBytes"],
            max_stored_bytes=options["maxStoredBytes"],
            max_retained_messages=options["maxRetainedMessages"],
            max_sessions=options["maxSessions"],
            max_subscriptions=options["maxSubscriptions"],
            max_requests=options["maxPendingRequests"],
            session_expiry_s=options["sessionExpiry"],
        )


class StoredBytes:
    """The bytes of all messages kept in memory for later, against `maxStoredBytes`."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, size: int) -> bool:
        """Count a message; False, and nothing counted, when it does not fit."""
        if self.used + size > self.limit:
            return False
        self.used += size
        return True

    def give_back(self, size: int) -> None:
        """Count a message no longer."""
        self.used -= size
