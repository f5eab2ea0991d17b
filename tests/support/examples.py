"""Examples of the documentation: requests that the tests have sent, and what answered them.

Each stands in `schemas/examples/<controller>/<action>.json`, as `{"http", "request", "response"}`: the line and body
over HTTP, the envelope over WebSocket, and the answer to that. What is never the same twice (ids, times, sizes)
stands there as one of its kind. Set RECORD_EXAMPLES to write them anew; without it a reply that differs fails the test.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from action_table import Way

from kuzzle.catalogue import ActionDefinition
from tests.actions.ms import BY_CHANCE, IN_ANY_ORDER, OF_THE_MOMENT

FOLDER: Final = Path(__file__).parents[2] / "schemas" / "examples"
IS_RECORDED: Final = bool(os.environ.get("RECORD_EXAMPLES"))

_TIME: Final = 1767225600000
# What a text may hold that is new each time, and what stands for it.
_TEXTS: Final = (
    (
        re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
        "6c5a7b2e-8a53-4d1e-9a2e-0e8b2a4c7f10",
    ),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), "eyJhbGciOiJIUzI1NiJ9.eyJfaWQiOiJhZGEifQ.c2lnbmF0dXJl"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "2026-01-01T00:00:00.000Z"),
    (re.compile(r"(?<![\w-])(?=[0-9a-f]*[A-Zg-z_-])[\w-]{32}(?![\w-])"), "D4vNaJRjXgZtmM-f5AE9JYjCpredFYxA"),
    (re.compile(r"(?<![\w-])A[\w-]{19}(?![\w-])"), "AZt2xq0QkPpZ4bX3m1Yc"),
    (re.compile(r"\brequest-\d+\b"), "my-request"),
    (re.compile(r"localhost:\d+"), "localhost:7512"),
    (re.compile(r"(?<![\w/])/(?:tmp|var|home|root)/[\w./-]+"), "/var/lib/kuzzle"),
)
# Members that hold what the moment or the machine gives, and what is shown there.
_MEMBERS: Final[Mapping[str, Any]] = {
    "took": 1,
    "uptime": "3600s",
    "memoryUsed": 52428800,
    "spaceUsed": "409600",
    "nodeVersion": "Python 3.11.9",
    "version": "1.12.0",
    "system": {"memory": {"total": 8589934592, "free": 4294967296}, "cpus": [{"model": "CPU", "speed": 2400}]},
}
# Objects with more members are cut in the documentation.
_MOST_MEMBERS: Final = 30


def plain(value: Any, name: str = "") -> Any:
    """Return a value in which everything that is new each time is one of its kind."""
    if name in _MEMBERS and value is not None:
        return _MEMBERS[name]
    if isinstance(value, Mapping):
        members = {plain(key): plain(inner, key) for key, inner in value.items()}
        if len(members) <= _MOST_MEMBERS:
            return members
        return {**dict(itertools.islice(members.items(), 2)), "...": "and so on"}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str):
        for pattern, example in _TEXTS:
            value = pattern.sub(example, value)
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > 1_600_000_000_000:
        return _TIME
    return value


def check_example(
    definition: ActionDefinition, call: Mapping[str, Any], response: Mapping[str, Any], over_http: Any
) -> None:
    """Hold a call and its answer against the example that the documentation shows, or write it there.

    Args:
        over_http: The call and the answer by the first HTTP route; None where there is none.
    """
    names = {"controller": definition.controller, "action": definition.name}
    request = {**names, **call, "requestId": response["requestId"]}
    http = None
    if over_http is not None:
        verb, target, body = Way(definition, 0).http_request(over_http[0])
        http = {"request": f"{verb} {target}"} | ({} if body is None else {"body": body})
    found = {"http": plain(http), "request": plain(request), "response": plain(response)}
    path = FOLDER / definition.controller / f"{definition.name}.json"
    if IS_RECORDED:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    assert path.exists(), f"{path} is missing: run the test with RECORD_EXAMPLES=1"
    shown = json.loads(path.read_text())
    assert _settled(definition, shown) == _settled(definition, json.loads(json.dumps(found))), f"{path} shows another"


def _settled(definition: ActionDefinition, example: dict[str, Any]) -> dict[str, Any]:
    """Return an example without what is left to chance in its answer."""
    if definition.controller != "ms":
        return example
    name, result = definition.name, example["response"]["result"]
    if name in BY_CHANCE | OF_THE_MOMENT | {"spop"}:
        result = None
    elif name in IN_ANY_ORDER and isinstance(result, list):
        result = sorted(result, key=repr)
    elif name.endswith("scan"):
        result = [result[0], sorted(result[1])]
    return {**example, "response": {**example["response"], "result": result}}
