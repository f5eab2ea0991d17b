"""New passwords for those who have lost theirs; there where `security.local.passwordReset` is on."""

from __future__ import annotations

from kuzzle.api.results import IssuedToken
from kuzzle.controllers.base import Controller, action
from kuzzle.request import Request
from kuzzle.security.strategies.local import LocalStrategy
from kuzzle.security.tokens import Tokens


class PasswordController(Controller):
    """New passwords, by a token that an administrator hands out or that a refused login carries."""

    name = "kuzzle-plugin-auth-passport-local/password"

    def __init__(self, strategy: LocalStrategy, tokens: Tokens) -> None:
        self._strategy = strategy
        self._tokens = tokens

    @action("getResetPasswordToken")
    async def get_reset_password_token(self, request: Request) -> dict[str, str]:
        """Return a token by which a user may set a new password, once."""
        return {"resetToken": await self._strategy.issue_reset_token(request.required("_id"))}

    @action("reset")
    async def reset(self, request: Request) -> IssuedToken:
        """Set a new password by such a token, and log in."""
        kuid = await self._strategy.reset(request.body["token"], request.body["password"])
        return IssuedToken(await self._tokens.issue(kuid, self._tokens.read_ttl_ms(None)))
