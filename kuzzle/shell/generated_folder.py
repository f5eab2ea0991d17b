"""A folder of generated files: what a run writes replaces what earlier runs wrote there, and nothing else.

`.kuzzle-generated.json` in the folder lists the generated files, each with the SHA-256 of its content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from kuzzle.shell.errors import ShellError

LIST_NAME: Final = ".kuzzle-generated.json"


class GeneratedFolder:
    """A folder, and what earlier runs wrote into it.

    Raises:
        ShellError: Its list cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed = self._read_list()

    def write(self, files: Mapping[str, str]) -> list[str]:
        """Write files, and remove those of earlier runs that are no longer among them.

        Args:
            files: Path in the folder to content.

        Returns:
            Files of earlier runs that were changed since, and are therefore left.

        Raises:
            ShellError: Some other file stands in the way, and nothing is written; or not all could be written.
        """
        contents = {name: text.encode() for name, text in files.items()}
        for name, content in contents.items():
            if self._is_in_the_way(name, content):
                raise ShellError(
                    f"{self._folder / name}: exists and was not generated: name another folder, or move it"
                )
        written = {name: _digest(content) for name, content in contents.items()}
        # First: a run that is cut off halfway leaves no file that nobody knows of.
        self._write(LIST_NAME, _list({**self._listed, **written}))
        for name, content in contents.items():
            self._write(name, content)
        kept = [name for name in sorted(self._listed.keys() - written.keys()) if not self._remove(name)]
        self._write(LIST_NAME, _list(written))
        return kept

    def _is_in_the_way(self, name: str, content: bytes) -> bool:
        path = self._folder / name
        if not self._is_here(path) or (path.exists() and not path.is_file()):
            return True
        return name not in self._listed and path.exists() and path.read_bytes() != content

    def _is_here(self, path: Path) -> bool:
        """Tell whether no symbolic link below the folder leads to a path."""
        return path.resolve() == self._folder.resolve() / path.relative_to(self._folder)

    def _read_list(self) -> dict[str, str]:
        path = self._folder / LIST_NAME
        try:
            listed = json.loads(path.read_bytes())["files"]
            if not all(isinstance(text, str) and _is_inside(name) for name, text in listed.items()):
                raise ValueError("it names what no run writes")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ShellError(f"{path}: cannot be read: {error.strerror}") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ShellError(f"{path}: no list of generated files: {error}") from error
        return dict(listed)

    def _write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise ShellError(f"{path}: cannot be written: {error.strerror}") from error

    def _remove(self, name: str) -> bool:
        """Remove a file as it was written, and the folders that it leaves empty; False: it was changed, and is left."""
        path = self._folder / name
        try:
            if not self._is_here(path) or _digest(path.read_bytes()) != self._listed[name]:
                return False
            path.unlink()
            for folder in [path.parent, *path.parent.parents]:
                if folder == self._folder or any(folder.iterdir()):
                    break
                folder.rmdir()
        except FileNotFoundError:
            return True  # somebody else removed it
        except OSError as error:
            raise ShellError(f"{path}: cannot be removed: {error.strerror}") from error
        return True


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _list(files: Mapping[str, str]) -> bytes:
    text = (
        "What `kuzzle generate client` wrote; the next run removes those of these files that it does not write again."
    )
    return (json.dumps({"about": text, "files": dict(sorted(files.items()))}, indent=2) + "\n").encode()


def _is_inside(name: str) -> bool:
    """Tell whether a path leads to a file below the folder; a list from elsewhere may say anything."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in name
