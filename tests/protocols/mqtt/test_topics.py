"""Who may publish and subscribe to what: every row of the table, as a rule and over the wire."""

from __future__ import annotations

import pytest
from mqtt_stage import Stage

from protocols.mqtt.reasons import Reason
from protocols.mqtt.topics import Destination, Topics, is_valid_filter


def table(*, allow_pub_sub: bool = False, shared_topic: str | None = "Kuzzle") -> Topics:
    return Topics(
        request_topic="Kuzzle/request",
        response_topic="Kuzzle/response",
        shared_topic=shared_topic,
        allow_pub_sub=allow_pub_sub,
    )


@pytest.mark.parametrize("allow_pub_sub", [False, True])
def test_the_servers_own_topics_do_not_depend_on_pub_sub(allow_pub_sub: bool) -> None:
    topics = table(allow_pub_sub=allow_pub_sub)
    assert topics.destination("Kuzzle/request") is Destination.REQUEST
    assert topics.destination("Kuzzle") is Destination.SHARED_REQUEST
    assert topics.destination("Kuzzle/response") is Destination.FORBIDDEN
    assert topics.destination("$SYS/broker") is Destination.FORBIDDEN


def test_without_a_shared_topic_its_name_is_like_any_other() -> None:
    assert table(shared_topic=None).destination("Kuzzle") is Destination.FORBIDDEN
    assert table(shared_topic=None, allow_pub_sub=True).destination("Kuzzle") is Destination.MESSAGE


def test_other_topics_need_pub_sub() -> None:
    assert table().destination("elsewhere") is Destination.FORBIDDEN
    assert table(allow_pub_sub=True).destination("elsewhere") is Destination.MESSAGE


@pytest.mark.parametrize(
    ("topic_filter", "reason"),
    [
        ("Kuzzle/request", Reason.NOT_AUTHORIZED),
        ("#", Reason.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED),
        ("Kuzzle/+", Reason.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED),
        ("a#", Reason.TOPIC_FILTER_INVALID),
        ("#/a", Reason.TOPIC_FILTER_INVALID),
        ("a+/b", Reason.TOPIC_FILTER_INVALID),
        ("$share/group/topic", Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED),
        ("Kuzzle", None),
        ("Kuzzle/response", None),
        ("any/other", None),
    ],
)
def test_topic_filters_are_refused_with_their_reason(topic_filter: str, reason: Reason | None) -> None:
    assert table().find_refusal(topic_filter) is reason


@pytest.mark.parametrize("topic_filter", ["#", "+", "a/#", "+/a/+", "/", "/+", "+/#", "a//b"])
def test_wildcards_that_stand_for_whole_levels_are_valid(topic_filter: str) -> None:
    assert is_valid_filter(topic_filter)


@pytest.mark.parametrize("topic_filter", ["a#", "#/a", "a/#/b", "a+", "+a/b", "a/b+", "##"])
def test_wildcards_elsewhere_are_not(topic_filter: str) -> None:
    assert not is_valid_filter(topic_filter)


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("allow_pub_sub", [False, True])
async def test_publishing_on_the_response_topic_closes_the_connection(version: int, allow_pub_sub: bool) -> None:
    async with Stage({"allowPubSub": allow_pub_sub}) as stage:
        peer = await stage.join("a", version)
        peer.publish("Kuzzle/response", b"{}", qos=1)
        assert await peer.closed() == (b"\xe0\x02\x87\0" if version == 5 else b""), "no PUBACK"
        assert not stage.entrypoint.requests


@pytest.mark.parametrize("version", [3, 4, 5])
async def test_publishing_elsewhere_closes_the_connection_without_pub_sub(version: int) -> None:
    async with Stage() as stage:
        peer = await stage.join("a", version)
        peer.publish("elsewhere", b"{}", qos=1)
        assert await peer.closed() == (b"\xe0\x02\x87\0" if version == 5 else b""), "no PUBACK"


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("allow_pub_sub", [False, True])
@pytest.mark.parametrize("topic", ["Kuzzle/#", "+/request"])
async def test_publishing_with_a_wildcard_closes_the_connection(version: int, allow_pub_sub: bool, topic: str) -> None:
    async with Stage({"allowPubSub": allow_pub_sub}) as stage:
        peer = await stage.join("a", version)
        peer.publish(topic, b"{}", qos=1)
        assert await peer.closed() == (b"\xe0\x02\x90\0" if version == 5 else b""), "no PUBACK"


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("allow_pub_sub", [False, True])
async def test_refused_subscriptions_leave_the_session_open(version: int, allow_pub_sub: bool) -> None:
    async with Stage({"allowPubSub": allow_pub_sub}) as stage:
        peer = await stage.join("a", version)
        codes = await peer.subscribe(("Kuzzle/request", 0), ("#", 1), ("a/+", 2), ("Kuzzle/response", 1), ("other", 2))
        refused = [0x87, 0xA2, 0xA2] if version == 5 else [0x80] * 3
        assert codes == [*refused, 1, 2]
        assert await peer.request({"controller": "server", "action": "now"})


async def test_with_pub_sub_messages_reach_their_subscribers_alone() -> None:
    async with Stage({"allowPubSub": True}) as stage:
        reader = await stage.join("reader")
        other = await stage.join("other")
        writer = await stage.join("writer")
        assert await reader.subscribe(("news", 1)) == [1]
        assert await other.subscribe(("news/today", 1)) == [1]
        writer.publish("news", b"hello")
        message = await reader.message()
        assert (message.topic, message.payload, message.qos) == ("news", b"hello", 0)
        assert await other.is_silent()
        assert not stage.entrypoint.requests


async def test_a_client_may_subscribe_to_so_many_topics_and_no_more() -> None:
    async with Stage({"maxSubscriptions": 2}) as stage:
        old = await stage.join("a")
        assert await old.subscribe(("a", 0), ("b", 0), ("c", 0), ("a", 1)) == [0, 0, 0x80, 1]
        new = await stage.join("b", 5)
        assert await new.subscribe(("a", 0), ("b", 0), ("c", 0)) == [0, 0, 0x97]
