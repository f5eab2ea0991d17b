"""Clients that write until the server dies, and know what it must still have afterwards."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from harness import WebSocket

INDEX = "library"
COLLECTION = "books"
TARGET = {"index": INDEX, "collection": COLLECTION}
MAPPING = {
    "properties": {
        "n": {"type": "integer"},
        "text": {"type": "text"},
        "tag": {"type": "keyword"},
        "place": {"type": "geo_point"},
        "parts": {"type": "nested", "properties": {"name": {"type": "keyword"}}},
    }
}
# Operations of an import that share a commit.
CHUNK = 200


@dataclass(frozen=True)
class State:
    """A document as a client can tell it from others."""

    version: int
    n: int
    is_active: bool = True


Value = State | tuple[str, ...] | None
"""A document; an index as the names of its collections; None: there is none."""

States = dict[str, Value]
"""Documents by their ids, and indexes by `index ` and their names."""

PLACE = "index "


@dataclass(frozen=True)
class Step:
    """A write whose answer has not come: its chunks happened in order, each wholly or not at all."""

    chunks: tuple[States, ...]


def content(n: int, **more: Any) -> dict[str, Any]:
    """What a document holds."""
    return {
        "n": n,
        "text": f"common word{n % 7} and {n}",
        "tag": f"tag{n % 5}",
        "place": {"lat": n % 80, "lon": n % 170},
        "parts": [{"name": f"part{n % 3}"}, {"name": "whole"}],
        **more,
    }


class CrashWriter:
    """One client, with documents of its own.

    Attributes:
        states: The documents as last acknowledged; None: removed.
        acknowledged: How many writes were.
        fields: Mapped fields that were acknowledged.
    """

    def __init__(self, name: str, chance: random.Random) -> None:
        self.states: States = {}
        self.acknowledged = 0
        self.fields: list[str] = []
        self._name = name
        self._chance = chance
        self._count = 0
        self._step: Step | None = None

    # --- writing

    async def write(self, websocket: WebSocket) -> None:
        """Write for ever."""
        kinds: list[tuple[Callable[[WebSocket], Any], int]] = [
            (self._create, 4),
            (self._change, 8),
            (self._create_many, 2),
            (self._import, 2),
            (self._import_long, 1),
            (self._map, 1),
            (self._change_place, 1),
        ]
        while True:
            (kind,) = self._chance.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])
            await kind(websocket)

    def _next(self) -> tuple[str, int]:
        self._count += 1
        return f"{self._name}-{self._count}", self._count

    def _active(self) -> list[str]:
        return [name for name, state in self.states.items() if isinstance(state, State) and state.is_active]

    def _document(self, name: str) -> State:
        state = self.states[name]
        assert isinstance(state, State)
        return state

    async def _ask(
        self, websocket: WebSocket, request: tuple[str, str], chunks: Iterable[States], **members: Any
    ) -> Any:
        self._step = Step(tuple(chunks))
        reply = await websocket.request(*request, **members)
        assert reply["status"] == 200, reply
        for chunk in self._step.chunks:
            self.states |= chunk
        self._step = None
        self.acknowledged += 1
        return reply["result"]

    async def _create(self, websocket: WebSocket) -> None:
        name, n = self._next()
        more = {self._chance.choice(self.fields): f"value {n}"} if self.fields else {}
        await self._ask(
            websocket, ("document", "create"), [{name: State(1, n)}], **TARGET, _id=name, body=content(n, **more)
        )

    async def _change(self, websocket: WebSocket) -> None:
        names = self._active()
        if not names:
            return
        name, (_, n) = self._chance.choice(names[-40:]), self._next()
        before = self._document(name)
        action = self._chance.choice(["replace", "createOrReplace", "update", "update", "delete"])
        after = State(before.version + 1, before.n, False) if action == "delete" else State(before.version + 1, n)
        body = {"delete": None, "update": {"n": n, "tag": f"changed{n}"}}.get(action, content(n))
        members = {} if body is None else {"body": body}
        await self._ask(websocket, ("document", action), [{name: after}], **TARGET, _id=name, **members)

    async def _create_many(self, websocket: WebSocket) -> None:
        fresh = [self._next() for _ in range(25)]
        documents = [{"_id": name, "body": content(n)} for name, n in fresh]
        states: States = {name: State(1, n) for name, n in fresh}
        await self._ask(websocket, ("document", "mCreate"), [states], **TARGET, body={"documents": documents})

    async def _import(self, websocket: WebSocket) -> None:
        states: States = {}
        lines: list[Any] = []
        names = self._active()
        for name in self._chance.sample(names, min(10, len(names))):
            before, (_, n) = self._document(name), self._next()
            if self._chance.random() < 0.3:
                states[name] = None
                lines.append({"delete": {"_id": name}})
            else:
                states[name] = State(before.version + 1, n)
                lines += [{"update": {"_id": name}}, {"doc": {"n": n}}]
        for name, n in [self._next() for _ in range(20)]:
            states[name] = State(1, n)
            lines += [{"index": {"_id": name}}, content(n)]
        await self._ask(websocket, ("bulk", "import"), [states], **TARGET, body={"bulkData": lines})

    async def _import_long(self, websocket: WebSocket) -> None:
        fresh = [self._next() for _ in range(CHUNK + 50)]
        lines = [line for name, n in fresh for line in ({"create": {"_id": name}}, content(n))]
        chunks: list[States] = [
            {name: State(1, n) for name, n in fresh[start : start + CHUNK]} for start in range(0, len(fresh), CHUNK)
        ]
        await self._ask(websocket, ("bulk", "import"), chunks, **TARGET, body={"bulkData": lines})

    async def _map(self, websocket: WebSocket) -> None:
        _, n = self._next()
        field = f"later_{self._name}_{n}"
        mapping = {"properties": {field: {"type": "keyword"}}}
        await self._ask(websocket, ("collection", "updateMapping"), [], **TARGET, body=mapping)
        self.fields.append(field)

    async def _change_place(self, websocket: WebSocket) -> None:
        index, (_, n) = f"own-{self._name}", self._next()
        before = self.states.get(PLACE + index)
        after: Value
        if not isinstance(before, tuple):
            action, after, members = ("index", "create"), (), {}
        elif len(before) == 2:
            action, after, members = ("index", "delete"), None, {}
        else:
            name = f"c{n}"
            action, after = ("collection", "create"), tuple(sorted([*before, name]))
            members = {"collection": name, "body": MAPPING}
        await self._ask(websocket, action, [{PLACE + index: after}], index=index, **members)

    # --- afterwards

    async def check(self, websocket: WebSocket) -> Iterator[str]:
        """Return what is missing or half done; the writer goes on from what it found."""
        names = dict.fromkeys([*self.states, *(name for chunk in self._chunks() for name in chunk)])
        found = await read_states(websocket, list(names))
        wanted = [dict(self.states)]
        for chunk in self._chunks():
            wanted.append({**wanted[-1], **chunk})
        complete = [{**dict.fromkeys(names), **states} for states in wanted]
        faults = [] if found in complete else [_difference(complete[0], found)]
        self.states, self._step = found, None
        shown = (await websocket.request("collection", "getMapping", **TARGET))["result"]
        mapped = shown[INDEX]["mappings"][COLLECTION]["properties"]
        faults += [f"the mapping lost {field}" for field in self.fields if field not in mapped]
        return iter(faults)

    def _chunks(self) -> tuple[States, ...]:
        return () if self._step is None else self._step.chunks


async def read_states(websocket: WebSocket, names: list[str]) -> States:
    """Read documents and indexes."""
    states: States = {}
    for name in names:
        if name.startswith(PLACE):
            states[name] = await _read_index(websocket, name.removeprefix(PLACE))
    ids = [name for name in names if not name.startswith(PLACE)]
    for start in range(0, len(ids), 5000):
        body = {"ids": ids[start : start + 5000]}
        for hit in (await websocket.request("document", "mGet", **TARGET, body=body))["result"]["hits"]:
            source = hit.get("_source")
            states[hit["_id"]] = (
                None
                if source is None
                else State(hit["_version"], source["n"], source["_kuzzle_info"].get("active", True))
            )
    return states


async def _read_index(websocket: WebSocket, index: str) -> Value:
    if not (await websocket.request("index", "exists", index=index))["result"]:
        return None
    listed = await websocket.request("collection", "list", index=index)
    return tuple(entry["name"] for entry in listed["result"]["collections"])


def _difference(wanted: States, found: States) -> str:
    return "; ".join(
        f"{name}: {wanted[name]} acknowledged, {found[name]} found" for name in wanted if wanted[name] != found[name]
    )
