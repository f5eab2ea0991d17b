"""Where the class of a plugin is: an installed package that declares it, a class by its name, a file or a folder.

Code of others is run here, so whatever it raises is told as one line about its plugin.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kuzzle.config import Config
from kuzzle.errors import KuzzleError
from kuzzle.plugins.base import Plugin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

ENTRY_POINTS: Final = "kuzzle.plugins"
# Of modules that come from a path; a name that no package can have, so nobody's module is shadowed.
_MODULE_PREFIX: Final = "kuzzle-plugin:"
_PACKAGE_FILE: Final = "__init__.py"
# The section of a plugin that is found and not named.
_DISCOVERED: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("class", "path", "pipeWarnTime", "pipeTimeout")),
    "privileged": False,
    "config": {},
}


class FoundClass(NamedTuple):
    """The class of a plugin.

    Attributes:
        folder: Where its `manifest.json` may be; None: nowhere.
        version: Of the distribution it comes with, where it is one.
    """

    plugin: type[Plugin]
    folder: Path | None = None
    version: str | None = None


def wanted_plugins(config: Config) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the plugins to load, by the names of their sections, with these."""
    section = config.section("plugins")
    named = {name: options for name, options in section.items() if name != "common"}
    for name, options in named.items():
        if options["enabled"]:
            yield name, options
    if section["common"]["discover"]:
        known = {name.lower() for name in named}
        for name in sorted({point.name for point in _entry_points()}):
            if name.lower() not in known:
                yield name, _DISCOVERED


def find_class(name: str, options: Mapping[str, Any], config: Config) -> FoundClass:
    """Import the class of a plugin.

    Raises:
        KuzzleError: It cannot be had (`plugin.assert.*`).
    """
    if options["class"] is not None and options["path"] is not None:
        raise KuzzleError("plugin.assert.cannot_load", name, "of class and path only one can be given")
    if options["class"] is not None:
        return FoundClass(_of_name(options["class"], options["class"]))
    if options["path"] is not None:
        return _of_path(name, config.path(options["path"]))
    return _of_entry_point(name)


def _of_name(place: str, label: str) -> type[Plugin]:
    module_name, _, class_name = place.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (Exception, SystemExit) as error:
        raise _cannot_load(label, error) from error
    return _checked(found, label)


def _entry_points() -> EntryPoints:
    """Return what installed packages declare."""
    from importlib.metadata import entry_points  # most servers ask nobody, and start without csv, email and zipfile

    return entry_points(group=ENTRY_POINTS)


def _of_entry_point(name: str) -> FoundClass:
    points = [point for point in _entry_points() if point.name.lower() == name.lower()]
    if not points:
        text = f"no installed package declares it (entry point {ENTRY_POINTS}), and neither class nor path is given"
        raise KuzzleError("plugin.assert.cannot_load", name, text)
    if len(points) > 1:
        text = f"several installed packages declare it: {', '.join(point.value for point in points)}"
        raise KuzzleError("plugin.assert.cannot_load", name, text)
    (point,) = points
    return FoundClass(_of_name(point.value, point.value), version=None if point.dist is None else point.dist.version)


def _of_path(name: str, path: Path) -> FoundClass:
    file = path / _PACKAGE_FILE if path.is_dir() else path
    if not file.is_file():
        raise KuzzleError("plugin.assert.cannot_load", path, f"there is no file {file}")
    try:
        module = _import_file(f"{_MODULE_PREFIX}{name}", file, is_package=path.is_dir())
    except (Exception, SystemExit) as error:
        raise _cannot_load(str(path), error) from error
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Plugin) and value.__module__.startswith(module.__name__)
    ]
    if len(classes) != 1:
        text = f"expected one subclass of kuzzle.plugins:Plugin, found {len(classes)}"
        raise KuzzleError("plugin.assert.cannot_load", path, text)
    return FoundClass(_checked(classes[0], str(path)), path if path.is_dir() else None)


def _import_file(name: str, file: Path, *, is_package: bool) -> ModuleType:
    """Run a file as a module of that name; what it imports relatively is found beside it where it is a package."""
    places = [str(file.parent)] if is_package else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=places)
    if spec is None or spec.loader is None:
        raise ImportError("it is no Python file")
    for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
        del sys.modules[known]  # of a server that ran in this process before
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _checked(found: object, label: str) -> type[Plugin]:
    if not (isinstance(found, type) and issubclass(found, Plugin)):
        raise KuzzleError("plugin.assert.not_a_constructor", label, "Expected a subclass of kuzzle.plugins:Plugin.")
    if "init" in getattr(found, "__abstractmethods__", ()):
        raise KuzzleError("plugin.assert.init_not_found", label)
    return found


def _cannot_load(label: str, error: BaseException) -> KuzzleError:
    return KuzzleError("plugin.assert.cannot_load", label, f"{type(error).__name__}: {error}")
