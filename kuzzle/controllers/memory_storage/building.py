"""Commands that no row of the table can say: their arguments depend on each other."""

from __future__ import annotations

from typing import Any, Final

from kuzzle.controllers.memory_storage.rows import encoded, items
from kuzzle.errors import KuzzleError
from kuzzle.request import Request

INTERSECTION: Final = b"ZINTERSTORE"
UNION: Final = b"ZUNIONSTORE"


def build_set(request: Request) -> list[bytes]:
    """SET _id value [EX ex] [PX px] [NX] [XX]."""
    body = request.body
    _check_exclusive(body, "nx", "xx")
    _check_exclusive(body, "ex", "px")
    words = [b"SET", _key(request), encoded(body["value"])]
    for name in ("ex", "px"):
        if body.get(name):
            words += [name.upper().encode(), encoded(body[name])]
    return words + _flags(body, "nx", "xx")


def build_sort(request: Request) -> list[bytes]:
    """SORT _id [ALPHA] [ASC|DESC] [BY by] [LIMIT offset count] [GET pattern]... [STORE store]."""
    body = request.body or {}
    words = [b"SORT", _key(request), *_flags(body, "alpha")]
    if body.get("direction") is not None:
        words.append(encoded(body["direction"]).upper())
    if body.get("by") is not None:
        words += [b"BY", encoded(body["by"])]
    if body.get("limit") is not None:
        words += [b"LIMIT", *items(body["limit"])]
    for pattern in body.get("get") or ():
        words += [b"GET", encoded(pattern)]
    if body.get("store") is not None:
        words += [b"STORE", encoded(body["store"])]
    return words


def build_zadd(request: Request) -> list[bytes]:
    """ZADD _id [NX] [XX] [CH] [INCR] score member [score member]..."""
    body = request.body
    _check_exclusive(body, "nx", "xx")
    elements = body["elements"]
    if not elements:
        raise KuzzleError("api.assert.empty_argument", "elements")
    if body.get("incr") and len(elements) > 1:
        raise KuzzleError("api.assert.too_many_arguments", "elements")
    words = [b"ZADD", _key(request), *_flags(body, "nx", "xx", "ch", "incr")]
    for position, element in enumerate(elements):
        if element.get("member") is None:
            raise KuzzleError("api.assert.missing_argument", f"elements[{position}].member")
        if not _is_score(element.get("score")):
            raise KuzzleError("api.assert.invalid_type", "score", "number")
        words += [encoded(element["score"]), encoded(element["member"])]
    return words


class CombinedSets:
    """ZINTERSTORE and ZUNIONSTORE: _id numkeys key... [WEIGHTS weight...] [AGGREGATE SUM|MIN|MAX]."""

    def __init__(self, command: bytes) -> None:
        self._command = command

    def __call__(self, request: Request) -> list[bytes]:
        """Return the command of a request."""
        body = request.body
        keys = items(body["keys"])
        if not keys:
            raise KuzzleError("api.assert.empty_argument", "keys")
        words = [self._command, _key(request), b"%d" % len(keys), *keys]
        if body.get("weights") is not None:
            words += [b"WEIGHTS", *items(body["weights"])]
        if body.get("aggregate") is not None:
            words += [b"AGGREGATE", encoded(body["aggregate"]).upper()]
        return words


def _key(request: Request) -> bytes:
    return encoded(request.payload["_id"])


def _flags(body: dict[str, Any], *names: str) -> list[bytes]:
    return [name.upper().encode() for name in names if body.get(name)]


def _check_exclusive(body: dict[str, Any], first: str, second: str) -> None:
    if body.get(first) and body.get(second):
        raise KuzzleError("api.assert.mutually_exclusive", first, second)


def _is_score(value: Any) -> bool:
    """Tell whether a value is a number, or a text that reads as one (`+inf` included)."""
    if isinstance(value, str):
        try:
            return float(value) == float(value)  # not a number is unlike itself
        except ValueError:
            return False
    return isinstance(value, int | float) and not isinstance(value, bool)
