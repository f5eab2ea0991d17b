"""What bodies may be: content types, forms and files, compressions, sizes."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_stage import HttpClient, RawClient, WebStage, request_bytes

from kuzzle.errors import KuzzleError
from protocols.http.compression import Inflater, choose_encoding
from protocols.http.forms import decode_multipart, decode_urlencoded, find_boundary

JSON = b'{"a":1}'
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = 'multipart/form-data; boundary="b0"'


async def body_of(data: bytes | None, **headers: str) -> Any:
    async with WebStage() as stage:
        _, _, envelope = await HttpClient(stage.port).send("POST", "/_probe", data, **headers)
        assert envelope.get("error", "bare") is None, envelope
        return envelope["result"].get("body")


async def fault_of(data: bytes | None, options: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
    """Return the bare error that a body is refused with."""
    async with WebStage(http=options) as stage:
        status, got, error = await HttpClient(stage.port).send("POST", "/_probe/a/b/c", data, **headers)
        assert status == error["status"]
        assert set(error) == {"message", "status", "id", "code"}
        assert got["content-type"] == "application/json"
        assert got["access-control-allow-origin"] == "*"
        assert got["access-control-allow-methods"] == "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"
        assert stage.funnel.requests == []
        fault: dict[str, Any] = error
        return fault


# --- content types


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=latin-1", "Application/JSON", "application/json-x"]
)
async def test_json_is_read_whatever_its_charset(content_type: str) -> None:
    assert await body_of(JSON, content_type=content_type) == {"a": 1}


async def test_a_body_without_content_type_is_json() -> None:
    assert await body_of(JSON) == {"a": 1}


@pytest.mark.parametrize("content_type", ["application/json", ""])
async def test_an_empty_body_is_none(content_type: str) -> None:
    assert await body_of(b"", content_type=content_type) is None


async def test_the_json_text_null_is_none() -> None:
    assert await body_of(b"null") is None


@pytest.mark.parametrize("content_type", [URLENCODED, MULTIPART])
async def test_an_empty_form_is_an_empty_object(content_type: str) -> None:
    assert await body_of(b"", content_type=content_type) == {}
    assert await body_of(None, content_type=content_type) == {}


@pytest.mark.parametrize("data", [JSON, b"", None])
async def test_another_content_type_is_refused_even_without_body(data: bytes | None) -> None:
    error = await fault_of(data, content_type="text/plain; charset=utf-8")
    assert error["status"] == 400
    assert error["id"] == "network.http.unexpected_error"
    assert error["message"].endswith("Unsupported content type: text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "data", [b"{", b"{'a':1}", b'{"a":NaN}', b"\xff", b'{"n": 123456789012345678901}', b"[" * 5000]
)
async def test_a_text_that_is_no_json_is_refused_in_an_envelope(data: bytes) -> None:
    async with WebStage() as stage:
        status, _, envelope = await HttpClient(stage.port).send("POST", "/_probe/a/b/c", data)
        assert status == envelope["status"] == 400
        assert envelope["error"]["id"] == "network.http.body_parse_failed"
        assert (envelope["controller"], envelope["action"]) == (None, None)
        assert (envelope["index"], envelope["collection"]) == ("a", "b")
        assert stage.funnel.requests == []


@pytest.mark.parametrize("data", [b"[]", b'"text"', b"12", b"true"])
async def test_json_that_is_no_object_is_refused(data: bytes) -> None:
    async with WebStage() as stage:
        _, _, envelope = await HttpClient(stage.port).send("POST", "/_probe/a/b/c", data)
        assert envelope["error"]["message"] == (
            'Unable to convert the HTTP body to JSON: Attribute body must be of type "object"'
        )


# --- forms


async def test_the_fields_of_a_urlencoded_form_are_texts_with_literal_names() -> None:
    data = urlencode({"a[b]": "1", "c.d": "x y", "é": "ü", "empty": ""}).encode()
    assert await body_of(data, content_type=f"{URLENCODED}; charset=utf-8") == {
        "a[b]": "1",
        "c.d": "x y",
        "é": "ü",
        "empty": "",
    }


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"a=1&a=2", URLENCODED),
        (
            b'--b0\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
            b'--b0\r\nContent-Disposition: form-data; name="a"\r\n\r\n2\r\n--b0--\r\n',
            MULTIPART,
        ),
    ],
)
async def test_the_last_of_a_repeated_field_wins(data: bytes, content_type: str) -> None:
    assert await body_of(data, content_type=content_type) == {"a": "2"}


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(KuzzleError) as caught:
        decode_urlencoded(b"a=1&" * 1001)
    assert caught.value.id == "network.http.unexpected_error"


def part(head: str, content: bytes = b"x", boundary: bytes = b"b0") -> bytes:
    return b"--" + boundary + b"\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"


async def test_a_multipart_form_holds_fields_and_files() -> None:
    picture = bytes(range(256)) + b"\r\n--b1\r\n"
    data = (
        b"a preamble\r\n"
        + part('Content-Disposition: form-data; name="a[b]"', "é".encode())
        + part(
            'content-disposition: form-data; name="picture"; filename="C:\\\\up\\\\../cat é.png"\r\n'
            "Content-Type: image/png; q=1\r\nContent-Transfer-Encoding: binary",
            picture,
        )
        + part('Content-Disposition: form-data; name="note"; filename="n.txt"')
        + b"--b0--\r\nan epilogue"
    )
    assert await body_of(data, content_type=MULTIPART) == {
        "a[b]": "é",
        "picture": {
            "filename": "cat é.png",
            "encoding": "binary",
            "mimetype": "image/png",
            "file": base64.b64encode(picture).decode(),
        },
        "note": {"filename": "n.txt", "encoding": "7bit", "mimetype": "text/plain", "file": "eA=="},
    }


@pytest.mark.parametrize(
    ("head", "name", "filename"),
    [
        ('form-data; name="a"; filename="b.txt"', "a", "b.txt"),
        ("form-data; name=a; filename=b.txt", "a", "b.txt"),
        ('form-data; name="a\\"b"; filename="c\\"d"', 'a"b', 'c"d'),
        ('form-data; name="a;b=c"; filename="d;e.txt"', "a;b=c", "d;e.txt"),
        ('form-data; name="a"; filename="x"; filename*=UTF-8\'\'caf%C3%A9.txt', "a", "café.txt"),
        ('form-data; name="a"; filename=""', "a", ""),
        ('form-data; name=""; filename="b"', "", "b"),
        ('form-data; name="__proto__"; filename="b"', "__proto__", "b"),
    ],
)
def test_the_names_of_a_part_are_read(head: str, name: str, filename: str) -> None:
    fields = decode_multipart(part(f"Content-Disposition: {head}") + b"--b0--", b"b0", 100)
    assert fields[name]["filename"] == filename


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; a=b"]
)
async def test_a_multipart_form_without_boundary_is_refused(content_type: str) -> None:
    error = await fault_of(b"x", content_type=content_type)
    assert (error["status"], error["id"]) == (400, "network.http.unexpected_error")
    assert "Multipart: Boundary not found" in error["message"]


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense",
        b"--b0",
        b"--b0\r\n",
        b"--b0\r\n\r\n",
        b'--b0\r\nContent-Disposition: form-data; name="a"\r\n\r\nx',
        part("Content-Disposition: form-data") + b"--b0--",
        part('Content-Disposition: attachment; name="a"') + b"--b0--",
        part("X: " + "x" * 20_000) + b"--b0--",
        part('Content-Disposition: form-data; name="a"') * 1001 + b"--b0--",
    ],
)
async def test_a_broken_multipart_form_is_refused(data: bytes) -> None:
    error = await fault_of(data, content_type=MULTIPART)
    assert (error["status"], error["id"]) == (400, "network.http.unexpected_error")


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                b"--b0",
                b"--",
                b"\r\n",
                b'; name="a"',
                b"form-data",
                b":",
                b"Content-Disposition",
                b"\r\n\r\n",
                b'filename="',
                b"\\",
                b"x",
            ]
        ),
        max_size=30,
    ).map(b"".join)
)
def test_any_multipart_body_is_accepted_or_refused_with_a_documented_error(data: bytes) -> None:
    try:
        fields = decode_multipart(data, find_boundary(MULTIPART), 10)
    except KuzzleError as error:
        refusal = error.id
    else:
        refusal = None
        json.dumps(fields)
    assert refusal in (None, "network.http.unexpected_error", "network.http.file_too_large")


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")), max_size=8))
def test_any_urlencoded_form_is_read_as_it_was_written(fields: dict[str, str]) -> None:
    assert decode_urlencoded(urlencode(fields).encode()) == fields


# --- sizes


async def test_a_file_beyond_its_limit_is_refused() -> None:
    data = part('Content-Disposition: form-data; name="a"; filename="b"', b"x" * 11) + b"--b0--"
    error = await fault_of(data, {"maxFormFileSize": 10}, content_type=MULTIPART)
    assert (error["status"], error["id"]) == (413, "network.http.file_too_large")


async def test_a_body_of_exactly_the_largest_size_is_taken() -> None:
    async with WebStage(max_request_size=100) as stage:
        data = b'{"a":"%s"}' % (b"x" * 92)
        assert len(data) == 100
        assert (await HttpClient(stage.port).send("POST", "/_probe", data))[0] == 200
        assert (await HttpClient(stage.port).send("POST", "/_probe", data + b" "))[0] == 413


async def test_a_body_declared_too_large_is_refused_before_it_comes() -> None:
    async with WebStage(max_request_size=100) as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(b"POST /_probe HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n")
        status, _, body = await raw.answer()
        assert (status, json.loads(body)["id"]) == (413, "network.http.request_too_large")
        await raw.send(b"x" * 101 + request_bytes("GET", "/_probe"))  # the connection goes on behind the body
        assert (await raw.answer())[0] == 200
        await raw.close()


async def test_a_client_that_waits_for_a_go_ahead_gets_the_refusal_and_no_go_ahead() -> None:
    async with WebStage(max_request_size=100) as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(b"POST /_probe HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n")
        assert (await raw.answer())[0] == 413
        assert await raw.rest() == b""


async def test_a_client_that_waits_for_a_go_ahead_gets_it() -> None:
    async with WebStage() as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(b"POST /_probe HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n")
        assert (await raw.answer())[0] == 100
        await raw.send(JSON)
        assert (await raw.answer())[0] == 200
        await raw.close()


async def test_a_chunked_body_is_refused_where_it_passes_the_limit() -> None:
    async with WebStage(max_request_size=100) as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(b"POST /_probe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            await raw.send(b"32\r\n" + b"x" * 50 + b"\r\n")
        assert (await raw.answer())[0] == 413
        await raw.close()


async def test_a_chunked_body_is_read() -> None:
    async with WebStage() as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(b"POST /_probe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for byte in JSON:
            await raw.send(b"1\r\n%c\r\n" % byte)
        await raw.send(b"0\r\n\r\n")
        _, _, body = await raw.answer()
        assert json.loads(body)["result"]["body"] == {"a": 1}
        await raw.close()


async def test_an_endless_refused_body_is_not_read_for_ever() -> None:
    async with WebStage(max_request_size=100) as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(b"POST /_probe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        sending = asyncio.gather(*(raw.send(piece) for _ in range(2000)))  # 125 MiB
        with pytest.raises(ConnectionError):
            await sending
        await raw.close()


# --- compression


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(JSON)),
        ("GZIP", gzip.compress(JSON)),
        ("gzip", gzip.compress(b'{"a"') + gzip.compress(b":1}")),
        ("deflate", zlib.compress(JSON)),
        ("identity", JSON),
        ("gzip, deflate", zlib.compress(gzip.compress(JSON))),
        ("deflate,identity,gzip", gzip.compress(zlib.compress(JSON))),
    ],
)
async def test_encodings_are_undone_from_the_last(encoding: str, data: bytes) -> None:
    assert await body_of(data, content_encoding=encoding) == {"a": 1}


async def test_an_empty_compressed_body_is_none() -> None:
    assert await body_of(b"", content_encoding="gzip") is None


async def test_a_form_may_be_compressed() -> None:
    assert await body_of(gzip.compress(b"a=1"), content_encoding="gzip", content_type=URLENCODED) == {"a": "1"}


@pytest.mark.parametrize(
    ("encoding", "error_id"),
    [
        ("identity,identity,identity,identity", "network.http.too_many_encodings"),
        ("br", "network.http.unsupported_compression"),
        ("gzip,br", "network.http.unsupported_compression"),
    ],
)
async def test_a_wrong_content_encoding_is_refused(encoding: str, error_id: str) -> None:
    error = await fault_of(JSON, content_encoding=encoding)
    assert (error["status"], error["id"]) == (400, error_id)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compression_that_is_switched_off_is_refused(encoding: str) -> None:
    error = await fault_of(JSON, {"allowCompression": False}, content_encoding=encoding)
    assert (error["status"], error["id"]) == (400, "network.http.compression_disabled")


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", JSON),
        ("deflate", gzip.compress(JSON)),
        ("gzip", gzip.compress(JSON)[:-3]),
        ("gzip", gzip.compress(JSON) + b"junk"),
        ("deflate", zlib.compress(JSON) + b"junk"),
        ("gzip,gzip", gzip.compress(JSON)),
    ],
)
async def test_corrupt_data_is_refused(encoding: str, data: bytes) -> None:
    error = await fault_of(data, content_encoding=encoding)
    assert (error["status"], error["id"]) == (400, "network.http.unexpected_error")
    assert "%s" not in error["message"]


@pytest.mark.parametrize("layers", [1, 2, 3])
async def test_a_small_body_that_inflates_without_end_is_refused(layers: int) -> None:
    bomb = b" " * 50_000_000
    for _ in range(layers):
        bomb = gzip.compress(bomb, 9)
    assert len(bomb) < 60_000
    error = await fault_of(bomb, content_encoding=",".join(["gzip"] * layers))
    assert (error["status"], error["id"]) == (413, "network.http.request_too_large")


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200),
    st.lists(st.sampled_from(["gzip", "deflate", "identity"]), min_size=1, max_size=3),
    st.integers(1, 50),
    st.integers(0, 400),
)
def test_any_cut_of_any_layers_is_undone(data: bytes, names: list[str], size: int, limit: int) -> None:
    sent = data
    for name in names:
        sent = gzip.compress(sent) if name == "gzip" else zlib.compress(sent) if name == "deflate" else sent
    inflater = Inflater(",".join(names), max_layers=3, is_allowed=True, max_bytes=limit)
    got = b""
    try:
        for start in range(0, len(sent), size):
            got += inflater.receive(sent[start : start + size])
        inflater.close()
    except KuzzleError as error:
        refusal = error.id
    else:
        refusal = None
        assert got == data
    if refusal is not None:
        assert refusal == "network.http.request_too_large"
        assert max(len(data), len(zlib.compress(data)) + 40) > limit


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("deflate, gzip", "gzip"),
        ("gzip, deflate, br", "gzip"),
        ("gzip;q=1.0, deflate", "deflate"),
        ("gzip;q=0", None),
        ("br", None),
        ("*", None),
        ("", None),
    ],
)
def test_the_encoding_of_an_answer_is_chosen(accepted: str, chosen: str | None) -> None:
    assert choose_encoding(accepted) == chosen
