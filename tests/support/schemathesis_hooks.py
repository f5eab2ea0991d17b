"""What schemathesis does beside its own, when the tests let it call every route (variable SCHEMATHESIS_HOOKS)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import schemathesis

# What the server under test holds: half of all calls are about it, so that they reach what an action does.
_KNOWN: Final[Mapping[str, str]] = {"index": "library", "collection": "books", "_id": "emma", "strategy": "local"}


@schemathesis.hook
def map_path_parameters(_context: Any, parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Put names that exist into half of the paths."""
    if parameters is None or sum(map(len, map(str, parameters.values()))) % 2:
        return parameters
    return {name: _KNOWN.get(name, value) for name, value in parameters.items()}


@schemathesis.check
def error_stands_under_its_status(_context: Any, response: Any, case: Any) -> None:
    """Demand that the id of an error is one of those that the operation has under the status of the answer."""
    answer = response.json()
    error = answer.get("error") if "requestId" in answer else answer
    if error is not None and "id" in error:
        responses = case.operation.definition.raw["responses"]
        known = responses.get(str(response.status_code), {}).get("x-error-ids", ())
        assert error["id"] in known, f"{error['id']} is not documented under {response.status_code}"
