"""The credentials and tokens of users, for those who may manage them."""

from __future__ import annotations

from typing import Any

from kuzzle.api.results import Acknowledged
from kuzzle.controllers.base import Controller, action
from kuzzle.request import Request
from kuzzle.security.credentials import Credentials
from kuzzle.security.strategies.base import Strategy
from kuzzle.security.strategies.registry import guarded
from kuzzle.security.tokens import Tokens
from kuzzle.security.users import Users


class CredentialsController(Controller):
    """The credentials of users, strategy by strategy, and their tokens."""

    name = "security"

    def __init__(self, credentials: Credentials, users: Users, tokens: Tokens) -> None:
        self._strategies = credentials.strategies
        self._users = users
        self._tokens = tokens

    def _strategy(self, request: Request) -> Strategy:
        return self._strategies.get(request.required("strategy"))

    @action("createCredentials")
    async def create_credentials(self, request: Request) -> dict[str, Any]:
        """Give a user credentials of a strategy."""
        strategy, kuid = self._strategy(request), request.required("_id")
        await self._users.get(kuid)
        await guarded(strategy.name, strategy.validate(request, request.body, kuid, is_update=False))
        return await guarded(strategy.name, strategy.create(request, request.body, kuid))

    @action("updateCredentials")
    async def update_credentials(self, request: Request) -> dict[str, Any]:
        """Change credentials of a user; tokens stay valid."""
        strategy, kuid = self._strategy(request), request.required("_id")
        await self._users.get(kuid)
        await guarded(strategy.name, strategy.validate(request, request.body, kuid, is_update=True))
        return await guarded(strategy.name, strategy.update(request, request.body, kuid))

    @action("deleteCredentials")
    async def delete_credentials(self, request: Request) -> Acknowledged:
        """Take credentials from a user; tokens stay valid."""
        strategy = self._strategy(request)
        await guarded(strategy.name, strategy.delete(request, request.required("_id")))
        return Acknowledged()

    @action("hasCredentials")
    async def has_credentials(self, request: Request) -> bool:
        """Tell whether a user has credentials of a strategy."""
        strategy = self._strategy(request)
        return await guarded(strategy.name, strategy.exists(request, request.required("_id")))

    @action("validateCredentials")
    async def validate_credentials(self, request: Request) -> bool:
        """Refuse credentials that could not be stored; true otherwise."""
        strategy = self._strategy(request)
        checks = strategy.validate(request, request.body, request.document_id, is_update=False)
        await guarded(strategy.name, checks)
        return True

    @action("getCredentials")
    async def get_credentials(self, request: Request) -> dict[str, Any]:
        """Return what may be shown of a user's credentials."""
        strategy = self._strategy(request)
        return await guarded(strategy.name, strategy.get_info(request, request.required("_id")))

    @action("getCredentialsById")
    async def get_credentials_by_id(self, request: Request) -> dict[str, Any]:
        """Return what may be shown of the credentials that a strategy knows by an id of its own."""
        strategy = self._strategy(request)
        return await guarded(strategy.name, strategy.get_by_id(request, request.required("_id")))

    @action("getCredentialFields")
    async def get_credential_fields(self, request: Request) -> list[str]:
        """List the fields of a strategy's credentials."""
        return list(self._strategy(request).fields)

    @action("getAllCredentialFields")
    async def get_all_credential_fields(self, request: Request) -> dict[str, list[str]]:
        """List the fields of the credentials of every strategy."""
        return {name: list(self._strategies.get(name).fields) for name in self._strategies.names}

    @action("revokeTokens")
    async def revoke_tokens(self, request: Request) -> None:
        """Take back every token of a user; subscriptions made by them end."""
        user = await self._users.get(request.required("_id"))
        await self._tokens.revoke_all(user.id)
