"""Logging in and out, and the tokens between."""

from __future__ import annotations

from typing import Any

from kuzzle.api.results import Acknowledged, IssuedToken, LoginStep
from kuzzle.controllers.auth.callers import token_of
from kuzzle.controllers.base import Controller, action
from kuzzle.errors import KuzzleError
from kuzzle.events import Events
from kuzzle.realtime.subscriptions import Realtime
from kuzzle.request import Request
from kuzzle.security.logins import Logins
from kuzzle.security.strategies.base import Redirected
from kuzzle.security.tokens import Tokens
from kuzzle.security.users import User


class SessionsController(Controller):
    """Logging in and out, and the tokens between."""

    name = "auth"

    def __init__(self, logins: Logins, tokens: Tokens, realtime: Realtime, events: Events) -> None:
        self._logins = logins
        self._tokens = tokens
        self._realtime = realtime
        self._events = events

    @action("login")
    async def login(self, request: Request) -> Any:
        """Let a strategy find out who asks, and give a token to that user; or do the next step of it."""
        name = request.required("strategy")
        ttl_ms = self._tokens.read_ttl_ms(request.argument("expiresIn"))
        found = await self._logins.verify(request, name)
        if isinstance(found, Redirected):
            request.status = found.status
            for header, value in found.headers.items():
                request.set_header(header, value)
            return LoginStep(found.status, dict(found.headers))
        content: Any = found
        if request.fires_events and self._events.has_listeners("auth:strategyAuthenticated"):
            event = {"strategy": name, "content": found}
            content = (await self._events.fire("auth:strategyAuthenticated", event))["content"]
        if not isinstance(content, User):  # a pipe has more to ask of the client
            return content
        token = await self._tokens.issue(content.id, ttl_ms)
        self._realtime.renew_login(request.connection.id, token)
        return IssuedToken(token)

    @action("logout")
    async def logout(self, request: Request) -> Acknowledged:
        """Take back the token of the request, or all of its user."""
        token = token_of(request)
        if request.argument("global"):
            await self._tokens.revoke_all(token.kuid)
        else:
            await self._tokens.revoke(token)
        return Acknowledged()

    @action("refreshToken")
    async def refresh_token(self, request: Request) -> IssuedToken:
        """Exchange the token of the request for a new one; subscriptions go on by the new one."""
        old = token_of(request)
        new = await self._tokens.refresh(old, self._tokens.read_ttl_ms(request.argument("expiresIn")))
        self._realtime.replace_token(old.id, new)
        return IssuedToken(new)

    @action("checkToken")
    async def check_token(self, request: Request) -> dict[str, Any]:
        """Tell whether a token is good."""
        try:
            token = await self._tokens.authenticate(request.body["token"])
        except KuzzleError as error:
            if error.status != 401:
                raise
            return {"valid": False, "state": error.message}
        return {"valid": True, "expiresAt": token.expires_at_ms}

    @action("getStrategies")
    async def get_strategies(self, request: Request) -> list[str]:
        """List the strategies."""
        return self._logins.strategies.names
