"""The configuration: `kuzzle.yml`, environment variables over it, defaults beneath, checked as a whole.

Every option, its default, meaning and range stand in `schemas/config.json` and nowhere else. Sizes
come out as bytes; everything a section holds is read-only.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from kuzzle.config.faults import find_faults
from kuzzle.config.options import ConfigError, Node, find_child, is_section, load_options, size_in_bytes
from kuzzle.config.sources import FILE_VARIABLE, apply_environment, read_file
from kuzzle.config.values import fill_defaults, in_force

__all__ = ["Config", "ConfigError", "size_in_bytes"]

FILE_NAME = "kuzzle.yml"

# Of the section of a user's own protocol only these are known not to be secret.
_SHOWN_OF_OWN_SECTIONS = frozenset({"class", "enabled", "port"})


class Config:
    """A valid configuration.

    Attributes:
        file: The file it was read from, None when only defaults and variables are in force.
        folder: Where relative paths start: the file's folder, else the current one.
    """

    def __init__(self, values: dict[str, Any], root: Node, folder: Path, file: Path | None) -> None:
        self.folder = folder
        self.file = file
        self._root = root
        self._values = values
        self._sections: Mapping[str, Any] = in_force(values, root)

    @classmethod
    def load(cls, path: Path | None, environment: Mapping[str, str], *, schema: Node | None = None) -> Self:
        """Read and check the configuration.

        Args:
            path: The file; None takes the one that the variable KUZZLE_CONFIG names, else `kuzzle.yml`
                of the current folder, else none.
            environment: The environment variables.
            schema: The tree of options, that of `schemas/config.json` unless given.

        Raises:
            ConfigError: One line per fault.
        """
        root = schema or load_options()
        if path is None and environment.get(FILE_VARIABLE):
            path = Path(environment[FILE_VARIABLE])
        if path is None and (Path.cwd() / FILE_NAME).exists():
            path = Path.cwd() / FILE_NAME
        file = None if path is None else path.absolute()
        values = {} if file is None else read_file(file)
        sources, faults = apply_environment(values, environment, root)
        fill_defaults(values, root)
        faults += find_faults(values, root, sources)
        if faults:
            raise ConfigError(faults)
        return cls(values, root, Path.cwd() if file is None else file.parent, file)

    def section(self, name: str) -> Mapping[str, Any]:
        """Return a section by its name, read-only."""
        section: Mapping[str, Any] = self._sections[name]
        return section

    def path(self, text: str) -> Path:
        """Return the absolute path that an option means."""
        return self.folder / Path(text).expanduser()

    def public(self, *, mask: str | None = None) -> dict[str, Any]:
        """Return all options as they were written, defaults included, secrets left out.

        What a section of a user's own protocol holds is unknown here, so it counts as secret.

        Args:
            mask: Stands in place of each secret instead.
        """
        shown: dict[str, Any] = _shown(self._values, self._root, mask)
        return shown


def _shown(value: Any, node: Node, mask: str | None, *, is_own: bool = False) -> Any:
    if not is_section(node):
        return copy.deepcopy(value)
    shown = {}
    for name in sorted(value, key=[*node["properties"], *value].index):  # in the schema's order
        entry = value[name]
        child = find_child(node, name) or {}
        if child.get("secret") or (is_own and name not in _SHOWN_OF_OWN_SECTIONS):
            if mask is not None:
                shown[name] = None if entry is None else mask  # what is not set is no secret
            continue
        # What else stands in a section that takes other options too, nobody knows.
        is_open = is_section(child) and child.get("additionalProperties", True) is not False
        is_own_section = is_open and name not in node["properties"]
        shown[name] = _shown(entry, child, mask, is_own=is_own_section)
    return shown
