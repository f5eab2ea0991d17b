"""Requests that the server itself makes to others, over HTTP."""

from __future__ import annotations

from typing import Final

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from kuzzle.security.strategies.oidc_provider import Answer, Call

# At a time; more wait for their turn, and no longer than their own time-out.
_MAX_CALLS: Final = 20
_MAX_HEADER_BYTES: Final = 64 * 1024


class Outgoing:
    """Makes requests; its connections are closed with their answers."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` is the longest answer that any of them reads."""
        self._max_bytes = max_bytes
        self._client: SimpleAsyncHTTPClient | None = None

    async def fetch(self, call: Call) -> Answer:
        """Make a request, following no redirects and inflating nothing.

        Raises:
            OSError: No answer in time, or a longer one.
        """
        if self._client is None:  # made on the loop that it belongs to
            self._client = SimpleAsyncHTTPClient(
                force_instance=True,
                max_clients=_MAX_CALLS,
                max_header_size=_MAX_HEADER_BYTES,
                max_body_size=self._max_bytes,
                max_buffer_size=self._max_bytes + _MAX_HEADER_BYTES,
            )
        request = HTTPRequest(
            call.url,
            method=call.method,
            headers=dict(call.headers),
            body=call.body,
            connect_timeout=call.timeout_s,
            request_timeout=call.timeout_s,
            follow_redirects=False,
            decompress_response=False,
            user_agent="kuzzle",
        )
        try:
            response = await self._client.fetch(request, raise_error=False)
        except (HTTPError, ValueError, EOFError) as error:  # the client's own, and a URL it cannot read
            raise OSError(str(error)) from error
        if response.error is not None and response.code == 599:
            raise OSError(str(response.error))
        return Answer(response.code, response.body or b"")

    def close(self) -> None:
        """Give up what is under way."""
        if self._client is not None:
            self._client.close()
            self._client = None
