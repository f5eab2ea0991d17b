"""Compressed bodies, in (Content-Encoding, in layers) and out (Accept-Encoding).

Inflated bytes are counted in every layer as they come: a small body that inflates without end is
refused when it passes the limit, not when it has filled the memory.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

from kuzzle.errors import KuzzleError

_GZIP_WBITS: Final = 31
_ZLIB_WBITS: Final = 15  # what HTTP calls deflate (RFC 9110 section 8.4.1.2)
_WBITS: Final = {"gzip": _GZIP_WBITS, "deflate": _ZLIB_WBITS}
# Bodies are compressed as they go out, while the client waits: speed before the last percent of size.
_LEVEL: Final = 4


class _Layer:
    """Undoes one compression."""

    def __init__(self, name: str, max_bytes: int) -> None:
        self._name = name
        self._wbits = _WBITS[name]
        self._room = max_bytes
        self._inflater: Any = None  # zlib gives its class no public name

    def receive(self, data: bytes) -> bytes:
        """Inflate a piece.

        Raises:
            KuzzleError: `network.http.request_too_large`, or `unexpected_error` for corrupt data.
        """
        pieces = []
        while data:
            if self._inflater is None or self._inflater.eof:
                if self._inflater is not None and self._wbits != _GZIP_WBITS:
                    raise self._corrupt()  # only gzip may have several members (RFC 1952 section 2.2)
                self._inflater = zlib.decompressobj(self._wbits)
            try:
                piece = self._inflater.decompress(data, self._room + 1)
            except zlib.error:
                raise self._corrupt() from None
            self._room -= len(piece)
            if self._room < 0:
                raise KuzzleError("network.http.request_too_large")
            pieces.append(piece)
            data = self._inflater.unconsumed_tail or self._inflater.unused_data
        return b"".join(pieces)

    def close(self) -> None:
        """Make sure that nothing is missing.

        Raises:
            KuzzleError: `network.http.unexpected_error`.
        """
        if self._inflater is not None and not self._inflater.eof:
            raise self._corrupt()

    def _corrupt(self) -> KuzzleError:
        return KuzzleError("network.http.unexpected_error", f"corrupt {self._name} data")


class Inflater:
    """Undoes the layers of a Content-Encoding, the last applied first."""

    def __init__(self, content_encoding: str, *, max_layers: int, is_allowed: bool, max_bytes: int) -> None:
        """Read the header.

        Raises:
            KuzzleError: `network.http.too_many_encodings`, `unsupported_compression` or `compression_disabled`.
        """
        names = [name.strip().lower() for name in content_encoding.split(",")]
        if len(names) > max_layers:
            raise KuzzleError("network.http.too_many_encodings")
        self._layers = []
        for name in reversed(names):
            if name == "identity":
                continue
            if name not in _WBITS:
                raise KuzzleError("network.http.unsupported_compression", name)
            if not is_allowed:
                raise KuzzleError("network.http.compression_disabled")
            self._layers.append(_Layer(name, max_bytes))

    def receive(self, data: bytes) -> bytes:
        """Inflate a piece of the body; errors as of `_Layer.receive`."""
        for layer in self._layers:
            data = layer.receive(data)
        return data

    def close(self) -> None:
        """Make sure that the body was whole; errors as of `_Layer.close`."""
        for layer in self._layers:
            layer.close()


def choose_encoding(accept_encoding: str) -> str | None:
    """Return how an answer may be compressed: the token `gzip` or `deflate` alone, gzip rather; else None.

    A token with a weight (`gzip;q=1.0`) is not recognised, as in Kuzzle 1.
    """
    tokens = [token.strip().lower() for token in accept_encoding.split(",")]
    return next((name for name in ("gzip", "deflate") if name in tokens), None)


def compress(encoding: str, body: bytes) -> bytes:
    """Return a body in `gzip` or `deflate`; zlib lets other threads run meanwhile."""
    return zlib.compress(body, _LEVEL, wbits=_WBITS[encoding])
