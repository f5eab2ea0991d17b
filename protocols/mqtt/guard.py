"""Who may publish and subscribe to which topics, where `authentication` asks clients who they are.

`<index>/<collection>/...` asks for the right to `realtime:publish` or `realtime:subscribe` there; a topic of
one level asks for it on that index. Topics named as channels are the server's: nobody publishes on them,
and who follows one is told only what it has subscribed to by the API.
"""

from __future__ import annotations

import re
from typing import Final

from kuzzle.connection import Connection
from kuzzle.entrypoint import Entrypoint

_CHANNEL: Final = re.compile(r"[0-9a-f]{32}-[0-9a-f]{32}")


class Guard:
    """Asks for rights on topics."""

    def __init__(self, entrypoint: Entrypoint, own_topics: frozenset[str]) -> None:
        """`own_topics` are those of requests and answers, which need no right of their own."""
        self._entrypoint = entrypoint
        self._own_topics = own_topics

    def may_publish(self, connection: Connection, topic: str) -> bool:
        """Tell whether a client may publish a message on a topic."""
        identity = connection.identity
        if identity is None or _CHANNEL.fullmatch(topic):
            return False
        return self._entrypoint.doorman.allows(identity, "publish", *_place(topic))

    async def may_still_publish(self, connection: Connection, topic: str) -> bool:
        """Tell the same of a client that is gone."""
        identity = connection.identity
        if identity is None or _CHANNEL.fullmatch(topic):
            return False
        return await self._entrypoint.doorman.still_allows(identity, "publish", *_place(topic))

    def may_subscribe(self, connection: Connection, topic: str) -> bool:
        """Tell whether a client may subscribe to a topic."""
        if topic in self._own_topics or _CHANNEL.fullmatch(topic):
            return True
        identity = connection.identity
        return identity is not None and self._entrypoint.doorman.allows(identity, "subscribe", *_place(topic))


def _place(topic: str) -> tuple[str | None, str | None]:
    """Return the index and the collection that a topic is about."""
    index, _, rest = topic.partition("/")
    return index or None, rest.partition("/")[0] or None
