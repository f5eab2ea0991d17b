"""The access log: its form, what stands in each part, and that no request can forge a line."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuzzle.access_log import LOGGER_NAME, AccessLog, escape
from kuzzle.connection import Connection
from kuzzle.request import Request
from kuzzle.response import Response
from kuzzle.security.users import ANONYMOUS, User

# Combined log format: https://httpd.apache.org/docs/2.4/logs.html#combined
LINE = re.compile(
    r"(?P<ip>\S+) - (?P<user>\S+) \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [-+]\d{4}\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<size>\d+) '
    r'"(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)"'
)


def parts(
    caplog: pytest.LogCaptureFixture,
    connection: Connection,
    *,
    user: User | None = ANONYMOUS,
    response: Response | None = None,
    offset: int = 0,
) -> dict[str, str]:
    """Write one line and return its parts."""
    log = AccessLog({"access": {"enabled": True, "accessLogIpOffset": offset, "file": None}})
    request = Request({"controller": "server", "action": "now"}, connection)
    if user is not None:
        request.user = user
    caplog.clear()
    log.write(request, response or Response(request.id, 200, {"result": 1}))
    (record,) = caplog.records
    assert record.name == LOGGER_NAME
    match = LINE.fullmatch(record.getMessage())
    assert match is not None, record.getMessage()
    return match.groupdict()


@pytest.mark.parametrize("is_on", [True, False])
def test_it_is_on_when_enabled(is_on: bool) -> None:
    assert AccessLog({"access": {"enabled": is_on, "accessLogIpOffset": 0, "file": None}}).is_on is is_on


def test_what_lets_somebody_in_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    line = "GET /_login/local?username=ada&password=s%20ecret&x=1 HTTP/1.1"
    headers = {"referer": "http://example.org/?jwt=a.b.c#top"}
    shown = parts(caplog, Connection("http", ("192.0.2.1",), headers, line))
    assert shown["request"] == "GET /_login/local?username=ada&password=***&x=1 HTTP/1.1"
    assert shown["referer"] == "http://example.org/?jwt=***#top"
    shown = parts(caplog, Connection("http", ("192.0.2.1",), {}, "GET /_now?jwt=a.b.c HTTP/1.1"))
    assert shown["request"] == "GET /_now?jwt=*** HTTP/1.1"


def test_an_http_request_is_shown_by_its_first_line(caplog: pytest.LogCaptureFixture) -> None:
    headers = {"referer": "http://example.org/", "user-agent": "curl/8"}
    connection = Connection("http", ("192.0.2.1",), headers, "GET /_now?pretty HTTP/1.1")
    assert parts(caplog, connection) == {
        "ip": "192.0.2.1",
        "user": "-",
        "request": "GET /_now?pretty HTTP/1.1",
        "status": "200",
        "size": "12",
        "referer": "http://example.org/",
        "agent": "curl/8",
    }


def test_a_request_of_another_protocol_is_shown_by_its_action(caplog: pytest.LogCaptureFixture) -> None:
    shown = parts(caplog, Connection("mqtt", ("192.0.2.1",)), user=User("ada", ("default",)))
    assert shown["request"] == "CALL server/now mqtt"
    assert shown["user"] == "ada"
    assert shown["referer"] == shown["agent"] == "-"


def test_a_request_refused_before_its_user_was_known_has_none(caplog: pytest.LogCaptureFixture) -> None:
    assert parts(caplog, Connection("mqtt"), user=None)["user"] == "-"


@pytest.mark.parametrize(
    ("ips", "offset", "shown"),
    [
        ((), 0, "-"),
        (("192.0.2.1",), 0, "192.0.2.1"),
        (("192.0.2.1", "192.0.2.2", "192.0.2.3"), 0, "192.0.2.3"),
        (("192.0.2.1", "192.0.2.2", "192.0.2.3"), 1, "192.0.2.2"),
        (("192.0.2.1", "192.0.2.2", "192.0.2.3"), 9, "192.0.2.1"),
    ],
)
def test_the_address_is_counted_from_the_end(
    caplog: pytest.LogCaptureFixture, ips: tuple[str, ...], offset: int, shown: str
) -> None:
    assert parts(caplog, Connection("mqtt", ips), offset=offset)["ip"] == shown


@pytest.mark.parametrize(
    ("content", "raw", "size"),
    [({"é": 1}, False, 8), (None, True, 0), (b"12345", True, 5), ("é", True, 2), ([1, 2], True, 5)],
)
def test_the_size_is_that_of_the_body_in_bytes(
    caplog: pytest.LogCaptureFixture, content: Any, raw: bool, size: int
) -> None:
    response = Response("x", 404, content, raw=raw)
    shown = parts(caplog, Connection("mqtt"), response=response)
    assert (shown["status"], shown["size"]) == ("404", str(size))


@given(text=st.text())
def test_an_escaped_text_is_printable_ascii_without_a_bare_quote(text: str) -> None:
    escaped = escape(text)
    assert escaped.isascii()
    assert escaped.isprintable()
    assert re.fullmatch(r'(?:[^"\\]|\\.)*', escaped)


def test_a_client_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    evil = 'x" 200 1 "-" "-"\n192.0.2.9 - admin [now] "GET /'
    headers = {"referer": evil, "user-agent": evil * 1000}
    shown = parts(caplog, Connection("http", (evil.replace(" ", ""),), headers, evil), user=User(evil, ()))
    assert "\n" not in "".join(shown.values())
    assert len(shown["agent"]) < 10_000
