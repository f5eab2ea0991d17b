"""Why MQTT says no: the reason codes of MQTT 5 (section 2.4) and what older clients get instead."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class Reason(IntEnum):
    """Reason codes of MQTT 5 that the server sends or looks at."""

    SUCCESS = 0x00
    DISCONNECT_WITH_WILL = 0x04
    NO_SUBSCRIPTION_EXISTED = 0x11
    UNSPECIFIED = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    UNSUPPORTED_VERSION = 0x84
    CLIENT_ID_NOT_VALID = 0x85
    BAD_USER_NAME_OR_PASSWORD = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_ID_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2


# Return codes of CONNACK before MQTT 5 (3.1.1, table 3.1); a refusal without one closes the connection
# without an answer.
OLD_RETURN_CODES: Final[Mapping[Reason, int]] = {
    Reason.UNSUPPORTED_VERSION: 1,
    Reason.CLIENT_ID_NOT_VALID: 2,
    Reason.SERVER_UNAVAILABLE: 3,
    Reason.QUOTA_EXCEEDED: 3,
    Reason.SERVER_SHUTTING_DOWN: 3,
    Reason.SERVER_BUSY: 3,
    Reason.BAD_USER_NAME_OR_PASSWORD: 4,
    Reason.NOT_AUTHORIZED: 5,
}

OLD_SUBSCRIPTION_FAILURE: Final = 0x80
"""SUBACK code of a refused subscription before MQTT 5 [MQTT-3.9.3-2]."""


class MalformedPacketError(Exception):
    """What arrived breaks the protocol; the connection ends.

    Attributes:
        reason: The code that an MQTT 5 client is told.
    """

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def malformed(text: str) -> MalformedPacketError:
    """Return the error of a packet that cannot be parsed."""
    return MalformedPacketError(Reason.MALFORMED_PACKET, text)


def protocol_error(text: str) -> MalformedPacketError:
    """Return the error of a packet that can be parsed but must not be sent."""
    return MalformedPacketError(Reason.PROTOCOL_ERROR, text)
