"""What waits for a client that does not read as fast as it is sent to."""

from __future__ import annotations

from collections import deque


class Backlog:
    """Frames in the order they came: references to bytes that all receivers share, never copies.

    Attributes:
        size_bytes: Bytes of all of them.
    """

    __slots__ = ("_frames", "size_bytes")

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self.size_bytes = 0

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._frames)

    def add(self, frame: bytes) -> None:
        """Put a frame behind the others."""
        self._frames.append(frame)
        self.size_bytes += len(frame)

    def take(self) -> bytes:
        """Remove the first frame and return it."""
        frame = self._frames.popleft()
        self.size_bytes -= len(frame)
        return frame
