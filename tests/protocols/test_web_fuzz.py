"""Damaged requests and frames over real sockets: accepted, or refused with a documented error; the server goes on."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import random

import pytest
from web_stage import HttpClient, RawClient, WebStage, request_bytes, until
from ws_raw import RawWebSocket, frame

FORM = b'--b0\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nx\r\n--b0--\r\n'
REQUESTS = [
    request_bytes("GET", "/_probe/library/books/1?size=10&keys=a,b&silent", x_kuzzle_volatile='{"a":1}'),
    request_bytes("POST", "/_probe/a/b/c?pretty", b'{"a":{"b":[1,2,3]}}', Content_Type="application/json"),
    request_bytes("POST", "/_probe", gzip.compress(b'{"a":1}'), Content_Encoding="gzip", Accept_Encoding="gzip"),
    request_bytes("POST", "/_probe", FORM, Content_Type="multipart/form-data; boundary=b0"),
    request_bytes("POST", "/_probe", b"a=1&b=2&c[]=%20", Content_Type="application/x-www-form-urlencoded"),
    b"POST /_probe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n0\r\n\r\n",
]
ENVELOPE = json.dumps({"controller": "probe", "action": "look", "requestId": "a", "body": {"é": [1]}}).encode()
FRAMES = [
    frame(1, ENVELOPE),
    frame(1, ENVELOPE[:20], fin=False) + frame(9, b"x") + frame(0, ENVELOPE[20:]),
    frame(2, ENVELOPE.ljust(200)),
    frame(10, b"pong"),
    frame(8, b"\x03\xe8bye"),
]


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return bytes with a few changed, lost, doubled or added."""
    result = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        position = chance.randrange(len(result))
        match chance.randrange(4):
            case 0:
                result[position] = chance.randrange(256)
            case 1:
                del result[position : position + chance.randint(1, 5)]
            case 2:
                result[position:position] = result[position : position + chance.randint(1, 20)]
            case _:
                result[position:position] = chance.choice([b"\r\n", b"\x00", b"%", b"\xff", b'"', b";", b"999999999"])
        if not result:
            return b"x"
    return bytes(result)


async def quiet_rest(client: RawClient) -> bytes:
    """Read what comes within a moment, then leave."""
    received = b""
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(0.05):
            while piece := await client.reader.read(65_536):
                received += piece
    client.writer.transport.abort()
    return received


async def test_damaged_http_requests_hurt_nobody(caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(7512)
    async with WebStage(max_request_size=10_000) as stage:

        async def attack() -> None:
            client = await RawClient.connect(stage.port)
            with contextlib.suppress(ConnectionError):
                await client.send(damaged(chance.choice(REQUESTS), chance))
            answer = await quiet_rest(client)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
            assert b" 500 " not in answer.split(b"\r\n")[0]

        for _ in range(20):
            await asyncio.gather(*(attack() for _ in range(25)))
        assert (await HttpClient(stage.port).send("GET", "/_probe"))[0] == 200
        await until(lambda: not stage.entrypoint.connection_counts)
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


async def test_damaged_websocket_frames_hurt_nobody(caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(7513)
    async with WebStage(max_request_size=10_000) as stage:

        async def attack() -> None:
            client = await RawWebSocket.open(stage.port)
            with contextlib.suppress(ConnectionError):
                await client.send(damaged(b"".join(chance.choices(FRAMES, k=3)), chance))
            await quiet_rest(client)

        for _ in range(20):
            await asyncio.gather(*(attack() for _ in range(25)))
        client = await RawWebSocket.open(stage.port)
        await client.send(FRAMES[1])
        assert (await client.frame()).opcode == 10
        assert (await client.json())["status"] == 200
        await client.close()
        await until(lambda: not stage.entrypoint.connection_counts)
        assert stage.websocket._sessions == {}
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
