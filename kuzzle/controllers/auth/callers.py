"""Who asks, where an action needs somebody who is logged in."""

from __future__ import annotations

from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.users import ANONYMOUS, SERVER
from kuzzle.security.verified_tokens import Token


def token_of(request: Request) -> Token:
    """Return the token by which somebody asks.

    Raises:
        KuzzleError: `security.rights.unauthorized`: nobody is logged in, or not by a token.
    """
    if request.token is None or not request.token.text:
        raise KuzzleError("security.rights.unauthorized")
    return request.token


def check_somebody(request: Request) -> None:
    """Refuse the server itself, where an action is about who asks.

    Raises:
        KuzzleError: `security.rights.unauthorized`.
    """
    if request.user is SERVER:
        raise KuzzleError("security.rights.unauthorized")


def check_logged_in(request: Request) -> str:
    """Return the id of who asks.

    Raises:
        KuzzleError: `security.rights.unauthorized`: nobody is logged in.
    """
    if request.user in (ANONYMOUS, SERVER):
        raise KuzzleError("security.rights.unauthorized")
    return request.user.id
