"""One API call, as every part behind the entry point sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from kuzzle.connection import Connection, new_id
from kuzzle.errors import KuzzleError, PartialError, ResultingError

if TYPE_CHECKING:
    from kuzzle.api.generation import ApiGeneration
    from kuzzle.security.users import User
    from kuzzle.security.verified_tokens import Token

Payload = dict[str, Any]


class Request:
    """A checked envelope, the connection it came by, and what the gates learn about it.

    What listeners of its events may change: the arguments before the action (`index`, `collection`, `document_id`,
    `body`, others by `set_argument`), `result`, `status` and headers after it, `error` where it failed.

    Attributes:
        payload: The envelope: known members and action arguments side by side, without nulls.
        id: The client's `requestId`, or a fresh UUID.
        timestamp: Milliseconds since the epoch.
        api: The API generation that words the answer; set by the funnel.
        user: Who asks; set by the funnel.
        token: By which they ask; None for anonymous. Set by the funnel.
        defaults: Default values of the action's arguments; set by the funnel.
        headers: HTTP headers that the action adds to the answer.
        status: HTTP status of a success.
        after_answer: What the action leaves to be done once the answer is on its way.
        raw: True when the action's result is sent alone, without the envelope.
        fires_events: False when none of the events of its way are fired, as of what plugins ask for.
        index, collection, document_id, body: Members of the envelope; None where it has none.
        result: For listeners: what the action has answered, as JSON values.
        error: For listeners: why it failed, None while it did not. A PartialError stands beside a result.
    """

    __slots__ = (
        "_body",
        "_collection",
        "_document_id",
        "_index",
        "action",
        "after_answer",
        "api",
        "connection",
        "controller",
        "defaults",
        "error",
        "fires_events",
        "headers",
        "id",
        "jwt",
        "payload",
        "raw",
        "result",
        "status",
        "timestamp",
        "token",
        "user",
        "volatile",
    )

    api: ApiGeneration
    user: User
    token: Token | None
    defaults: Mapping[str, Any]
    headers: dict[str, str] | None

    def __init__(self, payload: Payload, connection: Connection) -> None:
        get = payload.get
        self.payload = payload
        self.connection = connection
        self.id: str = get("requestId") or new_id()
        self.controller: str | None = get("controller")
        self.action: str | None = get("action")
        self._index: str | None = get("index")
        self._collection: str | None = get("collection")
        self._document_id: str | None = get("_id")
        self.jwt: str | None = get("jwt")
        self.volatile: dict[str, Any] | None = get("volatile")
        self._body: Any = get("body")
        timestamp = get("timestamp")
        self.timestamp: int = int(time.time() * 1000) if timestamp is None else timestamp
        self.headers = None
        self.token = None
        self.status = 200
        self.raw = False
        self.fires_events = True
        self.result: Any = None
        self.error: KuzzleError | None = None
        self.after_answer: Callable[[], None] | None = None

    def argument(self, name: str) -> Any:
        """Return an argument by its wire name, else its default of the action's schema, else None."""
        value = self.payload.get(name)
        return self.defaults.get(name) if value is None else value

    def body_member(self, name: str) -> Any:
        """Return a member of the body, or None without body or member."""
        return self.body.get(name) if self.body else None

    def required(self, name: str) -> str:
        """Return a text argument that the action's schema has already made sure of."""
        value: str = self.payload[name]
        return value

    def target(self) -> tuple[str, str]:
        """Return index and collection, which the action's schema has already made sure of."""
        return self.payload["index"], self.payload["collection"]

    def set_header(self, name: str, value: str) -> None:
        """Add an HTTP header to the answer; other protocols leave it out."""
        if self.headers is None:
            self.headers = {}
        self.headers[name] = value

    # --- for listeners

    @property
    def index(self) -> str | None:
        """The member `index` of the envelope; None where it has none."""
        return self._index

    @index.setter
    def index(self, value: str | None) -> None:
        self._index = value
        self._change("index", value)

    @property
    def collection(self) -> str | None:
        """The member `collection` of the envelope; None where it has none."""
        return self._collection

    @collection.setter
    def collection(self, value: str | None) -> None:
        self._collection = value
        self._change("collection", value)

    @property
    def document_id(self) -> str | None:
        """The member `_id` of the envelope; None where it has none."""
        return self._document_id

    @document_id.setter
    def document_id(self, value: str | None) -> None:
        self._document_id = value
        self._change("_id", value)

    @property
    def body(self) -> Any:
        """The member `body` of the envelope; None where it has none."""
        return self._body

    @body.setter
    def body(self, value: Any) -> None:
        self._body = value
        self._change("body", value)

    def _change(self, name: str, value: Any) -> None:
        if value is None:
            self.payload.pop(name, None)
        else:
            self.payload[name] = value

    def set_argument(self, name: str, value: Any) -> None:
        """Change a member of the envelope by its wire name; None takes it away."""
        attribute = _ATTRIBUTES.get(name)
        if attribute is None:
            self._change(name, value)
        else:
            setattr(self, attribute, value)

    def set_result(
        self, result: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, raw: bool = False
    ) -> None:
        """Make the request a success with this result.

        Args:
            result: JSON values; with `raw` also a text or bytes.
            headers: HTTP headers to add to the answer.
            raw: Whether the result is sent alone, without the envelope.
        """
        self.error = None
        self.result = result
        self.status = status
        self.raw = raw
        for name, value in (headers or {}).items():
            self.set_header(name, value)

    def set_error(self, error: KuzzleError) -> None:
        """Make the request a failure."""
        self.error = error
        self.status = error.status
        if isinstance(error, PartialError | ResultingError):
            self.result = error.result

    def clear_error(self) -> None:
        """Make the request a success again, with status 200 and the result it has."""
        self.error = None
        self.status = 200


_ATTRIBUTES: Final[Mapping[str, str]] = {
    "index": "index",
    "collection": "collection",
    "_id": "document_id",
    "body": "body",
}
