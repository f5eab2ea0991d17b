"""The command line: `kuzzle` and `python -m kuzzle`.

What the operator can put right ends with one clear line per fault on the standard error output and
exit code 1; a traceback means a defect.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from kuzzle import __version__
from kuzzle.config import FILE_NAME, Config, ConfigError
from kuzzle.config.annotated import annotated
from kuzzle.config.options import load_options
from kuzzle.generate import add_generate
from kuzzle.shell.commands import add_commands
from kuzzle.shell.errors import ShellError, UsageError

_MASK: Final = "********"

Command = Callable[[argparse.Namespace], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        command(options)
        sys.stdout.flush()
    except ConfigError as error:
        for fault in error.faults:
            sys.stderr.write(f"kuzzle: {fault}\n")
        return 1
    except ShellError as error:
        for line in error.lines():
            sys.stderr.write(f"kuzzle: {line}\n")
        return 2 if isinstance(error, UsageError) else 1
    except BrokenPipeError:  # `kuzzle routes | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kuzzle",
        description="A Kuzzle-compatible backend. Without a command it starts the server.",
        epilog=f"Without --config, the variable KUZZLE_CONFIG names the file; else {FILE_NAME} of the current folder "
        "is read if there is one; else the defaults are in force.",
    )
    parser.add_argument("--version", action="version", version=f"kuzzle {__version__}")
    parser.set_defaults(command=start)
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration file")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command, text in (
        ("start", start, "start the server (the default)"),
        ("init", init, f"write {FILE_NAME} with every option, its meaning and its default"),
        ("check", check, "check the configuration and show what is in force"),
        ("routes", routes, "list the HTTP routes, those of plugins included"),
    ):
        subparser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        # Left out when absent: a value given before the command must stand.
        subparser.add_argument("--config", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="as above")
        subparser.set_defaults(command=command)
    _add_store_commands(commands)
    add_commands(commands)
    add_generate(commands)
    return parser


def _add_store_commands(commands: Any) -> None:
    for name, command, text, file_text in (
        ("backup", backup, "copy the embedded store into a file, while the server runs or not", "the file to write"),
        ("restore", restore, "put a backup in the place of the embedded store; the server must not run", "the backup"),
    ):
        subparser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        subparser.add_argument("file", type=Path, metavar="FILE", help=file_text)
        subparser.add_argument("--force", action="store_true", help="overwrite what is there")
        subparser.add_argument("--config", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="as above")
        subparser.set_defaults(command=command)


def start(options: argparse.Namespace) -> None:
    """Run the server until it is told to stop.

    Raises:
        ConfigError: It cannot start.
    """
    config = _load(options)
    from kuzzle.process import run  # the whole server, which the other commands need not wait for

    run(config)


def init(options: argparse.Namespace) -> None:
    """Write the annotated configuration file; one that exists is left alone.

    Raises:
        ConfigError: It exists, or cannot be written.
    """
    path: Path = options.config or Path(FILE_NAME)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(annotated(load_options()))
    except FileExistsError as error:
        raise ConfigError([f"{path}: exists already and is left as it is"]) from error
    except OSError as error:
        raise ConfigError([f"{path}: cannot be written: {error.strerror}"]) from error
    sys.stdout.write(f"Wrote {path}\n")


def check(options: argparse.Namespace) -> None:
    """Check the configuration and all schemas, and show the options in force, secrets masked.

    Raises:
        ConfigError: A line per fault.
    """
    config = _load(options)
    import yaml

    from kuzzle.app import Application
    from kuzzle.schema_check import find_schema_faults

    Application(config)  # builds the protocols, which check their own sections
    faults = find_schema_faults()
    if faults:
        raise ConfigError(faults)
    source = "the defaults" if config.file is None else str(config.file)
    shown = yaml.safe_dump(config.public(mask=_MASK), sort_keys=False, allow_unicode=True, width=120)
    sys.stdout.write(f"# In force, from {source} and the environment:\n{shown}# All options and schemas are right.\n")


def routes(options: argparse.Namespace) -> None:
    """List the HTTP routes of the server that the configuration describes: verb, path, controller:action.

    Raises:
        ConfigError: A line per fault of the configuration or of a plugin.
    """
    config = _load(options)
    from kuzzle.builders.controllers import build_catalogue
    from kuzzle.plugins.loading import load_plugins

    rows = [
        (route.verb.upper(), route.path, f"{definition.controller}:{definition.name}")
        for definition in build_catalogue(config, load_plugins(config))
        for route in definition.routes
    ]
    width = max((len(path) for _, path, _ in rows), default=0)
    for verb, path, action in rows:
        sys.stdout.write(f"{verb:<7} {path:<{width}}  {action}\n")


def backup(options: argparse.Namespace) -> None:
    """Copy the embedded store into a file.

    Raises:
        ConfigError: Nothing was written.
    """
    store, file = _store_path(options), options.file.absolute()
    from kuzzle.storage.errors import StoreOpenError
    from kuzzle.storage.sqlite.backup import back_up

    try:
        size = back_up(store, file, overwrite=options.force)
    except StoreOpenError as error:
        raise ConfigError([str(error)]) from error
    sys.stdout.write(f"Wrote {file} ({size} bytes) from {store}\n")


def restore(options: argparse.Namespace) -> None:
    """Put a backup in the place of the embedded store.

    Raises:
        ConfigError: The store is as it was.
    """
    store, file = _store_path(options), options.file.absolute()
    from kuzzle.storage.errors import StoreOpenError
    from kuzzle.storage.sqlite.backup import restore as restore_store

    try:
        size = restore_store(file, store, overwrite=options.force)
    except StoreOpenError as error:
        raise ConfigError([str(error)]) from error
    sys.stdout.write(f"Restored {store} ({size} bytes) from {file}\n")


def _store_path(options: argparse.Namespace) -> Path:
    config = Config.load(options.config, os.environ)
    return config.path(config.section("storage")["sqlite"]["path"])


def _load(options: argparse.Namespace) -> Config:
    config = Config.load(options.config, os.environ)
    load_own_protocols()
    if str(config.folder) not in sys.path:
        sys.path.append(str(config.folder))  # last: a user's own protocols are found there and shadow nobody's
    return config


def load_own_protocols() -> None:
    """Make `protocols` mean the package beside this one, whatever else the search path holds."""
    if "protocols" in sys.modules:
        return
    folder = Path(__file__).resolve().parent.parent / "protocols"
    spec = importlib.util.spec_from_file_location(
        "protocols", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no loader for {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.modules["protocols"] = module
    spec.loader.exec_module(module)
