"""The notifications of API 1, each with the members that clients of Kuzzle see, in their order."""

from __future__ import annotations

from typing import Any

import pytest
import wire

from kuzzle.api.v1 import ApiV1
from kuzzle.catalogue import Catalogue
from kuzzle.connection import Connection
from kuzzle.realtime.notifications import DocumentEvent, UserEvent
from kuzzle.request import Request

API = ApiV1(Catalogue.load(1))
META = {"author": "-1", "createdAt": 1}


def make_request(controller: str, action: str) -> Request:
    members = {"requestId": "r", "index": "i", "collection": "c", "timestamp": 5, "volatile": {"a": 1}}
    return Request({"controller": controller, "action": action, **members}, Connection("mqtt"))


def test_a_document_notification_has_its_members_in_order() -> None:
    event = DocumentEvent(make_request("document", "create"), "create", "in", "done", "d", {"b": 2}, META)
    content = API.document_notification(event)
    assert list(content.items()) == [
        ("status", 200),
        ("requestId", "r"),
        ("timestamp", 5),
        ("volatile", {"a": 1}),
        ("index", "i"),
        ("collection", "c"),
        ("controller", "document"),
        ("action", "create"),
        ("protocol", "mqtt"),
        ("scope", "in"),
        ("state", "done"),
        ("result", {"_meta": META, "_source": {"b": 2}, "_id": "d"}),
        ("type", "document"),
    ]
    wire.check_notification(content)


@pytest.mark.parametrize(
    ("event", "result"),
    [
        (("publish", "in", "done", None, {"a": 1}), {"_source": {"a": 1}, "_id": None}),
        (("publish", "in", "done", "d", {"a": 1}), {"_source": {"a": 1}, "_id": "d"}),
        (("replace", "in", "done", "d", {"a": 1}, META), {"_meta": META, "_source": {"a": 1}, "_id": "d"}),
        (
            ("update", "in", "done", "d", {"a": 1, "b": 2}, META, ["b"]),
            {"_meta": META, "_id": "d", "_source": {"a": 1, "b": 2}, "_updatedFields": ["b"]},
        ),
        (
            ("update", "in", "done", "d", {"a": 1}, META, []),
            {"_meta": META, "_id": "d", "_source": {"a": 1}, "_updatedFields": []},
        ),
        (("update", "out", "done", "d", None), {"_id": "d"}),
        (("delete", "out", "done", "d", None, META), {"_meta": META, "_id": "d"}),
        (("mUpdate", "in", "done", "d", {"a": 1}), {"_source": {"a": 1}, "_id": "d"}),
        (("delete", "unknown", "pending", "d", {}), {"_source": {}, "_id": "d"}),
        (("create", "unknown", "pending", None, {"a": 1}), {"_source": {"a": 1}, "_id": None}),
    ],
)
def test_what_each_cause_tells(event: tuple[Any, ...], result: dict[str, Any]) -> None:
    controller = "realtime" if event[0] == "publish" else "document"
    content = API.document_notification(DocumentEvent(make_request(controller, event[0]), *event))
    assert list(content["result"].items()) == list(result.items())
    assert (content["action"], content["scope"], content["state"]) == event[:3]
    wire.check_notification(content)


@pytest.mark.parametrize(("action", "movement"), [("subscribe", "in"), ("unsubscribe", "out")])
def test_a_user_notification_has_its_members_in_order(action: str, movement: Any) -> None:
    content = API.user_notification(UserEvent(action, movement, "i", "c", {"name": "Ada"}, "websocket", 3, 9))
    assert list(content.items()) == [
        ("status", 200),
        ("timestamp", 9),
        ("volatile", {"name": "Ada"}),
        ("index", "i"),
        ("collection", "c"),
        ("controller", "realtime"),
        ("action", action),
        ("protocol", "websocket"),
        ("user", movement),
        ("result", {"count": 3}),
        ("type", "user"),
    ]
    wire.check_notification(content)


def test_the_schema_of_notifications_refuses_wrong_ones() -> None:
    event = DocumentEvent(make_request("document", "create"), "create", "in", "done", "d", {"b": 2}, META)
    content = API.document_notification(event)
    for wrong in ({"scope": "unknown"}, {"state": "pending"}, {"result": {}}, {"type": "user"}, {"event": "write"}):
        with pytest.raises(AssertionError):
            wire.check_notification({**content, **wrong})
