"""The page of figures, on an address of its own.

It is no protocol: it takes no requests of the API and asks for no rights, so its address is for those who
watch the server alone. Anything but `GET /metrics` is refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, HTTPServerRequest, ResponseStartLine

from kuzzle.tasks import start_now
from protocols import tornado_seams
from protocols.ports import Ports

NAME: Final = "metrics"
PATH: Final = "/metrics"
_TEXT: Final = "text/plain; charset=utf-8"

Scrape = Callable[[str], Awaitable[tuple[str, bytes]]]
"""Takes the Accept header, returns content type and body."""

logger = logging.getLogger(__name__)


class MetricsDoor:
    """Serves the page."""

    def __init__(self, host: str, port: int, scrape: Scrape) -> None:
        """Choose the address (port 0: any free one); nothing is opened yet."""
        self._ports = Ports(host, section=None)
        self._port = port
        self._scrape = scrape
        self._turn = asyncio.Lock()  # one page at a time: those who ask too often wait for each other alone

    @property
    def number(self) -> int:
        """The port it listens on."""
        return self._ports.numbers[NAME]

    def start(self) -> None:
        """Open the door.

        Raises:
            PortError: The port cannot be had; the text is one line for the operator.
        """
        self._ports.open_web_door(self._port, NAME, lambda request: _Exchange(self.answer, request), rank=0)

    async def stop(self) -> None:
        """Close the door; one that is not open stays as it is."""
        await self._ports.close_web_door(self._port, NAME)

    async def answer(self, request: HTTPServerRequest) -> tuple[HTTPStatus, str, bytes]:
        """Return status, content type and body for a request."""
        if request.path != PATH:
            return HTTPStatus.NOT_FOUND, _TEXT, b"The figures are at /metrics\n"
        if request.method not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, _TEXT, b"Only GET\n"
        try:
            async with self._turn:
                content_type, body = await self._scrape(request.headers.get("Accept", ""))
        except Exception:  # a defect here must not leave the client without an answer
            logger.exception("The metrics could not be told")
            return HTTPStatus.INTERNAL_SERVER_ERROR, _TEXT, b"See the server's log\n"
        return HTTPStatus.OK, content_type, body


class _Exchange(HTTPMessageDelegate):
    """One request and its answer; who sends a body is cut."""

    def __init__(
        self,
        answer: Callable[[HTTPServerRequest], Awaitable[tuple[HTTPStatus, str, bytes]]],
        request: HTTPServerRequest,
    ) -> None:
        self._answer = answer
        self._request = request

    def data_received(self, chunk: bytes) -> None:
        if self._request.connection is not None:
            tornado_seams.close(self._request.connection)

    def finish(self) -> None:
        start_now(self._respond())

    async def _respond(self) -> None:
        status, content_type, body = await self._answer(self._request)
        connection = self._request.connection
        if connection is None:
            return
        headers = HTTPHeaders({"Content-Type": content_type, "Content-Length": str(len(body))})
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = "GET, HEAD"
        line = ResponseStartLine("HTTP/1.1", status, status.phrase)
        connection.write_headers(line, headers, None if self._request.method == "HEAD" else body)
        connection.finish()
