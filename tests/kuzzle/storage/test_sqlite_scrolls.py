"""What the embedded storage's scrolls hold, and that they let go of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, Storage, WriteKind
from kuzzle.storage.errors import StorageUnavailableError, TooManyOperationsError, UnknownScrollIdError
from kuzzle.storage.query import Search, Sort
from kuzzle.storage.sqlite import SqliteStorage

TEN_SECONDS_MS = 10_000


def holds_the_log(path: Path) -> bool:
    """Tell whether somebody still reads an older state of a store, so that its log cannot begin anew."""
    other = apsw.Connection(str(path))
    other.set_busy_timeout(2000)  # a reader's thread gives its snapshot back just after it gave its answer
    other.execute("CREATE TABLE IF NOT EXISTS later (a); INSERT INTO later VALUES (1)")
    ((is_busy, _, _),) = other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    return bool(is_busy)


async def filled(path: Path, count: int = 10, max_scrolls: int = 3) -> SqliteStorage:
    """Open a store with numbered documents."""
    storage = SqliteStorage(path, durability="normal", max_scrolls=max_scrolls)
    await storage.open()
    await storage.create_index("i")
    await storage.create_collection("i", "c", {"properties": {"n": {"type": "integer"}}})
    writes = [DocumentWrite(f"d{number}", {"n": -number}) for number in range(count)]
    await storage.write_documents("i", "c", WriteKind.CREATE, writes, refresh=True)
    return storage


async def opened(storage: Storage, size: int = 2, lifetime_ms: int = TEN_SECONDS_MS) -> str:
    """Open a scroll over all documents, sorted, and return its id."""
    page = await storage.open_scroll("i", "c", Search(size=size, sort=(Sort("n"),)), lifetime_ms)
    assert page.scroll_id is not None
    return page.scroll_id


async def test_scrolls_are_bounded_and_give_their_place_back(tmp_path: Path) -> None:
    storage = await filled(tmp_path / "kuzzle.db")
    ids = [await opened(storage, lifetime_ms=TEN_SECONDS_MS) for _ in range(3)]
    with pytest.raises(TooManyOperationsError):
        await opened(storage)
    await storage.next_scroll_page(ids[0], 1)
    await asyncio.sleep(0.05)
    assert (len(storage.scrolls), storage.scrolls.snapshots) == (2, 2)
    await opened(storage)
    await storage.close()


async def test_scrolls_opened_at_once_are_bounded_too(tmp_path: Path) -> None:
    storage = await filled(tmp_path / "kuzzle.db")
    outcomes = await asyncio.gather(*(opened(storage) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, TooManyOperationsError) for outcome in outcomes) == 5
    assert len(storage.scrolls) == 3
    await storage.close()


async def test_all_scrolls_can_be_ended_even_one_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    storage = await filled(path)
    ids = [await opened(storage) for _ in range(3)]
    reading = asyncio.ensure_future(storage.next_scroll_page(ids[0], 1))
    await asyncio.sleep(0)
    storage.end_scrolls()
    with pytest.raises(UnknownScrollIdError):
        await reading
    for scroll_id in ids:
        with pytest.raises(UnknownScrollIdError):
            await storage.next_scroll_page(scroll_id, 1)
    assert (len(storage.scrolls), holds_the_log(path)) == (0, False)
    await asyncio.sleep(0.02)  # a timer that was not stopped would fail here
    await opened(storage)
    await storage.close()
    with pytest.raises(StorageUnavailableError):
        storage.end_scrolls()


async def test_a_scroll_holds_the_log_only_while_there_is_more_to_read(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    storage = await filled(path)
    whole = await opened(storage, size=10)
    assert not holds_the_log(path), "read to its end with the first page"
    part = await opened(storage, size=6)
    assert holds_the_log(path)
    assert len((await storage.next_scroll_page(part, TEN_SECONDS_MS)).hits) == 4
    assert not holds_the_log(path)
    for scroll_id in (whole, part):
        assert (await storage.next_scroll_page(scroll_id, TEN_SECONDS_MS)).hits == []
    await storage.close()


async def test_expiry_and_a_refused_search_let_go_of_the_log(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    storage = await filled(path)
    scroll_id = await opened(storage, lifetime_ms=1)
    await asyncio.sleep(0.05)
    with pytest.raises(UnknownScrollIdError):
        await storage.next_scroll_page(scroll_id, TEN_SECONDS_MS)
    with pytest.raises(KuzzleError, match="No mapping found"):
        await storage.open_scroll("i", "c", Search(sort=(Sort("unknown"),)), TEN_SECONDS_MS)
    assert len(storage.scrolls) == 0
    assert not holds_the_log(path)
    await storage.close()


async def test_closing_the_store_ends_its_scrolls(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    storage = await filled(path)
    scroll_id = await opened(storage)
    under_way = asyncio.create_task(opened(storage))
    await asyncio.sleep(0)
    await storage.close()
    outcome = (await asyncio.gather(under_way, return_exceptions=True))[0]
    assert isinstance(outcome, str | StorageUnavailableError)
    with pytest.raises(StorageUnavailableError):
        await storage.next_scroll_page(scroll_id, TEN_SECONDS_MS)
    assert not path.with_name("kuzzle.db-wal").exists(), "the log went into the file"


async def test_a_cancelled_page_ends_its_scroll(tmp_path: Path) -> None:
    storage = await filled(tmp_path / "kuzzle.db", max_scrolls=1)
    scroll_id = await opened(storage)
    page = asyncio.create_task(storage.next_scroll_page(scroll_id, TEN_SECONDS_MS))
    await asyncio.sleep(0)
    page.cancel()
    await asyncio.gather(page, return_exceptions=True)
    await storage.count("i", "c")
    with pytest.raises(UnknownScrollIdError):
        await storage.next_scroll_page(scroll_id, TEN_SECONDS_MS)
    await opened(storage, size=10)
    assert not holds_the_log(tmp_path / "kuzzle.db")
    await storage.close()


async def test_a_scroll_has_a_fresh_snapshot_whatever_the_refresh_interval(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "kuzzle.db", refresh_interval_ms=60_000)
    await storage.open()
    await storage.create_index("i")
    await storage.create_collection("i", "c", None)
    await storage.write_documents("i", "c", WriteKind.CREATE, [DocumentWrite("a", {"n": 1})])
    page = await storage.open_scroll("i", "c", Search(), TEN_SECONDS_MS)
    assert [hit.id for hit in page.hits] == ["a"]
    await storage.close()
