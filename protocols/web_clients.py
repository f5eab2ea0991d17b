"""Who is behind an HTTP request or an upgrade."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from tornado.httputil import HTTPHeaders, HTTPServerRequest

_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def addresses(request: HTTPServerRequest) -> tuple[str, ...]:
    """Return the addresses of a client: the peer, then what X-Forwarded-For lists, in its order."""
    peer = request.remote_ip or ""
    if "X-Forwarded-For" not in request.headers:
        return (peer,)
    listed = (address.strip() for address in request.headers["X-Forwarded-For"].split(","))
    return (peer, *(address for address in listed if address))


class LowerCaseHeaders(Mapping[str, str]):
    """Headers by lower-case name, without copying them: most requests are never asked for any."""

    __slots__ = ("_headers",)

    def __init__(self, headers: HTTPHeaders) -> None:
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        return self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return (name.lower() for name in self._headers)

    def __len__(self) -> int:
        return len(self._headers)


def is_accepted_origin(origin: str, patterns: Sequence[str]) -> bool:
    """Tell whether an origin matches one of the `host:port` patterns, in which `*` stands for any."""
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return False
    for pattern in patterns:
        wanted_host, _, wanted_port = pattern.rpartition(":")
        if wanted_host in ("*", host) and wanted_port in ("*", str(port)):
            return True
    return False
