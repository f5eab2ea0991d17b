"""What every way to a server offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Answer = Mapping[str, Any]
"""The envelope of a response: `status`, `error`, `result` and what else the server says."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. Arguments that are None are left out."""

    controller: str
    action: str
    arguments: Mapping[str, Any]
    body: Any = None
    volatile: Mapping[str, Any] | None = None
    jwt: str | None = None


class Transport(Protocol):
    """A way to a server."""

    @property
    def is_connected(self) -> bool:
        """Whether a request would leave at once."""

    async def open(self) -> None:
        """Make ready.

        Raises:
            ConnectionLostError: Nobody answers.
        """

    async def close(self) -> None:
        """End it; requests under way end with ConnectionLostError."""

    async def send(self, call: Call, *, urgent: bool = False, heard: Callable[[Answer], None] | None = None) -> Answer:
        """Send a request and wait for its answer.

        Args:
            urgent: Do not wait until subscriptions are restored.
            heard: Gets the answer before anything that came after it is read.

        Raises:
            ClientError: There is no answer.
        """
