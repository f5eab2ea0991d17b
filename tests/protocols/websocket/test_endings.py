"""How WebSocket connections end, and how silent ones are told from dead ones."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_stage import RawClient, WebStage, request_bytes, until
from ws_raw import RawWebSocket, frame

from kuzzle.request import Request
from protocols.websocket.frames import CLOSE, FrameReader, encode_close, encode_frame, is_close_code

ASK = {"controller": "probe", "action": "look"}


async def opened(stage: WebStage) -> tuple[RawWebSocket, str]:
    client = await RawWebSocket.open(stage.port)
    await client.text(ASK)
    await client.json()
    return client, stage.funnel.requests[-1].connection.id


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("", "Connection closed by remote host"),
        ("Out with you", "Out with you"),
        ("é" * 100, "é" * 61),
    ],
)
async def test_a_forced_disconnection_has_code_1011_and_a_reason(message: str, reason: str) -> None:
    async with WebStage() as stage:
        client, connection_id = await opened(stage)
        stage.entrypoint.disconnect(connection_id, message)
        assert stage.removed == [connection_id]
        assert await client.frame() == (8, (1011).to_bytes(2, "big") + reason.encode())
        await client.send(frame(8, (1011).to_bytes(2, "big")))
        assert await client.rest() == b""
        stage.entrypoint.disconnect(connection_id, message)


async def test_nothing_is_sent_after_a_close_frame() -> None:
    go_on = asyncio.Event()

    async def act(request: Request) -> Any:
        if request.id == "slow":
            await go_on.wait()

    async with WebStage(act) as stage:
        client, connection_id = await opened(stage)
        stage.entrypoint.join_channel("c", connection_id)
        await client.text({**ASK, "requestId": "slow"})
        await until(lambda: len(stage.funnel.requests) >= 2)
        stage.entrypoint.disconnect(connection_id, "bye")
        go_on.set()
        await client.text({**ASK, "requestId": "late"})
        await asyncio.sleep(0.05)
        await client.send(frame(8, b""))
        assert (await client.frame()).opcode == 8
        assert await client.rest() == b""
        assert len(stage.funnel.requests) == 2


async def test_a_client_that_ignores_the_close_frame_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocols.websocket.session._CLOSING_TIMEOUT_S", 0.05)
    async with WebStage() as stage:
        client, connection_id = await opened(stage)
        stage.entrypoint.disconnect(connection_id, "bye")
        assert (await client.frame()).opcode == 8
        assert await client.rest() == b""


async def test_a_request_may_disconnect_its_own_client() -> None:
    async def act(request: Request) -> Any:
        if request.id == "end":
            stage.entrypoint.disconnect(request.connection.id, "bye")

    async with WebStage(act) as stage:
        client, _ = await opened(stage)
        await client.send(
            b"".join(frame(1, json.dumps({**ASK, "requestId": name}).encode()) for name in ("a", "end", "b"))
        )
        assert (await client.json())["requestId"] == "a"
        assert await client.frame() == (8, (1011).to_bytes(2, "big") + b"bye")
        await client.send(frame(8, b""))
        assert await client.rest() == b""
        assert [request.id for request in stage.funnel.requests[1:]] == ["a", "end"]


async def test_a_stopping_server_says_goodbye_with_1001_and_waits_for_the_answer() -> None:
    async with WebStage() as stage:
        client, _ = await opened(stage)
        stopping = asyncio.ensure_future(stage.websocket.stop())
        code = (await client.frame()).payload[:2]
        assert int.from_bytes(code, "big") == 1001
        await client.send(frame(8, code))
        assert await client.rest() == b""
        await stopping
        assert stage.entrypoint.connection_counts == {}
        raw = await RawClient.connect(stage.port)  # HTTP goes on
        await raw.send(request_bytes("GET", "/_probe"))
        assert (await raw.answer())[0] == 200
        await raw.close()


async def test_a_stopping_server_cuts_who_does_not_answer_its_goodbye() -> None:
    async with WebStage() as stage:
        client, _ = await opened(stage)
        half = await RawWebSocket.open(stage.port)
        await half.send(b"\x81\xfe\xff\xff1234")
        await stage.websocket.stop()
        assert stage.entrypoint.connection_counts == {}
        for each in (client, half):
            assert (await each.frame()).opcode == 8
            assert await each.rest() == b""


async def test_a_silent_client_is_pinged_and_stays_when_it_answers() -> None:
    async with WebStage(websocket={"heartbeat": 50}) as stage:
        client, _ = await opened(stage)
        for _ in range(4):
            assert await client.frame() == (9, b"")
            await client.send(frame(10, b""))
        await client.text(ASK)
        while (await client.frame()).opcode != 1:
            pass
        await client.close()


async def test_a_silent_client_that_does_not_answer_pings_is_cut() -> None:
    async with WebStage(websocket={"heartbeat": 50}) as stage:
        client, connection_id = await opened(stage)
        assert await client.frame() == (9, b"")
        assert await client.rest() == b""
        assert stage.removed == [connection_id]


async def test_a_client_that_speaks_is_not_pinged() -> None:
    async with WebStage(websocket={"heartbeat": 400}) as stage:
        client, _ = await opened(stage)
        for _ in range(20):
            await asyncio.sleep(0.05)
            await client.text(ASK)
            assert (await client.frame()).opcode == 1
        await client.close()


async def test_a_client_in_the_middle_of_a_frame_for_too_long_is_cut() -> None:
    async with WebStage(websocket={"heartbeat": 50}) as stage:
        client, _ = await opened(stage)
        await client.send(frame(1, b"x" * 100)[:50])
        assert await client.frame() == (9, b"")
        assert await client.rest() == b""


async def test_an_idle_client_is_cut_when_so_configured() -> None:
    async with WebStage(websocket={"heartbeat": 0, "idleTimeout": 100}) as stage:
        client, _ = await opened(stage)
        assert await client.rest() == b""
        assert stage.entrypoint.connection_counts == {}


async def test_nobody_is_pinged_or_cut_when_both_are_off() -> None:
    async with WebStage(websocket={"heartbeat": 0, "idleTimeout": 0}) as stage:
        client, _ = await opened(stage)
        assert stage.websocket._watch is None
        await client.close()


# --- frames by themselves


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_are_accepted_or_refused_with_a_close_code(pieces: list[bytes]) -> None:
    reader = FrameReader(1000)
    for piece in pieces:
        for opcode, payload in reader.receive(piece):
            assert opcode in (1, 2, 8, 9, 10)
            assert len(payload) <= 1000
    assert reader.fault is None or is_close_code(reader.fault.code)


MESSAGES = st.lists(
    st.tuples(st.sampled_from([1, 2]), st.text(st.characters(codec="utf-8"), max_size=300), st.integers(1, 4)),
    max_size=6,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MESSAGES, st.lists(st.integers(1, 200), min_size=1, max_size=50), st.booleans())
def test_messages_cut_in_any_way_come_out_whole(
    messages: list[tuple[int, str, int]], cuts: list[int], pings: bool
) -> None:
    sent = b""
    for opcode, text, parts in messages:
        payload = text.encode()
        size = max(1, -(-len(payload) // parts))
        pieces = [payload[start : start + size] for start in range(0, len(payload), size)] or [b""]
        for number, piece in enumerate(pieces):
            sent += frame(0 if number else opcode, piece, fin=number == len(pieces) - 1)
            if pings:
                sent += frame(9, b"p")
    reader = FrameReader(10_000)
    got = []
    position = 0
    number = 0
    while position < len(sent):
        size = cuts[number % len(cuts)]
        got += reader.receive(sent[position : position + size])
        position += size
        number += 1
    assert reader.fault is None
    assert [one for one in got if one[0] < 8] == [(opcode, text.encode()) for opcode, text, _ in messages]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame_says_its_length_in_the_shortest_way(size: int) -> None:
    sent = encode_frame(1, b"x" * size)
    head = 2 if size < 126 else 4 if size < 65_536 else 10
    assert len(sent) == head + size
    assert sent[0] == 0x81
    assert int.from_bytes(sent[2:head], "big") in (0, size)


def test_the_reason_of_a_close_frame_is_cut_between_characters() -> None:
    sent = encode_close(1011, "€" * 50)
    assert sent[0] == 0x80 | CLOSE
    assert sent[1] == len(sent) - 2 <= 125
    assert sent[4:].decode() == "€" * 41
