"""The WebSocket server against RFC 6455; the cases are in rfc6455.yaml."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from web_stage import RawClient, WebStage, until
from ws_raw import RawWebSocket, frame, handshake

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("rfc6455.yaml").read_text())


def content(piece: dict[str, Any]) -> bytes:
    """Return the payload that a piece describes."""
    if "code" in piece:
        return int(piece["code"]).to_bytes(2, "big")
    text = piece.get("text", "")
    if text.startswith("@"):
        request = json.dumps({"controller": "probe", "action": "look", "requestId": text[1:]}, ensure_ascii=False)
        return request.encode().ljust(piece.get("pad", 0))
    return bytes.fromhex(piece.get("hex", "")) + text.encode() + b"x" * piece.get("size", 0)


def frames(piece: dict[str, Any]) -> Iterator[bytes]:
    """Yield the frames that a piece describes."""
    if "raw" in piece:
        yield bytes.fromhex(piece["raw"])
        return
    payload = content(piece)
    opcode = piece["opcode"]
    if "cut" in piece:
        size = -(-len(payload) // piece["cut"])
        parts = [payload[start : start + size] for start in range(0, len(payload), size)]
        for number, part in enumerate(parts):
            yield frame(0 if number else opcode, part, fin=number == len(parts) - 1)
            if "between" in piece and number == 0:
                yield from frames(piece["between"])
        return
    for _ in range(piece.get("times", 1)):
        yield frame(
            opcode,
            payload,
            fin=piece.get("fin", True),
            rsv=piece.get("rsv", 0),
            masked=piece.get("masked", True),
        )


async def send(client: RawWebSocket, piece: dict[str, Any]) -> None:
    """Send what a piece describes."""
    for each in frames(piece):
        if piece.get("bytewise"):
            for byte in each:
                await client.send(bytes([byte]))
                await asyncio.sleep(0)
        else:
            await client.send(each)


async def expect(client: RawWebSocket, expected: dict[str, Any]) -> None:
    """Read what a case promises."""
    ((what, value),) = expected.items()
    if what == "dropped":
        assert await client.rest() == b""
        return
    if what == "open":
        await client.text({"controller": "probe", "action": "look", "requestId": "still here"})
        assert (await client.json())["requestId"] == "still here"
        return
    if what == "malformed":
        assert (await client.json())["error"]["id"] == "network.websocket.unexpected_error"
        return
    got = await client.frame()
    if what == "echo":
        assert got.opcode == 1
        assert json.loads(got.payload)["requestId"] == value
    elif what == "pong":
        assert got.opcode == 10
        assert got.payload == (b"x" * int(value[1:]) if value.startswith("+") else value.encode())
    else:
        assert what == "close"
        assert got.opcode == 8
        code = int.from_bytes(got.payload[:2], "big") if got.payload else None
        assert code == value
        got.payload[2:].decode()
        assert await client.rest() == b""


@pytest.mark.parametrize("together", [False, True], ids=["in pieces", "at once"])
@pytest.mark.parametrize("case", [pytest.param(case, id=case["clause"]) for case in CASES])
async def test_the_server_does_what_the_clause_says(case: dict[str, Any], together: bool) -> None:
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port)
        with contextlib.suppress(ConnectionError):  # dropped while still sending
            if together:
                await client.send(b"".join(each for piece in case["sends"] for each in frames(piece)))
            else:
                for piece in case["sends"]:
                    await send(client, piece)
        for expected in case["gets"]:
            await expect(client, expected)
        await client.close()
        await until(lambda: not stage.entrypoint.connection_counts)


@pytest.mark.parametrize(
    ("headers", "status", "clause"),
    [
        ({"Sec_WebSocket_Version": "8"}, 426, "4.2.2, item 4"),
        ({"Sec_WebSocket_Version": ""}, 426, "4.2.1, item 6"),
        ({"Sec_WebSocket_Key": ""}, 400, "4.2.1, item 5"),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400, "4.2.1, item 5"),
        ({"Sec_WebSocket_Key": "no base64!"}, 400, "4.2.1, item 5"),
        ({"Transfer_Encoding": "chunked"}, 400, "4.1: the request has no body"),
        ({"Connection": ""}, 200, "4.2.1, item 4: no upgrade, hence HTTP"),
        ({"Upgrade": "h2c"}, 200, "4.2.1, item 3: another upgrade, hence HTTP"),
    ],
)
async def test_a_wrong_handshake_is_refused(headers: dict[str, str], status: int, clause: str) -> None:
    async with WebStage() as stage:
        raw = await RawClient.connect(stage.port)
        await raw.send(handshake(**headers))
        got, found, _ = await raw.answer()
        await raw.close()
        assert got == status, clause
        if status == 426:
            assert found["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    "headers",
    [
        {"Upgrade": "WebSocket"},
        {"Connection": "keep-alive, upgrade"},
        {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"},
        {"Sec_WebSocket_Protocol": "chat, superchat"},
        {"Origin": "https://example.com"},
        {"Content_Length": "0"},
    ],
)
async def test_a_right_handshake_is_accepted_without_extension_and_subprotocol(headers: dict[str, str]) -> None:
    async with WebStage() as stage:
        client = await RawWebSocket.open(stage.port, **headers)
        await client.text({"controller": "probe", "action": "look", "requestId": "a"})
        assert (await client.json())["requestId"] == "a"
        await client.close()


async def test_frames_behind_the_handshake_are_not_lost() -> None:
    async with WebStage() as stage:
        request = json.dumps({"controller": "probe", "action": "look", "requestId": "early"}).encode()
        early = frame(1, request.ljust(30_000)) + frame(9, b"x") + frame(1, request)[:20]
        client = await RawWebSocket.open(stage.port, behind=early)
        assert (await client.json())["requestId"] == "early"
        assert (await client.frame()) == (10, b"x")
        await client.close()


async def test_a_client_that_floods_before_its_upgrade_is_let_go() -> None:
    async with WebStage() as stage:
        raw = await RawClient.connect(stage.port)
        with contextlib.suppress(ConnectionError):
            await raw.send(handshake() + b"x" * 8_000_000)
        await raw.rest()
        assert stage.entrypoint.connection_counts == {}
