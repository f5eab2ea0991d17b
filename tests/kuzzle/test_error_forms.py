"""Every error has one of the documented forms, each with its schema."""

from __future__ import annotations

from typing import Any

import pytest
import wire
from harness import Server

from kuzzle.api.v1 import ApiV1
from kuzzle.catalogue import Catalogue
from kuzzle.errors import KuzzleError, PartialError, error_table
from kuzzle.schemas import load_schema
from kuzzle.validation import Validator

RESPONSE = load_schema("response.json")
FAULT = Validator({"$ref": "#/$defs/fault", "$defs": RESPONSE["$defs"]})


@pytest.mark.parametrize("error_id", list(error_table()))
def test_every_error_of_the_table_has_the_documented_form(error_id: str) -> None:
    is_partial = error_table()[error_id]["1"]["status"] == 206
    error = PartialError(error_id, [], None) if is_partial else KuzzleError(error_id)
    wire.check_error(ApiV1(Catalogue({})).error(error))


@pytest.mark.parametrize(
    "wrong",
    [
        {"message": "m"},
        {"message": "", "status": 400},
        {"message": "m", "status": 200},
        {"message": "m", "status": 400, "id": "a.b.c"},
        {"message": "m", "status": 400, "code": 5},
        {"message": "m", "status": 400, "errors": [], "count": 0},
        {"message": "m", "status": 206, "id": "a.b.c", "code": 5},
        {"message": "m", "status": 400, "stack": "at line 5"},
    ],
)
def test_other_forms_are_no_errors(wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        wire.check_error(wrong)


@pytest.mark.parametrize(
    "message", [{"requestId": "r", "controller": 5}, {"requestId": "r", "volatile": "v"}, 123, '"x"']
)
async def test_a_wrong_envelope_gets_the_form_of_a_fault(server: Server, message: Any) -> None:
    websocket = await server.websocket()
    await websocket.send(message)
    answer = await websocket.other()
    assert not FAULT.faults(answer)
    assert answer.get("room") == ("r" if isinstance(message, dict) else None)
