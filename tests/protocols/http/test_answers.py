"""What HTTP answers look like: headers, CORS, compression, raw results, and clients that misbehave."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import Any

import pytest
from web_stage import HttpClient, RawClient, WebStage, request_bytes, until

from kuzzle.errors import KuzzleError
from kuzzle.request import Request

ENVELOPE = ["requestId", "status", "error", "controller", "action", "collection", "index", "volatile", "result"]


async def test_an_answer_is_an_envelope_with_all_members_in_order() -> None:
    async with WebStage() as stage:
        status, headers, envelope = await HttpClient(stage.port).send("GET", "/_probe")
        assert status == 200
        assert list(envelope) == ENVELOPE
        assert headers["content-type"] == "application/json"
        assert headers["accept-encoding"] == "gzip,deflate,identity"
        assert headers["connection"] == "keep-alive"
        assert headers["access-control-allow-origin"] == "*"
        assert headers["access-control-allow-headers"] == (
            "Content-Type, Access-Control-Allow-Headers, Authorization, X-Requested-With, Content-Encoding, "
            "Content-Length, X-Kuzzle-Volatile"
        )
        assert headers["date"].endswith(" GMT")
        assert int(headers["content-length"]) > 0


async def test_the_cors_headers_follow_the_options() -> None:
    options = {
        "accessControlAllowOrigin": "https://example.com",
        "accessControlAllowMethods": "GET",
        "accessControlAllowHeaders": "X-Mine",
    }
    async with WebStage(http=options) as stage:
        for verb in ("GET", "OPTIONS"):
            _, headers, _ = await HttpClient(stage.port).send(verb, "/_probe")
            assert headers["access-control-allow-origin"] == "https://example.com"
            assert headers["access-control-allow-methods"] == "GET"
            assert headers["access-control-allow-headers"] == "X-Mine"
        _, headers, _ = await HttpClient(stage.port).send("POST", "/_probe", b"", content_type="text/plain")
        assert headers["access-control-allow-origin"] == "https://example.com"


async def test_the_status_is_that_of_the_envelope() -> None:
    async def fail(request: Request) -> Any:
        raise KuzzleError("api.process.overloaded")

    async with WebStage(fail) as stage:
        status, _, envelope = await HttpClient(stage.port).send("GET", "/_probe")
        assert status == envelope["status"] == 503
        assert envelope["error"]["id"] == "api.process.overloaded"


@pytest.mark.parametrize("query", ["pretty", "pretty=", "pretty=false"])
async def test_pretty_indents_by_two(query: str) -> None:
    async with WebStage() as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(request_bytes("GET", f"/_probe?{query}"))
        _, _, body = await raw.answer()
        await raw.close()
        assert body.decode() == json.dumps(json.loads(body), indent=2)
        assert body.startswith(b'{\n  "requestId"')


# --- compression


@pytest.mark.parametrize(("accepted", "undo"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
@pytest.mark.parametrize("size", [1, 300_000])
async def test_an_answer_is_compressed_as_the_client_accepts(accepted: str, undo: Any, size: int) -> None:
    async def much(request: Request) -> Any:
        return "x" * size

    async with WebStage(much) as stage:
        _, headers, body = await HttpClient(stage.port).send("GET", "/_probe", accept_encoding=f"br, {accepted}")
        assert headers["content-encoding"] == accepted
        assert json.loads(undo(body))["result"] == "x" * size


async def test_an_answer_is_plain_for_who_accepts_nothing_else() -> None:
    async with WebStage() as stage:
        _, headers, envelope = await HttpClient(stage.port).send("GET", "/_probe", accept_encoding="br, gzip;q=0")
        assert "content-encoding" not in headers
        assert envelope["status"] == 200


async def test_an_answer_is_plain_when_compression_is_switched_off() -> None:
    async with WebStage(http={"allowCompression": False}) as stage:
        _, headers, _ = await HttpClient(stage.port).send("GET", "/_probe", accept_encoding="gzip")
        assert "content-encoding" not in headers
        assert headers["accept-encoding"] == "identity"


# --- headers and raw results of actions


@pytest.mark.parametrize(
    ("result", "body"),
    [(None, b""), ("text é", "text é".encode()), (b"\x00\xff", b"\x00\xff"), ({"a": 1}, b'{"a":1}'), ([], b"[]")],
)
async def test_a_raw_result_goes_out_alone(result: Any, body: bytes) -> None:
    async def act(request: Request) -> Any:
        request.raw = True
        request.set_header("content-TYPE", "text/plain")
        request.set_header("X-Own", "1")
        return result

    async with WebStage(act) as stage:
        status, headers, got = await HttpClient(stage.port).send("GET", "/_probe")
        assert status == 200
        assert (got or b"") == body
        assert headers["content-type"] == "text/plain"
        assert headers["x-own"] == "1"
        assert headers["content-length"] == str(len(body))


async def test_a_defect_of_an_action_is_a_500_without_details(caplog: pytest.LogCaptureFixture) -> None:
    async def act(request: Request) -> Any:
        request.set_header("X-Own", "a\r\nX-Forged: 1")
        return None

    async with WebStage(act) as stage:
        status, headers, error = await HttpClient(stage.port).send("GET", "/_probe")
        assert status == 500
        assert error["id"] == "core.fatal.unexpected_error"
        assert "x-forged" not in headers
    assert "could not be answered" in caplog.text


# --- the connection


async def test_requests_that_come_together_are_answered_in_order() -> None:
    async def slow_first(request: Request) -> Any:
        if request.payload["size"] == 0:
            await asyncio.sleep(0.05)
        return request.payload["size"]

    async with WebStage(slow_first) as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(b"".join(request_bytes("GET", f"/_probe?size={number}") for number in range(5)))
        results = [json.loads((await raw.answer())[2])["result"] for _ in range(5)]
        await raw.close()
        assert results == [0, 1, 2, 3, 4]


async def test_a_refused_request_does_not_end_the_connection() -> None:
    async with WebStage() as stage:
        raw = await RawClient.connect(stage.port)
        refused = [
            request_bytes("POST", "/_probe", b"{", content_type="application/json"),
            request_bytes("POST", "/_probe", b"x" * 100, content_type="text/plain"),
            request_bytes("POST", "/_probe", b"junk", content_encoding="gzip"),
            request_bytes("GET", "/nowhere/at/all/x/y"),
        ]
        await raw.send(b"".join(refused) + request_bytes("GET", "/_probe"))
        statuses = [(await raw.answer())[0] for _ in range(5)]
        await raw.close()
        assert statuses == [400, 400, 400, 404, 200]


async def test_the_connection_is_closed_for_who_asks_so() -> None:
    async with WebStage() as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(request_bytes("GET", "/_probe", connection="close"))
        _, headers, _ = await raw.answer()
        assert headers["connection"] == "close"
        assert await raw.rest() == b""


async def test_http_1_0_is_answered() -> None:
    async with WebStage() as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(b"GET /_probe HTTP/1.0\r\n\r\n")
        assert (await raw.answer())[0] == 200
        assert await raw.rest() == b""


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET /_probe HTTP/1.1\r\n\r\n",
        b"GET /_probe HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"POST /_probe HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST /_probe HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /_probe HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /_probe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /_probe?" + b"a&" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /_probe HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_http_ends_the_connection_and_nothing_else(data: bytes) -> None:
    async with WebStage() as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(data)
        answer = await raw.rest()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
        assert (await HttpClient(stage.port).send("GET", "/_probe"))[0] == 200
        assert len(stage.funnel.requests) == 1


async def test_a_client_that_leaves_takes_its_request_with_it() -> None:
    begun = asyncio.Event()
    go_on = asyncio.Event()

    async def wait(request: Request) -> Any:
        begun.set()
        await go_on.wait()

    async with WebStage(wait) as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(request_bytes("GET", "/_probe"))
        await begun.wait()
        connection = stage.funnel.requests[0].connection
        assert connection.is_open
        await raw.close()
        await until(lambda: not connection.is_open)
        assert stage.removed == [connection.id]
        go_on.set()
        await asyncio.sleep(0.01)
        assert stage.entrypoint.connection_counts == {}


async def test_a_client_that_leaves_in_the_middle_of_a_body_starts_nothing() -> None:
    async with WebStage() as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(b"POST /_probe HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await raw.close()
        assert (await HttpClient(stage.port).send("GET", "/_probe"))[0] == 200
        assert len(stage.funnel.requests) == 1


async def test_a_client_that_does_not_take_its_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocols.http.exchange._WRITE_TIMEOUT_S", 0.05)
    monkeypatch.setattr("protocols.http.exchange._WRITE_BYTES_PER_S", 1 << 40)

    async def much(request: Request) -> Any:
        return "x" * 30_000_000

    async with WebStage(much) as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(request_bytes("GET", "/_probe"))
        await until(lambda: stage.http._service.unsent)
        await until(lambda: not stage.http._service.unsent)
        assert len(await raw.rest()) < 30_000_000


async def test_a_slow_client_gets_its_whole_answer_when_the_server_stops() -> None:
    async def much(request: Request) -> Any:
        return "x" * 20_000_000

    async with WebStage(much) as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(request_bytes("GET", "/_probe"))
        await until(lambda: stage.http._service.unsent)
        reading = asyncio.ensure_future(raw.answer())
    status, _, body = await reading
    await raw.close()
    assert status == 200
    assert len(body) > 20_000_000
