"""How connections begin, last and end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import mqtt_raw
import pytest
from mqtt_stage import Stage

from kuzzle.notification import Notification
from kuzzle.request import Request


async def removed(stage: Stage, count: int) -> list[str]:
    """Wait until so many clients were removed."""
    async with asyncio.timeout(20):
        while len(stage.entrypoint.removed) < count:  # noqa: ASYNC110 - the stage has no event to wait for
            await asyncio.sleep(0.005)
    return stage.entrypoint.removed


@pytest.mark.parametrize("version", [3, 4, 5])
async def test_a_client_is_declared_with_its_address_and_removed_after_its_end(version: int) -> None:
    async with Stage({"disconnectDelay": 1}) as stage:
        assert not stage.entrypoint.connections
        peer = await stage.join("a", version)
        (connection,) = stage.entrypoint.connections.values()
        assert connection.protocol == "mqtt"
        assert connection.ips in (("127.0.0.1",), ("::1",))
        peer.send(mqtt_raw.DISCONNECT)
        assert await peer.closed() == b""
        assert await removed(stage, 1) == [connection.id]


async def test_a_connection_lives_on_for_the_disconnect_delay() -> None:
    async with Stage({"disconnectDelay": 60_000}) as stage:
        peer = await stage.join()
        peer.send(mqtt_raw.DISCONNECT)
        await peer.closed()
        (connection,) = stage.entrypoint.connections.values()
        assert connection.is_open
    assert stage.entrypoint.removed == [connection.id], "the end of the server does not wait for the delay"


async def test_a_client_that_never_introduces_itself_is_no_connection_and_is_let_go() -> None:
    async with Stage({"connectTimeout": 20}) as stage:
        peer = await stage.open()
        peer.send(b"\x10")
        assert await peer.closed() == b""
        assert not stage.entrypoint.connections


@pytest.mark.parametrize("version", [4, 5])
async def test_silence_beyond_one_and_a_half_times_the_keep_alive_closes_the_connection(version: int) -> None:
    async with Stage({"allowPubSub": True, "connectTimeout": 60_000}) as stage:
        watcher = await stage.join("watcher")
        await watcher.subscribe(("wills", 0))
        peer = await stage.join("a", version, keep_alive=1, will=("wills", b"gone"))
        assert await peer.closed() == (b"\xe0\x02\x8d\0" if version == 5 else b"")
        assert (await watcher.message()).payload == b"gone"


async def test_a_ping_in_time_keeps_the_connection() -> None:
    async with Stage({"connectTimeout": 100}) as stage:
        peer = await stage.join(keep_alive=1)
        for _ in range(4):
            await asyncio.sleep(0.6)
            assert await peer.is_silent()


async def test_the_will_of_a_broken_connection_is_published_under_the_rules_of_publishing() -> None:
    async with Stage({"allowPubSub": True}) as stage:
        watcher = await stage.join("watcher")
        await watcher.subscribe(("wills", 2), ("Kuzzle/response", 0))
        for topic in ("Kuzzle/response", "$SYS/will", "wills"):
            peer = await stage.join("a", will=(topic, topic.encode()), will_qos=1)
            peer.reset()
        message = await watcher.message()
        assert (message.topic, message.payload, message.qos) == ("wills", b"wills", 1)


async def test_without_pub_sub_a_will_elsewhere_is_accepted_but_never_published() -> None:
    async with Stage({"disconnectDelay": 0}) as stage:
        watcher = await stage.join("watcher")
        await watcher.subscribe(("wills", 0))
        peer = await stage.join("a", will=("wills", b"gone"))
        peer.reset()
        await removed(stage, 1)
        assert await watcher.is_silent()


async def test_a_will_on_the_request_topic_is_a_request() -> None:
    async with Stage({"developmentMode": True, "disconnectDelay": 1}) as stage:
        watcher = await stage.join("watcher")
        await watcher.subscribe(("Kuzzle/response", 0))
        peer = await stage.join("a", will=("Kuzzle/request", b'{"requestId":"will"}'))
        peer.reset()
        assert (await watcher.message()).json["requestId"] == "will"
        (request,) = stage.entrypoint.requests
        assert request.connection.protocol == "mqtt"
        assert request.connection.ips in (("127.0.0.1",), ("::1",))
        await removed(stage, 2)
        assert len(stage.entrypoint.connections) == 1, "only the watcher is left"


async def test_a_will_on_the_shared_topic_is_answered_to_its_subscribers() -> None:
    async with Stage() as stage:
        watcher = await stage.join("watcher")
        await watcher.subscribe(("Kuzzle", 0))
        peer = await stage.join("a", will=("Kuzzle", b'{"requestId":"will"}'))
        peer.reset()
        assert (await watcher.message()).json["requestId"] == "will"


async def test_a_retained_will_is_retained() -> None:
    async with Stage({"allowPubSub": True}) as stage:
        watcher = await stage.join("watcher")
        await watcher.subscribe(("wills", 0))
        peer = await stage.join("a", will=("wills", b"gone"), will_retain=True)
        peer.reset()
        assert not (await watcher.message()).retain
        late = await stage.join("late")
        await late.subscribe(("wills", 0))
        message = await late.message()
        assert (message.payload, message.retain) == (b"gone", True)


async def test_taking_over_a_session_publishes_the_will_of_the_older_connection() -> None:
    async with Stage({"allowPubSub": True}) as stage:
        watcher = await stage.join("watcher")
        await watcher.subscribe(("wills", 0))
        old = await stage.join("a", will=("wills", b"first"))
        await stage.join("a", 5)
        assert await old.closed() == b""
        assert (await watcher.message()).payload == b"first"


async def test_a_delayed_will_is_not_published_for_a_client_that_comes_back_in_time() -> None:
    delayed = {"will": ("wills", b"gone"), "will_properties": b"\x18\0\0\0\x02", "properties": b"\x11\0\0\0\x3c"}
    async with Stage({"allowPubSub": True, "disconnectDelay": 0}) as stage:
        watcher = await stage.join("watcher")
        await watcher.subscribe(("wills", 0))
        peer = await stage.join("a", 5, **delayed)
        peer.reset()
        await removed(stage, 1)
        back = await stage.join("a", 5, clean=False, properties=b"\x11\0\0\0\x3c")
        assert back.session_present
        lost = await stage.join("b", 5, **{**delayed, "will": ("wills", b"b is gone")})
        lost.reset()
        assert (await watcher.message()).payload == b"b is gone", "after two seconds; that of a was due before"


async def test_clients_of_both_address_families_are_served() -> None:
    async with Stage() as stage:
        for host in ("127.0.0.1", "::1"):
            try:
                reader, writer = await asyncio.open_connection(host, stage.port)
            except OSError:
                assert host == "::1", "a machine without IPv6"
                continue
            writer.write(mqtt_raw.connect("a"))
            assert await reader.readexactly(4) == b"\x20\x02\0\0"
            writer.close()
            await writer.wait_closed()


async def test_at_its_end_the_server_tells_its_clients_and_publishes_no_wills() -> None:
    async with Stage({"allowPubSub": True}) as stage:
        new = await stage.join("a", 5, will=("wills", b"gone"))
        await new.subscribe(("wills", 0))
        old = await stage.join("b", 4, will=("wills", b"gone"))
        await old.subscribe(("wills", 0))
        nobody = await stage.open()
        await stage.protocol.stop()
        assert await new.closed() == b"\xe0\x02\x8b\0"
        assert await old.closed() == b""
        assert await nobody.closed() == b""
        assert len(stage.entrypoint.removed) == 2
        assert not stage.entrypoint.connections


async def test_a_protocol_that_was_never_started_stops() -> None:
    await Stage().protocol.stop()


async def test_a_client_may_be_disconnected_with_a_reason() -> None:
    async with Stage({"allowPubSub": True}) as stage:
        new = await stage.join("a", 5)
        (connection_id,) = stage.entrypoint.connections
        stage.protocol.disconnect(connection_id, "enough")
        assert await new.closed() == b"\xe0\x0b\x98\x09\x1f\0\x06enough"
        stage.protocol.disconnect(connection_id, "again")
        stage.protocol.disconnect("unknown", "nobody")


async def test_too_many_sessions_refuse_the_next_client_and_forget_absent_ones_first() -> None:
    async with Stage({"maxSessions": 2}) as stage:
        absent = await stage.join("absent", clean=False)
        absent.send(mqtt_raw.DISCONNECT)
        await absent.closed()
        await stage.join("one")
        await stage.join("two", clean=False)
        for version, refusal in ((4, b"\x20\x02\0\x03"), (5, b"\x20\x03\0\x97\0")):
            peer = await stage.open(version)
            peer.send(mqtt_raw.connect("three", version))
            assert await peer.closed() == refusal
        again = await stage.join("two", clean=False)
        assert again.session_present
        assert not (await stage.join("one", clean=False)).session_present


def filler(number: int) -> Notification:
    """A notification of 64 KB."""
    return Notification({"number": number, "filler": "x" * 65_536})


async def test_a_client_that_never_reads_is_let_go_with_one_log_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "protocols.mqtt")
    async with Stage({"maxQueuedMessages": 50, "maxQueuedBytes": 1 << 30}) as stage:
        deaf = await stage.join("deaf")
        await deaf.subscribe(("channel", 1))
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        other = await stage.join("other")
        await other.subscribe(("channel", 0))
        number = 0
        while len(stage.entrypoint.connections) == 2 and "let go" not in caplog.text:
            stage.protocol.broadcast(["channel"], filler(number))
            assert (await other.message()).json["number"] == number
            number += 1
            assert number < 5_000
        assert number > 50
        assert await other.is_silent()
        lines = [record for record in caplog.records if "let go" in record.message]
        assert [line.levelno for line in lines] == [logging.INFO]
        deaf.reset()


async def test_a_client_of_mqtt_5_is_told_that_it_leaves_too_much_unread() -> None:
    async with Stage({"maxQueuedMessages": 50, "maxQueuedBytes": 1 << 30, "disconnectDelay": 0}) as stage:
        deaf = await stage.join("deaf", 5)
        await deaf.subscribe(("channel", 0))
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        (socket,) = stage.protocol._sockets
        number = 0
        while socket.link.is_open:
            stage.protocol.broadcast(["channel"], filler(number))
            await asyncio.sleep(0)
            number += 1
            assert number < 5_000
        deaf.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for heard in range(number - 51):
            assert (await deaf.message()).json["number"] == heard
        assert await deaf.packet() == (0xE0, b"\x97\0")
        assert await deaf.closed() == b""
        await removed(stage, 1)


async def test_a_client_that_reads_late_misses_nothing() -> None:
    async with Stage({"maxQueuedMessages": 1000, "maxQueuedBytes": 1 << 30}) as stage:
        peer = await stage.join("slow")
        await peer.subscribe(("channel", 0))
        for number in range(400):
            stage.protocol.broadcast(["channel"], filler(number))
        for number in range(400):
            assert (await peer.message()).json["number"] == number


async def test_a_client_whose_socket_takes_nothing_for_too_long_is_let_go() -> None:
    async with Stage({"writeTimeout": 50, "maxQueuedBytes": 1 << 30, "disconnectDelay": 0}) as stage:
        deaf = await stage.join("deaf")
        await deaf.subscribe(("channel", 0))
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for number in range(400):
            stage.protocol.broadcast(["channel"], filler(number))
        await removed(stage, 1)
        deaf.reset()


async def test_a_client_that_asks_without_reading_is_not_read_further() -> None:
    async with Stage({"writeTimeout": 60_000}) as stage:
        deaf = await stage.join("deaf")
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        request = mqtt_raw.publish("Kuzzle/request", {"body": {"filler": "x" * 100_000}})
        sent = 200
        for _ in range(sent):
            deaf.send(request)
        other = await stage.join("other")
        for _ in range(100):
            await other.request({"requestId": "one"})
        served = sum(
            request.connection.id != stage.entrypoint.requests[-1].connection.id
            for request in stage.entrypoint.requests
        )
        assert served < sent
        deaf.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(sent):
            assert (await deaf.message()).json["status"] == 200


async def test_a_client_that_never_reads_its_answers_is_let_go(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "protocols.mqtt")
    released = asyncio.Event()

    async def act(request: Request) -> Any:
        if request.id == "large":
            await released.wait()
            return "x" * 1_000_000
        return {}

    async with Stage({"maxQueuedBytes": 5_000_000, "disconnectDelay": 0}, act=act) as stage:
        deaf = await stage.join("deaf")
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(100):
            deaf.publish("Kuzzle/request", {"requestId": "large"})
        other = await stage.join("other")
        while len(stage.entrypoint.requests) < 100:
            assert await other.is_silent()
        released.set()
        await removed(stage, 1)
        assert "it does not read its answers" in caplog.text
        assert await other.is_silent()
        deaf.reset()


async def test_a_large_answer_to_a_client_that_reads_is_sent_whole() -> None:
    async def act(request: Request) -> Any:
        return "x" * 20_000_000

    async with Stage({"maxQueuedBytes": 1_000_000}, act=act) as stage:
        peer = await stage.join()
        for _ in range(2):
            assert len((await peer.request({"requestId": "one"}))["result"]) == 20_000_000


async def test_a_client_that_does_not_acknowledge_is_let_go_when_too_much_waits() -> None:
    async with Stage({"allowPubSub": True, "maxInflight": 5, "maxQueuedMessages": 10, "disconnectDelay": 0}) as stage:
        peer = await stage.join("lazy")
        await peer.subscribe(("topic", 1))
        writer = await stage.join("writer")
        for number in range(15):
            writer.publish("topic", str(number))
            writer.publish("topic", str(number), qos=1, packet_id=number + 1)
            assert await writer.packet() == (0x40, (number + 1).to_bytes(2, "big"))
        await removed(stage, 1)
        assert await writer.is_silent()
