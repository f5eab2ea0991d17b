"""What was missed waits for the answer that announces it, and what is said meanwhile waits behind it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from realtime_scene import Scene, created, last, remembering, say

from kuzzle.connection import Connection
from kuzzle.realtime.history import Recovery
from kuzzle.realtime.replays import MAX_WAITING
from kuzzle.realtime.subscriptions import Subscription
from kuzzle.security.verified_tokens import Token


@pytest.fixture
def scene() -> Scene:
    return remembering()


def test_what_is_said_before_the_answer_comes_behind_what_was_missed(
    scene: Scene, ann: Connection, bob: Connection, back: Connection
) -> None:
    made = scene.subscribe(ann, users="all")
    say(scene, 2)
    again, answered = scene.begin_subscribe(back, users="all", recover=last(made))
    say(scene, 2, first=3)
    scene.subscribe(bob)
    assert scene.heard(back) == []
    answered()
    say(scene, 1, first=5)
    heard = scene.heard(back)
    # its own coming, which a newcomer to a channel that exists hears of, then the rest in its order
    told = [content.get("offset", content.get("user")) for content in heard]
    assert (again.recovered, told) == (True, [1, 2, "in", 3, 4, "in", 5])


def leave_room(scene: Scene, who: Connection, made: Subscription) -> None:
    scene.unsubscribe(who, made.room_id)


def lose_right(scene: Scene, who: Connection, made: Subscription) -> None:
    scene.realtime.end_subscription(who.id, made.room_id, "-1")


def lose_connection(scene: Scene, who: Connection, made: Subscription) -> None:
    scene.leave(who)


def lose_token(scene: Scene, who: Connection, made: Subscription) -> None:
    scene.realtime.end_token("t", is_expired=False)


@pytest.mark.parametrize("end", [leave_room, lose_right, lose_connection, lose_token])
def test_nothing_comes_to_who_has_left_meanwhile(
    scene: Scene, ann: Connection, back: Connection, end: Callable[[Scene, Connection, Subscription], None]
) -> None:
    made = scene.subscribe(ann)
    say(scene, 2)
    by = Token("t", "-1", "text", 2**50, 1) if end is lose_token else None
    again, answered = scene.begin_subscribe(back, recover=last(made), token=by)
    end(scene, back, again)
    answered()
    say(scene, 1, first=3)
    assert scene.heard(back) == []
    assert not scene.realtime.news.replays
    assert not any(scene.inboxes.held.values())


def test_a_second_recovery_while_one_waits_is_none(scene: Scene, ann: Connection, back: Connection) -> None:
    made = scene.subscribe(ann)
    say(scene, 2)
    _, answered = scene.begin_subscribe(back, recover=last(made))
    second, answered_too = scene.begin_subscribe(back, recover=Recovery(str(made.epoch), 1))
    assert second.recovered is False
    answered_too()
    answered()
    say(scene, 1, first=3)
    assert scene.told(back, "offset") == [(1,), (2,), (3,)]


def test_a_new_subscription_after_leaving_is_not_served_by_the_old_replay(
    scene: Scene, ann: Connection, back: Connection
) -> None:
    made = scene.subscribe(ann)
    say(scene, 3)
    again, answered = scene.begin_subscribe(back, recover=last(made))
    scene.unsubscribe(back, again.room_id)
    _, answered_too = scene.begin_subscribe(back, recover=Recovery(str(made.epoch), 2))
    answered()
    assert scene.heard(back) == []
    answered_too()
    assert scene.told(back, "offset") == [(3,)]


def test_whose_answer_takes_too_long_is_let_go(scene: Scene, ann: Connection, back: Connection) -> None:
    made = scene.subscribe(ann)
    scene.inboxes.on_disconnect = scene.realtime.remove_connection
    _, answered = scene.begin_subscribe(back, recover=last(made))
    say(scene, MAX_WAITING)
    assert scene.inboxes.let_go == []
    say(scene, 1)
    assert scene.inboxes.let_go == [back.id]
    answered()
    assert scene.heard(back) == []
    assert len(scene.heard(ann)) == MAX_WAITING + 1


def test_whose_token_ends_while_it_waits_is_told_that_and_nothing_else(
    scene: Scene, ann: Connection, back: Connection
) -> None:
    made = scene.subscribe(ann)
    say(scene, 2)
    _, answered = scene.begin_subscribe(back, recover=last(made), token=Token("t", "u", "text", 2**50, 1))
    scene.realtime.end_token("t", is_expired=True)
    answered()
    say(scene, 1, first=3)
    assert scene.told(back, "type") == [("TokenExpired",)]
    assert not scene.realtime.news.replays


def test_what_waits_behind_an_answer_is_bounded_in_bytes(ann: Connection, back: Connection) -> None:
    scene = remembering(maxReplayBytes=10_000)
    made = scene.subscribe(ann)
    scene.inboxes.on_disconnect = scene.realtime.remove_connection
    scene.begin_subscribe(back, recover=last(made))
    for number in range(3):
        assert scene.inboxes.let_go == []
        scene.write("create", created(str(number), text="x" * 4000))
    assert scene.inboxes.let_go == [back.id]
    assert not scene.realtime.news.replays
    assert len(scene.heard(ann)) == 3


@pytest.mark.parametrize(
    "bounds", [{"size": 2}, {"time": 1000}, {"size": 5000, "maxBytes": 1}], ids=["number", "time", "bytes"]
)
def test_what_was_promised_is_whole_whatever_is_dropped_meanwhile(
    bounds: dict[str, int], ann: Connection, back: Connection
) -> None:
    """The answer has said already that everything comes."""
    scene = remembering(**bounds)
    made = scene.subscribe(ann)
    is_kept = bounds.get("maxBytes") is None
    say(scene, 2 * is_kept)
    again, answered = scene.begin_subscribe(back, recover=last(made))
    assert again.recovered
    for number in range(3, 9):
        scene.now += 0.5
        say(scene, 1, first=number)
    answered()
    say(scene, 1, first=9)
    heard = [offset for (offset,) in scene.told(back, "offset")]
    assert heard == list(range(1, 10 if is_kept else 8))
    third = scene.subscribe(Connection("websocket"), recover=last(made))
    assert third.recovered is False, "it is not whole any more"


def test_channels_of_one_room_wait_and_end_each_by_itself(scene: Scene, ann: Connection, back: Connection) -> None:
    made = scene.subscribe(ann)
    say(scene, 2)
    everything, answered = scene.begin_subscribe(back, recover=last(made))
    entering, answered_too = scene.begin_subscribe(back, scope="in", recover=last(made))
    say(scene, 1, first=3)
    answered_too()
    say(scene, 1, first=4)
    answered()
    say(scene, 1, first=5)
    by_channel: dict[str, list[int]] = {}
    for channel, content in scene.inboxes.received.pop(back.id):
        by_channel.setdefault(channel, []).append(content["offset"])
    assert by_channel == {everything.channel: [1, 2, 3, 4, 5], entering.channel: [1, 2, 3, 4, 5]}
    assert everything.room_id == entering.room_id


def test_who_leaves_a_room_in_the_middle_hears_no_more_of_any_channel_of_it(
    scene: Scene, ann: Connection, back: Connection
) -> None:
    made = scene.subscribe(ann)
    say(scene, 2)
    _, answered = scene.begin_subscribe(back, recover=last(made))
    _, answered_too = scene.begin_subscribe(back, scope="in", recover=last(made))
    answered()
    scene.unsubscribe(back, made.room_id)
    answered_too()
    say(scene, 1, first=3)
    assert scene.told(back, "offset") == [(1,), (2,)]
    assert not any(scene.inboxes.held.values())
