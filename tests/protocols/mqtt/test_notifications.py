"""Notifications by a topic per channel."""

from __future__ import annotations

import pytest
from mqtt_raw import DISCONNECT
from mqtt_stage import Stage

from kuzzle.notification import Notification

NOTICE = Notification({"type": "document", "result": {"_id": "é"}})


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize(("asked", "delivered"), [(0, 0), (1, 1), (2, 1)])
async def test_subscribers_get_a_notification_at_their_qos_but_at_most_1(
    version: int, asked: int, delivered: int
) -> None:
    async with Stage() as stage:
        peer = await stage.join("a", version)
        assert await peer.subscribe(("channel", asked)) == [asked]
        stage.protocol.broadcast(["channel", "other"], NOTICE)
        message = await peer.message()
        assert (message.topic, message.qos, message.retain) == ("channel", delivered, False)
        assert message.json == NOTICE.content, "without room"
        await peer.acknowledge(message)
        assert await peer.is_silent()


async def test_every_receiver_of_every_kind_gets_its_copy() -> None:
    async with Stage() as stage:
        peers = [await stage.join(f"{version}-{qos}", version) for version in (3, 4, 5) for qos in (0, 1, 2)]
        for number, peer in enumerate(peers):
            await peer.subscribe(("channel", number % 3))
        stage.protocol.broadcast(["channel"], NOTICE)
        stage.protocol.broadcast(["channel"], NOTICE)
        for number, peer in enumerate(peers):
            messages = [await peer.message(), await peer.message()]
            assert [message.json for message in messages] == [NOTICE.content] * 2
            assert [message.packet_id for message in messages] == ([1, 2] if number % 3 else [0, 0])


async def test_a_notification_comes_once_per_channel() -> None:
    async with Stage() as stage:
        peer = await stage.join()
        await peer.subscribe(("one", 0), ("two", 0))
        stage.protocol.broadcast(["one", "two"], NOTICE)
        assert [(await peer.message()).topic for _ in range(2)] == ["one", "two"]
        assert await peer.is_silent()


async def test_joining_a_channel_through_the_api_subscribes_to_nothing() -> None:
    async with Stage() as stage:
        peer = await stage.join()
        (connection_id,) = stage.entrypoint.connections
        stage.protocol.join_channel("channel", connection_id)
        stage.protocol.broadcast(["channel"], NOTICE)
        assert await peer.is_silent()
        await peer.subscribe(("channel", 0))
        stage.protocol.leave_channel("channel", connection_id)
        stage.protocol.broadcast(["channel"], NOTICE)
        assert (await peer.message()).topic == "channel"


async def test_the_shared_topic_carries_no_notifications() -> None:
    async with Stage() as stage:
        peer = await stage.join()
        await peer.subscribe(("Kuzzle", 0), ("Kuzzle/response", 0))
        stage.protocol.broadcast(["channel"], NOTICE)
        assert await peer.is_silent()


async def test_one_connection_may_be_told_alone_subscribed_or_not() -> None:
    async with Stage() as stage:
        peer = await stage.join("a")
        (connection_id,) = stage.entrypoint.connections
        other = await stage.join("b")
        await other.subscribe(("one", 0))
        await peer.subscribe(("one", 1))
        stage.protocol.notify(connection_id, ["one", "two"], NOTICE)
        first, second = await peer.message(), await peer.message()
        assert [(message.topic, message.qos) for message in (first, second)] == [("one", 1), ("two", 0)]
        assert await other.is_silent()
        stage.protocol.notify("unknown", ["one"], NOTICE)


async def test_notices_to_one_connection_can_be_switched_off() -> None:
    async with Stage({"realtimeNotifications": False}) as stage:
        peer = await stage.join("a")
        (connection_id,) = stage.entrypoint.connections
        await peer.subscribe(("one", 0))
        stage.protocol.notify(connection_id, ["one"], NOTICE)
        assert await peer.is_silent()
        stage.protocol.broadcast(["one"], NOTICE)
        assert (await peer.message()).json == NOTICE.content


async def test_an_absent_client_with_a_persistent_session_finds_its_notifications() -> None:
    async with Stage() as stage:
        peer = await stage.join("a", clean=False)
        await peer.subscribe(("channel", 1))
        peer.send(b"\xe0\0")
        await peer.closed()
        for number in range(3):
            stage.protocol.broadcast(["channel"], Notification({"number": number}))
        back = await stage.join("a", clean=False)
        assert back.session_present
        assert [(await back.message()).json["number"] for _ in range(3)] == [0, 1, 2]


async def test_a_session_hears_on_when_its_connection_is_lost_before_a_replay() -> None:
    """What is said from then on waits for it, or goes to the connection that it has gone on with."""
    async with Stage({"disconnectDelay": 60_000}) as stage:
        peer = await stage.join("a", clean=False)
        await peer.subscribe(("channel", 1))
        (connection_id,) = stage.entrypoint.connections
        stage.protocol.hold_channel("channel", connection_id)
        stage.protocol.broadcast(["channel"], Notification({"number": 0}))
        assert await peer.is_silent()
        peer.send(DISCONNECT)
        await peer.closed()
        stage.protocol.broadcast(["channel"], Notification({"number": 1}))
        back = await stage.join("a", clean=False)
        stage.protocol.replay("channel", connection_id, [Notification({"number": 0})])
        stage.protocol.broadcast(["channel"], Notification({"number": 2}))
        assert [(await back.message()).json["number"] for _ in range(2)] == [1, 2]
        assert await back.is_silent()
        assert stage.protocol._held == {}
