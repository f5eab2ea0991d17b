"""Who is in which room, follows which channel, and hears of whom."""

from __future__ import annotations

import re
from typing import Any

import pytest
from realtime_scene import API, Scene, created, deleted

from kuzzle.api.v1 import ApiV1
from kuzzle.connection import Connection
from kuzzle.errors import KuzzleError
from kuzzle.realtime.notifications import DocumentEvent

# --- rooms and channels


def test_a_channel_is_the_room_and_a_hash_of_the_options(scene: Scene, ann: Connection, bob: Connection) -> None:
    first = scene.subscribe(ann, {"equals": {"a": 1}})
    assert re.fullmatch(r"[0-9a-f]{32}", first.room_id)
    assert re.fullmatch(rf"{first.room_id}-[0-9a-f]{{32}}", first.channel)
    assert scene.subscribe(bob, {"and": [{"equals": {"a": 1}}]}) == first
    choices = [
        {"scope": scope, "users": users, "state": state}
        for scope in ("all", "in", "out", "none")
        for users in ("all", "in", "out", "none")
        for state in ("all", "pending", "done")
    ]
    made = [scene.subscribe(ann, {"equals": {"a": 1}}, **choice) for choice in choices]
    assert {one.room_id for one in made} == {first.room_id}
    assert len({one.channel for one in made}) == len(choices)
    assert first in made


def test_subscribing_twice_changes_nothing(scene: Scene, ann: Connection, bob: Connection) -> None:
    scene.subscribe(bob, users="all")
    first = scene.subscribe(ann, volatile={"name": "first"})
    assert scene.subscribe(ann, volatile={"name": "second"}) == first
    assert scene.realtime.count(first.room_id) == 2
    assert scene.told(bob, "user", "volatile") == [("in", {"name": "first"})]
    scene.write("create", created("1"))
    assert len(scene.heard(ann)) == 1


def test_each_channel_of_a_room_gets_its_own_copy(scene: Scene, ann: Connection, bob: Connection) -> None:
    scene.subscribe(bob, users="all")
    channels = [scene.subscribe(ann).channel, scene.subscribe(ann, scope="in").channel]
    assert scene.told(bob, "user", "result") == [("in", {"count": 2})]  # one comes once, however many channels
    scene.write("create", created("1"))
    assert sorted(channel for channel, _ in scene.inboxes.received[ann.id]) == sorted(channels)
    assert scene.realtime.list_rooms() == {"library": {"books": {channels[0].partition("-")[0]: 2}}}


def test_a_notification_is_made_once_for_all_rooms_and_channels(scene: Scene, ann: Connection, bob: Connection) -> None:
    for who in (ann, bob):
        scene.subscribe(who)
        scene.subscribe(who, {"exists": "a"})
        scene.subscribe(who, {"exists": "a"}, scope="in")
    scene.write("create", created("1", a=1))
    ((channels, _),) = scene.inboxes.broadcasts
    assert len(channels) == 3
    assert len(scene.heard(ann)) == len(scene.heard(bob)) == 3


def test_unsubscribing_leaves_every_channel_of_the_room(scene: Scene, ann: Connection, bob: Connection) -> None:
    room_id = scene.subscribe(ann).room_id
    scene.subscribe(ann, scope="in")
    scene.subscribe(bob)
    other = scene.subscribe(ann, {"exists": "a"}).room_id
    scene.unsubscribe(ann, room_id)
    scene.write("create", created("1"))
    assert scene.heard(ann) == []
    assert len(scene.heard(bob)) == 1
    assert scene.realtime.count(room_id) == 1
    assert scene.realtime.count(other) == 1


def test_a_room_dies_with_its_last_connection(scene: Scene, ann: Connection) -> None:
    room_id = scene.subscribe(ann, users="all").room_id
    scene.unsubscribe(ann, room_id)
    assert scene.heard(ann) == []
    assert scene.realtime.list_rooms() == {}
    assert scene.realtime.realtime_collections("library") == []
    assert scene.inboxes.broadcasts == []
    with pytest.raises(KuzzleError) as refusal:
        scene.realtime.count(room_id)
    assert (refusal.value.id, refusal.value.status) == ("core.realtime.room_not_found", 404)
    assert not any(scene.inboxes.followers.values())


def test_leaving_a_room_one_is_not_in_is_refused(scene: Scene, ann: Connection, bob: Connection) -> None:
    room_id = scene.subscribe(ann).room_id
    for who, room in ((bob, room_id), (ann, "0" * 32)):
        with pytest.raises(KuzzleError) as refusal:
            scene.unsubscribe(who, room)
        assert (refusal.value.id, refusal.value.status) == ("core.realtime.not_subscribed", 412)
        assert refusal.value.message == f'User "{who.id}" has not subscribed to "{room}".'


def test_a_connection_that_is_gone_leaves_no_trace(scene: Scene, ann: Connection, bob: Connection) -> None:
    room_id = scene.subscribe(bob, users="out").room_id
    scene.subscribe(ann, volatile={"name": "Ann"})
    scene.subscribe(ann, {"exists": "a"})
    scene.realtime.remove_connection(ann.id)
    assert scene.realtime.list_rooms() == {"library": {"books": {room_id: 1}}}
    assert scene.heard(bob) == [
        {
            "status": 200,
            "timestamp": 1_000_000,
            "volatile": {"name": "Ann"},
            "index": "library",
            "collection": "books",
            "controller": "realtime",
            "action": "unsubscribe",
            "protocol": "websocket",
            "user": "out",
            "result": {"count": 1},
            "type": "user",
        }
    ]
    scene.realtime.remove_connection(ann.id)
    assert scene.heard(bob) == []


def test_a_dead_connection_cannot_subscribe(scene: Scene, ann: Connection) -> None:
    ann.is_open = False
    request = scene.request(ann, "realtime", "subscribe")
    assert scene.realtime.subscribe(request, {}, scope="all", users="none", state="done") is None
    assert scene.realtime.list_rooms() == {}


def test_collections_with_subscribers_are_listed(scene: Scene, ann: Connection) -> None:
    scene.subscribe(ann, collection="songs")
    scene.subscribe(ann, collection="books")
    scene.subscribe(ann, {"exists": "a"}, collection="books")
    scene.subscribe(ann, index="shop", collection="bills")
    assert scene.realtime.realtime_collections("library") == ["books", "songs"]
    assert scene.realtime.realtime_collections("nowhere") == []


def test_rooms_are_limited_but_those_that_exist_stay_open(ann: Connection, bob: Connection) -> None:
    scene = Scene(subscriptionRooms=2)
    first = scene.subscribe(ann)
    scene.subscribe(ann, {"exists": "a"})
    with pytest.raises(KuzzleError) as refusal:
        scene.subscribe(bob, {"exists": "b"})
    assert (refusal.value.id, refusal.value.status) == ("core.realtime.too_many_rooms", 413)
    assert scene.subscribe(bob) == first
    scene.unsubscribe(bob, first.room_id)
    scene.unsubscribe(ann, first.room_id)
    scene.subscribe(bob, {"exists": "b"})


def test_the_terms_of_a_filter_are_limited(ann: Connection) -> None:
    scene = Scene(subscriptionMinterms=2)
    scene.subscribe(ann, {"in": {"a": ["x", "y"]}})
    with pytest.raises(KuzzleError) as refusal:
        scene.subscribe(ann, {"in": {"a": ["x", "y", "z"]}})
    assert refusal.value.message == "Unable to subscribe: maximum number of terms exceeded (max 2, received 3)."
    assert len(scene.realtime.list_rooms()["library"]["books"]) == 1


# --- options


@pytest.mark.parametrize(
    ("scope", "state", "heard"),
    [
        ("all", "done", ["in", "out"]),
        ("in", "done", ["in"]),
        ("out", "done", ["out"]),
        ("none", "done", []),
        ("all", "all", ["unknown", "in", "unknown", "out"]),
        ("all", "pending", ["unknown", "unknown"]),
        ("in", "all", ["in"]),
        ("out", "all", ["out"]),
        ("in", "pending", []),
        ("out", "pending", []),
        ("none", "all", []),
    ],
)
def test_scope_and_state_choose_what_is_heard(
    scene: Scene, ann: Connection, scope: str, state: str, heard: list[str]
) -> None:
    scene.subscribe(ann, scope=scope, state=state)
    creation = scene.request(Connection("http"), "document", "create")
    scene.realtime.news.pending(creation, "create", None, {"title": "Emma"})
    scene.write("create", created("1"))
    deletion = scene.request(Connection("http"), "document", "delete")
    scene.realtime.news.pending(deletion, "delete", "1", {})
    scene.write("delete", deleted("1"))
    assert [content["scope"] for content in scene.heard(ann)] == heard


def test_a_pending_write_shows_what_was_sent(scene: Scene, ann: Connection) -> None:
    scene.subscribe(ann, {"equals": {"title": "Emma"}}, state="pending")
    request = scene.request(Connection("http"), "document", "replace")
    scene.realtime.news.pending(request, "replace", "1", {"title": "Emma"})
    scene.realtime.news.pending(request, "replace", "2", {"title": "Persuasion"})
    (notification,) = scene.heard(ann)
    assert (notification["action"], notification["state"], notification["scope"]) == ("replace", "pending", "unknown")
    assert notification["result"] == {"_source": {"title": "Emma"}, "_id": "1"}


def test_a_message_reaches_those_it_matches(scene: Scene, ann: Connection, bob: Connection) -> None:
    scene.subscribe(ann, {"equals": {"title": "Emma"}}, scope="in")
    scene.subscribe(bob, scope="out")
    request = scene.request(Connection("http"), "realtime", "publish", volatile={"from": "me"})
    scene.realtime.news.publish(request, None, {"title": "Emma"})
    (notification,) = scene.heard(ann)
    assert notification["controller"] == "realtime"
    assert notification["action"] == "publish"
    assert notification["volatile"] == {"from": "me"}
    assert notification["result"] == {"_source": {"title": "Emma"}, "_id": None}
    assert scene.heard(bob) == []


@pytest.mark.parametrize(("users", "heard"), [("all", ["in", "out"]), ("in", ["in"]), ("out", ["out"]), ("none", [])])
def test_users_choose_whom_they_hear_of(
    scene: Scene, ann: Connection, bob: Connection, users: str, heard: list[str]
) -> None:
    scene.subscribe(ann, scope="none", users=users)
    room_id = scene.subscribe(bob, volatile={"name": "Bob"}).room_id
    scene.unsubscribe(bob, room_id)
    notices = scene.heard(ann)
    assert [notice["user"] for notice in notices] == heard
    for notice in notices:
        assert notice["volatile"] == {"name": "Bob"}
        assert notice["protocol"] == "mqtt"
        assert notice["action"] == ("subscribe" if notice["user"] == "in" else "unsubscribe")
        assert notice["result"] == {"count": 2 if notice["user"] == "in" else 1}


def test_the_first_of_a_channel_does_not_hear_of_itself_and_the_next_does(
    scene: Scene, ann: Connection, bob: Connection
) -> None:
    scene.subscribe(ann, users="all")
    assert scene.heard(ann) == []
    scene.subscribe(bob, users="all")
    assert scene.told(ann, "user", "result") == [("in", {"count": 2})]
    assert scene.told(bob, "user", "result") == [("in", {"count": 2})]
    other = Connection("socketio")
    scene.subscribe(other, users="in")
    assert scene.heard(other) == []
    assert len(scene.heard(ann)) == 1


def test_who_leaves_does_not_hear_of_it(scene: Scene, ann: Connection, bob: Connection) -> None:
    room_id = scene.subscribe(ann, users="all").room_id
    scene.subscribe(bob, users="all")
    scene.heard(ann)
    scene.heard(bob)
    scene.unsubscribe(bob, room_id)
    assert scene.told(ann, "user", "result") == [("out", {"count": 1})]
    assert scene.heard(bob) == []


class ApiNext(ApiV1):
    """A generation of the API that words notifications in its own way."""

    number = 99

    def document_notification(self, event: DocumentEvent) -> dict[str, Any]:
        return {**super().document_notification(event), "volatile": {"generation": self.number}}


def test_each_generation_of_the_api_hears_its_own_words(scene: Scene, ann: Connection, bob: Connection) -> None:
    first = scene.subscribe(ann)
    request = scene.request(bob, "realtime", "subscribe")
    request.api = ApiNext(API.catalogue)
    second = scene.realtime.subscribe(request, {}, scope="all", users="none", state="done")
    assert second is not None
    assert second.room_id == first.room_id
    assert second.channel != first.channel
    scene.write("create", created("1"))
    assert scene.told(ann, "volatile") == [(None,)]
    assert scene.told(bob, "volatile") == [({"generation": 99},)]
    assert len(scene.inboxes.broadcasts) == 2
