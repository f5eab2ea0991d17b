"""HTTP, on the shared web port."""

from protocols.http.server import HttpProtocol

__all__ = ["HttpProtocol"]
