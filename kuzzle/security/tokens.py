"""Authentication tokens."""

from __future__ import annotations

from kuzzle.errors import KuzzleError
from kuzzle.security.users import User


class Tokens:
    """The tokens this server has issued and not taken back."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}

    async def authenticate(self, token: str) -> User:
        """Return the user a token was issued to.

        Raises:
            KuzzleError: `security.token.invalid`: malformed, unknown or revoked.
        """
        user = self._users.get(token)
        if user is None:
            raise KuzzleError("security.token.invalid")
        return user
