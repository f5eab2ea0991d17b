"""What the embedded memory storage keeps over a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from harness import Server
from redis_commands import KEYS, MAP, TEXTS, Commands

from kuzzle.errors import KuzzleError
from kuzzle.memory_storage.base import MemoryStorage
from kuzzle.memory_storage.embedded import EmbeddedMemoryStorage
from kuzzle.storage.errors import StoreOpenError
from kuzzle.storage.sqlite.value_file import SqliteValueFile
from tests.contracts.memory_storage import run, until

Kept = dict[bytes, bytes | None]


async def opened(path: Path, **options: Any) -> EmbeddedMemoryStorage:
    store = EmbeddedMemoryStorage(max_bytes=2**30, file=SqliteValueFile(path), **options)
    await store.open()
    return store


async def content(store: MemoryStorage) -> dict[bytes, Any]:
    """Everything in a storage, by key: type, whether it expires, and the value in a form that can be compared."""
    found: dict[bytes, Any] = {}
    readers: dict[bytes, tuple[str, ...]] = {
        b"string": ("GET",),
        b"list": ("LRANGE", "0", "-1"),
        b"set": ("SMEMBERS",),
        b"hash": ("HGETALL",),
        b"zset": ("ZRANGE", "0", "-1", "WITHSCORES"),
    }
    for key in await run(store, "KEYS", "*"):
        kind = await run(store, "TYPE", key)
        name, *arguments = readers[kind]
        value = await run(store, name, key, *arguments)
        expiry = (await run(store, "PTTL", key)) > 0
        found[key] = kind, expiry, sorted(value) if kind == b"set" else value
    return found


@pytest.mark.parametrize("seed", range(5))
async def test_every_value_is_there_after_a_restart(tmp_path: Path, seed: int) -> None:
    commands = Commands(f"kept {seed}")
    for _ in range(4):
        store = await opened(tmp_path / "values.db")
        for _ in range(300):
            with contextlib.suppress(KuzzleError):
                await store.execute(commands.draw())
        expected = await content(store)
        await store.close()
        store = await opened(tmp_path / "values.db")
        assert await content(store) == expected
        await store.close()
    assert expected.keys() <= {*KEYS, MAP, TEXTS, b"p1", b"p2"}


async def test_moments_of_expiry_are_kept(tmp_path: Path) -> None:
    store = await opened(tmp_path / "values.db")
    await run(store, "SET", "long", "x", "PX", 100_000)
    await run(store, "RPUSH", "short", "x")
    await run(store, "PEXPIRE", "short", 50)
    left = await run(store, "PTTL", "long")
    await store.close()
    await asyncio.sleep(0.06)
    store = await opened(tmp_path / "values.db")
    assert await run(store, "KEYS", "*") == [b"long"]
    assert 0 < left - await run(store, "PTTL", "long") < 30_000
    await store.close()
    file = SqliteValueFile(tmp_path / "values.db")
    file.open()
    assert [key for key, _ in file.load()] == [b"long"]
    file.close()


async def test_changes_are_written_at_intervals_and_only_they(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[Kept] = []
    save = SqliteValueFile.save

    def watch(self: SqliteValueFile, changes: Kept) -> None:
        save(self, changes)
        saved.append(dict(changes))

    monkeypatch.setattr(SqliteValueFile, "save", watch)
    store = await opened(tmp_path / "values.db", save_interval_ms=10)

    for number in range(100):
        await run(store, "SET", f"key{number}", number)
    await until(lambda: len(saved) >= 1)
    before = len(saved)
    await run(store, "GET", "key1")
    await run(store, "SET", "key2", "new")
    await run(store, "DEL", "key3")
    await until(lambda: len(saved) > before)
    changed = {key: value is None for part in saved[before:] for key, value in part.items()}
    assert (changed[b"key2"], changed[b"key3"]) == (False, True)
    assert b"key1" not in changed
    await store.close()
    count = len(saved)
    store = await opened(tmp_path / "values.db", save_interval_ms=10)
    assert await run(store, "DBSIZE") == 99
    await store.close()
    assert len(saved) == count  # nothing had changed


async def test_a_save_holds_what_was_there_at_one_moment(tmp_path: Path) -> None:
    store = await opened(tmp_path / "values.db")
    for number in range(3000):
        await run(store, "SET", f"key{number}", 0)
    saving = asyncio.create_task(store.save())
    rounds = 0
    while not saving.done():  # all keys change together
        rounds += 1
        await run(store, "RENAME", f"key{(rounds - 1) % 3000}", "travelling")
        await run(store, "RENAME", "travelling", f"key{(rounds - 1) % 3000}")
        await run(store, "MSET", "key0", rounds, "key2999", rounds)
        await asyncio.sleep(0)
    file = SqliteValueFile(tmp_path / "values.db")
    file._lock.take = lambda: None  # type: ignore[method-assign]  # read beside the storage
    file.open()
    kept = dict(file.load())
    file.close()
    assert len(kept) == 3000
    assert kept[b"key0"] == kept[b"key2999"]
    await store.close()


async def test_a_save_ends_however_much_is_written_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await opened(tmp_path / "values.db")
    for number in range(100):
        await run(store, "SET", f"key{number}", 0)
    assert store._engine is not None
    monkeypatch.setattr("kuzzle.memory_storage.embedded.engine.SLICE_S", 0)  # a key, then others have their turns
    saving = asyncio.create_task(store.save())
    rounds = 0
    while not saving.done():  # more than a slice reads
        rounds += 1
        await run(store, "MSET", *(part for number in range(10) for part in (f"hot{number}", rounds)))
        await asyncio.sleep(0)
    await store.close()
    monkeypatch.undo()
    store = await opened(tmp_path / "values.db")
    assert await run(store, "DBSIZE") == 110
    assert await run(store, "GET", "hot9") == str(rounds).encode()
    await store.close()


async def test_more_keys_than_a_statement_takes_are_saved_and_deleted(tmp_path: Path) -> None:
    file = SqliteValueFile(tmp_path / "values.db")
    file.open()
    keys = [b"%d" % number for number in range(2500)]
    file.save({key: b"value of " + key for key in keys})
    assert sorted(file.load()) == sorted((key, b"value of " + key) for key in keys)
    file.save({**dict.fromkeys(keys[:1200]), keys[-1]: b"new"})
    assert dict(file.load()) == {**{key: b"value of " + key for key in keys[1200:]}, keys[-1]: b"new"}
    file.close()


async def test_a_file_that_cannot_be_written_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = await opened(tmp_path / "values.db")
    await run(store, "SET", "a", "1")

    def refuse(self: SqliteValueFile, changes: Kept) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(SqliteValueFile, "save", refuse)
        await store.save()
    assert "No space left on device" in caplog.text
    caplog.clear()
    await store.close()
    store = await opened(tmp_path / "values.db")
    assert await run(store, "GET", "a") == b"1"
    await store.close()


async def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    async with Server(tmp_path, {"memoryStorage": {"memory": {"path": None}}}) as server:
        await server.http("POST", "/ms/_set/a", {"value": "1"})
    async with Server(tmp_path, {"memoryStorage": {"memory": {"path": None}}}) as server:
        assert (await server.http("GET", "/ms/a")).result is None
    assert not any("memory-storage" in name for name in os.listdir(tmp_path / "data"))


async def test_a_server_keeps_the_values_of_its_clients(tmp_path: Path) -> None:
    async with Server(tmp_path, {}) as server:
        await server.http("POST", "/ms/_set/a", {"value": "1"})
        await server.http("POST", "/ms/_geoadd/b", {"points": [{"lon": 2, "lat": 48, "name": "Paris"}]})
        told = (await server.http("GET", "/ms/_geopos/b?members=Paris")).result
    async with Server(tmp_path, {}) as server:
        assert (await server.http("GET", "/ms/a")).result == "1"
        assert (await server.http("GET", "/ms/_geopos/b?members=Paris")).result == told
        await server.http("POST", "/admin/_resetCache?database=memoryStorage")
    async with Server(tmp_path, {}) as server:
        assert (await server.http("GET", "/ms/_dbsize")).result == 0


def _write_for_ever(path: Path, ready: Any) -> None:
    file = SqliteValueFile(path)
    file.open()
    for number in range(10**9):
        file.save({b"%d" % key: b"%d" % number * 50 for key in range(300)})
        if number == 3:
            ready.set()


@pytest.mark.parametrize("delay_ms", [0, 3, 7, 11, 18])
def test_a_process_that_is_killed_while_it_saves_leaves_a_whole_save(tmp_path: Path, delay_ms: int) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    writer = context.Process(target=_write_for_ever, args=(tmp_path / "values.db", ready))
    writer.start()
    assert ready.wait(30)
    time.sleep(delay_ms / 1000)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    file = SqliteValueFile(tmp_path / "values.db")
    file.open()
    kept = file.load()
    assert len(kept) == 300
    assert len({value for _, value in kept}) == 1
    file.close()


def test_a_file_is_of_one_server_at_a_time(tmp_path: Path) -> None:
    first, second = SqliteValueFile(tmp_path / "values.db"), SqliteValueFile(tmp_path / "values.db")
    first.open()
    with pytest.raises(StoreOpenError, match="in use"):
        second.open()
    first.close()
    second.open()
    second.close()


def test_another_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "values.db"
    path.write_bytes(b"a letter to nobody " * 100)
    with pytest.raises(StoreOpenError, match="no file of a memory storage"):
        SqliteValueFile(path).open()
    assert path.read_bytes().startswith(b"a letter")
    path.unlink()
    file = SqliteValueFile(path)
    file.open()
    file.save({b"a": b"1"})
    assert file._connection is not None
    file._connection.pragma("user_version", 9)
    file.close()
    with pytest.raises(StoreOpenError, match="newer version"):
        SqliteValueFile(path).open()
