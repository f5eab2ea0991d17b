"""What a write tells its subscribers, in which order, and how often."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realtime_scene import META, Scene, created, deleted, updated, written

from kuzzle.connection import Connection
from kuzzle.storage.base import WriteKind, WrittenDocument

PUT = WriteKind.CREATE_OR_REPLACE


# --- what a write tells


def test_a_created_document_is_told_whole(scene: Scene, ann: Connection) -> None:
    scene.subscribe(ann, {"equals": {"title": "Emma"}})
    request = scene.write("create", created("1", title="Emma"), created("2", title="Persuasion"))
    assert scene.heard(ann) == [
        {
            "status": 200,
            "requestId": "create-request",
            "timestamp": request.timestamp,
            "volatile": None,
            "index": "library",
            "collection": "books",
            "controller": "document",
            "action": "create",
            "protocol": "http",
            "scope": "in",
            "state": "done",
            "result": {"_meta": META, "_source": {"title": "Emma", "_kuzzle_info": META}, "_id": "1"},
            "type": "document",
        }
    ]


@pytest.mark.parametrize(
    ("action", "document", "told", "members"),
    [
        ("create", created("1"), "create", {"_meta", "_source", "_id"}),
        ("createOrReplace", written(PUT, "1", {}, created=True), "create", {"_meta", "_source", "_id"}),
        ("createOrReplace", written(PUT, "1", {}), "replace", {"_meta", "_source", "_id"}),
        ("replace", written(WriteKind.REPLACE, "1", {}), "replace", {"_meta", "_source", "_id"}),
        ("update", updated("1", {"a": 1}), "update", {"_meta", "_source", "_id", "_updatedFields"}),
        ("mCreate", created("1"), "create", {"_source", "_id"}),
        ("mCreateOrReplace", written(PUT, "1", {}, created=True), "create", {"_source", "_id"}),
        ("mCreateOrReplace", written(PUT, "1", {}), "mCreateOrReplace", {"_source", "_id"}),
        ("mReplace", written(WriteKind.REPLACE, "1", {}), "mReplace", {"_source", "_id"}),
        ("mUpdate", updated("1", {"a": 1}), "mUpdate", {"_source", "_id"}),
    ],
)
def test_the_action_and_the_result_follow_the_write(
    scene: Scene, ann: Connection, action: str, document: WrittenDocument, told: str, members: set[str]
) -> None:
    scene.subscribe(ann)
    scene.write(action, document)
    (notification,) = scene.heard(ann)
    assert (notification["action"], notification["scope"], notification["state"]) == (told, "in", "done")
    assert set(notification["result"]) == members


@pytest.mark.parametrize("action", ["delete", "mDelete", "deleteByQuery"])
def test_a_deletion_tells_out_with_the_metadata(scene: Scene, ann: Connection, action: str) -> None:
    scene.subscribe(ann, {"equals": {"title": "Emma"}})
    scene.write(action, deleted("1", title="Emma"), deleted("2"))
    (notification,) = scene.heard(ann)
    assert (notification["action"], notification["scope"]) == ("delete", "out")
    assert notification["result"] == {"_meta": META, "_id": "1"}


def test_an_update_names_its_fields_without_the_metadata(scene: Scene, ann: Connection) -> None:
    scene.subscribe(ann)
    scene.write("update", updated("1", {"title": "Emma", "author": {"name": "Austen"}}, year=1815))
    (notification,) = scene.heard(ann)
    assert notification["result"]["_updatedFields"] == ["title", "author"]
    assert notification["result"]["_source"]["year"] == 1815


@pytest.mark.parametrize("action", ["update", "replace", "createOrReplace", "mUpdate", "mReplace", "mCreateOrReplace"])
def test_a_document_that_no_longer_matches_is_told_out_once(scene: Scene, ann: Connection, action: str) -> None:
    scene.subscribe(ann, {"equals": {"state": "open"}})
    kind = {"update": WriteKind.UPDATE, "replace": WriteKind.REPLACE}.get(action.removeprefix("m").lower())
    kind = kind or WriteKind.CREATE_OR_REPLACE
    scene.write("create", created("1", state="open"))
    scene.write(action, written(kind, "1", {"state": "shut"}, changes={}))
    scene.write(action, written(kind, "1", {"state": "shut"}, changes={}))
    entered, left = scene.heard(ann)
    assert (entered["action"], entered["scope"]) == ("create", "in")
    told = "replace" if action == "createOrReplace" else action
    assert (left["action"], left["scope"], left["state"], left["result"]) == (told, "out", "done", {"_id": "1"})


def test_a_document_that_was_never_told_does_not_go_out(scene: Scene, ann: Connection, bob: Connection) -> None:
    scene.subscribe(bob)
    scene.write("create", created("1", state="open"))
    scene.subscribe(ann, {"equals": {"state": "open"}})
    scene.write("update", updated("1", {"state": "shut"}))
    assert scene.heard(ann) == []


def test_in_is_told_before_out_and_rooms_are_told_apart(scene: Scene, ann: Connection) -> None:
    scene.subscribe(ann, {"equals": {"state": "open"}})
    scene.subscribe(ann, {"equals": {"state": "shut"}})
    scene.subscribe(ann, {"exists": "state"})
    scene.write("create", created("1", state="open"))
    assert scene.told(ann, "scope") == [("in",), ("in",)]
    scene.write("update", updated("1", {"state": "shut"}))
    assert scene.told(ann, "scope") == [("in",), ("in",), ("out",)]


def test_a_created_document_goes_out_of_nothing(scene: Scene, ann: Connection) -> None:
    """An id that was used before is a new document."""
    scene.subscribe(ann, {"equals": {"state": "open"}})
    scene.write("create", created("1", state="open"))
    scene.write("create", created("1", state="shut"))
    assert scene.told(ann, "scope") == [("in",)]


def test_a_deleted_document_is_forgotten(scene: Scene, ann: Connection) -> None:
    scene.subscribe(ann, {"equals": {"state": "open"}})
    scene.write("create", created("1", state="open"))
    scene.write("delete", deleted("1", state="open"))
    scene.write("replace", written(WriteKind.REPLACE, "1", {"state": "shut"}))
    assert scene.told(ann, "action", "scope") == [("create", "in"), ("delete", "out")]


def test_a_match_is_remembered_for_its_time_only(scene: Scene, ann: Connection) -> None:
    scene.subscribe(ann, {"equals": {"state": "open"}})
    scene.write("create", created("1", state="open"), created("2", state="open"))
    scene.now += 59
    scene.write("update", updated("1", {"state": "shut"}))
    scene.now += 1
    scene.write("update", updated("2", {"state": "shut"}))
    assert scene.told(ann, "scope") == [("in",), ("in",), ("out",)]


def test_somebody_who_comes_back_still_hears_of_what_leaves(scene: Scene, ann: Connection, bob: Connection) -> None:
    filters = {"equals": {"state": "open"}}
    scene.subscribe(ann, filters)
    scene.write("create", created("1", state="open"), created("2", state="open"))
    scene.realtime.remove_connection(ann.id)
    scene.write("update", updated("2", {"state": "shut"}))
    scene.subscribe(bob, filters)
    scene.write("update", updated("1", {"state": "shut"}), updated("2", {"state": "gone"}))
    assert [content["result"] for content in scene.heard(bob)] == [{"_id": "1"}]


def test_filters_see_the_metadata_and_the_id(scene: Scene, ann: Connection, bob: Connection) -> None:
    scene.subscribe(ann, {"equals": {"_kuzzle_info.author": "-1"}})
    scene.subscribe(bob, {"equals": {"_id": "2"}})
    scene.write("create", created("1"), created("2"))
    assert [content["result"]["_id"] for content in scene.heard(ann)] == ["1", "2"]
    assert [content["result"]["_id"] for content in scene.heard(bob)] == ["2"]


def test_other_collections_hear_nothing(scene: Scene, ann: Connection) -> None:
    scene.subscribe(ann, collection="songs")
    scene.subscribe(ann, index="shop")
    scene.write("create", created("1"))
    assert scene.heard(ann) == []


def test_documents_are_told_in_the_order_of_their_commits(scene: Scene, ann: Connection) -> None:
    scene.subscribe(ann)
    scene.write("mCreate", *(created(str(number)) for number in range(50)))
    assert [content["result"]["_id"] for content in scene.heard(ann)] == [str(number) for number in range(50)]


# --- exactly once


FILTERS = ({}, {"exists": "a"}, {"equals": {"a": 1}}, {"not": {"equals": {"a": 1}}}, {"in": {"b": ["x", "y"]}})


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 2), st.sampled_from(FILTERS), st.sampled_from("ab")), max_size=30
    )
)
def test_every_follower_hears_each_write_once_and_nobody_else_does(
    steps: list[tuple[int, int, dict[str, Any], str]],
) -> None:
    """People come and go while documents change; who is there hears `in` or `out` as a plain list tells."""
    scene = Scene()
    people = [Connection("websocket") for _ in range(3)]
    present: dict[tuple[str, int], dict[str, Any]] = {}
    matched: dict[str, set[str]] = {}
    for number, (step, person, filters, document_id) in enumerate(steps):
        who = people[person]
        if step == 0:
            present[scene.subscribe(who, filters).room_id, person] = filters
        elif step == 1:
            for room_id, owner in [key for key in present if key[1] == person][:1]:
                scene.unsubscribe(who, room_id)
                del present[room_id, owner]
        elif step == 2:
            scene.realtime.remove_connection(who.id)
            present = {key: value for key, value in present.items() if key[1] != person}
        else:
            source = {"a": number % 2, "b": "xyz"[number % 3]}
            scene.write("replace", written(WriteKind.REPLACE, document_id, source))
            rooms = {room_id: one for (room_id, _), one in present.items()}
            now = {room_id for room_id, one in rooms.items() if _holds(one, source)}
            before = matched.pop(document_id, set())
            matched[document_id] = now
            for index, one in enumerate(people):
                mine = {room_id for room_id, owner in present if owner == index}
                heard = scene.inboxes.received.pop(one.id, [])
                told = sorted((content["scope"], channel.partition("-")[0]) for channel, content in heard)
                wanted = [("in", room_id) for room_id in now & mine]
                wanted += [("out", room_id) for room_id in (before - now) & mine]
                assert told == sorted(wanted)
    assert sum(len(rooms) for index in scene.realtime.list_rooms().values() for rooms in index.values()) == len(
        {room_id for room_id, _ in present}
    )


def _holds(filters: dict[str, Any], source: dict[str, Any]) -> bool:
    verdicts = (True, "a" in source, source["a"] == 1, source["a"] != 1, source["b"] in ("x", "y"))
    return verdicts[FILTERS.index(filters)]
