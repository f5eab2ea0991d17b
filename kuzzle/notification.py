"""What is pushed to subscribers, serialised once for all of them."""

from __future__ import annotations

from typing import Any

import orjson


class Notification:
    """A notification in the wire shape of one API generation, without `room`.

    It is shared between receivers and protocols, so nobody changes its content.
    """

    __slots__ = ("_content", "_encoded")

    def __init__(self, content: dict[str, Any] | None) -> None:
        self._content = content
        self._encoded: bytes | None = None

    @classmethod
    def of_text(cls, text: bytes) -> Notification:
        """Return the notification of a JSON text that `encode` gave."""
        notification = cls(None)
        notification._encoded = text
        return notification

    @property
    def content(self) -> dict[str, Any]:
        """The notification as it is before it becomes text."""
        if self._content is None:
            self._content = orjson.loads(self.encode())
        return self._content

    def encode(self) -> bytes:
        """Return the JSON text, made at the first call."""
        if self._encoded is None:
            self._encoded = orjson.dumps(self._content)
        return self._encoded

    def numbered(self, epoch: str, offset: int) -> Notification:
        """Return the notification as one room says it: `epoch` and `offset` behind the shared text."""
        return self.of_text(b'%s,"epoch":%s,"offset":%d}' % (self.encode()[:-1], orjson.dumps(epoch), offset))

    def encode_for_room(self, channel: str) -> bytes:
        """Return the JSON text with `room` as its last member: the shared text with a new end."""
        return b'%s,"room":%s}' % (self.encode()[:-1], orjson.dumps(channel))
