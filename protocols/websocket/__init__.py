"""WebSocket (RFC 6455), on the shared web port."""

from protocols.websocket.server import WebSocketProtocol

__all__ = ["WebSocketProtocol"]
