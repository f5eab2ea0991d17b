"""Requests to a server over HTTP, one after the other, each on a connection of its own."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from kuzzle.encoding import JsonError, decode_json, encode_json
from kuzzle.shell.credentials import Credentials, login_refused
from kuzzle.shell.errors import ServerError, ShellError, UsageError

_TIMEOUT_S: Final = 30.0
# A description of an API with hundreds of plugins' actions stays far below this; what is larger is none.
_MAX_BYTES: Final = 64 * 1024 * 1024


class HttpClient:
    """A way to a server.

    Args:
        url: Such as `http://localhost:7512`; what stands behind the port goes before each path.

    Raises:
        UsageError: It is no such URL.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(f"--url {url}: {error}") from error
        if parts.scheme not in ("http", "https") or not self._host:
            raise UsageError(f"--url {url}: expected http://host:port or https://host:port")
        self._is_secure = parts.scheme == "https"
        self._base = parts.path.rstrip("/")
        self._shown = f"{parts.scheme}://{parts.netloc}{self._base}"
        self._headers = {"Accept": "application/json", "Content-Type": "application/json"}

    def act_as(self, credentials: Credentials) -> None:
        """Log in where there is a user, and send a token with all later requests.

        Raises:
            ShellError: Refused, or no answer.
        """
        token = credentials.token
        if credentials.username is not None:
            body = {"username": credentials.username, "password": credentials.password}
            try:
                token = self.request("POST", "/_login/local", body)["result"]["jwt"]
            except ShellError as error:
                raise login_refused(error) from error
            except (KeyError, TypeError) as error:
                raise ShellError(f"cannot log in: {self._shown} answers no token") from error
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> dict[str, Any]:
        """Return the JSON object at a path.

        Raises:
            ShellError: There is none.
        """
        return self.request("GET", path)

    def request(self, verb: str, path: str, body: Any = None) -> dict[str, Any]:
        """Send a request and return the JSON object of its answer.

        Raises:
            ServerError: The server refuses, and says why.
            ShellError: There is no such answer.
        """
        address = f"{self._shown}{path}"
        status, text = self._exchange(verb, path, address, None if body is None else encode_json(body))
        try:
            answer = decode_json(text) if len(text) <= _MAX_BYTES else None
        except JsonError as error:
            if status == 200:
                raise ShellError(f"{address}: no JSON: {error}") from error
            answer = None
        if status != 200:
            fault = answer.get("error", answer) if isinstance(answer, dict) else None
            if isinstance(fault, dict) and isinstance(fault.get("message"), str):
                raise ServerError(
                    f"{verb} {path}", {**fault, "message": f"{address}: {fault['message']}", "status": status}
                )
            raise ShellError(f"{address}: answered {status}")
        if not isinstance(answer, dict):
            raise ShellError(f"{address}: no JSON object of at most {_MAX_BYTES} bytes")
        return answer

    def _exchange(self, verb: str, path: str, address: str, body: bytes | None) -> tuple[int, bytes]:
        from http.client import HTTPConnection, HTTPException, HTTPSConnection  # 10 ms that a start need not wait for

        kind = HTTPSConnection if self._is_secure else HTTPConnection
        connection = kind(self._host or "", self._port, timeout=_TIMEOUT_S)
        try:
            connection.request(verb, f"{self._base}{path}", body, self._headers)
            answer = connection.getresponse()
            return answer.status, answer.read(_MAX_BYTES + 1)
        except (OSError, HTTPException, UnicodeError) as error:
            raise ShellError(f"{address}: {error or type(error).__name__}") from error
        finally:
            connection.close()
