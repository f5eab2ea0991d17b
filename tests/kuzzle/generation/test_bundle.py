"""The bundled schema says what the catalogue says, and holds what clients and server say to it."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from references import references

from kuzzle.catalogue import ActionDefinition, Catalogue
from kuzzle.generation.bundle import bundled_schema
from kuzzle.validation import Validator

CATALOGUE = Catalogue.load(1)
BUNDLE = bundled_schema(CATALOGUE)
PART = "schema of a value, said for a test"


def part(name: str) -> Validator:
    return Validator({"$ref": f"#/$defs/{name}", "$defs": BUNDLE["$defs"]})


def answer(**changes: Any) -> dict[str, Any]:
    return {
        "requestId": "r",
        "status": 200,
        "error": None,
        "controller": "server",
        "action": "now",
        "collection": None,
        "index": None,
        "volatile": None,
        "result": {"now": 1577836800000},
        **changes,
    }


def failure(error_id: str, status: int) -> dict[str, Any]:
    return {"status": status, "error": {"message": "no", "status": status, "id": error_id, "code": 1}, "result": None}


def test_it_is_a_schema_of_draft_2020_12_that_leads_nowhere_else() -> None:
    Draft202012Validator.check_schema(BUNDLE)
    leads_to = set(references(BUNDLE))
    assert leads_to
    assert {name.removeprefix("#/$defs/") for name in leads_to} <= BUNDLE["$defs"].keys()


def test_every_action_has_its_schemas() -> None:
    for definition in CATALOGUE:
        name = f"{definition.controller.replace('/', '.')}.{definition.name}"
        for kind in ("request", "result", "response", "failure"):
            assert f"{name}.{kind}" in BUNDLE["$defs"]
        assert (f"{name}.body" in BUNDLE["$defs"]) == ("body" in definition.specification)
        assert (f"{name}.partial" in BUNDLE["$defs"]) == bool(definition.specification.get("partial"))


@pytest.mark.parametrize(
    ("request_", "is_one"),
    [
        ({"controller": "server", "action": "now"}, True),
        ({"controller": "server", "action": "now", "jwt": None, "volatile": {"a": 1}, "more": 1}, True),
        ({"controller": "server", "action": "later"}, False),
        ({"controller": "memoryStorage", "action": "get", "_id": "key"}, True),
        ({"controller": "document", "action": "get", "index": "i", "collection": "c", "_id": "1"}, True),
        ({"controller": "document", "action": "get", "index": "i", "collection": "c", "_id": ""}, False),
        ({"controller": "document", "action": "get", "index": "i", "collection": "c"}, False),
        ({"controller": "document", "action": "create", "index": "i", "collection": "c"}, False),
        ({"controller": "document", "action": "create", "index": "%i", "collection": "c", "body": {}}, False),
        ({"controller": "document", "action": "create", "index": "i", "collection": "c", "body": {}}, True),
    ],
)
def test_requests_are_told_apart(request_: dict[str, Any], is_one: bool) -> None:
    assert part("request").is_valid(request_) is is_one
    assert Validator(BUNDLE).is_valid(request_) is is_one


@pytest.mark.parametrize(
    ("changes", "is_one"),
    [
        ({}, True),
        ({"room": "r"}, True),
        ({"result": {"now": "today"}}, False),
        ({"status": 206}, False),
        (failure("api.process.overloaded", 503), True),
        (failure("services.storage.unknown_index", 412), False),
        ({"controller": "document", "action": "get"}, False),
        ({"action": "later"}, False),
    ],
)
def test_responses_are_those_of_their_actions(changes: dict[str, Any], is_one: bool) -> None:
    assert part("response").is_valid(answer(**changes)) is is_one


def test_a_partial_answer_has_an_error_and_a_result() -> None:
    error = {"message": "m", "status": 206, "id": "services.storage.incomplete_create", "code": 1, "errors": [{}]}
    named = {"controller": "document", "action": "mCreate", "result": {"hits": [], "total": 0}}
    assert part("response").is_valid(answer(**named, status=206, error={**error, "count": 1}))
    assert not part("response").is_valid(answer(**named, status=206))
    assert part("response").is_valid(answer(**named))


def test_the_error_that_a_schema_names_is_kept_under_a_name_of_our_own() -> None:
    index = BUNDLE["$defs"]["document.create.request"]["properties"]["index"]
    assert index["x-error"] == "services.storage.index_reserved"
    assert "error" not in index


def test_an_action_that_is_added_appears() -> None:
    specification = {
        "since": "1.0.0",
        "arguments": {"title": {"in": "query", "type": "string", "required": True, "description": PART}},
        "result": {"type": "integer"},
        "errors": [],
    }
    added = ActionDefinition("shop", "lend", "Lends a book.", specification)
    bundle = bundled_schema(Catalogue({("shop", "lend"): added}))
    assert bundle["$defs"]["request"]["oneOf"] == [{"$ref": "#/$defs/shop.lend.request"}]
    assert Validator(bundle).is_valid({"controller": "shop", "action": "lend", "title": "Emma"})
    assert not Validator(bundle).is_valid({"controller": "shop", "action": "lend"})
    assert Validator(bundle).is_valid(answer(controller="shop", action="lend", result=3))
    assert not Validator(bundle).is_valid(answer(controller="shop", action="lend", result="three"))
