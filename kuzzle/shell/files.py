"""The files of a dump: their names, how they are written whole or not at all, and how they are read.

`<index>--<collection>--mappings.jsonl` holds one line `{<index>: {<collection>: {dynamic, _meta, properties}}}`,
which `load-mappings` takes too. `<index>--<collection>--data.jsonl` holds the line `{index, collection}` and then
one line `{_id, body}` a document. The lines say what belongs where; names of files are for people.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from kuzzle.encoding import JsonError, decode_json, encode_json
from kuzzle.shell.errors import ShellError

DATA: Final = "data"
MAPPINGS: Final = "mappings"
# Most file systems allow 255 bytes; this leaves room for the endings.
_MAX_STEM_BYTES: Final = 200
_UNFINISHED: Final = ".partial"


def file_of(directory: Path, index: str, collection: str, kind: str) -> Path:
    """Return where a collection's part of a dump lies; characters no file may have are percent-encoded."""
    stem = re.sub(r"[/%]", lambda match: f"%{ord(match[0]):02X}", f"{index}--{collection}")
    encoded = stem.encode()
    if len(encoded) > _MAX_STEM_BYTES:
        mark = hashlib.sha256(encoded).hexdigest()[:16]
        stem = f"{encoded[: _MAX_STEM_BYTES - 18].decode(errors='ignore')}--{mark}"
    return directory / f"{stem}--{kind}.jsonl"


def files_of(directory: Path, kind: str, *, index: str = "") -> list[Path]:
    """Return the finished files of a kind, sorted by name; with an index those alone whose names begin with it.

    Raises:
        ShellError: No such directory.
    """
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        raise ShellError(f"{directory}: cannot be read: {error.strerror}") from error
    beginning = f"{index}--" if index else ""
    return [directory / name for name in names if name.endswith(f"--{kind}.jsonl") and name.startswith(beginning)]


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Write a file that appears under its name once it is complete and on disk, or not at all.

    Raises:
        ShellError: It cannot be written.
    """
    unfinished = path.with_name(path.name + _UNFINISHED)
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # or the new name may be lost with the power
        finally:
            os.close(folder)
    except OSError as error:
        raise ShellError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def write_line(file: IO[bytes], value: Any) -> None:
    """Write one line of JSON."""
    file.write(encode_json(value) + b"\n")


def read_lines(path: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the object of each line and the bytes of its text; empty lines are left out.

    Raises:
        ShellError: The file cannot be read, or a line is no object.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    value = decode_json(line)
                except JsonError as error:
                    raise ShellError(f"{path}:{number}: no JSON: {error}") from error
                if not isinstance(value, dict):
                    raise ShellError(f"{path}:{number}: no object")
                yield value, len(line)
    except OSError as error:
        raise ShellError(f"{path}: cannot be read: {error.strerror}") from error
