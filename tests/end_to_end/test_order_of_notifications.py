"""Whoever follows a channel hears every write once and in the order of the commits, whatever way it came and goes.

Writers of every protocol write the same documents at once, singly and many at a time. Every notification carries the id
of its request, and answers tell the versions of the documents, so the order is known without trusting any of them.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from contextlib import AsyncExitStack
from typing import Any

import pytest
from harness import Server
from talkers import talker

BOOKS = {"index": "library", "collection": "books"}
READERS = ("websocket", "socketio", "mqtt")
WRITERS = ("http", "websocket", "websocket", "mqtt", "socketio")
SHARED = [f"shared-{number}" for number in range(3)]
ROUNDS = 12

Told = tuple[str, str]
"""Request id and document id."""


class Writer:
    """Writes shared documents and own ones, a request after the other.

    Attributes:
        wrote: What was told, in the order of its requests; those of one request in theirs.
        versions: Version that a request gave a shared document.
    """

    def __init__(self, server: Server, client: Any, name: str, chance: random.Random) -> None:
        self.server = server
        self.client = client
        self.name = name
        self.chance = chance
        self.ids = itertools.count()
        self.wrote: list[list[Told]] = []
        self.versions: dict[Told, int] = {}

    async def ask(self, action: str, **members: Any) -> Any:
        if self.client is not None:
            request_id = f"{self.name}-{next(self.ids)}"
            answer = await self.client.ask("document", action, requestId=request_id, **BOOKS, **members)
            assert answer["error"] is None, answer
            return answer
        body = members.get("body")
        verb, path = {
            "createOrReplace": ("PUT", f"/library/books/{members.get('_id')}"),
            "update": ("PUT", f"/library/books/{members.get('_id')}/_update"),
            "delete": ("DELETE", f"/library/books/{members.get('_id')}"),
            "mCreateOrReplace": ("PUT", "/library/books/_mCreateOrReplace"),
            "mUpdate": ("PUT", "/library/books/_mUpdate"),
            "mDelete": ("DELETE", "/library/books/_mDelete"),
        }[action]
        answer = (await self.server.http(verb, path, body)).json
        assert answer["error"] is None, answer
        return answer

    async def run(self) -> None:
        for number in range(ROUNDS):
            kind = self.chance.choice(["createOrReplace", "update", "mCreateOrReplace", "mUpdate", "delete", "mDelete"])
            if kind in ("createOrReplace", "update"):
                name = self.chance.choice(SHARED)
                await self.told(await self.ask(kind, _id=name, body={"from": self.name, "number": number}), [name])
            elif kind in ("mCreateOrReplace", "mUpdate"):
                names = self.chance.sample(SHARED, self.chance.randint(1, len(SHARED)))
                documents = [{"_id": name, "body": {"from": self.name, "number": number}} for name in names]
                await self.told(await self.ask(kind, body={"documents": documents}), names)
            else:
                own = [f"{self.name}-{number}-{count}" for count in range(1 if kind == "delete" else 2)]
                for name in own:
                    await self.told(await self.ask("createOrReplace", _id=name, body={}), [name])
                if kind == "delete":
                    await self.told(await self.ask(kind, _id=own[0]), own)
                else:
                    await self.told(await self.ask(kind, body={"ids": own}), own)

    async def told(self, answer: Any, names: list[str]) -> None:
        request_id = answer["requestId"]
        self.wrote.append([(request_id, name) for name in names])
        result = answer["result"]
        hits = result["hits"] if isinstance(result, dict) and "hits" in result else [result]
        for hit in hits:
            if isinstance(hit, dict) and hit["_id"] in SHARED:
                self.versions[request_id, hit["_id"]] = hit["_version"]


@pytest.mark.parametrize("seed", range(3))
async def test_every_write_is_heard_once_and_in_the_order_of_commits(server: Server, seed: int) -> None:
    await server.prepare()
    for name in SHARED:
        await server.http("POST", f"/library/books/{name}/_create", {})
    chance = random.Random(seed)
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(talker(server, protocol)) for protocol in READERS]
        for reader in readers:
            await reader.subscribe({})
        writers = []
        for number, protocol in enumerate(WRITERS):
            client = None if protocol == "http" else await stack.enter_async_context(talker(server, protocol))
            writers.append(Writer(server, client, f"{protocol}{number}", random.Random(chance.random())))
        await asyncio.gather(*(writer.run() for writer in writers))
        streams = []
        for reader in readers:
            await reader.ask("server", "now")
            streams.append([(one["requestId"], one["result"]["_id"]) for one in reader.notifications])
    assert streams[0] == streams[1] == streams[2]
    (heard, *_) = streams
    written = [told for writer in writers for together in writer.wrote for told in together]
    assert len(set(written)) == len(written)
    assert sorted(heard) == sorted(written)
    place = {told: number for number, told in enumerate(heard)}
    for writer in writers:
        for earlier, later in zip(writer.wrote, writer.wrote[1:], strict=False):
            assert max(place[told] for told in earlier) < min(place[told] for told in later)
    versions = {told: version for writer in writers for told, version in writer.versions.items()}
    for name in SHARED:
        order = [versions[told] for told in heard if told[1] == name]
        assert order == list(range(2, 2 + len(order)))
