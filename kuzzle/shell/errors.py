"""Why a command ends without having done what it was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

# Of a batch with thousands of failures these show what is wrong.
_SHOWN_PARTS: Final = 5


class ShellError(Exception):
    """The command failed; one line per fault says why. Exit code 1."""

    def lines(self) -> Iterator[str]:
        """Yield what to tell the operator."""
        yield str(self)


class UsageError(ShellError):
    """The command line does not say all that is needed. Exit code 2."""


class ServerError(ShellError):
    """The server refused a request, or did parts of it only.

    Attributes:
        action: What was asked for, as `controller:action`.
        status: As in the answer; 206 when parts succeeded.
        id: `<domain>.<subdomain>.<name>`, None for the few errors without one.
        parts: What the server says of each part that failed.
        result: What the server gave beside the error: what succeeded, or null.
    """

    def __init__(self, action: str, error: Mapping[str, Any], result: Any = None) -> None:
        super().__init__(str(error.get("message")))
        self.action = action
        self.status: int = error.get("status", 500)
        self.id: str | None = error.get("id")
        self.parts: list[Any] = error.get("errors") or []
        self.result = result

    def lines(self) -> Iterator[str]:
        """Yield the message with id and status, then what the first failed parts suffered from."""
        mark = f"{self.id}, status {self.status}" if self.id else f"status {self.status}"
        yield f"{self} ({mark})"
        if self.id in ("api.process.controller_not_found", "api.process.action_not_found"):
            yield f"  this server does not offer {self.action}"
        for part in self.parts[:_SHOWN_PARTS]:
            yield f"  {_shown(part)}"
        if len(self.parts) > _SHOWN_PARTS:
            yield f"  and {len(self.parts) - _SHOWN_PARTS:,} more"


def _shown(part: Any) -> str:
    """Word a failed part: its id and reason where it has them."""
    if not isinstance(part, Mapping):
        return str(part)
    document = part.get("document")
    name = part.get("_id", document.get("_id") if isinstance(document, Mapping) else None)
    error = part.get("error")
    reason = part.get("reason", error.get("reason") if isinstance(error, Mapping) else error)
    return f"{name}: {reason}" if name is not None and reason is not None else str(reason or dict(part))
