"""`kuzzle index-restore`: what a dump holds comes back, as often as one likes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shell_operator import Operator

BOOKS = {"index": "library", "collection": "books"}
MAPPING = {"dynamic": "strict", "_meta": {"made": "here"}, "properties": {"title": {"type": "keyword"}}}


@pytest.fixture(autouse=True)
def _no_library(operator: Operator) -> None:
    if operator.query("index:exists", index="library"):
        operator.query("index:delete", index="library")


def write_dump(folder: Path, documents: list[Any], *, header: Any = BOOKS) -> Path:
    """Write the data file of a dump."""
    path = folder / "dump" / "library--books--data.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in [header, *documents]))
    return path


def sources(operator: Operator) -> dict[str, Any]:
    page = operator.query("document:search", **BOOKS, size="1000", includeTrash="true")
    return {hit["_id"]: hit["_source"] for hit in page["hits"]}


def test_a_dumped_index_comes_back_the_same(operator: Operator) -> None:
    operator.query("index:create", index="library")
    operator.query("collection:create", MAPPING, **BOOKS)
    for start in range(0, 450, 150):
        documents = [{"_id": f"b{n}", "body": {"title": f"Volume {n} é"}} for n in range(start, start + 150)]
        operator.query("document:mCreate", {"documents": documents}, **BOOKS)
    operator.query("document:delete", **BOOKS, _id="b7")
    before = sources(operator)
    assert operator.run("index-dump", "library", "dump").returncode == 0
    operator.query("index:delete", index="library")
    for _ in range(2):  # once more changes nothing
        ended = operator.run("index-restore", "dump")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout == "library/books: 450 documents from dump/library--books--data.jsonl\n"
        assert sources(operator) == before
        shown = operator.query("collection:getMapping", **BOOKS)
        assert shown == {"library": {"mappings": {"books": MAPPING}}}
        assert operator.query("document:count", **BOOKS)["count"] == 449, "one lies in the trash"


def test_large_documents_go_in_several_requests(operator: Operator) -> None:
    documents = [{"_id": f"b{n}", "body": {"text": "x" * 100_000}} for n in range(15)]
    write_dump(operator.folder, documents)
    assert operator.run("index-restore", "dump").returncode == 0
    assert len(sources(operator)) == 15


def test_a_collection_without_mappings_is_made(operator: Operator) -> None:
    write_dump(operator.folder, [{"_id": "emma", "body": {"title": "Emma"}}])
    assert operator.run("index-restore", "dump").returncode == 0
    assert sources(operator) == {"emma": {"title": "Emma"}}


def test_documents_that_the_server_refuses_are_named_and_the_others_written(operator: Operator) -> None:
    operator.query("index:create", index="library")
    operator.query("collection:create", {"properties": {"year": {"type": "integer"}}}, **BOOKS)
    write_dump(operator.folder, [{"_id": "good", "body": {"year": 1815}}, {"_id": "bad", "body": {"year": "soon"}}])
    ended = operator.run("index-restore", "dump")
    assert ended.returncode == 1
    assert "kuzzle:   bad: " in ended.stderr
    assert ended.stderr.splitlines()[-1] == "kuzzle: 1 documents were not restored"
    assert list(sources(operator)) == ["good"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin with a line {index, collection}"),
        ('{"index": 1}\n', "does not begin with a line {index, collection}"),
        ("[1]\n", ":1: no object"),
        ('{"index": "library", "collection": "books"}\n{"_id": "a", "bo', ":2: no JSON: "),
        ('{"index": "library", "collection": "books"}\n{"_id": 1, "body": {}}\n', "a line is no document {_id, body}"),
    ],
)
def test_a_file_that_is_no_dump_is_refused(operator: Operator, text: str, reason: str) -> None:
    write_dump(operator.folder, []).write_text(text)
    ended = operator.run("index-restore", "dump")
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("kuzzle: dump/library--books--data.jsonl")
    assert reason in line


def test_a_folder_without_a_dump_is_refused(operator: Operator) -> None:
    ended = operator.run("index-restore", ".")
    assert ended.returncode == 1
    assert ended.stderr.startswith("kuzzle: .: holds no dump")
    assert operator.run("index-restore", "nowhere").returncode == 1
