"""The form of the tables in tests/actions: what calling each action gives, stated once for every way to it.

A call is written as its envelope over WebSocket, without `controller` and `action`. From the routes of the
action's schema follow the HTTP requests that say the same.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

from harness import Server, WebSocket, merge

from kuzzle.catalogue import ActionDefinition, Catalogue

CATALOGUE = Catalogue.load(1)
Preparation = Callable[[Server], Awaitable[Mapping[str, Any] | None]]
"""Brings about what a call needs; what it returns goes over the call (an id that only the server knows)."""

BOOKS: Mapping[str, Any] = {"index": "library", "collection": "books"}

# Why an error that an action documents does not come from this server; another backend may send it.
IN_MEMORY = "answered from memory, without the store's file"
NEVER_QUEUED = "reads without waiting for a turn"
ATOMIC = "the embedded store reads and writes in one step, so no version is ever passed over"
BY_COLLECTION = "field types are no matter of the whole index, as docs/differences.md says"
OTHER_BACKENDS = "the embedded store words this otherwise"
UNREADABLE_CACHE = dict.fromkeys(
    ("services.cache.not_connected", "services.cache.read_failed"), "the cache is a part of the server"
)
UNUSABLE_CACHE = {**UNREADABLE_CACHE, "services.cache.write_failed": "the cache is a part of the server"}


@dataclass(frozen=True)
class Refusal:
    """A call that is refused.

    Attributes:
        error_id: With which error.
        changes: What is changed in the action's call; None takes a member out.
        options: Options of the server.
        prepare: Done before.
        only_websocket: HTTP cannot say it, or ends otherwise.
    """

    error_id: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    prepare: Preparation | None = None
    only_websocket: bool = False


@dataclass(frozen=True)
class Action:
    """What is known of an action.

    Attributes:
        call: A call that succeeds in the world that `build_world` makes.
        result: What its result holds, as `holds` reads it.
        prepare: Done before the call.
        refusals: Calls that are refused; those that follow from the schema alone need not stand here.
        unreachable: Documented errors that this server does not send, and why.
    """

    call: Mapping[str, Any]
    result: Any
    prepare: Preparation | None = None
    refusals: tuple[Refusal, ...] = ()
    unreachable: Mapping[str, str] = field(default_factory=dict)


def reserved(**changes: Any) -> Refusal:
    """The refusal of an index of the server's own."""
    return Refusal("services.storage.index_reserved", {"index": "%kuzzle", **changes})


def unknown_index(error_id: str = "services.storage.unknown_index") -> Refusal:
    """The refusal of an index that does not exist."""
    return Refusal(error_id, {"index": "nowhere"})


REFRESH = Refusal("services.storage.invalid_argument", {"refresh": "soon"})


def holds(expected: Any, found: Any) -> bool:
    """Tell whether a value holds what is expected.

    Of an object the named members are compared, of an array each item in order; a type stands for any value
    of it, a function is asked; everything else must be equal and of the same type.
    """
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            name in found and holds(value, found[name]) for name, value in expected.items()
        )
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(holds, expected, found))
    if isinstance(expected, type):
        return isinstance(found, expected)
    if callable(expected):
        return bool(expected(found))
    return type(expected) is type(found) and bool(expected == found)


async def build_world(server: Server) -> None:
    """Make what calls work on.

    library/books holds emma, persuasion and, in the trash, ivanhoe; library/strict has a strict mapping,
    library/checked a specification.
    """
    mappings = {
        "books": {"properties": {"title": {"type": "text"}, "year": {"type": "integer"}}},
        "strict": {"dynamic": "strict", "properties": {"n": {"type": "long"}}},
        "checked": {},
    }
    reply = await server.http("POST", "/admin/_loadMappings?refresh=wait_for", {"library": mappings})
    assert reply.status == 200
    documents = [
        {"_id": "emma", "body": {"title": "Emma", "year": 1815}},
        {"_id": "persuasion", "body": {"title": "Persuasion", "year": 1817}},
        {"_id": "ivanhoe", "body": {"title": "Ivanhoe", "year": 1819}},
    ]
    lines = [line for entry in documents for line in ({"create": {"_id": entry["_id"]}}, entry["body"])]
    reply = await server.http("POST", "/library/books/_bulk", {"bulkData": lines})
    assert reply.status == 200
    await server.http("DELETE", "/library/books/ivanhoe?refresh=wait_for")
    specification = {"strict": True, "fields": {"title": {"type": "string", "mandatory": True}}}
    reply = await server.http("PUT", "/library/checked/_specifications", specification)
    assert reply.status == 200


def changed(call: Mapping[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """A call with changes over it; None takes a member out."""
    return {name: value for name, value in merge(call, changes or {}).items() if value is not None}


_ASKERS: WeakKeyDictionary[Server, WebSocket] = WeakKeyDictionary()


async def asker(server: Server) -> WebSocket:
    """The connection that asks over WebSocket: the same for a preparation and its call."""
    if server not in _ASKERS:
        _ASKERS[server] = await server.websocket()
    return _ASKERS[server]


@dataclass(frozen=True)
class Way:
    """A way to an action: a route over HTTP, or an envelope over WebSocket."""

    definition: ActionDefinition
    route: int | None = None

    def __str__(self) -> str:
        if self.route is None:
            return "WebSocket"
        route = self.definition.routes[self.route]
        return f"{route.verb} {route.path}"

    def can_say(self, call: Mapping[str, Any]) -> bool:
        """Tell whether a call can be said this way."""
        if self.route is None:
            return True
        path = self.definition.routes[self.route].path
        names = {part[1:] for part in path.split("/") if part.startswith(":")}
        hidden = {name for name, schema in self.definition.arguments.items() if schema["in"] == "root"}
        return (
            all(isinstance(call.get(name), str) and call[name] for name in names)
            and not hidden & call.keys()
            and not any(isinstance(value, dict | list) for name, value in call.items() if name != "body")
        )

    async def call(self, server: Server, call: Mapping[str, Any]) -> dict[str, Any]:
        """Send a call; the envelope of its answer, which is held against its schema."""
        if self.route is None:
            websocket = await asker(server)
            return await websocket.request(self.definition.controller, self.definition.name, **call)
        verb, path, body = self.http_request(call)
        reply = await server.http(verb, path, body)
        envelope: dict[str, Any] = reply.json
        return envelope

    def http_request(self, call: Mapping[str, Any]) -> tuple[str, str, Any]:
        """Return a call as verb, path and body of its route."""
        assert self.route is not None
        route = self.definition.routes[self.route]
        arguments = {name: value for name, value in call.items() if name != "body"}
        parts = [
            quote(str(arguments.pop(part[1:])), safe="") if part.startswith(":") else part
            for part in route.path.split("/")
        ]
        texts = {name: _text(value) for name, value in arguments.items() if value is not False}
        query = f"?{urlencode(texts)}" if texts else ""
        return route.verb, "/".join(parts) + query, call.get("body")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def ways_to(definition: ActionDefinition) -> Iterator[Way]:
    """Every way to an action."""
    yield Way(definition)
    for number in range(len(definition.routes)):
        yield Way(definition, number)
