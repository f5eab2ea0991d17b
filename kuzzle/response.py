"""The answer to one request, worded for its API generation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

NO_HEADERS: Final[Mapping[str, str]] = {}


class Response:
    """What a protocol sends back.

    Attributes:
        status: Equal to `content["status"]`; over HTTP also the status of the answer.
        content: The envelope (a dict of its own: a protocol may add members), or the bare result
            when `raw`.
        headers: HTTP headers set by the action.
        raw: True when `content` goes out alone: None as nothing, text and bytes as they are.
    """

    __slots__ = ("content", "headers", "raw", "request_id", "status")

    def __init__(
        self,
        request_id: str,
        status: int,
        content: Any,
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        raw: bool = False,
    ) -> None:
        self.request_id = request_id
        self.status = status
        self.content = content
        self.headers = headers
        self.raw = raw

    def encode(self, *, pretty: bool = False) -> bytes:
        """Return the JSON text of the content, as UTF-8."""
        text = orjson.dumps(self.content)
        # Parts of the content may be texts already: they are indented with the rest.
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2) if pretty else text
