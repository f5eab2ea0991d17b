"""`index-dump`: writes an index into a directory, mappings and documents, those in the trash included.

Each collection is read by a scroll, hence as it was at one moment, whatever is written meanwhile. Each file
appears when it is complete. A dump that was interrupted leaves complete files only, and a second run writes
every file anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from kuzzle.shell.client import Client
from kuzzle.shell.errors import ShellError
from kuzzle.shell.files import DATA, MAPPINGS, file_of, files_of, whole_file, write_line
from kuzzle.shell.progress import Progress

PAGE: Final = 200
# How long the server keeps the snapshot between two pages; one is written in far less.
_SCROLL: Final = "1m"


def dump_index(client: Client, index: str, directory: Path) -> None:
    """Write every stored collection of an index.

    Raises:
        ShellError: The server refused, or a file cannot be written.
    """
    listed = client.call("collection", "list", index=index, type="stored")
    collections = [entry["name"] for entry in listed["collections"]]
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ShellError(f"{directory}: cannot be made: {error.strerror}") from error
    written = set()
    for collection in collections:
        for kind, write in ((MAPPINGS, _dump_mapping), (DATA, _dump_documents)):
            path = file_of(directory, index, collection, kind)
            write(client, index, collection, path)
            written.add(path)
    if not collections:
        sys.stdout.write(f"{index}: no collection\n")
    for path in (*files_of(directory, MAPPINGS, index=index), *files_of(directory, DATA, index=index)):
        if path not in written:
            sys.stderr.write(f"kuzzle: {path}: not of this dump, left as it is\n")


def _dump_mapping(client: Client, index: str, collection: str, path: Path) -> None:
    answer = client.call("collection", "getMapping", index=index, collection=collection)
    with whole_file(path) as file:
        write_line(file, {index: {collection: answer[index]["mappings"][collection]}})


def _dump_documents(client: Client, index: str, collection: str, path: Path) -> None:
    count = 0
    progress: Progress | None = None
    try:
        with whole_file(path) as file:
            write_line(file, {"index": index, "collection": collection})
            for hits, total in _pages(client, index, collection):
                progress = progress or Progress(f"{index}/{collection}", total)
                for hit in hits:
                    write_line(file, {"_id": hit["_id"], "body": hit["_source"]})
                count += len(hits)
                progress.advance(len(hits))
    finally:
        if progress is not None:
            progress.end()
    Progress("", 0).end(f"{index}/{collection}: {count:,} documents in {path}")


def _pages(client: Client, index: str, collection: str) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Yield the hits of each page, and the number of all: the collection as it was when the first was asked for."""
    page = client.call(
        "document",
        "search",
        index=index,
        collection=collection,
        includeTrash=True,
        size=PAGE,
        scroll=_SCROLL,
        body={"sort": ["_doc"]},
    )
    total, seen = page["total"], 0
    while page["hits"]:
        yield page["hits"], total
        seen += len(page["hits"])
        page = client.call("document", "scroll", scrollId=page["scrollId"], scroll=_SCROLL)
    if seen != total:
        raise ShellError(f"{index}/{collection}: {seen:,} of {total:,} documents were read")
