"""Sessions, retained messages and wills over time, with a clock of the test's own."""

from __future__ import annotations

import pytest
from mqtt_world import Client, World

from kuzzle.connection import Connection
from protocols.mqtt.packets import PUBACK, PUBCOMP, PUBREC, Acknowledgement, Will
from protocols.mqtt.properties import Property
from protocols.mqtt.reasons import MalformedPacketError, Reason
from protocols.mqtt.topics import Destination

NOBODY = Connection("mqtt")


def test_a_session_lasts_for_its_expiry_and_no_longer() -> None:
    world = World()
    session = world.enter("a", expiry_s=10)
    world.follow(session)
    world.broker.leave(session, None, NOBODY)
    world.clock.pass_by(9.9)
    assert world.broker.enter("a", clean_start=False) == (session, True)
    world.broker.leave(session, None, NOBODY)
    world.clock.pass_by(10.1)
    assert world.broker.find_session("a") is None
    assert world.broker.subscribers("t") is None
    assert world.clock.waiting == 0


def test_a_session_without_expiry_ends_with_its_connection() -> None:
    world = World()
    session = world.enter("a")
    world.follow(session)
    world.broker.leave(session, None, NOBODY)
    assert world.broker.find_session("a") is None
    assert world.broker.subscribers("t") is None


def test_a_clean_start_drops_the_old_session() -> None:
    world = World()
    session = world.enter("a", expiry_s=10)
    world.follow(session)
    world.broker.leave(session, None, NOBODY)
    fresh, is_present = world.broker.enter("a", clean_start=True)
    assert not is_present
    assert fresh is not session
    assert world.broker.subscribers("t") is None
    assert world.clock.waiting == 0


def test_messages_wait_for_an_absent_client_in_their_order_but_not_at_qos_0() -> None:
    world = World()
    session = world.enter("a", expiry_s=10)
    world.follow(session, qos=2)
    world.broker.leave(session, None, NOBODY)
    for number, qos in enumerate((1, 0, 2, 0, 1)):
        world.publish(b"%d" % number, qos)
    client = Client(version=4)
    world.enter("a", client, expiry_s=10)
    assert client.got == [b"\x32\x06\0\x01t\0\x010", b"\x34\x06\0\x01t\0\x022", b"\x32\x06\0\x01t\0\x034"]


def test_an_expired_message_is_not_sent_and_a_late_one_tells_what_is_left_of_its_time() -> None:
    world = World()
    session = world.enter("a", expiry_s=100)
    world.follow(session)
    world.broker.leave(session, None, NOBODY)
    world.publish(b"short", properties={Property.MESSAGE_EXPIRY: 10})
    world.publish(b"long", properties={Property.MESSAGE_EXPIRY: 60})
    world.clock.pass_by(20)
    client = Client()
    world.enter("a", client, expiry_s=100)
    assert client.got == [b"\x32\x0f\0\x01t\0\x01\x05\x02\0\0\0\x28long"]


def test_a_retained_message_expires() -> None:
    world = World()
    world.publish(b"m", retain=True, properties={Property.MESSAGE_EXPIRY: 10})
    world.clock.pass_by(4)
    early, late = Client(), Client()
    world.follow(world.enter("early", early), qos=0)
    assert early.got == [b"\x31\x0a\0\x01t\x05\x02\0\0\0\x06m"]
    world.clock.pass_by(6)
    world.follow(world.enter("late", late), qos=0)
    assert late.got == []


def test_only_so_many_topics_are_retained_but_a_known_one_may_change() -> None:
    world = World(max_retained_messages=2)
    for topic in ("one", "two", "three", "two"):
        world.publish(topic.encode(), topic=topic, retain=True)
    client = Client(version=4)
    session = world.enter("a", client)
    for topic in ("one", "two", "three"):
        world.follow(session, topic, 0)
    assert client.got == [b"\x31\x08\0\x03oneone", b"\x31\x08\0\x03twotwo"]


def test_an_absent_client_keeps_the_oldest_messages_when_its_queue_is_full() -> None:
    world = World(max_queued_messages=2)
    session = world.enter("a", expiry_s=10)
    world.follow(session)
    world.broker.leave(session, None, NOBODY)
    for number in range(5):
        world.publish(b"%d" % number)
    client = Client(version=4)
    world.enter("a", client)
    assert [data[-1:] for data in client.got] == [b"0", b"1"]


def test_a_queue_is_bounded_in_bytes_too() -> None:
    world = World(max_queued_bytes=10_000)
    session = world.enter("a", expiry_s=10)
    world.follow(session)
    world.broker.leave(session, None, NOBODY)
    for _ in range(5):
        world.publish(b"x" * 4000)
    client = Client()
    world.enter("a", client)
    assert len(client.got) == 2


def test_all_that_waits_together_is_bounded_and_what_is_sent_makes_room() -> None:
    world = World(max_stored_bytes=10_000)
    names = ("a", "b", "c")
    for name in names:
        session = world.enter(name, expiry_s=10)
        world.follow(session)
        world.broker.leave(session, None, NOBODY)
    world.publish(b"x" * 4000)
    world.publish(b"x" * 4000, topic="kept", retain=True)
    clients = {name: Client() for name in names}
    for name in names:
        world.enter(name, clients[name])
    assert [len(clients[name].got) for name in names] == [1, 1, 0]
    world.publish(b"x" * 4000, topic="kept", retain=True)
    world.publish(b"y" * 4000, topic="more", retain=True)
    late = Client()
    session = world.enter("late", late)
    world.follow(session, "kept", 0)
    world.follow(session, "more", 0)
    assert len(late.got) == 2


def test_the_longest_absent_session_makes_room_for_a_new_one() -> None:
    world = World(max_sessions=2)
    for name in ("first", "second"):
        world.broker.leave(world.enter(name, expiry_s=100), None, NOBODY)
    world.enter("third")
    assert world.broker.find_session("first") is None
    assert world.broker.find_session("second") is not None
    world.enter("fourth")
    with pytest.raises(MalformedPacketError) as caught:
        world.enter("fifth")
    assert caught.value.reason is Reason.QUOTA_EXCEEDED


def will(topic: str = "t", delay_s: int = 0) -> Will:
    return Will(topic, b"will", 0, False, delay_s, {})


@pytest.mark.parametrize(("delay_s", "expiry_s", "due_s"), [(5, 10, 5), (10, 5, 5), (5, 0, 0), (0, 10, 0)])
def test_a_will_is_published_after_its_delay_or_with_the_end_of_its_session(
    delay_s: int, expiry_s: int, due_s: int
) -> None:
    world = World()
    client = Client(version=4)
    world.follow(world.enter("watcher", client), qos=0)
    world.broker.leave(world.enter("a", expiry_s=expiry_s), will(delay_s=delay_s), NOBODY)
    if due_s:
        world.clock.pass_by(due_s - 0.1)
        assert client.got == []
        world.clock.pass_by(0.1)
    assert client.got == [b"\x30\x07\0\x01twill"]
    world.clock.pass_by(100)
    assert len(client.got) == 1


def test_a_delayed_will_is_dropped_when_its_client_resumes_but_published_when_it_starts_anew() -> None:
    world = World()
    client = Client(version=4)
    world.follow(world.enter("watcher", client), qos=0)
    world.broker.leave(world.enter("a", expiry_s=100), will(delay_s=5), NOBODY)
    world.broker.leave(world.enter("a", expiry_s=100), None, NOBODY)
    world.clock.pass_by(10)
    assert client.got == []
    world.broker.leave(world.enter("a", expiry_s=100), will(delay_s=5), NOBODY)
    world.enter("a", clean=True)
    assert len(client.got) == 1


def test_a_will_may_be_a_request_and_is_dropped_on_a_forbidden_topic() -> None:
    world = World()
    for topic in ("ask", "shared", "hear"):
        world.broker.leave(world.enter("a"), will(topic), Connection("mqtt", ("::1",)))
    assert world.requests == [(b"will", Destination.REQUEST), (b"will", Destination.SHARED_REQUEST)]


def test_after_the_end_nothing_is_left_to_happen() -> None:
    world = World()
    world.broker.leave(world.enter("a", expiry_s=100), will(delay_s=5), NOBODY)
    world.broker.close()
    assert world.clock.waiting == 0


def test_a_client_that_cannot_be_written_to_gets_its_messages_later_in_their_order() -> None:
    world = World()
    client = Client(version=4)
    session = world.enter("a", client)
    world.follow(session)
    client.is_writable = False
    for number in range(3):
        world.publish(b"%d" % number, qos=number % 2)
    assert client.got == []
    client.is_writable = True
    world.publish(b"3", qos=0)
    session.send_waiting()
    assert [data[-1:] for data in client.got] == [b"0", b"1", b"2", b"3"]


def test_a_client_is_let_go_when_its_queue_is_full() -> None:
    world = World(max_queued_messages=2)
    client = Client()
    world.follow(world.enter("a", client))
    client.is_writable = False
    for _ in range(2):
        world.publish(qos=0)
    assert client.why is None
    world.publish(qos=0)
    assert client.why is not None


def test_unacknowledged_messages_are_bounded_in_bytes() -> None:
    world = World(max_queued_bytes=10_000)
    client = Client(version=4)
    session = world.enter("a", client)
    world.follow(session)
    for _ in range(4):
        world.publish(b"x" * 4000)
    assert len(client.got) == 3, "the third reaches the bound"
    assert client.why is not None


def test_after_a_reconnect_a_smaller_window_is_kept() -> None:
    world = World()
    session = world.enter("a", Client(window=10), expiry_s=10)
    world.follow(session, qos=2)
    for number in range(4):
        world.publish(b"%d" % number, qos=2 - number % 2)
    world.broker.leave(session, None, NOBODY)
    world.publish(b"4", qos=1)
    client = Client(version=4, window=2)
    world.enter("a", client, expiry_s=10)
    assert client.got == [b"\x3c\x06\0\x01t\0\x010", b"\x3a\x06\0\x01t\0\x021"]
    session.acknowledged(Acknowledgement(PUBACK, 2))
    assert client.got[2:] == [b"\x3c\x06\0\x01t\0\x032"]
    session.acknowledged(Acknowledgement(PUBREC, 1))
    session.acknowledged(Acknowledgement(PUBCOMP, 1))
    assert client.got[3:] == [b"\x62\x02\0\x01", b"\x3a\x06\0\x01t\0\x043"]
    session.acknowledged(Acknowledgement(PUBACK, 4))
    assert client.got[5:] == [b"\x32\x06\0\x01t\0\x054"]


def test_a_message_too_large_for_a_client_that_came_back_is_given_up() -> None:
    world = World()
    session = world.enter("a", expiry_s=10)
    world.follow(session)
    world.publish(b"x" * 100)
    world.publish(b"y")
    world.broker.leave(session, None, NOBODY)
    client = Client()
    client.max_packet_size = 20
    world.enter("a", client, expiry_s=10)
    assert client.got == [b"\x3a\x07\0\x01t\0\x02\0y"]


@pytest.mark.parametrize(("qos", "kind"), [(1, PUBREC), (1, PUBCOMP), (2, PUBACK), (2, PUBCOMP)])
def test_an_acknowledgement_that_does_not_fit_the_message_breaks_the_protocol(qos: int, kind: int) -> None:
    world = World()
    session = world.enter("a")
    world.follow(session, qos=qos)
    world.publish(qos=qos)
    with pytest.raises(MalformedPacketError) as caught:
        session.acknowledged(Acknowledgement(kind, 1))
    assert caught.value.reason is Reason.PROTOCOL_ERROR


def test_packet_identifiers_go_round_and_leave_out_those_in_use() -> None:
    world = World(max_inflight=65_535)
    client = Client(version=4, window=65_535)
    session = world.enter("a", client)
    world.follow(session)
    world.publish(b"first")
    for packet_id in range(2, 65_536):
        world.publish()
        session.acknowledged(Acknowledgement(PUBACK, packet_id))
    world.publish(b"again")
    assert client.got[-1] == b"\x32\x0a\0\x01t\0\x02again"
