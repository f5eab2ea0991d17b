"""The head of an answer: status line, CORS and the other headers that every answer carries."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from http.client import responses
from typing import Any, Final

from tornado.httputil import HTTPHeaders, ResponseStartLine

# Faults found before routing name every verb that has routes, whatever the option says (Kuzzle 1).
_FAULT_METHODS: Final = "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"
_JSON: Final = "application/json"


class Heads:
    """Makes the heads of answers from the options `accessControl*` and `allowCompression`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        cors = {
            "Access-Control-Allow-Origin": options["accessControlAllowOrigin"],
            "Access-Control-Allow-Methods": options["accessControlAllowMethods"],
            "Access-Control-Allow-Headers": options["accessControlAllowHeaders"],
        }
        hint = "gzip,deflate,identity" if options["allowCompression"] else "identity"
        self._routed = {"Content-Type": _JSON, **cors, "Accept-Encoding": hint, "Connection": "keep-alive"}
        self._fault = {
            "Content-Type": _JSON,
            **cors,
            "Access-Control-Allow-Methods": _FAULT_METHODS,
            "Connection": "keep-alive",
        }
        self._date = ""
        self._date_second = 0

    def routed(self) -> HTTPHeaders:
        """Return the headers of an answer to a routed request."""
        return self._headers(self._routed)

    def fault(self) -> HTTPHeaders:
        """Return the headers of an answer to a request that was refused before routing."""
        return self._headers(self._fault)

    def _headers(self, fixed: Mapping[str, str]) -> HTTPHeaders:
        headers = HTTPHeaders()
        for name, value in fixed.items():
            headers[name] = value
        now = int(time.time())
        if now != self._date_second:
            self._date_second = now
            self._date = formatdate(now, usegmt=True)
        headers["Date"] = self._date  # RFC 9110 section 6.6.1: a server with a clock sends it
        return headers


def start_line(status: int) -> ResponseStartLine:
    """Return the status line of an answer."""
    return ResponseStartLine("HTTP/1.1", status, responses.get(status, "Unknown"))
