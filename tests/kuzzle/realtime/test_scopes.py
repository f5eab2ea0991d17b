"""Which rooms hear `in` and `out` of a document, against a list of what was told of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from realtime_scene import Scene, created, deleted, updated, written

from kuzzle.connection import Connection
from kuzzle.storage.base import WriteKind, WrittenDocument

FILTERS: dict[str, Any] = {
    "all": {},
    "one": {"equals": {"a": 1}},
    "other": {"not": {"equals": {"a": 1}}},
    "author": {"equals": {"_kuzzle_info.author": "-1"}},
    "id": {"ids": {"values": ["x", "y"]}},
    "band": {"range": {"a": {"gte": 1, "lt": 2}}},
    "either": {"bool": {"should": [{"equals": {"a": 0}}, {"regexp": {"_id": "^X$"}}, {"in": {"_id": ["x", "z"]}}]}},
    "none": {"nothing": True},
}
IDS = st.sampled_from("xyz")
NAMES = st.sampled_from(sorted(FILTERS))
NUMBERS = st.integers(0, 2)
TTL_S = 60


def wanted_by(name: str, document_id: str, source: dict[str, Any]) -> bool:
    return {
        "all": True,
        "one": source["a"] == 1,
        "other": source["a"] != 1,
        "author": True,
        "id": document_id in ("x", "y"),
        "band": source["a"] == 1,
        "either": source["a"] == 0 or document_id in ("x", "z"),
        "none": False,
    }[name]


class ScopesLikeAList(RuleBasedStateMachine):
    """Rooms open and close, documents are written and deleted, time passes."""

    @initialize(bound=st.sampled_from((1, 3, 1000)))
    def start(self, bound: int) -> None:
        self.bound = bound
        self.scene = Scene(subscriptionDocumentTTL=TTL_S, subscriptionMatches=bound)
        self.ann = Connection("websocket")
        self.rooms: dict[str, str] = {}
        self.told: list[tuple[str, set[str], float]] = []  # documents, the rooms they were told to, and when
        self.sources: dict[str, dict[str, Any]] = {}

    @rule(name=NAMES)
    def subscribe(self, name: str) -> None:
        self.rooms[name] = self.scene.subscribe(self.ann, FILTERS[name]).room_id

    @rule(name=NAMES)
    def unsubscribe(self, name: str) -> None:
        if name in self.rooms:
            self.scene.unsubscribe(self.ann, self.rooms.pop(name))

    @rule(seconds=st.sampled_from((1, 30, 59, 60)))
    def wait(self, seconds: int) -> None:
        self.scene.now += seconds

    @rule(
        action=st.sampled_from(("create", "replace", "update", "createOrReplace", "mCreate", "mReplace", "mUpdate")),
        ids=st.lists(IDS, min_size=1, max_size=2, unique=True),
        number=NUMBERS,
    )
    def write(self, action: str, ids: list[str], number: int) -> None:
        ids = ids if action.startswith("m") else ids[:1]
        self.scene.write(action, *(self._written(action, document_id, number) for document_id in ids))
        wanted: list[tuple[str, str, str]] = []
        for document_id in ids:
            source = self.sources[document_id] = {"a": number}
            now = {name for name in self.rooms if wanted_by(name, document_id, source)}
            left = self._forget(document_id) - now if "reate" not in action else self._forget(document_id) and set()
            wanted += [("in", document_id, name) for name in now]
            wanted += [("out", document_id, name) for name in left if name in self.rooms]
            self._remember(document_id, now)
        self._check(wanted)

    @rule(action=st.sampled_from(("delete", "mDelete", "deleteByQuery")), ids=st.lists(IDS, min_size=1, unique=True))
    def delete(self, action: str, ids: list[str]) -> None:
        there = [document_id for document_id in ids if document_id in self.sources]
        there = there if action != "delete" else there[:1]
        if not there:
            return
        self.scene.write(action, *(deleted(document_id, **self.sources[document_id]) for document_id in there))
        wanted = []
        for document_id in there:
            source = self.sources.pop(document_id)
            wanted += [("out", document_id, name) for name in self.rooms if wanted_by(name, document_id, source)]
            self._forget(document_id)
        self._check(wanted)

    # --- the model

    def _written(self, action: str, document_id: str, number: int) -> WrittenDocument:
        if "reate" in action:
            return created(document_id, a=number)
        if "pdate" in action:
            return updated(document_id, {"a": number})
        return written(WriteKind.REPLACE, document_id, {"a": number})

    def _forget(self, document_id: str) -> set[str]:
        self.told = [one for one in self.told if one[2] + TTL_S > self.scene.now]
        known = [names for owner, names, _ in self.told if owner == document_id]
        self.told = [one for one in self.told if one[0] != document_id]
        return known[0] if known else set()

    def _remember(self, document_id: str, names: set[str]) -> None:
        if names and self.rooms:
            self.told.append((document_id, names, self.scene.now))
            while sum(len(names) for _, names, _ in self.told) > self.bound:
                del self.told[0]

    def _check(self, wanted: list[tuple[str, str, str]]) -> None:
        names = {room_id: name for name, room_id in self.rooms.items()}
        heard = [
            (content["scope"], content["result"]["_id"], names[channel.partition("-")[0]])
            for channel, content in self.scene.inboxes.received.pop(self.ann.id, [])
        ]
        assert sorted(heard) == sorted(wanted)
        order = [document_id for _, document_id, _ in wanted]
        assert [document_id for _, document_id, _ in heard] == order


TestScopesLikeAList = ScopesLikeAList.TestCase
TestScopesLikeAList.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("action", ["mWrite", "write"])
def test_bulk_writes_that_notify_take_documents_in_and_out(scene: Scene, ann: Connection, action: str) -> None:
    scene.subscribe(ann, FILTERS["one"])
    scene.write(action, written(WriteKind.CREATE_OR_REPLACE, "x", {"a": 1}, created=True))
    scene.write(action, written(WriteKind.CREATE_OR_REPLACE, "x", {"a": 2}))
    scene.write(action, written(WriteKind.CREATE_OR_REPLACE, "x", {"a": 2}))
    assert scene.told(ann, "scope") == [("in",), ("out",)]
