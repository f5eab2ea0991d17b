"""What is pushed to subscribers, serialised once for all of them."""

from __future__ import annotations

from typing import Any

import orjson


class Notification:
    """A notification in the wire shape of one API generation, without `room`.

    It is shared between receivers and protocols, so nobody changes its content.
    """

    __slots__ = ("_encoded", "content")

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self._encoded: bytes | None = None

    def encode(self) -> bytes:
        """Return the JSON text, made at the first call."""
        if self._encoded is None:
            self._encoded = orjson.dumps(self.content)
        return self._encoded

    def encode_for_room(self, channel: str) -> bytes:
        """Return the JSON text with `room` as its last member: the shared text with a new end."""
        return b'%s,"room":%s}' % (self.encode()[:-1], orjson.dumps(channel))
