"""`index-restore`: writes the documents of a dump back, mappings first.

Documents keep their ids, contents and metadata, and those in the trash stay there. One that exists already is
replaced, so a restore that was interrupted is simply run again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from kuzzle.shell.client import Client
from kuzzle.shell.errors import ServerError, ShellError
from kuzzle.shell.files import DATA, MAPPINGS, files_of, read_lines
from kuzzle.shell.progress import Progress

BATCH: Final = 200  # limits.documentsWriteCount
# A request may have 1 MB (limits.maxRequestSize); what is added around the lines stays below the other half.
_BATCH_BYTES: Final = 500_000

Document = dict[str, Any]


def restore_directory(client: Client, directory: Path) -> None:
    """Write everything that a directory holds.

    Raises:
        ShellError: A file is no dump, the server refused a request, or some documents.
    """
    mappings, data = files_of(directory, MAPPINGS), files_of(directory, DATA)
    if not mappings and not data:
        raise ShellError(f"{directory}: holds no dump: no file *--{DATA}.jsonl or *--{MAPPINGS}.jsonl")
    for path in mappings:
        _restore_mappings(client, path)
    failed = sum(_restore_documents(client, path) for path in data)
    if failed:
        raise ShellError(f"{failed:,} documents were not restored")


def _restore_mappings(client: Client, path: Path) -> None:
    for line, _ in read_lines(path):
        for index, collections in line.items():
            if not isinstance(collections, dict):
                raise ShellError(f"{path}: {index}: no object of collections")
            _make_index(client, index)
            for collection, mapping in collections.items():
                client.call("collection", "create", index=index, collection=collection, body=mapping)


def _make_index(client: Client, index: str) -> None:
    if not client.call("index", "exists", index=index):
        client.call("index", "create", index=index)


def _restore_documents(client: Client, path: Path) -> int:
    """Write the documents of one file; return how many the server refused."""
    lines = read_lines(path)
    header, _ = next(lines, ({}, 0))
    index, collection = header.get("index"), header.get("collection")
    if not isinstance(index, str) or not isinstance(collection, str):
        raise ShellError(f"{path}: does not begin with a line {{index, collection}}")
    target = {"index": index, "collection": collection}
    _make_index(client, index)
    if not client.call("collection", "exists", **target):
        client.call("collection", "create", **target)
    progress = Progress(f"{index}/{collection}", _count_lines(path) - 1)
    written = failed = 0
    try:
        for batch in _batches(path, lines):
            refused = _write(client, target, batch)
            failed += refused
            written += len(batch) - refused
            progress.advance(len(batch))
    finally:
        progress.end()
    client.call("index", "refresh", index=index)
    progress.end(f"{index}/{collection}: {written:,} documents from {path}")
    return failed


def _write(client: Client, target: dict[str, str], batch: list[Document]) -> int:
    """Write a batch; return how many the server refused, after saying which and why."""
    try:
        client.call("bulk", "mWrite", **target, body={"documents": batch})
    except ServerError as error:
        if error.status != 206:
            raise
        for line in error.lines():
            sys.stderr.write(f"kuzzle: {line}\n")
        return len(error.parts)
    return 0


def _batches(path: Path, lines: Iterator[tuple[dict[str, Any], int]]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    size = 0
    for document, length in lines:
        if not isinstance(document.get("_id"), str) or not isinstance(document.get("body"), dict):
            raise ShellError(f"{path}: a line is no document {{_id, body}}")
        if batch and (len(batch) == BATCH or size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += length
    if batch:
        yield batch


def _count_lines(path: Path) -> int:
    """Count the lines of a file, as a bar needs to know; a pass that costs little beside the requests."""
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
