"""Who a command acts as: the user of a name and a password, that of a token, or anybody."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

from kuzzle.shell.errors import ShellError
from kuzzle.shell.values import ask_password


class Credentials(NamedTuple):
    """A user by name and password (strategy `local`), or by a token; nobody where all are None."""

    username: str | None = None
    password: str | None = None
    token: str | None = None


def add_credentials(group: Any) -> None:
    """Add the options to a parser or a group of one; `read_credentials` reads them."""
    group.add_argument("--username", help="log in as this user (auth:login, strategy local)")
    group.add_argument("--password", help="with --username; asked for when absent, better than to show it to `ps`")
    group.add_argument("--token-file", metavar="FILE", help="act as the user of the token that this file holds")


def read_credentials(options: argparse.Namespace) -> Credentials:
    """Read what the options say; `options.parser` words what is wrong with them.

    Raises:
        ShellError: The token cannot be read, or no password is given.
    """
    if options.username is None:
        if options.password is not None:
            options.parser.error("--password goes with --username")
        return Credentials(token=None if options.token_file is None else _read_token(options.token_file))
    if options.token_file is not None:
        options.parser.error("--token-file and --username exclude each other")
    return Credentials(options.username, options.password or ask_password(f"Password of {options.username}"))


def login_refused(error: ShellError) -> ShellError:
    """Return the error of a login, in one line that says what it was about."""
    return ShellError(f"cannot log in: {', '.join(line.strip() for line in error.lines())}")


def _read_token(path: str) -> str:
    """Return the token in a file.

    Raises:
        ShellError: It cannot be read, or holds none.
    """
    try:
        token = Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ShellError(f"cannot read the token in {path}: {reason}") from error
    if not token:
        raise ShellError(f"cannot read the token in {path}: it is empty")
    return token
