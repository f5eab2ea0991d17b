"""Channels and notifications over WebSocket, and clients that do not read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from web_stage import WebStage, until
from ws_raw import RawWebSocket, frame

from kuzzle.notification import Notification
from kuzzle.request import Request

ASK = {"controller": "probe", "action": "look"}


async def connect(stage: WebStage, count: int = 1) -> list[tuple[RawWebSocket, str]]:
    """Open WebSockets and learn the ids of their connections."""
    opened = []
    for _ in range(count):
        client = await RawWebSocket.open(stage.port)
        await client.text(ASK)
        await client.json()
        opened.append((client, stage.funnel.requests[-1].connection.id))
    return opened


async def close(opened: list[tuple[RawWebSocket, str]]) -> None:
    for client, _ in opened:
        await client.close()


async def test_a_notification_reaches_every_follower_once_per_channel_with_its_room() -> None:
    async with WebStage() as stage:
        opened = await connect(stage, 3)
        (one, one_id), (two, two_id), (three, three_id) = opened
        for channel, connection_id in (("c-1", one_id), ("c-1", two_id), ("c-2", two_id), ("d-1", three_id)):
            stage.entrypoint.join_channel(channel, connection_id)
        notification = Notification({"status": 200, "type": "document", "é": "ü"})
        stage.entrypoint.broadcast(["c-1", "c-2", "nobody"], notification)
        assert await one.json() == {"status": 200, "type": "document", "é": "ü", "room": "c-1"}
        assert [(await two.json())["room"] for _ in range(2)] == ["c-1", "c-2"]
        assert "room" not in notification.content
        stage.entrypoint.broadcast(["d-1"], notification)
        assert (await three.json())["room"] == "d-1"
        await close(opened)


async def test_a_client_that_left_a_channel_hears_nothing_more_from_it() -> None:
    async with WebStage() as stage:
        opened = await connect(stage, 2)
        (one, one_id), (two, two_id) = opened
        for connection_id in (one_id, two_id):
            stage.entrypoint.join_channel("c", connection_id)
            stage.entrypoint.join_channel("d", connection_id)
        stage.entrypoint.leave_channel("c", one_id)
        stage.entrypoint.leave_channel("c", one_id)
        stage.entrypoint.leave_channel("never joined", one_id)
        stage.entrypoint.broadcast(["c"], Notification({"n": 1}))
        stage.entrypoint.broadcast(["d"], Notification({"n": 2}))
        assert (await one.json())["n"] == 2
        assert [(await two.json())["n"] for _ in range(2)] == [1, 2]
        await close(opened)


async def test_one_connection_is_notified_whatever_it_follows() -> None:
    async with WebStage() as stage:
        opened = await connect(stage, 2)
        (one, one_id), (two, two_id) = opened
        stage.entrypoint.join_channel("c", two_id)
        stage.entrypoint.notify(one_id, ["c", "d"], Notification({"n": 1}))
        stage.entrypoint.notify("nobody", ["c"], Notification({"n": 1}))
        assert [(await one.json())["room"] for _ in range(2)] == ["c", "d"]
        stage.entrypoint.notify(two_id, ["e"], Notification({"n": 2}))
        assert await two.json() == {"n": 2, "room": "e"}
        await close(opened)


async def test_channels_are_forgotten_with_their_last_follower() -> None:
    async with WebStage() as stage:
        opened = await connect(stage, 2)
        for _, connection_id in opened:
            stage.entrypoint.join_channel("c", connection_id)
        stage.entrypoint.leave_channel("c", opened[0][1])
        await close(opened)
        await until(lambda: not stage.entrypoint.connection_counts)
        assert len(stage.websocket._followers) == 0
        assert stage.websocket._sessions == {}
        stage.entrypoint.join_channel("c", opened[0][1])
        stage.entrypoint.broadcast(["c"], Notification({"n": 1}))
        assert len(stage.websocket._followers) == 0


async def test_a_notification_that_a_request_causes_arrives_before_its_answer() -> None:
    stage: WebStage

    async def publish(request: Request) -> Any:
        stage.entrypoint.join_channel("c", request.connection.id)
        stage.entrypoint.broadcast(["c"], Notification({"cause": request.id}))

    async with WebStage(publish) as stage:
        client = await RawWebSocket.open(stage.port)
        texts = [json.dumps({**ASK, "requestId": name}).encode() for name in "ab"]
        await client.send(b"".join(frame(1, text) for text in texts))
        got = [await client.json() for _ in range(4)]
        assert [one.get("cause") or one["requestId"] for one in got] == ["a", "a", "b", "b"]
        assert [one["room"] for one in got] == ["c", "a", "c", "b"]
        await client.close()


# --- clients that do not read


async def deaf_client(stage: WebStage) -> RawWebSocket:
    """Open a WebSocket whose client reads nothing."""
    client = await RawWebSocket.open(stage.port)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    return client


async def test_a_follower_that_does_not_read_is_let_go_and_delays_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with WebStage(websocket={"maxQueuedBytes": 200_000}) as stage:
        opened = await connect(stage, 1)
        ((reader, reader_id),) = opened
        deaf = await deaf_client(stage)
        await deaf.text(ASK)
        await until(lambda: len(stage.funnel.requests) >= 2)
        deaf_id = stage.funnel.requests[-1].connection.id
        for connection_id in (reader_id, deaf_id):
            stage.entrypoint.join_channel("c", connection_id)
        sent = 0
        while stage.removed == [] and sent < 2000:
            stage.entrypoint.broadcast(["c"], Notification({"n": sent, "text": "x" * 10_000}))
            assert (await reader.json())["n"] == sent
            sent += 1
        assert stage.removed == [deaf_id]
        await until(lambda: stage.entrypoint.connection_counts == {"websocket": 1})
        stage.entrypoint.broadcast(["c"], Notification({"n": "last"}))
        assert (await reader.json())["n"] == "last"
        await deaf.close()
        await close(opened)
    lines = [record for record in caplog.records if record.name.startswith("protocols.websocket")]
    assert len(lines) == 1
    assert deaf_id in lines[0].getMessage()


async def test_a_follower_that_leaves_too_many_messages_unread_is_let_go_and_told_why(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr("protocols.websocket.session._CLOSING_TIMEOUT_S", 60)
    async with WebStage(websocket={"maxQueuedMessages": 100}) as stage:
        deaf = await deaf_client(stage)
        await deaf.text(ASK)
        await until(lambda: len(stage.funnel.requests) == 1)
        deaf_id = stage.funnel.requests[0].connection.id
        stage.entrypoint.join_channel("c", deaf_id)
        session = next(iter(stage.websocket._sessions.values()))
        sent = 0
        while not session._is_slow:  # what the system's buffers take does not wait
            stage.entrypoint.broadcast(["c"], Notification({"text": "x" * 10_000}))
            sent += 1
        for _ in range(100):
            stage.entrypoint.broadcast(["c"], Notification({"n": 0}))
        assert stage.removed == []
        for _ in range(3):
            stage.entrypoint.broadcast(["c"], Notification({"n": 0}))
        assert stage.removed == [deaf_id]
        deaf.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await deaf.json()
        for _ in range(sent):
            assert (await deaf.json())["text"]
        opcode, payload = await deaf.frame()
        assert (opcode, payload[:2]) == (8, (1008).to_bytes(2, "big"))
        await deaf.send(frame(8, payload[:2]))
        await until(lambda: stage.websocket._sessions == {})
        await deaf.close()
    assert "it leaves 100 messages of" in caplog.text


async def test_a_slow_follower_gets_everything_in_order() -> None:
    async with WebStage() as stage:
        slow = await deaf_client(stage)
        await slow.text(ASK)
        await until(lambda: stage.funnel.requests)
        stage.entrypoint.join_channel("c", stage.funnel.requests[0].connection.id)
        for number in range(1500):
            stage.entrypoint.broadcast(["c"], Notification({"n": number, "text": "x" * 10_000}))
        session = next(iter(stage.websocket._sessions.values()))
        assert session._waiting is not None
        assert session._waiting.size_bytes > 1_000_000
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await slow.json()
        assert [(await slow.json())["n"] for _ in range(1500)] == list(range(1500))
        assert session._waiting is None
        await slow.text(ASK)
        assert (await slow.json())["status"] == 200
        await slow.close()


async def test_a_goodbye_to_a_slow_client_waits_behind_what_it_has_not_read() -> None:
    async with WebStage() as stage:
        slow = await deaf_client(stage)
        await slow.text(ASK)
        await until(lambda: stage.funnel.requests)
        connection_id = stage.funnel.requests[0].connection.id
        for number in range(1200):
            stage.entrypoint.notify(connection_id, ["c"], Notification({"n": number, "text": "x" * 10_000}))
        assert next(iter(stage.websocket._sessions.values()))._waiting
        stage.entrypoint.disconnect(connection_id, "bye")
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await slow.json()
        assert [(await slow.json())["n"] for _ in range(1200)] == list(range(1200))
        assert await slow.frame() == (8, (1011).to_bytes(2, "big") + b"bye")
        await slow.send(frame(8, b""))
        assert await slow.rest() == b""


async def test_a_client_that_asks_and_does_not_read_is_not_read_either() -> None:
    async def much(request: Request) -> Any:
        return "x" * 100_000

    async with WebStage(much) as stage:
        deaf = await deaf_client(stage)
        request = frame(1, json.dumps(ASK).encode())
        await deaf.send(request * 1000)
        seen = -1
        while seen != len(stage.funnel.requests):  # until it comes to rest
            seen = len(stage.funnel.requests)
            for _ in range(20):
                await asyncio.sleep(0.005)
        assert 0 < seen < 500
        deaf.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(1000):
            await deaf.json()
        await deaf.close()


async def test_a_client_that_pings_and_does_not_read_is_not_read_either() -> None:
    async with WebStage(websocket={"maxQueuedBytes": 100_000}) as stage:
        deaf = await deaf_client(stage)
        pings = frame(9, b"x" * 125) * 1000
        writing = asyncio.ensure_future(_write_all(deaf, pings, 400))  # 52 MB of pings
        await asyncio.sleep(0.3)
        session = next(iter(stage.websocket._sessions.values()), None)
        if session is not None:
            waiting = 0 if session._waiting is None else session._waiting.size_bytes
            assert waiting + session._transport.get_write_buffer_size() < 1_000_000
        writing.cancel()
        deaf.writer.transport.abort()


async def _write_all(client: RawWebSocket, data: bytes, times: int) -> None:
    for _ in range(times):
        await client.send(data)
