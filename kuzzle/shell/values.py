"""What operators type: arguments of actions, bodies, files of JSON, passwords."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from kuzzle.encoding import JsonError, decode_json
from kuzzle.schemas import SCHEMAS_FOLDER, action_files, load_schema
from kuzzle.shell.errors import ShellError, UsageError

# Texts in every action, also of one that this installation does not know (a plugin's).
_TEXTS: Final = frozenset({"index", "collection", "_id", "jwt"})
_ELSEWHERE: Final = frozenset({"controller", "action", "requestId", "body"})


def parse_action(text: str) -> tuple[str, str]:
    """Split `controller:action`.

    Raises:
        UsageError
    """
    controller, colon, action = text.partition(":")
    if not (controller and colon and action):
        raise UsageError(f"{text!r} is no action: expected controller:action, such as server:now")
    return controller, action


def parse_arguments(controller: str, action: str, texts: Sequence[str]) -> dict[str, Any]:
    """Read `name=value` texts, each into the type that the action's schema asks for.

    What no schema speaks of is taken as JSON when it is JSON, else as a text.

    Raises:
        UsageError
    """
    schemas = _argument_schemas(controller, action)
    arguments: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(f"--arg {text}: expected name=value")
        if name in _ELSEWHERE:
            raise UsageError(f"--arg {text}: {'--body says' if name == 'body' else 'the command says'} that")
        schema = schemas.get(name)
        is_text = name in _TEXTS if schema is None else "type" not in schema or schema["type"] == "string"
        arguments[name] = value if is_text else _json_or_text(value)
    return arguments


def _argument_schemas(controller: str, action: str) -> dict[str, Any]:
    path = next((path for *names, path in action_files() if names == [controller, action]), None)
    if path is None:
        return {}
    shared = load_schema("definitions.json")["$defs"]
    arguments = load_schema(str(path.relative_to(SCHEMAS_FOLDER))).get("1", {}).get("arguments", {})
    return {
        name: shared.get(schema["$ref"].rpartition("/")[2], {}) | schema if "$ref" in schema else schema
        for name, schema in arguments.items()
    }


def _json_or_text(text: str) -> Any:
    try:
        return decode_json(text)
    except JsonError:
        return text


def read_body(text: str | None) -> Any:
    """Read the JSON of `--body`; `-` stands for the standard input.

    Raises:
        UsageError: No JSON.
    """
    if text is None:
        return None
    try:
        return decode_json(sys.stdin.buffer.read() if text == "-" else text)
    except JsonError as error:
        raise UsageError(f"--body: no JSON: {error}") from error


def read_object(path: Path) -> dict[str, Any]:
    """Read a file of one JSON object; `-` stands for the standard input.

    Raises:
        ShellError: It cannot be read, or is none.
    """
    try:
        value = decode_json(sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes())
    except OSError as error:
        raise ShellError(f"{path}: cannot be read: {error.strerror}") from error
    except JsonError as error:
        raise ShellError(f"{path}: no JSON: {error}") from error
    if not isinstance(value, dict):
        raise ShellError(f"{path}: no JSON object")
    return value


def ask_password(question: str, *, twice: bool = False) -> str:
    """Ask for a password on the terminal, or read a line of the standard input where that is none.

    Raises:
        UsageError: None was given, or the second differs.
    """
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = getpass.getpass(f"{question}: ")
        if twice and getpass.getpass("Again: ") != password:
            raise UsageError("the two passwords differ")
    if not password:
        raise UsageError("no password was given, neither on a terminal nor on the standard input")
    return password


def confirm(question: str) -> bool:
    """Ask for a yes on the terminal.

    Raises:
        UsageError: There is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise UsageError("without a terminal to ask on, --yes must be given")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
