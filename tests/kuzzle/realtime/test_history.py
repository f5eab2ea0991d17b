"""What rooms keep of what they have said, and what clients that come back get of it."""

from __future__ import annotations

import pytest
from realtime_scene import Scene, created, deleted, last, remembering, say, updated

from kuzzle.connection import Connection
from kuzzle.errors import KuzzleError
from kuzzle.realtime.history import Recovery
from kuzzle.realtime.subscriptions import Subscription


@pytest.fixture
def scene() -> Scene:
    return remembering()


# --- numbers


def test_without_history_nothing_is_numbered_or_added(ann: Connection) -> None:
    for scene in (Scene(), Scene({"collections": {"library": {"songs": {"size": 5, "time": 1000}}}})):
        made = scene.subscribe(ann, volatile={"a": 1})
        assert (made.epoch, made.offset, made.recovered) == (None, None, None)
        scene.write("create", created("1"))
        (notification,) = scene.heard(ann)
        assert notification.keys().isdisjoint({"epoch", "offset"})
        (_, told), *_ = scene.inboxes.broadcasts
        assert told.encode().endswith(b',"type":"document"}')
        assert scene.subscribe(ann, recover=Recovery("x", 0)).recovered is False


def test_notifications_of_documents_are_numbered_by_room(scene: Scene, ann: Connection, bob: Connection) -> None:
    made, other = scene.subscribe(ann), scene.subscribe(bob, {"exists": "a"})
    assert made.offset == other.offset == 0
    assert made.epoch != other.epoch
    scene.write("create", created("1"))
    scene.write("create", created("2", a=1))
    assert scene.told(ann, "epoch", "offset") == [(made.epoch, 1), (made.epoch, 2)]
    assert scene.told(bob, "epoch", "offset") == [(other.epoch, 1)]
    assert scene.subscribe(ann) == Subscription(made.room_id, made.channel, made.epoch, 2)


def test_a_channel_that_hears_not_all_sees_gaps_in_the_numbers(scene: Scene, ann: Connection) -> None:
    scene.subscribe(ann, scope="out")
    say(scene, 3)
    scene.write("delete", deleted("1"))
    scene.write("delete", deleted("2"))
    assert scene.told(ann, "offset") == [(4,), (5,)]


def test_users_who_come_and_go_have_no_number(scene: Scene, ann: Connection, bob: Connection) -> None:
    made = scene.subscribe(ann, users="all")
    scene.subscribe(bob)
    scene.leave(bob)
    assert all("offset" not in notification for notification in scene.heard(ann))
    assert scene.subscribe(ann, users="all", recover=last(made)) == Subscription(
        made.room_id, made.channel, made.epoch, 0, recovered=True
    )
    assert scene.heard(ann) == []


def test_the_rule_that_names_most_is_taken(ann: Connection) -> None:
    def rule(size: int) -> dict[str, int]:
        return {"size": size, "time": 1000}

    scene = Scene(
        {"collections": {"library": {"books": rule(1), "*": rule(2)}, "*": {"songs": rule(3)}}, "maxBytes": 1 << 20}
    )
    kept = {}
    for index, collection in (("library", "books"), ("library", "songs"), ("shop", "songs"), ("shop", "bills")):
        first = scene.subscribe(ann, index=index, collection=collection)
        for _ in range(4):
            request = scene.request(Connection("http"), "realtime", "publish", index=index, collection=collection)
            scene.realtime.news.publish(request, None, {})
        scene.heard(ann)
        kept[index, collection] = 0
        for offset in range(4) if first.epoch else ():
            recover = Recovery(str(first.epoch), offset)
            if scene.subscribe(ann, index=index, collection=collection, recover=recover).recovered:
                kept[index, collection] = 4 - offset
                break
        scene.heard(ann)
    assert list(kept.values()) == [1, 2, 3, 0]


# --- coming back


def test_who_comes_back_gets_what_was_said_meanwhile(
    scene: Scene, ann: Connection, bob: Connection, back: Connection
) -> None:
    made = scene.subscribe(ann)
    scene.subscribe(bob)
    say(scene, 2)
    *_, seen = scene.heard(ann)
    scene.leave(ann)
    scene.write("update", updated("1", {"a": 1}))
    scene.write("delete", deleted("2"))
    again = scene.subscribe(back, recover=Recovery(seen["epoch"], seen["offset"]))
    assert again == Subscription(made.room_id, made.channel, made.epoch, 2, recovered=True)
    scene.write("create", created("3"))
    heard = scene.heard(back)
    assert heard == scene.heard(bob)[2:]
    assert [content["offset"] for content in heard] == [3, 4, 5]


def test_a_room_outlives_its_last_connection_by_the_time_of_its_history(
    scene: Scene, ann: Connection, back: Connection
) -> None:
    made = scene.subscribe(ann)
    scene.leave(ann)
    scene.now += 59
    say(scene, 1)
    assert scene.subscribe(back, recover=last(made)).recovered
    assert scene.told(back, "offset") == [(1,)]
    scene.leave(back)
    scene.now += 60
    say(scene, 1)
    third = Connection("mqtt")
    again = scene.subscribe(third, recover=last(made))
    assert (again.recovered, again.offset) == (False, 0)
    assert again.epoch != made.epoch
    assert scene.heard(third) == []


def test_a_room_without_connections_is_seen_by_nobody(scene: Scene, ann: Connection, back: Connection) -> None:
    room_id = scene.subscribe(ann).room_id
    scene.unsubscribe(ann, room_id)
    assert scene.realtime.list_rooms() == {}
    assert scene.realtime.room_count == 0
    assert scene.realtime.realtime_collections("library") == []
    with pytest.raises(KuzzleError) as refusal:
        scene.realtime.count(room_id)
    assert refusal.value.id == "core.realtime.room_not_found"
    scene.subscribe(back)
    assert scene.realtime.count(room_id) == scene.realtime.room_count == 1


def test_a_restart_changes_the_epoch(ann: Connection) -> None:
    first = remembering().subscribe(ann)
    restarted = remembering()
    say(restarted, 1)
    made = restarted.subscribe(ann, recover=last(first))
    assert made.recovered is False
    assert made.epoch != first.epoch


def test_joining_recovers_too(scene: Scene, ann: Connection, back: Connection) -> None:
    made = scene.subscribe(ann)
    scene.leave(ann)
    say(scene, 2)
    request = scene.request(back, "realtime", "join")
    joined = scene.realtime.join(
        request, made.room_id, scope="all", users="none", state="done", recover=Recovery(str(made.epoch), 1)
    )
    assert joined is not None
    assert joined.recovered
    assert request.after_answer is not None
    request.after_answer()
    assert scene.told(back, "offset") == [(2,)]


@pytest.mark.parametrize(
    ("scope", "state", "offsets"),
    [
        ("all", "done", [2, 4]),
        ("in", "done", [2]),
        ("out", "done", [4]),
        ("none", "done", []),
        ("all", "all", [1, 2, 3, 4]),
        ("all", "pending", [1, 3]),
    ],
)
def test_scope_and_state_choose_what_comes_again(
    scene: Scene, ann: Connection, back: Connection, scope: str, state: str, offsets: list[int]
) -> None:
    made = scene.subscribe(ann, state="all")
    creation = scene.request(Connection("http"), "document", "create")
    scene.realtime.news.pending(creation, "create", None, {})
    scene.write("create", created("1"))
    scene.realtime.news.pending(creation, "delete", "1", {})
    scene.write("delete", deleted("1"))
    again = scene.subscribe(back, scope=scope, state=state, recover=last(made))
    assert again.recovered
    assert again.offset == (offsets[0] - 1 if offsets else 4)
    assert scene.told(back, "offset") == [(offset,) for offset in offsets]


def test_pending_writes_count_once_somebody_asks_for_them(scene: Scene, ann: Connection, bob: Connection) -> None:
    def create(document_id: str) -> None:
        creation = scene.request(Connection("http"), "document", "create")
        scene.realtime.news.pending(creation, "create", document_id, {})
        scene.write("create", created(document_id))

    made = scene.subscribe(ann)
    create("1")
    assert scene.told(ann, "offset") == [(1,)]
    assert scene.subscribe(bob, state="all", recover=last(made)).recovered is False
    create("2")
    assert scene.told(ann, "offset") == [(3,)]
    assert scene.told(bob, "offset", "state") == [(2, "pending"), (3, "done")]
    assert scene.subscribe(bob, state="all", recover=Recovery(str(made.epoch), 1)).recovered
    assert scene.told(bob, "offset") == [(2,), (3,)]
    assert scene.subscribe(ann, recover=last(made)).recovered
    assert scene.told(ann, "offset") == [(1,), (3,)]


def test_what_left_the_filter_while_nobody_was_there_comes_as_out(
    scene: Scene, ann: Connection, back: Connection
) -> None:
    made = scene.subscribe(ann, {"equals": {"a": 1}})
    scene.leave(ann)
    scene.write("create", created("1", a=1))
    scene.write("update", updated("1", {"a": 2}))
    scene.subscribe(back, {"equals": {"a": 1}}, recover=last(made))
    assert scene.told(back, "scope", "offset") == [("in", 1), ("out", 2)]


@pytest.mark.parametrize("offset", [0, 1, 2])
def test_who_still_follows_gets_again_what_it_asks_for(scene: Scene, ann: Connection, offset: int) -> None:
    made = scene.subscribe(ann)
    say(scene, 2)
    assert scene.told(ann, "offset") == [(1,), (2,)]
    assert scene.subscribe(ann, recover=Recovery(str(made.epoch), offset)).recovered
    say(scene, 1, first=3)
    assert scene.told(ann, "offset") == [(number,) for number in range(offset + 1, 4)]


# --- never in part


def test_more_than_is_kept_is_not_recovered(ann: Connection, back: Connection) -> None:
    scene = remembering(size=3)
    made = scene.subscribe(ann)
    say(scene, 5)
    for offset, recovered in ((0, False), (1, False), (2, True), (5, True), (6, False)):
        again = scene.subscribe(back, recover=Recovery(str(made.epoch), offset))
        assert again.recovered is recovered
        assert again.offset == (offset if recovered else 5)
        assert scene.told(back, "offset") == [(number,) for number in range(offset + 1, 6) if recovered]


def test_what_is_too_old_is_not_recovered(scene: Scene, ann: Connection, back: Connection) -> None:
    made = scene.subscribe(ann)
    say(scene, 1)
    scene.now += 59
    say(scene, 1, first=2)
    scene.now += 1
    assert scene.subscribe(back, recover=last(made)).recovered is False
    assert scene.subscribe(back, recover=Recovery(str(made.epoch), 1)).recovered
    assert scene.told(back, "offset") == [(2,)]
    scene.now += 59
    assert scene.subscribe(back, recover=Recovery(str(made.epoch), 1)).recovered is False
    assert scene.subscribe(back, recover=Recovery(str(made.epoch), 2)).recovered


def test_all_rooms_together_keep_a_bounded_number_of_bytes(ann: Connection) -> None:
    scene = remembering(size=5000, maxBytes=20_000)
    everything, some = scene.subscribe(ann), scene.subscribe(ann, {"equals": {"a": 1}})
    scene.write("create", created("1", a=1))
    say(scene, 100, first=2)
    assert scene.realtime._rooms.histories.size_bytes <= 20_000
    assert scene.subscribe(ann, {"equals": {"a": 1}}, recover=last(some)).recovered is False
    assert scene.subscribe(ann, recover=Recovery(str(everything.epoch), 50)).recovered is False
    assert scene.subscribe(ann, recover=Recovery(str(everything.epoch), 95)).recovered is True
    scene.write("create", created("x", text="y" * 30_000))
    assert scene.realtime._rooms.histories.size_bytes == 0
    assert scene.subscribe(ann, recover=Recovery(str(everything.epoch), 101)).recovered is False
    assert scene.subscribe(ann, recover=Recovery(str(everything.epoch), 102)).recovered is True


def test_a_replay_is_bounded_in_bytes(ann: Connection, back: Connection) -> None:
    scene = remembering(maxReplayBytes=5000)
    made = scene.subscribe(ann)
    for number in range(4):
        scene.write("create", created(str(number), text="x" * 2000))
    assert scene.subscribe(back, recover=Recovery(str(made.epoch), 1)).recovered is False
    assert scene.subscribe(back, scope="out", recover=Recovery(str(made.epoch), 1)).recovered is True
    assert scene.heard(back) == []
    assert scene.subscribe(back, recover=Recovery(str(made.epoch), 2)).recovered is True
    assert scene.told(back, "offset") == [(3,), (4,)]


def test_rooms_without_connections_are_bounded(ann: Connection, back: Connection) -> None:
    scene = remembering(maxIdleRooms=2)
    rooms = [scene.subscribe(ann, {"exists": field}) for field in "abc"]
    for room in rooms:
        scene.unsubscribe(ann, room.room_id)
    recovered = [scene.subscribe(back, {"exists": field}, recover=last(rooms["abc".index(field)])) for field in "cba"]
    assert [made.recovered for made in recovered] == [True, True, False]


def test_no_room_lives_on_where_none_may(ann: Connection) -> None:
    scene = remembering(maxIdleRooms=0)
    room = scene.subscribe(ann)
    scene.unsubscribe(ann, room.room_id)
    assert scene.subscribe(ann, recover=last(room)).recovered is False


def test_rooms_without_connections_make_place_for_new_ones(ann: Connection, back: Connection) -> None:
    scene = remembering(limits={"subscriptionRooms": 2})
    first = scene.subscribe(ann, {"exists": "a"})
    scene.subscribe(ann, {"exists": "b"})
    scene.unsubscribe(ann, first.room_id)
    scene.subscribe(back, {"exists": "c"})
    with pytest.raises(KuzzleError) as refusal:
        scene.subscribe(back, {"exists": "d"})
    assert refusal.value.id == "core.realtime.too_many_rooms"


def test_nothing_is_left_of_rooms_whose_time_is_over(scene: Scene, ann: Connection) -> None:
    scene.subscribe(ann)
    scene.subscribe(ann, {"exists": "a"})
    scene.write("create", created("1", a=1))
    assert scene.realtime._rooms.histories.size_bytes > 0
    scene.leave(ann)
    scene.now += 60
    say(scene, 1)
    histories = scene.realtime._rooms.histories
    assert (histories.size_bytes, histories.idle_rooms, len(scene.realtime._rooms._rooms)) == (0, 0, 0)
    assert not list(scene.realtime._rooms._matcher)
