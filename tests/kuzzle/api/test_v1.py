"""The envelopes, errors and manners of API 1."""

from __future__ import annotations

from typing import Any

import pytest
import wire

from kuzzle.api.results import Acknowledged, CreatedIndex, LeftRoom
from kuzzle.api.v1 import ApiV1
from kuzzle.catalogue import Catalogue
from kuzzle.connection import Connection
from kuzzle.errors import KuzzleError, PartialError, ResultingError
from kuzzle.realtime.subscriptions import Subscription
from kuzzle.request import Request
from kuzzle.security.users import ANONYMOUS, User
from kuzzle.storage.base import CollectionMapping, WriteKind
from kuzzle.storage.query import MATCH_ALL, Bool, Term

API = ApiV1(Catalogue.load(1), clock=lambda: 1_700_000_000.5)
NOW = 1_700_000_000_500


def make_request(controller: str, action: str, **members: Any) -> Request:
    request = Request({"controller": controller, "action": action, "requestId": "r1", **members}, Connection("http"))
    definition = API.catalogue.find(controller, action)
    request.api = API
    request.user = ANONYMOUS
    request.defaults = {} if definition is None else definition.defaults
    return request


def test_the_envelope_has_all_members_in_their_order() -> None:
    response = API.success(make_request("server", "now", volatile={"a": 1}), {"now": 5})
    assert list(response.content.items()) == [
        ("requestId", "r1"),
        ("status", 200),
        ("error", None),
        ("controller", "server"),
        ("action", "now"),
        ("collection", None),
        ("index", None),
        ("volatile", {"a": 1}),
        ("result", {"now": 5}),
    ]
    assert (response.status, response.request_id, response.raw) == (200, "r1", False)
    wire.check_response(response.content)


def test_two_answers_do_not_share_their_envelope() -> None:
    request = make_request("server", "now")
    API.success(request, {"now": 5}).content["room"] = "r1"
    assert "room" not in API.success(request, {"now": 5}).content


def test_a_raw_result_goes_out_alone_with_its_headers() -> None:
    request = make_request("server", "now")
    request.raw = True
    request.set_header("content-type", "text/plain")
    response = API.success(request, b"text")
    assert (response.raw, response.content, response.headers) == (True, b"text", {"content-type": "text/plain"})


@pytest.mark.parametrize(
    ("controller", "action", "value", "result"),
    [
        ("index", "delete", Acknowledged(), {"acknowledged": True}),
        ("index", "create", CreatedIndex("a"), {"acknowledged": True, "shards_acknowledged": True, "index": "a"}),
        ("index", "exists", False, False),
        ("realtime", "subscribe", Subscription("ab", "ab-cd"), {"roomId": "ab", "channel": "ab-cd"}),
        ("realtime", "unsubscribe", LeftRoom("ab"), "ab"),
        ("realtime", "subscribe", None, None),
    ],
)
def test_domain_values_get_their_shapes(controller: str, action: str, value: Any, result: Any) -> None:
    response = API.success(make_request(controller, action), value)
    assert response.content["result"] == result
    wire.check_response(response.content)


def test_a_mapping_stands_below_index_and_collection() -> None:
    mapping = CollectionMapping(properties={"name": {"type": "keyword"}}, meta={"a": 1})
    request = make_request("collection", "getMapping", index="i", collection="c")
    response = API.success(request, mapping)
    assert response.content["result"] == {
        "i": {"mappings": {"c": {"dynamic": "true", "_meta": {"a": 1}, "properties": {"name": {"type": "keyword"}}}}}
    }
    wire.check_response(response.content)


def test_the_metadata_of_a_mapping_are_shown_when_asked_for() -> None:
    request = make_request("collection", "getMapping", index="i", collection="c", includeKuzzleMeta=True)
    response = API.success(request, CollectionMapping())
    assert response.content["result"]["i"]["mappings"]["c"]["properties"] == {
        "_kuzzle_info": {
            "properties": {
                "active": {"type": "boolean"},
                "author": {"type": "keyword"},
                "createdAt": {"type": "date"},
                "updatedAt": {"type": "date"},
                "updater": {"type": "keyword"},
                "deletedAt": {"type": "date"},
            }
        }
    }


# --- errors


def test_an_error_shows_message_status_id_and_code_and_no_result() -> None:
    response = API.failure(
        make_request("document", "get", index="i"), KuzzleError("services.storage.unknown_index", "i")
    )
    assert response.content["error"] == {
        "message": 'The index "i" does not exist.',
        "status": 412,
        "id": "services.storage.unknown_index",
        "code": 16842753,
    }
    assert (response.status, response.content["status"], response.content["result"]) == (412, 412, None)
    assert response.content["index"] == "i"
    wire.check_response(response.content)


def test_an_error_without_id_shows_none() -> None:
    error = API.error(KuzzleError.without_id(400, "no"))
    assert error == {"message": "no", "status": 400}
    wire.check_error(error)


def test_a_partial_error_shows_its_entries_beside_the_result() -> None:
    error = PartialError("services.storage.incomplete_delete", [{"id": 5, "reason": "r"}], ["a"], "1 of 2 failed")
    response = API.failure(make_request("document", "mDelete"), error)
    assert response.status == 206
    assert response.content["error"]["errors"] == [{"id": 5, "reason": "r"}]
    assert response.content["error"]["count"] == 1
    assert response.content["error"]["message"] == "Couldn't delete all the requested documents: 1 of 2 failed"
    assert response.content["result"] == ["a"]
    wire.check_response(response.content)


def test_an_error_may_come_with_a_whole_result() -> None:
    result = {"status": "red", "services": {"internalCache": "green", "memoryStorage": "green", "storageEngine": "red"}}
    error = ResultingError("core.fatal.service_unavailable", "storageEngine", result=result)
    response = API.failure(make_request("server", "healthCheck"), error)
    assert (response.status, response.content["result"]) == (500, result)
    wire.check_response(response.content)


def test_headers_of_an_action_go_out_with_its_error() -> None:
    request = make_request("server", "now")
    request.set_header("retry-after", "1")
    assert API.failure(request, KuzzleError("api.process.overloaded")).headers == {"retry-after": "1"}


# --- SDK marks


@pytest.mark.parametrize(
    ("mark", "version", "last"),
    [
        ("js@7.17.1", "7.17.1", 6),
        ("js@10.0.0", "10.0.0", 6),
        ("js@7", "7", 6),
        ("csharp@2.0.0", "2.0.0", 1),
        ("cpp@2.0.0", "2.0.0", 1),
        ("java@3.0.0", "3.0.0", 2),
        ("android@5.0.0", "5.0.0", 4),
        ("go@3.0.0", "3.0.0", 2),
        ("php@4.0.0-beta.1", "4.0.0-beta.1", 3),
    ],
)
def test_the_mark_of_a_newer_sdk_is_refused(mark: str, version: str, last: int) -> None:
    with pytest.raises(KuzzleError) as caught:
        API.check_sdk({"sdkName": mark})
    assert caught.value.id == "api.process.incompatible_sdk_version"
    assert caught.value.message == (
        f"Incompatible SDK client. Your SDK version ({version}) does not match Kuzzle requirement "
        f"(min: none, max: {last})."
    )


@pytest.mark.parametrize(
    "volatile",
    [
        {"sdkVersion": "6.2.8", "sdkInstanceId": "a"},
        {"sdkVersion": "7.0.0"},
        {"sdkName": "js@6.2.8"},
        {"sdkName": "js@1"},
        {"sdkName": "java@2.9.9"},
        {"sdkName": "rust@99.0.0"},
        {"sdkName": "js@"},
        {"sdkName": "js"},
        {"sdkName": "js@seven"},
        {"sdkName": "@7"},
        {"sdkName": ""},
        {"sdkName": 7},
        {"sdkName": None},
        {"sdkName": ["js@7.0.0"]},
        {"sdkName": "js@7.0.0\n"},
        {},
    ],
)
def test_other_marks_pass(volatile: dict[str, Any]) -> None:
    API.check_sdk(volatile)


# --- metadata and trash

CREATED = {"author": "-1", "createdAt": NOW, "updatedAt": None, "updater": None, "active": True, "deletedAt": None}
REPLACED = {"author": "-1", "createdAt": NOW, "updatedAt": NOW, "updater": "-1", "active": True, "deletedAt": None}
UPDATED = {"active": True, "updatedAt": NOW, "updater": "-1"}
DELETED = {"active": False, "deletedAt": NOW, "updater": "-1"}


@pytest.mark.parametrize(
    ("kind", "one", "many"),
    [
        (WriteKind.CREATE, CREATED, CREATED),
        (WriteKind.CREATE_OR_REPLACE, REPLACED, CREATED),
        (WriteKind.REPLACE, REPLACED, CREATED),
        (WriteKind.UPDATE, UPDATED, {**UPDATED, "deletedAt": None}),
    ],
)
def test_writes_leave_their_metadata(kind: WriteKind, one: dict[str, Any], many: dict[str, Any]) -> None:
    request = make_request("document", "create")
    sent = {"a": 1, "_kuzzle_info": {"author": "somebody else"}}
    assert API.stamp(kind, sent, request) == {"a": 1, "_kuzzle_info": one}
    assert API.stamp(kind, sent, request, many=True) == {"a": 1, "_kuzzle_info": many}
    assert sent == {"a": 1, "_kuzzle_info": {"author": "somebody else"}}, (
        "the body of the request is not ours to change"
    )


def test_a_deletion_is_nothing_but_metadata() -> None:
    assert API.stamp(WriteKind.DELETE, None, make_request("document", "delete")) == {"_kuzzle_info": DELETED}


def test_the_author_is_who_asks() -> None:
    request = make_request("document", "create", timestamp=5)
    request.user = User("kuid", ("default",))
    metadata = API.stamp(WriteKind.CREATE, {}, request)["_kuzzle_info"]
    assert (metadata["author"], metadata["createdAt"]) == ("kuid", NOW), "a client's timestamp is not the time"


def test_searches_leave_out_the_trash_unless_asked() -> None:
    hidden = API.visible(MATCH_ALL, make_request("document", "search"))
    assert hidden == Bool(must=(MATCH_ALL,), must_not=(Term("_kuzzle_info.active", False),))
    assert API.visible(MATCH_ALL, make_request("document", "search", includeTrash=True)) is MATCH_ALL


# --- the list of actions


def test_public_actions_list_routes_and_leave_out_http_where_there_is_none() -> None:
    actions = API.public_actions()
    assert actions["document"]["create"] == {
        "controller": "document",
        "action": "create",
        "http": [
            {"url": "/:index/:collection/_create", "verb": "POST"},
            {"url": "/:index/:collection/:_id/_create", "verb": "POST"},
        ],
    }
    assert actions["realtime"]["subscribe"] == {"controller": "realtime", "action": "subscribe"}
    assert API.public_actions() is actions
