"""What the embedded storage asks of the disk before it answers, and what it does when the disk fails."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from harness import Server, WebSocket
from store_check import store_faults
from watched_disk import DiskEvent, Platter, WatchedDisk

from kuzzle.storage.sqlite import SqliteStorage

LOG = "kuzzle.db-wal"
TARGET = {"index": "library", "collection": "books"}
MOMENTS = 15
FAILED = "services.storage.unexpected_error"


@pytest.fixture
def disk() -> Iterator[WatchedDisk]:
    with WatchedDisk() as watched:
        yield watched


async def create(websocket: WebSocket, name: str, more: str = "", **members: Any) -> dict[str, Any]:
    """Store a document whose content names it."""
    body = {"title": f"title of {name}", "more": more}
    return await websocket.request("document", "create", **TARGET, _id=name, body=body, **members)


async def clients(server: Server, count: int) -> list[WebSocket]:
    """Make the world, and clients that write to it."""
    await server.prepare()
    return [await server.websocket() for _ in range(count)]


def failing(kind: str, error: type[Exception], *, times: int) -> Any:
    """Make a fault that befalls the log so many times."""
    left = times

    def fault(happening: str, file: str) -> None:
        nonlocal left
        if happening == kind and file == LOG and left:
            left -= 1
            raise error("the disk fails")

    return fault


async def test_every_answer_comes_after_the_sync_of_its_commit(disk: WatchedDisk, tmp_path: Path) -> None:
    async with Server(tmp_path, {}) as server:
        websockets = await clients(server, 8)

        async def write(websocket: WebSocket, lane: int) -> None:
            for number in range(10):
                name = f"book-{lane}-{number}-end"
                assert (await create(websocket, name))["status"] == 200
                disk.note("answer", name)

        await asyncio.gather(*(write(websocket, lane) for lane, websocket in enumerate(websockets)))
    answers = [place for place, event in enumerate(disk.events) if event.kind == "answer"]
    assert len(answers) == 80
    for place in answers:
        title = b"title of " + disk.events[place].data
        before = disk.events[:place]
        written = min(number for number, event in enumerate(before) if event.kind == "write" and title in event.data)
        assert any(event.kind == "sync" and event.file == LOG for event in before[written:])


async def write_much(disk: WatchedDisk, folder: Path, durability: str) -> None:
    """Let clients write until the log has gone into the file several times; each answer is noted."""
    async with Server(folder, {"storage": {"sqlite": {"durability": durability}}}) as server:
        websockets = await clients(server, 6)

        async def write(websocket: WebSocket, lane: int) -> None:
            for number in range(25):
                name, text = f"book-{lane}-{number}", f"word{number} " * 5000
                assert (await create(websocket, name, more=text))["status"] == 200
                disk.note("answer", name)
                if number % 5 == 4:
                    gone = f"book-{lane}-{number - 2}"
                    assert (await websocket.request("document", "delete", **TARGET, _id=gone))["status"] == 200
                    disk.note("gone", gone)

        await asyncio.gather(*(write(websocket, lane) for lane, websocket in enumerate(websockets)))


async def losses(folder: Path, events: list[DiskEvent]) -> list[str]:
    """Return what a store lost of what was acknowledged, after a power failure left its files so."""
    faults = store_faults(folder / "kuzzle.db")
    storage = SqliteStorage(folder / "kuzzle.db")
    await storage.open()
    for kind in ("answer", "gone"):
        names = [event.data.decode() for event in events if event.kind == kind]
        for name, document in zip(names, await storage.get_documents("library", "books", names), strict=True):
            if document is None or (kind == "gone" and not document.is_in_trash):
                faults.append(f"{name} was acknowledged ({kind})")
    await storage.close()
    return faults


async def power_failures(disk: WatchedDisk, folder: Path, count: int) -> list[list[str]]:
    """Let the power fail at random moments; what each made the store lose."""
    chance = random.Random()
    begun = next(place for place, event in enumerate(disk.events) if event.kind == "answer")
    moments = sorted(chance.randrange(begun, len(disk.events)) for _ in range(count))
    platter, found = Platter(), []
    for place, event in enumerate(list(disk.events)):
        for _ in range(moments.count(place)):
            left = folder / f"left{len(found)}"
            left.mkdir()
            platter.leave(left, chance)
            found.append(await losses(left, disk.events[:place]))
        platter.take(event)
    return found


async def test_a_power_failure_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with WatchedDisk() as disk:
        await write_much(disk, tmp_path, "full")
    assert any(event.kind == "write" and event.file == "kuzzle.db" for event in disk.events[-400:]), "no checkpoint"
    assert await power_failures(disk, tmp_path, MOMENTS) == [[]] * MOMENTS


async def test_the_faster_durability_may_lose_the_last_writes_and_nothing_else(tmp_path: Path) -> None:
    with WatchedDisk() as disk:
        await write_much(disk, tmp_path, "normal")
    found = await power_failures(disk, tmp_path, MOMENTS)
    assert any(found), "it would be the slower one"
    assert all("was acknowledged" in fault for faults in found for fault in faults)


async def test_nobody_is_answered_while_the_sync_takes_its_time(disk: WatchedDisk, tmp_path: Path) -> None:
    async with Server(tmp_path, {}) as server:
        writer, other = await clients(server, 2)
        room = await other.request("realtime", "subscribe", **TARGET, body={})
        assert room["status"] == 200
        disk.may_sync.clear()
        writing = asyncio.ensure_future(create(writer, "emma"))
        while not any(b"title of emma" in event.data for event in disk.events):
            await other.request("server", "now")  # others are served meanwhile
        for _ in range(20):
            found = await other.request("document", "get", **TARGET, _id="emma")
            assert found["error"]["id"] == "services.storage.unexpected_not_found"
        assert not writing.done()
        assert other.notifications.empty()
        disk.may_sync.set()
        assert (await writing)["status"] == 200
        assert (await other.notification())["result"]["_id"] == "emma"


@pytest.mark.parametrize(("kind", "error"), [("write", apsw.FullError), ("sync", apsw.IOError)])
async def test_a_disk_that_fails_once_harms_no_write(
    disk: WatchedDisk, tmp_path: Path, kind: str, error: type[Exception]
) -> None:
    async with Server(tmp_path, {}) as server:
        websockets = await clients(server, 8)
        await create(websockets[0], "first")
        disk.may_sync.clear()
        writes = [asyncio.ensure_future(create(socket, f"b{number}")) for number, socket in enumerate(websockets)]
        disk.fault = failing(kind, error, times=1)
        await asyncio.sleep(0.05)  # so that some of them wait for one commit
        disk.may_sync.set()
        answers = await asyncio.gather(*writes)
        failed = [number for number, answer in enumerate(answers) if answer["status"] != 200]
        assert len(failed) <= 1, "a batch that breaks is made again, one by one"
        for number, answer in enumerate(answers):
            found = await websockets[0].request("document", "get", **TARGET, _id=f"b{number}")
            assert found["status"] == (404 if number in failed else 200)
            assert answer["error"] is None or answer["error"]["id"] == FAILED
    assert store_faults(tmp_path / "data" / "kuzzle.db") == []


@pytest.mark.parametrize(
    ("kind", "error"), [("write", apsw.FullError), ("write", apsw.IOError), ("sync", apsw.IOError)]
)
async def test_writes_on_a_failing_disk_are_refused_and_the_server_goes_on(
    disk: WatchedDisk, tmp_path: Path, kind: str, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    async with Server(tmp_path, {}) as server:
        websockets = await clients(server, 4)
        kept = [f"kept{number}" for number in range(4)]
        for name, websocket in zip(kept, websockets, strict=True):
            assert (await create(websocket, name, refresh="wait_for"))["status"] == 200
        disk.fault = failing(kind, error, times=-1)
        lost = [f"lost{number}" for number in range(12)]
        with caplog.at_level(logging.ERROR):
            for start in range(0, 12, 4):
                some = zip(websockets, lost[start:], strict=False)
                for answer in await asyncio.gather(*(create(socket, name) for socket, name in some)):
                    assert (answer["status"], answer["error"]["id"], answer["result"]) == (500, FAILED, None)
            many = {"documents": [{"_id": "lost0", "body": {}}, {"_id": "lost1", "body": {}}]}
            answer = await websockets[0].request("document", "mCreate", **TARGET, body=many)
            assert answer["error"]["id"] == FAILED
            mapping = {"properties": {"later": {"type": "keyword"}}}
            answer = await websockets[0].request("collection", "updateMapping", **TARGET, body=mapping)
            assert answer["error"]["id"] == FAILED
        assert {record.message.partition(":")[0] for record in caplog.records} == {"The store could not write"}
        search = await websockets[1].request("document", "search", **TARGET, size=50)
        assert sorted(hit["_id"] for hit in search["result"]["hits"]) == kept
        disk.fault = failing(kind, error, times=0)
        for name in lost:
            assert (await create(websockets[2], name))["status"] == 200
        shown = await websockets[0].request("collection", "getMapping", **TARGET)
        assert "later" not in shown["result"]["library"]["mappings"]["books"]["properties"]
    path = tmp_path / "data" / "kuzzle.db"
    assert store_faults(path) == []
    async with Server(tmp_path, {}) as server:
        found = await server.http("POST", "/library/books/_mGet", {"ids": [*kept, *lost]})
        assert found.status == 200


async def test_reads_on_a_failing_disk_are_refused_and_go_on_afterwards(
    disk: WatchedDisk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def no_read(kind: str, _file: str) -> None:
        if kind == "read":
            raise apsw.IOError("the disk fails")

    async with Server(tmp_path, {"storage": {"sqlite": {"durability": "normal"}}}) as server:
        (websocket,) = await clients(server, 1)
        for start in range(0, 2000, 200):
            entries = [
                {"_id": str(number), "body": {"text": f"{number} " * 200}} for number in range(start, start + 200)
            ]
            reply = await websocket.request("document", "mCreate", **TARGET, body={"documents": entries})
            assert reply["status"] == 200
        scroll = await websocket.request("document", "search", **TARGET, scroll="1m", size=900, body={"sort": ["_uid"]})
        disk.fault = no_read
        with caplog.at_level(logging.ERROR):
            pages = [
                await websocket.request("document", "search", **TARGET, size=2000),
                await websocket.request("document", "scroll", scrollId=scroll["result"]["scrollId"]),
                await websocket.request("document", "search", **TARGET, scroll="1m", size=1),
                await websocket.request("document", "mGet", **TARGET, body={"ids": [str(n) for n in range(2000)]}),
            ]
        assert [page["error"] and page["error"]["id"] for page in pages] == [FAILED] * 4
        disk.fault = failing("read", apsw.IOError, times=0)
        for _ in range(4):  # each thread of readers outlived it
            found = await websocket.request("document", "search", **TARGET, size=1)
            assert found["result"]["total"] == 2000
        again = await websocket.request("document", "scroll", scrollId=scroll["result"]["scrollId"])
        assert again["error"]["id"] == "services.storage.unknown_scroll_id"
