"""Requests by MQTT and who sees their answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import mqtt_raw
import pytest
from mqtt_stage import Stage

from kuzzle.request import Request


@pytest.mark.parametrize("version", [3, 4, 5])
async def test_the_answer_goes_to_the_sender_alone_subscribed_or_not(version: int) -> None:
    async with Stage() as stage:
        sender = await stage.join("sender", version)
        other = await stage.join("other", version)
        await other.subscribe(("Kuzzle/response", 1))
        sender.publish("Kuzzle/request", {"controller": "server", "action": "now", "requestId": "one"})
        answer = await sender.message()
        assert (answer.topic, answer.qos, answer.retain) == ("Kuzzle/response", 0, False)
        assert answer.json["requestId"] == "one"
        assert answer.json["result"] == {"now": 1}
        assert "room" not in answer.json
        assert await other.is_silent()


async def test_a_sender_that_subscribed_to_the_response_topic_gets_one_copy() -> None:
    async with Stage() as stage:
        peer = await stage.join()
        await peer.subscribe(("Kuzzle/response", 1))
        await peer.request({"controller": "server", "action": "now"})
        assert await peer.is_silent()


@pytest.mark.parametrize("version", [3, 4, 5])
async def test_requests_of_qos_1_and_2_are_acknowledged_and_run_once(version: int) -> None:
    async with Stage() as stage:
        peer = await stage.join("a", version)
        peer.publish("Kuzzle/request", {"requestId": "one"}, qos=1, packet_id=5)
        assert await peer.packet() == (0x40, b"\0\x05")
        assert (await peer.message()).json["requestId"] == "one"
        peer.publish("Kuzzle/request", {"requestId": "two"}, qos=2, packet_id=6)
        assert await peer.packet() == (0x50, b"\0\x06")
        assert (await peer.message()).json["requestId"] == "two"
        peer.publish("Kuzzle/request", {"requestId": "two"}, qos=2, packet_id=6, dup=True)
        assert await peer.packet() == (0x50, b"\0\x06")
        peer.send(mqtt_raw.acknowledgement(0x62, 6))
        assert await peer.packet() == (0x70, b"\0\x06")
        assert len(stage.entrypoint.requests) == 2


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"nothing",
        b'{"a":1}}',
        b"[" * 5000,
        b"null",
        b"123",
        b'"text"',
        b"[]",
        b'{"controller":1}',
    ],
)
async def test_a_faulty_request_is_answered_and_the_session_goes_on(payload: bytes) -> None:
    async with Stage() as stage:
        peer = await stage.join()
        peer.publish("Kuzzle/request", payload)
        answer = await peer.message()
        assert answer.topic == "Kuzzle/response"
        assert answer.json["status"] == 400
        assert answer.json["error"]["id"] == "network.mqtt.unexpected_error"
        assert answer.json["error"]["code"] == 50462721
        assert len(answer.json["requestId"]) == 36
        assert answer.json["result"] is None
        assert (await peer.request({"requestId": "next"}))["requestId"] == "next"


async def test_answers_come_when_they_are_ready() -> None:
    released = asyncio.Event()

    async def act(request: Request) -> Any:
        if request.id == "slow":
            await released.wait()
        return {}

    async with Stage(act=act) as stage:
        peer = await stage.join()
        peer.publish("Kuzzle/request", {"requestId": "slow"})
        assert (await peer.request({"requestId": "fast"}))["requestId"] == "fast"
        released.set()
        assert (await peer.message()).json["requestId"] == "slow"


async def test_a_defect_is_answered_without_its_details_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def act(request: Request) -> Any:
        raise ZeroDivisionError("a secret")

    async with Stage(act=act) as stage:
        peer = await stage.join()
        answer = await peer.request({"requestId": "one"})
        assert answer["error"]["id"] == "core.fatal.unexpected_error"
        assert "secret" not in json.dumps(answer)
        assert "a secret" in caplog.text
        caplog.clear()


async def test_many_packets_in_one_segment_are_all_answered_in_order() -> None:
    async with Stage() as stage:
        peer = await stage.join()
        peer.send(b"".join(mqtt_raw.publish("Kuzzle/request", {"requestId": str(n)}) for n in range(500)))
        assert [(await peer.message()).json["requestId"] for _ in range(500)] == [str(n) for n in range(500)]


async def test_a_client_with_too_many_requests_at_work_is_not_read_further() -> None:
    released, other_asked = asyncio.Event(), asyncio.Event()

    async def act(request: Request) -> Any:
        if request.id == "other":
            other_asked.set()
        await released.wait()
        return {}

    async with Stage({"maxPendingRequests": 3}, act=act) as stage:
        peer = await stage.join()
        peer.send(b"".join(mqtt_raw.publish("Kuzzle/request", {"requestId": str(n)}) for n in range(10)))
        other = await stage.join()
        other.publish("Kuzzle/request", {"requestId": "other"})
        await other_asked.wait()
        assert [request.id for request in stage.entrypoint.requests] == ["0", "1", "2", "other"]
        released.set()
        assert sorted([(await peer.message()).json["requestId"] for _ in range(10)]) == [str(n) for n in range(10)]


async def test_requests_that_had_to_wait_are_run_one_after_the_other() -> None:
    released = asyncio.Event()

    async def act(request: Request) -> Any:
        await released.wait()
        return {}

    async with Stage({"maxPendingRequests": 1}, act=act) as stage:
        peer = await stage.join()
        peer.send(b"".join(mqtt_raw.publish("Kuzzle/request", {"requestId": str(n)}) for n in range(2000)))
        other = await stage.join()
        assert await other.is_silent()
        released.set()
        assert [(await peer.message()).json["requestId"] for _ in range(2000)] == [str(n) for n in range(2000)]


async def test_correlation_data_comes_back_with_the_answer() -> None:
    async with Stage() as stage:
        peer = await stage.join("a", 5)
        peer.publish("Kuzzle/request", {"requestId": "one"}, properties=b"\x09\0\x02\x00\xff\x08\0\x05other")
        answer = await peer.message()
        assert answer.topic == "Kuzzle/response", "never on a topic of the client's choice"
        assert answer.properties == b"\x09\0\x02\x00\xff"
        assert answer.json["requestId"] == "one"


async def test_an_answer_beyond_the_clients_maximum_packet_size_becomes_an_error() -> None:
    async def act(request: Request) -> Any:
        return "x" * 2000

    async with Stage(act=act) as stage:
        peer = await stage.join("a", 5, properties=b"\x27\0\0\x04\0")
        answer = await peer.request({"requestId": "one"})
        assert answer["error"]["id"] == "network.mqtt.unexpected_error"
        tiny = await stage.join("b", 5, properties=b"\x27\0\0\0\x40")
        tiny.publish("Kuzzle/request", {"requestId": "one"})
        assert await tiny.is_silent()


async def test_a_request_topic_by_alias_is_served() -> None:
    async with Stage() as stage:
        peer = await stage.join("a", 5)
        peer.publish("Kuzzle/request", {"requestId": "one"}, properties=b"\x23\0\x01")
        peer.publish("", {"requestId": "two"}, properties=b"\x23\0\x01")
        assert [(await peer.message()).json["requestId"] for _ in range(2)] == ["one", "two"]


async def test_an_alias_does_not_lead_to_a_forbidden_topic() -> None:
    async with Stage() as stage:
        peer = await stage.join("a", 5)
        peer.publish("elsewhere", b"{}", properties=b"\x23\0\x01")
        assert await peer.closed() == b"\xe0\x02\x87\0"


async def test_in_development_mode_all_subscribers_see_the_answers() -> None:
    async with Stage({"developmentMode": True}) as stage:
        watcher = await stage.join("watcher", 5)
        await watcher.subscribe(("Kuzzle/response", 1))
        sender = await stage.join("sender")
        await sender.subscribe(("Kuzzle/response", 0))
        assert (await sender.request({"requestId": "one"}))["requestId"] == "one"
        assert (await watcher.message()).json["requestId"] == "one"
        assert await sender.is_silent(), "one copy"


async def test_topics_may_have_other_names() -> None:
    async with Stage({"requestTopic": "ask", "responseTopic": "hear"}) as stage:
        peer = await stage.join()
        peer.publish("ask", {"requestId": "one"})
        answer = await peer.message()
        assert (answer.topic, answer.json["requestId"]) == ("hear", "one")
        peer.publish("Kuzzle/request", {"requestId": "two"})
        assert await peer.closed() == b""


async def test_an_oversize_request_closes_the_connection_and_no_other() -> None:
    async with Stage(max_request_size=1000) as stage:
        other = await stage.join("other")
        peer = await stage.join("peer")
        peer.publish("Kuzzle/request", {"requestId": "x" * 1000})
        assert await peer.closed() == b""
        assert await other.request({"requestId": "one"})
        assert [request.id for request in stage.entrypoint.requests] == ["one"]
