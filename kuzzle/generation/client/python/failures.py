"""What a call may raise: the server's refusals (`KuzzleError`) and what went wrong on the way (`ClientError`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class KuzzleError(Exception):
    """The server refused. `errors.py` has a class for each status, and below it one for each id.

    Attributes:
        message: For people to read.
        status: HTTP status.
        id: `<domain>.<subdomain>.<name>`; None where the server's table of errors has no entry.
        code: Number of the id.
        content: The error as the server sent it.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self.message = str(content.get("message", ""))
        self.status = int(content.get("status", 500))
        self.id: str | None = content.get("id")
        self.code: int | None = content.get("code")
        super().__init__(self.message)


class PartialError(KuzzleError):
    """Parts of the request failed (status 206).

    Attributes:
        errors: One entry for each part that failed.
        result: What the others gave.
    """

    def __init__(self, content: Mapping[str, Any], result: Any = None) -> None:
        super().__init__(content)
        self.errors: Sequence[Any] = content.get("errors", ())
        self.result = result


class ClientError(Exception):
    """No answer of the server: something went wrong on the way to it."""


class ConnectionLostError(ClientError):
    """There is no connection, or it ended before the answer came: the server may have done what was asked."""


class RequestTimeoutError(ClientError):
    """No answer came in time: the server may still do what was asked."""


class TooManyWaitingError(ClientError):
    """Too many requests wait for the connection to come back, or for their answers; this one was not sent."""


class SubscriberTooSlowError(ClientError):
    """A subscription was ended because too many notifications waited to be read."""


class TokenExpiredError(ClientError):
    """A subscription was ended because the time of its token is over."""


class NoRouteError(ClientError):
    """HTTP does not lead to this action; a WebSocket does."""


class UnreadableAnswerError(ClientError):
    """What answered does not speak as a Kuzzle server does."""
