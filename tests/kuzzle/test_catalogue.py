"""The checks of arguments and bodies: driven from the schemas, with the documented errors, in their order."""

from __future__ import annotations

import re
from typing import Any

import pytest
from faulty_calls import faulty_calls, valid_payload

import kuzzle.validation
from kuzzle.catalogue import ActionDefinition, Catalogue
from kuzzle.errors import KuzzleError, error_table

CATALOGUE = Catalogue.load(1)


CASES = [case for definition in CATALOGUE for case in faulty_calls(definition)]


def refusal(definition: ActionDefinition, payload: dict[str, Any]) -> KuzzleError:
    with pytest.raises(KuzzleError) as caught:
        definition.check(payload)
    return caught.value


def find(name: str) -> ActionDefinition:
    definition = CATALOGUE.find(*name.split(":"))
    assert definition is not None
    return definition


@pytest.mark.parametrize("definition", list(CATALOGUE), ids=lambda d: f"{d.controller}:{d.name}")
def test_a_right_call_passes(definition: ActionDefinition) -> None:
    definition.check(valid_payload(definition))
    required = {name for name, argument in definition.arguments.items() if argument.get("required")}
    bare = {name: value for name, value in valid_payload(definition).items() if name in required | {"body"}}
    definition.check(bare)
    definition.check({**bare, "unknown": [1], "volatile": {"a": 1}})


@pytest.mark.parametrize(
    ("definition", "payload", "error_id", "names"),
    CASES,
    ids=[f"{case[0].controller}:{case[0].name}-{number}" for number, case in enumerate(CASES)],
)
def test_a_wrong_call_gets_the_documented_error(
    definition: ActionDefinition, payload: dict[str, Any], error_id: str, names: str
) -> None:
    error = refusal(definition, payload)
    assert error.id == error_id
    assert error_id in {*definition.specification["errors"], "api.assert.invalid_type", "api.assert.invalid_argument"}
    if "%s" in error_table()[error_id]["1"]["message"]:
        assert f'"{names}"' in error.message


def test_both_validators_give_the_same_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kuzzle.validation.jsonschema_rs is not None
    monkeypatch.setattr(kuzzle.validation, "jsonschema_rs", None)
    slow = Catalogue.load(1)
    for definition, payload, _, _ in CASES:
        same = slow.find(definition.controller, definition.name)
        assert same is not None
        expected, found = refusal(definition, payload), refusal(same, payload)
        assert (found.id, found.message) == (expected.id, expected.message)
    for definition in CATALOGUE:
        same = slow.find(definition.controller, definition.name)
        assert same is not None
        same.check(valid_payload(definition))


@pytest.mark.parametrize(
    ("action", "payload", "error_id", "message"),
    [
        ("document:create", {}, "api.assert.body_required", "The request must specify a body."),
        ("document:create", {"body": {}}, "api.assert.missing_argument", 'Missing argument "index".'),
        (
            "document:create",
            {"body": {}, "index": "a"},
            "api.assert.missing_argument",
            'Missing argument "collection".',
        ),
        (
            "document:replace",
            {"body": {}, "index": "%a", "collection": "b", "refresh": "now"},
            "api.assert.missing_argument",
            'Missing argument "_id".',
        ),
        (
            "document:create",
            {"body": {}, "index": "%kuzzle", "collection": "b"},
            "services.storage.index_reserved",
            "Indexes starting with a '%' are reserved for internal use. Cannot process index %kuzzle.",
        ),
        (
            "document:create",
            {"body": {}, "index": "a", "collection": "b", "_id": "_c"},
            "api.assert.invalid_id",
            'Invalid "_id" value: cannot start with an underscore',
        ),
        (
            "document:update",
            {"body": {"_routing": "x"}, "index": "a", "collection": "b", "_id": "c"},
            "services.storage.no_routing",
            'The "_routing" keyword is forbidden.',
        ),
        (
            "document:update",
            {"body": {}, "index": "a", "collection": "b", "_id": "c", "refresh": True},
            "services.storage.invalid_argument",
            'Argument "refresh" is invalid (expected: one of wait_for, false)',
        ),
        (
            "document:get",
            {"index": "a", "collection": "b", "_id": "_search"},
            "services.storage.search_as_an_id",
            "_search is not a valid document identifier",
        ),
        (
            "document:search",
            {"index": "a,b", "collection": "c"},
            "services.storage.no_multi_indexes",
            "Cannot be run on multiple indexes.",
        ),
        (
            "document:search",
            {"index": "a", "collection": "_all"},
            "services.storage.no_multi_collections",
            "Cannot be run on multiple collections.",
        ),
        (
            "document:mGet",
            {"index": "a", "collection": "b", "body": {"ids": "c"}},
            "api.assert.invalid_type",
            'Wrong type for argument "body.ids" (expected: array)',
        ),
        (
            "document:count",
            {"index": "a", "collection": "b", "body": {"query": []}},
            "api.assert.invalid_type",
            'Wrong type for argument "body.query" (expected: object)',
        ),
        (
            "collection:list",
            {"index": "a", "type": "warm"},
            "api.assert.invalid_argument",
            'Invalid argument "type". Expected: one of all, stored, realtime',
        ),
        (
            "realtime:subscribe",
            {"index": "a", "collection": "b", "body": {}, "users": "some"},
            "core.realtime.invalid_users",
            'Invalid value for the "users" parameter (allowed: "all", "in", "out", "none").',
        ),
    ],
)
def test_errors_come_in_their_order_and_words(
    action: str, payload: dict[str, Any], error_id: str, message: str
) -> None:
    error = refusal(find(action), payload)
    assert (error.id, error.message) == (error_id, message)


@pytest.mark.parametrize("refresh", ["wait_for", "false", False])
def test_the_values_of_refresh(refresh: Any) -> None:
    find("document:create").check({"index": "a", "collection": "b", "body": {}, "refresh": refresh})


def test_an_empty_id_is_no_id_where_one_is_made() -> None:
    find("document:create").check({"index": "a", "collection": "b", "body": {}, "_id": ""})


def test_texts_of_a_query_string_become_arguments() -> None:
    search = find("document:search")
    assert search.from_texts({"from": "5", "size": "+7", "includeTrash": "false", "other": "1"}) == {
        "from": 5,
        "size": 7,
        "includeTrash": True,
        "other": "1",
    }
    assert search.from_texts({"from": "5x", "size": ["1", "2"]}) == {"from": "5x", "size": ["1", "2"]}
    assert refusal(search, {"index": "a", "collection": "b", **search.from_texts({"size": ["1", "2"]})}).id == (
        "api.assert.invalid_type"
    )


def test_names_of_pipes_follow_the_action() -> None:
    definition = find("document:mCreate")
    assert (definition.before_event, definition.after_event) == ("document:beforeMCreate", "document:afterMCreate")


def test_what_is_not_there_is_not_found() -> None:
    assert CATALOGUE.find("document", "mUpsert") is None
    assert CATALOGUE.find("memory", "get") is None
    assert CATALOGUE.has_controller("document")
    assert not CATALOGUE.has_controller("memory")


def test_references_are_gone() -> None:
    for definition in CATALOGUE:
        assert "$ref" not in re.findall(r"\$\w+", repr(definition.specification))


# Of several routes SDK 6 calls the shortest, and among equals the POST one.
@pytest.mark.parametrize(
    ("action", "route"),
    [
        ("document:search", "GET /:index/:collection"),
        ("document:create", "POST /:index/:collection/_create"),
        ("collection:list", "GET /:index/_list"),
        ("server:info", "GET /"),
        ("document:createOrReplace", "PUT /:index/:collection/:_id"),
        ("collection:create", "PUT /:index/:collection"),
    ],
)
def test_the_route_that_sdk_6_picks(action: str, route: str) -> None:
    routes = find(action).routes
    shortest = min(routes, key=lambda candidate: (len(candidate.path), candidate.verb != "POST"))
    assert f"{shortest.verb} {shortest.path}" == route
