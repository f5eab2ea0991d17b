"""A message on its way to subscribers, encoded once per kind of receiver."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from protocols.mqtt.packets import MQTT_5, Publish, encode_publish_parts
from protocols.mqtt.properties import NONE, Properties, Property, encode_properties

# What bookkeeping costs beside topic and payload, roughly; counted so that many empty messages are bounded too.
_OVERHEAD_BYTES: Final = 200


class Message:
    """A message that somebody published, or a notification.

    It is shared between its receivers, so nobody changes it.

    Attributes:
        retain: Published with the retain flag.
        properties: Those of MQTT 5 that reach the subscribers, without the expiry.
        expires_at: Time of the broker's clock after which nobody gets it any more, None for never.
        size: What it counts in queues, in bytes.
    """

    __slots__ = ("_parts", "expires_at", "payload", "properties", "qos", "retain", "size", "topic")

    def __init__(
        self,
        topic: str,
        payload: bytes,
        qos: int,
        *,
        retain: bool = False,
        properties: Mapping[Property, Any] = NONE,
        now: float = 0.0,
    ) -> None:
        """Take what was published; `now` is the time the expiry of `properties` counts from."""
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.expires_at: float | None = None
        if properties:
            forwarded = dict(properties)
            forwarded.pop(Property.TOPIC_ALIAS, None)
            expiry_s = forwarded.pop(Property.MESSAGE_EXPIRY, None)
            if expiry_s is not None:
                self.expires_at = now + expiry_s
            properties = forwarded
        self.properties = properties
        self.size = len(topic) + len(payload) + _OVERHEAD_BYTES
        self._parts: dict[int, tuple[bytes, bytes]] = {}

    @classmethod
    def of(cls, packet: Publish, topic: str, now: float) -> Message:
        """Return the message of a packet; the topic is given because an alias may stand for it."""
        return cls(topic, packet.payload, packet.qos, retain=packet.retain, properties=packet.properties, now=now)

    def is_expired(self, now: float) -> bool:
        """Tell whether it is too old to be sent [MQTT-3.3.2-5]."""
        return self.expires_at is not None and now >= self.expires_at

    def encode(
        self, version: int, qos: int, *, retain: bool, subscription_id: int | None, now: float
    ) -> tuple[bytes, bytes]:
        """Return PUBLISH for one kind of receiver, without DUP.

        Returns:
            Two parts; at QoS 1 and 2 the packet identifier stands between them. At QoS 0 the first is all of it,
            which receivers share.
        """
        if version == MQTT_5 and (subscription_id is not None or self.expires_at is not None):
            return self._encode(qos, retain, encode_properties(self._properties_for(subscription_id, now)))
        kind = (version == MQTT_5) << 3 | qos << 1 | retain
        parts = self._parts.get(kind)
        if parts is None:
            properties = encode_properties(self.properties) if version == MQTT_5 else b""
            parts = self._parts[kind] = self._encode(qos, retain, properties)
        return parts

    def _encode(self, qos: int, retain: bool, properties: bytes) -> tuple[bytes, bytes]:
        head, tail = encode_publish_parts(self.topic, self.payload, qos=qos, retain=retain, properties=properties)
        return (head, tail) if qos else (head + tail, b"")

    def _properties_for(self, subscription_id: int | None, now: float) -> Properties:
        properties = dict(self.properties)
        if self.expires_at is not None:  # [MQTT-3.3.2-6]: what is left of it
            properties[Property.MESSAGE_EXPIRY] = max(0, math.ceil(self.expires_at - now))
        if subscription_id is not None:
            properties[Property.SUBSCRIPTION_ID] = subscription_id
        return properties
