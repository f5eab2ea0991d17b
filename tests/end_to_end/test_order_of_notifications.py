"""Whoever follows a channel hears every write once and in the order of the commits, whatever way it came and goes.

Programs are drawn by chance: writers of every protocol write the same documents at once, singly, many at a time and
several requests ahead. The order is that which SQLite has committed in. A write is known by the mark it leaves in the
content, so nothing that the server says of its own order is trusted.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import tornado.ioloop
from commit_log import CommitLog, Committed
from harness import Server
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from talkers import Talker, talker

PROTOCOLS = ("websocket", "socketio", "mqtt")
WRITERS = ("websocket", "mqtt", "http", "socketio", "websocket")
NAMES = ("a", "b", "c")
LEFT = {"equals": {"side": "left"}}
ROUTES = {
    "create": ("POST", "/{name}/_create"),
    "createOrReplace": ("PUT", "/{name}"),
    "replace": ("PUT", "/{name}/_replace"),
    "update": ("PUT", "/{name}/_update"),
    "delete": ("DELETE", "/{name}"),
    "mCreate": ("POST", "/_mCreate"),
    "mCreateOrReplace": ("PUT", "/_mCreateOrReplace"),
    "mReplace": ("PUT", "/_mReplace"),
    "mUpdate": ("PUT", "/_mUpdate"),
    "mDelete": ("DELETE", "/_mDelete"),
    "deleteByQuery": ("DELETE", "/_query"),
    "mWrite": ("POST", "/_mWrite?notify"),
}


class Step(NamedTuple):
    """A request of a writer; `is_ahead`: it is sent before the one in front of it is answered."""

    action: str
    names: tuple[str, ...]
    side: str
    is_ahead: bool


STEPS = st.builds(
    Step,
    st.sampled_from(sorted(ROUTES)),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from(("left", "right")),
    st.booleans(),
)
PROGRAMS = st.lists(st.lists(STEPS, min_size=1, max_size=8), min_size=2, max_size=len(WRITERS))


class Heard(NamedTuple):
    """A notification: the mark of the write, or `deleted`; the document; whether it came `in` or went `out`."""

    mark: str
    id: str
    scope: str


@dataclass
class Stage:
    """A server with clients that stay for all programs."""

    server: Server
    log: CommitLog
    writers: Sequence[Talker | None]
    readers: Sequence[tuple[Talker, Talker]]
    restless: Talker

    @classmethod
    @asynccontextmanager
    async def open(cls, server: Server) -> AsyncIterator[Stage]:
        async with AsyncExitStack() as stack:
            protocols = [*WRITERS, *PROTOCOLS, *PROTOCOLS, "websocket"]
            clients = await asyncio.gather(*(stack.enter_async_context(talker(server, one)) for one in protocols))
            writers, everything, left, (restless,) = (
                clients[: len(WRITERS)],
                clients[len(WRITERS) : -4],
                clients[-4:-1],
                clients[-1:],
            )
            await server.http("POST", "/library/_create")
            yield cls(server, CommitLog(server), writers, list(zip(everything, left, strict=True)), restless)


class Run:
    """One program in a collection of its own."""

    def __init__(self, stage: Stage, number: int) -> None:
        self.stage = stage
        self.place = {"index": "library", "collection": f"books{number}"}
        self.marks: dict[str, str] = {}

    async def play(self, program: list[list[Step]]) -> None:
        """Run it, and hold what everybody heard against what was committed."""
        await self.stage.server.http("PUT", f"/library/{self.place['collection']}")
        for everything, left in self.stage.readers:
            everything.notifications.clear()
            left.notifications.clear()
            assert (await self.subscribe(everything, {}))["status"] == 200
            assert (await self.subscribe(left, LEFT))["status"] == 200
        writing = [asyncio.ensure_future(self.write(which, steps)) for which, steps in enumerate(program)]
        visits = await self.come_and_go(asyncio.gather(*writing))
        for readers in self.stage.readers:
            for reader in readers:
                await reader.ask("server", "now")
        committed = self.stage.log.of(**self.place)
        wanted = [heard_of_everything(one) for one in committed]
        wanted_left = heard_of_left(committed)
        for everything, left in self.stage.readers:
            assert self.heard(everything) == wanted, everything.protocol
            assert self.heard(left) == wanted_left, left.protocol
        assert_pieces(visits, wanted)

    async def subscribe(self, reader: Talker, filters: dict[str, Any]) -> dict[str, Any]:
        return await reader.ask("realtime", "subscribe", **self.place, body=filters)

    def heard(self, reader: Talker) -> list[Heard]:
        heard = [self.read(one) for one in reader.notifications]
        reader.notifications.clear()
        return heard

    def read(self, told: dict[str, Any]) -> Heard:
        assert (told["collection"], told["state"], told["type"]) == (self.place["collection"], "done", "document")
        mark = "deleted" if told["action"] == "delete" else self.marks[told["requestId"]]
        if told["scope"] == "in":
            assert told["result"]["_source"]["mark"] == mark
        return Heard(mark, told["result"]["_id"], told["scope"])

    async def come_and_go(self, writing: asyncio.Future[Any]) -> list[list[Heard]]:
        """Subscribe and leave again and again until all is written; what each visit heard."""
        visitor = self.stage.restless
        raw: list[list[dict[str, Any]]] = []
        while not writing.done():
            visitor.notifications.clear()
            made = await self.subscribe(visitor, {})
            for _ in range(len(raw) % 4):
                await visitor.ask("server", "now")
            await visitor.ask("realtime", "unsubscribe", body={"roomId": made["result"]["roomId"]})
            raw.append(list(visitor.notifications))
        await writing
        return [[self.read(one) for one in visit] for visit in raw]

    async def write(self, which: int, steps: list[Step]) -> None:
        """Send the requests of a writer, those that are ahead together with the one before them."""
        numbers = itertools.count()
        together: list[tuple[str, Step]] = []
        for step in steps:
            if together and not step.is_ahead:
                await self.send(which, together)
                together = []
            together.append((f"{self.place['collection']}-{which}-{next(numbers)}", step))
        await self.send(which, together)

    async def send(self, which: int, together: list[tuple[str, Step]]) -> None:
        client = self.stage.writers[which]
        if client is None or client.protocol == "http":
            answers = await asyncio.gather(*(self.send_http(mark, step) for mark, step in together))
        else:
            self.marks |= {mark: mark for mark, _ in together}
            answers = await client.ask_together([self.request(mark, step) for mark, step in together])
        assert all(answer["status"] < 500 for answer in answers), answers

    def request(self, mark: str, step: Step) -> dict[str, Any]:
        controller = "bulk" if step.action == "mWrite" else "document"
        members: dict[str, Any] = {"notify": True} if step.action == "mWrite" else {}
        if step.action.startswith("m") or step.action == "deleteByQuery":
            members["body"] = body_of(mark, step)
        else:
            members |= {"_id": step.names[0], "body": body_of(mark, step)}
        return {"controller": controller, "action": step.action, "requestId": mark, **self.place, **members}

    async def send_http(self, mark: str, step: Step) -> dict[str, Any]:
        verb, path = ROUTES[step.action]
        path = f"/library/{self.place['collection']}{path.format(name=step.names[0])}"
        answer: dict[str, Any] = (await self.stage.server.http(verb, path, body_of(mark, step))).json
        self.marks[answer["requestId"]] = mark
        return answer


def body_of(mark: str, step: Step) -> Any:
    content = {"mark": mark, "side": step.side}
    if step.action == "delete":
        return None
    if step.action == "deleteByQuery":
        return {"query": {"ids": {"values": list(step.names)}}}
    if step.action == "mDelete":
        return {"ids": list(step.names)}
    if step.action.startswith("m"):
        return {"documents": [{"_id": name, "body": content} for name in step.names]}
    return content


def heard_of_everything(one: Committed) -> Heard:
    return Heard("deleted", one.id, "out") if one.is_deleted else Heard(one.content["mark"], one.id, "in")


def heard_of_left(committed: list[Committed]) -> list[Heard]:
    """What the room of `LEFT` says, by a list of what it was told to match."""
    matched: set[str] = set()
    heard = []
    for one in committed:
        is_left = one.content["side"] == "left"
        if one.is_deleted:
            heard += [heard_of_everything(one)] * is_left
            matched.discard(one.id)
        elif is_left:
            heard.append(heard_of_everything(one))
            matched.add(one.id)
        elif one.id in matched:
            heard.append(Heard(one.content["mark"], one.id, "out"))
            matched.discard(one.id)
    return heard


def assert_pieces(visits: list[list[Heard]], wanted: list[Heard]) -> None:
    """Each visit heard a piece without holes, later than those before it."""
    begin = 0
    for visit in filter(None, visits):
        places = [place for place in range(begin, len(wanted)) if wanted[place : place + len(visit)] == visit]
        assert places, f"{visit} is no piece of {wanted[begin:]}"
        begin = places[0] + len(visit)


def test_every_write_is_heard_once_and_in_the_order_of_commits(server: Server, io_loop: tornado.ioloop.IOLoop) -> None:
    stack = AsyncExitStack()
    stage: Stage = io_loop.run_sync(lambda: stack.enter_async_context(Stage.open(server)))
    numbers = itertools.count()

    @settings(max_examples=40, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(PROGRAMS)
    def run(program: list[list[Step]]) -> None:
        io_loop.run_sync(lambda: Run(stage, next(numbers)).play(program), timeout=60)

    try:
        run()
    finally:
        io_loop.run_sync(stack.aclose)
