"""MQTT 3.1, 3.1.1 and 5.0.

From the wire upwards: fields and properties (data types), packets (what is said), reader (bytes to
packets), session (what outlives a connection), broker (what clients share), link (one connection's
rules), wire (its socket), server (requests and notifications). topics.py and shared_topic.py hold the
product's own rules. All but wire and server do no I/O.
"""

from protocols.mqtt.server import MqttProtocol

__all__ = ["MqttProtocol"]
