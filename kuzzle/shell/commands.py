"""The commands for a running server: what each takes, and what it asks of the server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from kuzzle.encoding import encode_json
from kuzzle.shell.client import DEFAULT_PORT, DEFAULT_TIMEOUT_S, Client
from kuzzle.shell.credentials import add_credentials, login_refused, read_credentials
from kuzzle.shell.dump import dump_index
from kuzzle.shell.errors import ServerError, ShellError
from kuzzle.shell.restore import restore_directory
from kuzzle.shell.values import ask_password, confirm, parse_action, parse_arguments, read_body, read_object

Command = Callable[[argparse.Namespace], None]

_FILE_HELP: Final = "a file of JSON; - for the standard input"


def add_commands(parsers: Any) -> None:
    """Add the commands to the subparsers of the command line."""
    parser = _add(parsers, "query", query, "run an action of a running server and print its result as JSON")
    parser.add_argument("name", metavar="CONTROLLER:ACTION", help="such as server:now")
    parser.add_argument("--body", metavar="JSON", help="the body; - reads it from the standard input")
    parser.add_argument(
        "--arg",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="an argument, as index=library; repeatable",
    )
    parser = _add(parsers, "index-dump", index_dump, "write an index of a running server into files of JSON lines")
    parser.add_argument("index", metavar="INDEX", help="the index")
    parser.add_argument("directory", metavar="DIRECTORY", type=Path, help="where the files go; made when absent")
    parser = _add(parsers, "index-restore", index_restore, "write the files of a dump back into a running server")
    parser.add_argument("directory", metavar="DIRECTORY", type=Path, help="where the files lie")
    for name, command, what in (
        ("load-mappings", load_mappings, "make indexes, collections and mappings on a running server"),
        ("load-fixtures", load_fixtures, "write documents into collections of a running server"),
        ("load-securities", load_securities, "make roles, profiles and users on a running server"),
    ):
        _add(parsers, name, command, what).add_argument("file", metavar="FILE", type=Path, help=_FILE_HELP)
    parser = _add(parsers, "reset-database", reset_database, "delete every index of a running server")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser = _add(
        parsers,
        "create-first-admin",
        create_first_admin,
        "make the first administrator of a running server",
        "The new password is asked for, or read from the first line of the standard input where that is no terminal. "
        "A server without users (security:createFirstAdmin) answers 404, and the command says so.",
    )
    parser.add_argument("name", metavar="NAME", help="name to log in with")
    parser.add_argument("--kuid", metavar="ID", help="id of the user; made up by the server when absent")
    parser.add_argument("--reset", action="store_true", help="also take most rights from anonymous and default users")


def _add(parsers: Any, name: str, command: Command, text: str, more: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = parsers.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}. {more}".rstrip(),
        epilog="Exit code: 0 done, 1 refused or failed, 2 wrong usage.",
    )
    server = parser.add_argument_group("the server")
    server.add_argument("--host", default="localhost", help="its name or address (default: localhost)")
    server.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"its WebSocket port (default: {DEFAULT_PORT})")
    add_credentials(server)
    server.add_argument(
        "--timeout", type=_seconds, default=DEFAULT_TIMEOUT_S, metavar="S", help="wait S seconds for an answer (600)"
    )
    parser.set_defaults(command=command, parser=parser)
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise ValueError(text)
    return value


def _connect(options: argparse.Namespace) -> Client:
    """Connect to the server, and log in when asked to.

    Raises:
        ShellError
    """
    username, password, token = read_credentials(options)
    client = Client(options.host, options.port, timeout_s=options.timeout, token=token)
    if username is not None and password is not None:
        try:
            client.login(username, password)
        except ShellError as error:
            client.__exit__()
            raise login_refused(error) from error
    return client


def query(options: argparse.Namespace) -> None:
    """Run one action and print its result; what worked is printed beside an error, too.

    Raises:
        ShellError
    """
    controller, action = parse_action(options.name)
    arguments = parse_arguments(controller, action, options.arg)
    if options.body is not None:
        arguments["body"] = read_body(options.body)
    with _connect(options) as client:
        try:
            result = client.call(controller, action, **arguments)
        except ServerError as error:
            if error.result is not None:
                _print(error.result)
            raise
    _print(result)


def _print(result: Any) -> None:
    sys.stdout.write(encode_json(result, pretty=True).decode() + "\n")


def index_dump(options: argparse.Namespace) -> None:
    """Write an index into a directory.

    Raises:
        ShellError
    """
    with _connect(options) as client:
        dump_index(client, options.index, options.directory)


def index_restore(options: argparse.Namespace) -> None:
    """Write the files of a directory back.

    Raises:
        ShellError
    """
    with _connect(options) as client:
        restore_directory(client, options.directory)


def load_mappings(options: argparse.Namespace) -> None:
    """Make indexes, collections and mappings from a file.

    Raises:
        ShellError
    """
    _load(options, "loadMappings")


def load_fixtures(options: argparse.Namespace) -> None:
    """Write documents from a file.

    Raises:
        ShellError
    """
    _load(options, "loadFixtures")


def load_securities(options: argparse.Namespace) -> None:
    """Make roles, profiles and users from a file.

    Raises:
        ShellError
    """
    _load(options, "loadSecurities")


def _load(options: argparse.Namespace, action: str) -> None:
    body = read_object(options.file)
    with _connect(options) as client:
        client.call("admin", action, body=body, refresh="wait_for")  # else failures would be in the server's log only
    sys.stdout.write(f"Loaded {'the standard input' if str(options.file) == '-' else options.file}\n")


def reset_database(options: argparse.Namespace) -> None:
    """Delete every index, after a yes.

    Raises:
        ShellError: Refused, by the server or by the operator.
    """
    if not options.yes and not confirm(f"Delete every index of {options.host}:{options.port}?"):
        raise ShellError("nothing was deleted")
    with _connect(options) as client:
        client.call("admin", "resetDatabase")
    sys.stdout.write("Every index is deleted\n")


def create_first_admin(options: argparse.Namespace) -> None:
    """Make the first administrator.

    Raises:
        ShellError: There is one already, or this server has no users.
    """
    password = ask_password(f"New password of {options.name}", twice=True)
    body = {"content": {}, "credentials": {"local": {"username": options.name, "password": password}}}
    with _connect(options) as client:
        user = client.call(
            "security", "createFirstAdmin", _id=options.kuid, reset=options.reset or None, body=body, refresh="wait_for"
        )
    sys.stdout.write(f"Administrator {options.name} is made, with the id {user['_id']}\n")
