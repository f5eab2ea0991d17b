"""Requests to a server, one after the other, over one WebSocket."""

from __future__ import annotations

from typing import Any, Final, Self

from kuzzle.encoding import JsonError, decode_json, encode_json
from kuzzle.shell.errors import ServerError, ShellError
from kuzzle.shell.websocket import WebSocketClient

DEFAULT_PORT: Final = 7512
DEFAULT_TIMEOUT_S: Final = 600.0


class Client:
    """A connection to a server; after `login` it acts as that user.

    Args:
        timeout_s: How long to wait for one answer.
        token: Of the user to act as; None: anybody.

    Raises:
        ShellError: The server cannot be reached.
    """

    def __init__(self, host: str, port: int, *, timeout_s: float = DEFAULT_TIMEOUT_S, token: str | None = None) -> None:
        self._link = WebSocketClient(host, port, timeout_s=timeout_s)
        self._requests = 0
        self._token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._link.close()

    def login(self, username: str, password: str) -> None:
        """Log in by strategy `local`; all later requests are that user's.

        Raises:
            ServerError: Refused.
        """
        result = self.call("auth", "login", strategy="local", body={"username": username, "password": password})
        self._token = result["jwt"]

    def call(self, controller: str, action: str, **arguments: Any) -> Any:
        """Run an action and return its result.

        Args:
            arguments: Members of the request, `body` among them; None leaves one out.

        Raises:
            ServerError: The answer holds an error.
            ShellError: No answer.
        """
        self._requests += 1
        request_id = f"shell-{self._requests}"
        payload = {name: value for name, value in arguments.items() if value is not None}
        payload |= {"controller": controller, "action": action, "requestId": request_id}
        if self._token is not None:
            payload["jwt"] = self._token
        self._link.send(encode_json(payload))
        while True:
            answer = _read(self._link.receive())
            # An answer about an envelope that could not be read has no room; a notification has another.
            if answer.get("room", request_id) == request_id:
                break
        if answer.get("error"):
            error = answer["error"] | {"status": answer.get("status", 500)}
            raise ServerError(f"{controller}:{action}", error, answer.get("result"))
        return answer.get("result")


def _read(text: bytes) -> dict[str, Any]:
    try:
        answer = decode_json(text)
    except JsonError as error:
        raise ShellError(f"the server's answer is no JSON: {error}") from error
    if not isinstance(answer, dict):
        raise ShellError("the server's answer is no object")
    return answer
