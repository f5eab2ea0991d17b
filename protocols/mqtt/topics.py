"""Which topics a client may publish and subscribe to.

| attempt | allowPubSub false | allowPubSub true |
|---|---|---|
| publish on requestTopic | served | served |
| publish on sharedTopic | served | served |
| publish on responseTopic | connection closed | connection closed |
| publish elsewhere | connection closed | delivered, plain pub/sub |
| publish with `#` or `+` | connection closed | connection closed |
| subscribe to requestTopic | refused | refused |
| subscribe with `#` or `+`, or to `$share/...` | refused | refused |
| subscribe elsewhere | granted | granted |

Elsewhere leaves out topics that begin with `$`, which belong to the server (MQTT 5, section 4.7.2):
nobody may publish there. Last wills keep to the same rules. Without wildcards a topic filter is a topic,
so finding the subscribers of a message is one look-up.
"""

from __future__ import annotations

from enum import Enum

from protocols.mqtt.reasons import Reason


class Destination(Enum):
    """What a published message is."""

    REQUEST = 1
    SHARED_REQUEST = 2
    MESSAGE = 3
    FORBIDDEN = 4


class Topics:
    """The table of one server."""

    def __init__(
        self, *, request_topic: str, response_topic: str, shared_topic: str | None, allow_pub_sub: bool
    ) -> None:
        self._request_topic = request_topic
        self._elsewhere = Destination.MESSAGE if allow_pub_sub else Destination.FORBIDDEN
        self._destinations = {response_topic: Destination.FORBIDDEN, request_topic: Destination.REQUEST}
        if shared_topic is not None:
            self._destinations.setdefault(shared_topic, Destination.SHARED_REQUEST)

    def destination(self, topic: str) -> Destination:
        """Tell what becomes of a message published on a topic (a valid name, without wildcards)."""
        known = self._destinations.get(topic)
        if known is not None:
            return known
        return Destination.FORBIDDEN if topic[0] == "$" else self._elsewhere

    def find_refusal(self, topic_filter: str) -> Reason | None:
        """Tell why a topic filter may not be subscribed to, None when it may."""
        if topic_filter.startswith("$share/"):
            return Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        if "#" in topic_filter or "+" in topic_filter:
            if is_valid_filter(topic_filter):
                return Reason.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED
            return Reason.TOPIC_FILTER_INVALID
        return Reason.NOT_AUTHORIZED if topic_filter == self._request_topic else None


def is_valid_filter(topic_filter: str) -> bool:
    """Tell whether wildcards stand where they may [MQTT-4.7.1-1], [MQTT-4.7.1-2]."""
    *upper, last = topic_filter.split("/")
    if any("#" in level or ("+" in level and level != "+") for level in upper):
        return False
    return last in ("#", "+") or not ("#" in last or "+" in last)
