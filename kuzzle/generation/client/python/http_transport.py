"""Requests over HTTP: each stands for itself, and there are no notifications."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from .failures import ConnectionLostError, NoRouteError, RequestTimeoutError, UnreadableAnswerError
from .transport import Answer, Call

Routes = Mapping[tuple[str, str], Sequence[tuple[str, str]]]
"""Controller and action to the verbs and paths that lead there; paths have `{name}` placeholders."""


class HttpTransport:
    """Connections are kept and used again; lost ones are made anew with the next request."""

    def __init__(self, url: str, routes: Routes, *, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._routes = routes
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    @property
    def is_connected(self) -> bool:
        """Whether a request would leave at once."""
        return self._session is not None

    async def open(self) -> None:
        """Make ready; nothing is sent yet."""
        if self._session is None:
            self._session = aiohttp.ClientSession()

    async def close(self) -> None:
        """Close the connections that are kept."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, call: Call, *, urgent: bool = False, heard: Callable[[Answer], None] | None = None) -> Answer:
        """Send a request and wait for its answer, as `Transport` says."""
        del urgent
        if self._session is None:
            raise ConnectionLostError("the client is not open")
        verb, target = target_of(call, self._routes)
        # Named without a body too: aiohttp would call nothing application/octet-stream.
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        data = None
        if call.body is not None:
            data = json.dumps(call.body).encode()
        if call.jwt is not None:
            headers["Authorization"] = f"Bearer {call.jwt}"
        if call.volatile is not None:
            headers["x-kuzzle-volatile"] = json.dumps(call.volatile)  # all ASCII, as a header must be
        url = URL(self._url + target, encoded=True)
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._session.request(verb, url, data=data, headers=headers) as response,
            ):
                answer = _answer(await response.read(), response.status)
        except TimeoutError:
            raise RequestTimeoutError(
                f"{call.controller}:{call.action}: no answer within {self._timeout_s:g} s"
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLostError(f"{self._url}: {error}") from error
        if heard is not None:
            heard(answer)
        return answer


def target_of(call: Call, routes: Routes) -> tuple[str, str]:
    """Return verb and path (query string included) of a call.

    Of several routes it is the one whose placeholders use most arguments, and does not GET a body where another
    does not; then the first.

    Raises:
        NoRouteError: There is none for these arguments.
    """
    given = {name: value for name, value in call.arguments.items() if value is not None}
    fitting = [
        route for route in routes.get((call.controller, call.action), ()) if _placeholders(route[1]) <= given.keys()
    ]
    if not fitting:
        raise NoRouteError(f"HTTP does not lead to {call.controller}:{call.action} with these arguments")
    verb, path = max(fitting, key=lambda route: (len(_placeholders(route[1])), call.body is None or route[0] != "GET"))
    for name in _placeholders(path):
        path = path.replace(f"{{{name}}}", quote(str(given.pop(name)), safe=""))
    query = urlencode([pair for name, value in given.items() for pair in _pairs(name, value)], quote_via=quote)
    return verb, f"{path}?{query}" if query else path


def _placeholders(path: str) -> set[str]:
    return {part[1:-1] for part in path.split("/") if part.startswith("{")}


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    """Return the texts of an argument: a flag that is not set is left out, a list is a repeated name."""
    if value is False:
        return []
    if isinstance(value, list | tuple):
        return [(name, str(item)) for item in value]
    return [(name, "true" if value is True else str(value))]


def _answer(text: bytes, status: int) -> Answer:
    """Return an envelope; an error that came without one gets one."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise UnreadableAnswerError(f"status {status}, no JSON: {text[:200]!r}") from error
    if not isinstance(content, dict):
        raise UnreadableAnswerError(f"status {status}, no JSON object: {text[:200]!r}")
    if "requestId" in content:
        return content
    if "message" in content:
        return {"status": status, "error": {"status": status, **content}, "result": None}
    raise UnreadableAnswerError(f"status {status}, no envelope: {text[:200]!r}")
