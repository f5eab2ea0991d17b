"""Clients that do not read what is sent to them again: what waits is bounded, they are let go, and may come back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from engineio_raw import PollingClient, SocketClient, event_of, request
from harness import Server
from mqtt_raw import Message, Peer, Peers
from web_stage import until

BOOKS = {"index": "library", "collection": "books"}
SUBSCRIBE = {"controller": "realtime", "action": "subscribe", **BOOKS, "body": {}}
COUNT = 120
TEXT = "x" * 100_000  # all of them are more than the buffers of a socket take


@pytest.fixture
def impatient(start_server: Callable[..., Server], caplog: pytest.LogCaptureFixture) -> Server:
    """A server that lets clients leave little unread, and replays much."""
    caplog.set_level(logging.INFO)
    history = {"collections": {"library": {"books": {"size": 5000, "time": 600_000}}}, "maxReplayBytes": 20_000_000}
    little = {"maxQueuedBytes": 300_000}
    return start_server({"protocols": {"socketio": little, "mqtt": little}, "realtime": {"history": history}})


async def say_much(server: Server) -> tuple[dict[str, Any], Any]:
    """Let a room say more than a socket takes; what its first listener was told, and that listener."""
    first = await server.websocket()
    made = (await first.request("realtime", "subscribe", **BOOKS, body={}))["result"]
    for _ in range(COUNT):
        await first.request("realtime", "publish", **BOOKS, body={"text": TEXT})
    return made, first


async def assert_only_the_first_is_left(server: Server, first: Any, room_id: str, protocol: str) -> None:
    """Nobody else was delayed, and nothing of the client that was let go is left."""
    await until(lambda: server.app.realtime.subscriptions == 1)
    await until(lambda: protocol not in server.app.entrypoint.connection_counts)
    assert not server.app.realtime.news.replays
    assert server.app.realtime.count(room_id) == 1
    await first.settle()
    assert first.notifications.qsize() == COUNT


async def ask(peer: Peer, **members: Any) -> dict[str, Any]:
    """Subscribe over MQTT; the result."""
    answer = await peer.request({"requestId": "one", **SUBSCRIBE, **members})
    result: dict[str, Any] = answer["result"]
    return result


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("version", [4, 5])
async def test_an_mqtt_client_that_does_not_read_its_replay_is_let_go(
    impatient: Server, caplog: pytest.LogCaptureFixture, version: int, qos: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protocols.mqtt.wire._CLOSE_TIMEOUT_S", 0.2)
    made, first = await say_much(impatient)
    last = {"epoch": made["epoch"], "offset": made["offset"]}
    async with Peers(impatient.port("mqtt")) as peers:
        slow = await peers.join("slow", version)
        assert await slow.subscribe((made["channel"], qos)) == [qos]
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        slow.publish("Kuzzle/request", {"requestId": "one", **SUBSCRIBE, "recover": last})
        await until(lambda: "is let go: more than" in caplog.text)
        await assert_only_the_first_is_left(impatient, first, made["roomId"], "mqtt")
        (mqtt,) = (protocol for protocol in impatient.app.protocols if protocol.name == "mqtt")
        assert mqtt._held == {}  # type: ignore[attr-defined]
        assert mqtt._broker._stored.used == 0  # type: ignore[attr-defined]
        back = await peers.join("slow", version)
        await back.subscribe((made["channel"], qos))
        assert (await ask(back, recover={**last, "offset": COUNT - 1}))["recovered"]
        again = await back.message()
        assert (again.topic, again.qos, again.json["offset"]) == (made["channel"], qos, COUNT)


async def test_an_mqtt_client_that_acknowledges_nothing_gets_a_window_and_is_let_go_when_too_much_waits(
    impatient: Server,
) -> None:
    made, first = await say_much(impatient)
    async with Peers(impatient.port("mqtt")) as peers:
        peer = await peers.join("silent", 5)
        await peer.subscribe((made["channel"], 1))
        peer.publish(
            "Kuzzle/request", {"requestId": "one", **SUBSCRIBE, "recover": {"epoch": made["epoch"], "offset": 0}}
        )
        answer = await peer.message()
        assert answer.json["result"]["recovered"]
        offsets = []
        while (got := await peer.packet())[0] >> 4 == 3:
            offsets.append(Message(*got, 5).json["offset"])
        assert (got[0], got[1][0]) == (0xE0, 0x97), "DISCONNECT: quota exceeded"
        assert offsets == list(range(1, len(offsets) + 1)), "what came has no holes"
        assert 0 < len(offsets) < COUNT
        await assert_only_the_first_is_left(impatient, first, made["roomId"], "mqtt")


@pytest.mark.parametrize("generation", [3, 4])
async def test_a_socketio_client_that_does_not_read_its_replay_is_let_go(
    impatient: Server, caplog: pytest.LogCaptureFixture, generation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protocols.socketio.link._CLOSING_TIMEOUT_S", 60)
    made, first = await say_much(impatient)
    last = {"epoch": made["epoch"], "offset": 0}
    slow = await SocketClient.open_session(impatient.port("socketio"), generation)
    slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await slow.say(request(**SUBSCRIBE, recover=last))
    await until(lambda: "Let go of a Socket.IO client" in caplog.text)
    await assert_only_the_first_is_left(impatient, first, made["roomId"], "socketio")
    slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert (await slow.event())[1]["result"]["recovered"]
    offsets = []
    while (got := await slow.frame()).opcode == 1:
        offsets.append(event_of(got.payload.decode())[1]["offset"])
    assert (got.opcode, got.payload[:2]) == (8, (1008).to_bytes(2, "big"))
    assert offsets == list(range(1, len(offsets) + 1)), "what came has no holes"
    assert len(offsets) < COUNT
    await slow.close()
    back = await SocketClient.open_session(impatient.port("socketio"), generation)
    answer = await back.ask(**SUBSCRIBE, recover={**last, "offset": COUNT - 1})
    assert answer["result"]["recovered"]
    assert (await back.event())[1]["offset"] == COUNT
    await back.close()


@pytest.mark.parametrize("generation", [3, 4])
async def test_a_socketio_client_that_does_not_fetch_its_replay_is_let_go(impatient: Server, generation: int) -> None:
    made, first = await say_much(impatient)
    client = await PollingClient.open(impatient.port("socketio"), generation)
    await client.post(request(**SUBSCRIBE, recover={"epoch": made["epoch"], "offset": 0}))
    await assert_only_the_first_is_left(impatient, first, made["roomId"], "socketio")
    answer = await client.poll()
    assert (answer.status, answer.json["code"]) == (400, 1), "the session is unknown"
