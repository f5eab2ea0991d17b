"""`kuzzle index-dump` and `kuzzle index-restore`: an index goes into files and comes back the same."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from running import environment
from shell_operator import Operator

MAPPING = {"dynamic": "strict", "_meta": {"made": "here"}, "properties": {"title": {"type": "keyword"}}}
DUMP = "dump/library--books--data.jsonl"
BOOKS = {"index": "library", "collection": "books"}


@pytest.fixture
def library(operator: Operator) -> Iterator[Operator]:
    """A server with library/books: 450 documents, of which one lies in the trash."""
    operator.query("index:create", index="library")
    operator.query("collection:create", MAPPING, **BOOKS)
    for start in range(0, 450, 150):
        documents = [{"_id": f"b{n}", "body": {"title": f"Volume {n} é"}} for n in range(start, start + 150)]
        operator.query("document:mCreate", {"documents": documents}, **BOOKS)
    operator.query("document:delete", **BOOKS, _id="b7")
    yield operator
    if operator.query("index:exists", index="library"):
        operator.query("index:delete", index="library")


def contents(operator: Operator) -> dict[str, Any]:
    page = operator.query("document:search", **BOOKS, size="1000", includeTrash="true")
    return {hit["_id"]: hit["_source"] for hit in page["hits"]}


def test_a_dump_has_every_document_with_its_metadata_and_the_trash(library: Operator) -> None:
    ended = library.run("index-dump", "library", "dump")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"library/books: 450 documents in {DUMP}\n"
    header, *documents = map(json.loads, (library.folder / DUMP).read_text().splitlines())
    assert header == BOOKS
    assert {each["_id"]: each["body"] for each in documents} == contents(library)
    assert len(documents) == 450
    assert next(each for each in documents if each["_id"] == "b7")["body"]["_kuzzle_info"]["active"] is False
    mappings = json.loads((library.folder / "dump/library--books--mappings.jsonl").read_text())
    assert mappings == {"library": {"books": MAPPING}}
    assert sorted(os.listdir(library.folder / "dump")) == [
        "library--books--data.jsonl",
        "library--books--mappings.jsonl",
    ]


def test_a_second_dump_replaces_the_first_and_names_what_is_not_its_own(library: Operator) -> None:
    folder = library.folder / "dump"
    folder.mkdir()
    (folder / "library--books--data.jsonl").write_text("old")
    (folder / "library--gone--data.jsonl").write_text("older")
    (folder / "library--books--data.jsonl.partial").write_text("of a run that was cut")
    ended = library.run("index-dump", "library", "dump")
    assert ended.returncode == 0
    assert ended.stderr == "kuzzle: dump/library--gone--data.jsonl: not of this dump, left as it is\n"
    assert len((library.folder / DUMP).read_text().splitlines()) == 451
    assert not (folder / "library--books--data.jsonl.partial").exists()


def test_a_dump_that_fails_leaves_the_files_of_the_one_before(library: Operator) -> None:
    assert library.run("index-dump", "library", "dump").returncode == 0
    before = (library.folder / DUMP).read_bytes()
    (library.folder / f"{DUMP}.partial").mkdir()  # in the way
    ended = library.run("index-dump", "library", "dump")
    assert ended.returncode == 1
    assert "cannot be written" in ended.stderr
    assert (library.folder / DUMP).read_bytes() == before


def test_names_that_no_file_may_have_are_dumped_too(library: Operator) -> None:
    for name in ("a/b%", "x" * 255):
        library.query("collection:create", index="library", collection=name)
    assert library.run("index-dump", "library", "dump").returncode == 0
    files = sorted((library.folder / "dump").glob("*--data.jsonl"))
    assert {json.loads(file.read_text())["collection"] for file in files if "books" not in file.name} == {
        "a/b%",
        "x" * 255,
    }
    assert all(file.parent == library.folder / "dump" for file in files)


def test_an_index_that_is_not_there_is_refused_and_leaves_nothing(operator: Operator) -> None:
    ended = operator.run("index-dump", "nowhere", "dump")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "services.storage.unknown_index" in ended.stderr
    assert not (operator.folder / "dump").exists()


def test_a_terminal_sees_a_bar(library: Operator) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "kuzzle", "index-dump", "library", "dump", "--port", str(library.port)]
    process = subprocess.Popen(
        command, cwd=library.folder, env=environment({}), stderr=theirs, stdout=subprocess.PIPE, text=True
    )
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert process.returncode == 0
    assert out == f"library/books: 450 documents in {DUMP}\n"
    assert "library/books [#####" in shown
    assert "/450" in shown
    assert shown.endswith("\r\x1b[K")
