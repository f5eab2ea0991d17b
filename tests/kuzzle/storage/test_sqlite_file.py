"""The file of the embedded storage: made, refused, and one server's at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from opened_store import opened

from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.errors import StoreOpenError
from kuzzle.storage.query import parse_search
from kuzzle.storage.sqlite import SqliteStorage
from kuzzle.storage.sqlite.schema import FORMAT, open_reader, open_writer

ROOT = Path(__file__).resolve().parents[3]


HOLDING_CHILD = """
import asyncio, sys
from pathlib import Path
from kuzzle.storage.sqlite import SqliteStorage

async def main():
    await SqliteStorage(Path(sys.argv[1])).open()
    print("open", flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


async def error_of_opening(path: Path) -> str:
    """Return the line that refuses to open a store."""
    with pytest.raises(StoreOpenError) as caught:
        await SqliteStorage(path).open()
    text = str(caught.value)
    assert "\n" not in text
    return text


async def test_the_data_folder_is_made(tmp_path: Path) -> None:
    async with opened(tmp_path / "a" / "b" / "kuzzle.db"):
        pass
    assert (tmp_path / "a" / "b" / "kuzzle.db").exists()


async def test_bodies_are_stored_as_texts_in_the_order_of_their_members(tmp_path: Path) -> None:
    async with opened(tmp_path / "kuzzle.db") as storage:
        await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("a", {"z": 1, "a": 2}))
        connection = open_reader(tmp_path / "kuzzle.db")
        assert connection.execute("SELECT typeof(body), CAST(body AS TEXT) FROM documents_1").fetchall() == [
            ("blob", '{"z":1,"a":2}')
        ]
        connection.close()


async def test_names_never_reach_a_statement(tmp_path: Path) -> None:
    nasty = "x'); drop table documents_1; --`]"
    async with opened(tmp_path / "kuzzle.db") as storage:
        await storage.create_collection("i", nasty, None)
        write = DocumentWrite(nasty, {nasty: nasty, 'a"b': {"$.c'": 1}})
        await storage.write_document("i", nasty, WriteKind.CREATE, write)
        for query in ({"term": {f"{nasty}.keyword": nasty}}, {"term": {"a\"b.$.c'": 1}}, {"term": {"_id": nasty}}):
            search = parse_search({"query": query, "sort": {f"{nasty}.keyword": "asc"}}, offset=None, size=None)
            page = await storage.search("i", nasty, search)
            assert page.total == 1
        assert await storage.list_collections("i") == ["c", nasty]


async def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    connection = open_writer(path, "full")
    connection.pragma("user_version", FORMAT + 1)
    connection.close()
    assert await error_of_opening(path) == (
        f"The store {path} is from a newer version: its format is {FORMAT + 1}, this version reads up to {FORMAT}"
    )


async def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    assert await error_of_opening(path) == f"The file {path} is a database of another program"


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    path.write_text("no database, but long enough to be looked at by anybody who wants to know" * 20)
    assert await error_of_opening(path) == f"The file {path} is not a database"


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "Cannot make the data folder" in await error_of_opening(tmp_path / "file" / "kuzzle.db")


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kuzzle.db").mkdir()
    assert "Cannot open the store" in await error_of_opening(tmp_path / "kuzzle.db")


async def test_a_folder_that_is_not_writable_is_refused(tmp_path: Path) -> None:
    """/proc refuses files to everyone, the superuser included."""
    assert "The data folder is not writable" in await error_of_opening(Path("/proc/kuzzle.db"))


async def test_a_store_serves_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    child = subprocess.Popen(  # noqa: ASYNC220 - the loop has nothing else to do
        [sys.executable, "-c", HOLDING_CHILD, str(path)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "open\n"
    assert "in use by another server" in await error_of_opening(path)
    child.kill()
    child.wait()
    child.stdout.close()
    child.stdin.close()
    async with opened(path):
        assert "in use by another server" in await error_of_opening(path)
    async with opened(path):
        pass


async def test_a_refused_store_can_be_opened_once_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    path.write_text("x" * 5000)
    storage = SqliteStorage(path)
    with pytest.raises(StoreOpenError):
        await storage.open()
    path.unlink()
    await storage.open()
    await storage.close()
