"""Request bodies: their content types, compressions and sizes, and what they hold.

Faults found here are met before routing, hence go out as bare errors; only a JSON text is looked at
after routing, by the exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tornado.httputil import HTTPHeaders

from kuzzle.errors import KuzzleError
from protocols.http.compression import Inflater
from protocols.http.forms import decode_multipart, decode_urlencoded, find_boundary

_JSON: Final = "application/json"
_URLENCODED: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"


class BodyLimits:
    """What bodies may be: `limits.maxRequestSize` and the options of the HTTP protocol about them."""

    def __init__(self, limits: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        self.max_bytes: int = limits["maxRequestSize"]
        self.max_file_bytes: int = options["maxFormFileSize"]
        self.max_encoding_layers: int = options["maxEncodingLayers"]
        self.allows_compression: bool = options["allowCompression"]


class BodyReader:
    """Takes one body in pieces."""

    def __init__(self, headers: HTTPHeaders, limits: BodyLimits) -> None:
        """Read the headers that describe the body.

        Raises:
            KuzzleError: `network.http.*`: too large, unsupported content type or compression.
        """
        self._limits = limits
        self._pieces: list[bytes] = []
        self._size = 0
        if declared_size(headers) > limits.max_bytes:
            raise KuzzleError("network.http.request_too_large")
        self._inflater: Inflater | None = None
        if "Content-Encoding" in headers:
            self._inflater = Inflater(
                headers["Content-Encoding"],
                max_layers=limits.max_encoding_layers,
                is_allowed=limits.allows_compression,
                max_bytes=limits.max_bytes,
            )
        content_type = headers.get("Content-Type", _JSON)
        self._kind = content_type.partition(";")[0].strip().lower()
        self._boundary = b""
        if self._kind == _MULTIPART:
            self._boundary = find_boundary(content_type)
        elif self._kind != _URLENCODED and not self._kind.startswith(_JSON) and self._kind:
            raise KuzzleError("network.http.unexpected_error", f"Unsupported content type: {content_type}")

    def receive(self, data: bytes) -> None:
        """Take a piece.

        Raises:
            KuzzleError: `network.http.request_too_large`, or `unexpected_error` for corrupt data.
        """
        if self._inflater is not None:
            data = self._inflater.receive(data)
        self._size += len(data)
        if self._size > self._limits.max_bytes:
            raise KuzzleError("network.http.request_too_large")
        self._pieces.append(data)

    def close(self) -> bytes | dict[str, Any] | None:
        """Return the body: the fields of a form, a text meant to be JSON, None without body.

        Raises:
            KuzzleError: `network.http.unexpected_error` for corrupt data or a broken form, `file_too_large`.
        """
        if self._inflater is not None:
            self._inflater.close()
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        if self._kind == _MULTIPART:
            return decode_multipart(body, self._boundary, self._limits.max_file_bytes)
        if self._kind == _URLENCODED:
            return decode_urlencoded(body)
        return body or None


def declared_size(headers: HTTPHeaders) -> int:
    """Return the Content-Length, 0 without one or when it is no number (the connection refuses that itself)."""
    text = headers.get("Content-Length", "")
    if not (text.isascii() and text.isdigit()):
        return 0
    return int(text) if len(text) < 20 else 1 << 64


def describes_body(headers: HTTPHeaders) -> bool:
    """Tell whether any header speaks of a body; without, there is none (RFC 9112 section 6.3)."""
    return (
        "Content-Length" in headers
        or "Content-Type" in headers
        or "Transfer-Encoding" in headers
        or "Content-Encoding" in headers
    )
