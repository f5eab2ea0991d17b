"""The access log: one line a request, in the combined log format.

    ip - kuid [10/Oct/2000:13:55:36 -0700] "GET /_now HTTP/1.1" 200 153 "referer" "user agent"

A request of another protocol than HTTP has no line of its own and is shown as
`CALL controller/action protocol`. Nothing is built while the log is off; when it is on, the request's
path only collects the parts, and whoever writes the record (`kuzzle/logs.py`, a thread of its own)
words the line. What clients chose is escaped, so that no request can forge a line; passwords and tokens that
they put into a query string are left out.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kuzzle.request import Request
from kuzzle.response import Response

LOGGER_NAME: Final = "kuzzle.access"

# The format wants English names, whatever the locale.
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PARTS_MAX_CHARACTERS: Final = 4096
_ANONYMOUS: Final = "-1"
# Parameters of requests that log in (`auth:login`, also the code of a redirecting strategy) or ask by a token.
_SECRETS: Final = re.compile(r"([?&](?:jwt|password|token|code)=)[^&#\s]*")

logger = logging.getLogger(LOGGER_NAME)


class AccessEntry(NamedTuple):
    """The parts of a line; its text is the line."""

    seconds: float
    ip: str
    user: str
    request_line: str
    status: int
    size_bytes: int
    referer: str
    user_agent: str

    def __str__(self) -> str:
        moment = time.localtime(self.seconds)
        day = f"{moment.tm_mday:02}/{_MONTHS[moment.tm_mon - 1]}/{moment.tm_year}"
        return (
            f"{escape(self.ip)} - {escape(self.user).replace(' ', '_')} [{day}:{time.strftime('%H:%M:%S %z', moment)}] "
            f'"{escape(without_secrets(self.request_line))}" {self.status} {self.size_bytes} '
            f'"{escape(without_secrets(self.referer))}" "{escape(self.user_agent)}"'
        )


class AccessLog:
    """Writes the access log, when it is on.

    Attributes:
        is_on: Whether `write` is to be called.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Take the section `logs` of the configuration."""
        self.is_on: bool = options["access"]["enabled"]
        self._ip_offset: int = options["access"]["accessLogIpOffset"]

    def write(self, request: Request, response: Response) -> None:
        """Write the line of a request that has been answered."""
        connection = request.connection
        ips = connection.ips
        user = getattr(request, "user", None)  # refused before the funnel knew who asks
        line = connection.request_line
        if not line:
            line = f"CALL {request.controller or '-'}/{request.action or '-'} {connection.protocol}"
        entry = AccessEntry(
            time.time(),
            ips[max(len(ips) - 1 - self._ip_offset, 0)] if ips else "-",
            "-" if user is None or user.id == _ANONYMOUS else user.id,
            line,
            response.status,
            _size_bytes(response),
            connection.headers.get("referer") or "-",
            connection.headers.get("user-agent") or "-",
        )
        # Straight to the handlers: the level of the other logs is none of the access log's business.
        logger.handle(logging.LogRecord(LOGGER_NAME, logging.INFO, __file__, 0, entry, None, None))


def without_secrets(text: str) -> str:
    """Return an address with stars in place of what lets somebody in."""
    return _SECRETS.sub(r"\1***", text)


def escape(text: str) -> str:
    """Return a text of printable ASCII characters: quotes, backslashes and all others as escapes."""
    if len(text) > _PARTS_MAX_CHARACTERS:
        text = f"{text[:_PARTS_MAX_CHARACTERS]}..."
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return text.encode("unicode_escape").decode("ascii").replace('"', '\\"')


def _size_bytes(response: Response) -> int:
    content = response.content
    if response.raw:
        if content is None:
            return 0
        if isinstance(content, bytes):
            return len(content)
        if isinstance(content, str):
            return len(content.encode())
    return len(response.encode())
