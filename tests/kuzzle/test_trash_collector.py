"""The collector of the trash in a running server: what it erases, what it tells, and what holds it up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from harness import Server
from listeners import Listeners, raising

from kuzzle.errors import KuzzleError
from kuzzle.schemas import load_schema

TEAPOT = KuzzleError.without_id(418, "I am a teapot")
SCHEMAS = {
    event["name"]: event["payload"][0]["schema"] for event in load_schema("events.json") if "gc:" in event["name"]
}


@pytest.fixture
def server(start_server: Callable[..., Server], request: pytest.FixtureRequest) -> Server:
    """A server whose collector has the options of the test."""
    return start_server({"storage": {"garbageCollector": request.param}})


def collecting(clean_interval_ms: int, max_delete: int = 1000) -> pytest.MarkDecorator:
    """Let the test have a server that collects that often."""
    options = {"cleanInterval": clean_interval_ms, "maxDelete": max_delete}
    return pytest.mark.parametrize("server", [options], indirect=True)


async def fill(server: Server, count: int, collection: str = "books") -> list[str]:
    """Write documents, all but the one named `kept` deleted at once; return the ids of those, sorted."""
    await server.prepare(collection=collection)
    ids = [f"{collection}-{number}" for number in range(count)]
    for document_id in [*ids, "kept"]:
        await server.http("POST", f"/library/{collection}/{document_id}/_create", {"title": "Emma"})
    reply = await server.http("DELETE", f"/library/{collection}/_mDelete", {"ids": ids})
    assert reply.status == 200
    return sorted(ids)


async def in_store(server: Server, collection: str = "books") -> int:
    reply = await server.http("POST", f"/library/{collection}/_count?includeTrash=true", {})
    count: int = reply.result["count"]
    return count


async def erased(listeners: Listeners, count: int) -> list[str]:
    """Wait until that many documents were erased; their ids, sorted."""
    while len(ids := [one for end in listeners.of("gc:end") for one in end["ids"]]) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    for event, payload in listeners.heard:
        jsonschema.validate(payload, SCHEMAS[event])
    return sorted(ids)


def heard(server: Server) -> Listeners:
    listeners = Listeners(server.app.events)
    listeners.pipe("gc:start")
    listeners.hook("gc:end")
    return listeners


@collecting(20)
async def test_deleted_documents_are_erased_by_and_by_and_told_of(server: Server) -> None:
    listeners = heard(server)
    wanted = await fill(server, 60) + await fill(server, 3, "films")
    assert await erased(listeners, len(wanted)) == sorted(wanted)
    assert (await in_store(server), await in_store(server, "films")) == (1, 1)
    assert listeners.names[0] == "gc:start"
    assert (await server.http("GET", "/library/books/kept")).result["_source"]["title"] == "Emma"


@collecting(10, max_delete=2)
async def test_a_run_erases_no_more_than_it_may_and_the_next_goes_on(server: Server) -> None:
    listeners = heard(server)
    wanted = await fill(server, 7)
    assert await erased(listeners, 7) == wanted
    assert max(len(end["ids"]) for end in listeners.of("gc:end")) <= 2
    assert await in_store(server) == 1


@collecting(0, max_delete=4)
async def test_a_full_run_tells_that_there_may_be_more(server: Server) -> None:
    await fill(server, 10)
    assert [await server.app.trash.run() for _ in range(4)] == [True, True, False, False]
    assert await in_store(server) == 1


@collecting(0)
async def test_an_interval_of_0_keeps_the_trash(server: Server) -> None:
    listeners = heard(server)
    await fill(server, 2)
    await asyncio.sleep(0.05)
    assert await in_store(server) == 3
    assert listeners.heard == []
    revived = await server.http("POST", "/library/books/books-0/_create", {"title": "Emma"})
    assert revived.result["_version"] == 3


@collecting(10)
async def test_a_pipe_that_refuses_holds_up_the_run_and_not_the_next(server: Server) -> None:
    listeners = Listeners(server.app.events)
    listeners.pipe("gc:start", raising(TEAPOT))
    listeners.hook("gc:end")
    wanted = await fill(server, 2)
    await listeners.settle("gc:start", 3)
    assert await in_store(server) == 3
    assert "gc:end" not in listeners.names
    server.app.events.remove_owner("tests")
    listeners = heard(server)
    assert await erased(listeners, 2) == wanted


@collecting(1)
async def test_clients_write_and_revive_while_the_trash_is_emptied(server: Server) -> None:
    ids = await fill(server, 120)
    replies: list[Any] = await asyncio.gather(
        *(server.http("PUT", f"/library/books/{one}", {"title": "anew"}) for one in ids[::4])
    )
    assert [reply.status for reply in replies] == [200] * len(replies)
    while await in_store(server) > 1 + len(replies):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    for one in ids[::4]:
        assert (await server.http("GET", f"/library/books/{one}")).result["_source"]["title"] == "anew"


@collecting(1)
async def test_a_server_that_is_stopped_stops_collecting(server: Server) -> None:
    listeners = heard(server)
    await fill(server, 3)
    await listeners.settle("gc:start")
    await server.stop()
    count = len(listeners.heard)
    await asyncio.sleep(0.02)
    assert len(listeners.heard) == count
