"""What the server answers to a CONNECT that it accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from protocols.mqtt.bounds import Bounds
from protocols.mqtt.packets import MQTT_5, Connect
from protocols.mqtt.properties import NONE, Properties, Property
from protocols.mqtt.session import Session

TOPIC_ALIAS_MAXIMUM: Final = 32
"""Topic aliases a client may set: each is kept until the connection ends [MQTT-3.2.2-17]."""

_EXPIRES_NEVER: Final = 0xFFFFFFFF


def session_expiry_s(packet: Connect, bounds: Bounds) -> int:
    """Return how long the session of a client outlives its connection."""
    if packet.version == MQTT_5:
        asked: int = packet.properties.get(Property.SESSION_EXPIRY, 0)
    else:
        asked = 0 if packet.clean_start else _EXPIRES_NEVER
    return min(asked, bounds.session_expiry_s)


def greeting(packet: Connect, client_id: str, session: Session, bounds: Bounds) -> Mapping[Property, Any]:
    """Return the properties of a CONNACK; older versions have none."""
    if packet.version != MQTT_5:
        return NONE
    properties: Properties = {
        Property.RECEIVE_MAXIMUM: min(bounds.max_inflight, 0xFFFF),
        Property.MAXIMUM_PACKET_SIZE: min(bounds.max_packet_size, 0xFFFFFFFF),
        Property.TOPIC_ALIAS_MAXIMUM: TOPIC_ALIAS_MAXIMUM,
        Property.WILDCARD_SUBSCRIPTION_AVAILABLE: 0,
        Property.SHARED_SUBSCRIPTION_AVAILABLE: 0,
    }
    if not packet.client_id:
        properties[Property.ASSIGNED_CLIENT_ID] = client_id
    if session.expiry_s != packet.properties.get(Property.SESSION_EXPIRY, 0):
        properties[Property.SESSION_EXPIRY] = session.expiry_s
    return properties
