"""Socket.IO, for clients of the generations 1.7 to 4."""

from protocols.socketio.protocol import SocketIoProtocol

__all__ = ["SocketIoProtocol"]
