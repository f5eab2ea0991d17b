"""The caller's own credentials."""

from __future__ import annotations

from typing import Any

from kuzzle.api.results import Acknowledged
from kuzzle.controllers.auth.callers import check_logged_in
from kuzzle.controllers.base import Controller, action
from kuzzle.request import Request
from kuzzle.security.credentials import Credentials
from kuzzle.security.strategies.base import Strategy
from kuzzle.security.strategies.registry import guarded


class MyCredentialsController(Controller):
    """The caller's own credentials, strategy by strategy; tokens that were issued stay valid."""

    name = "auth"

    def __init__(self, credentials: Credentials) -> None:
        self._strategies = credentials.strategies

    def _begin(self, request: Request) -> tuple[Strategy, str]:
        kuid = check_logged_in(request)
        return self._strategies.get(request.required("strategy")), kuid

    @action("createMyCredentials")
    async def create_my_credentials(self, request: Request) -> dict[str, Any]:
        """Store credentials for the caller."""
        strategy, kuid = self._begin(request)
        await guarded(strategy.name, strategy.validate(request, request.body, kuid, is_update=False))
        return await guarded(strategy.name, strategy.create(request, request.body, kuid))

    @action("updateMyCredentials")
    async def update_my_credentials(self, request: Request) -> dict[str, Any]:
        """Change credentials of the caller."""
        strategy, kuid = self._begin(request)
        await guarded(strategy.name, strategy.validate(request, request.body, kuid, is_update=True))
        return await guarded(strategy.name, strategy.update(request, request.body, kuid))

    @action("deleteMyCredentials")
    async def delete_my_credentials(self, request: Request) -> Acknowledged:
        """Remove credentials of the caller."""
        strategy, kuid = self._begin(request)
        await guarded(strategy.name, strategy.delete(request, kuid))
        return Acknowledged()

    @action("credentialsExist")
    async def credentials_exist(self, request: Request) -> bool:
        """Tell whether the caller has credentials of a strategy."""
        strategy, kuid = self._begin(request)
        return await guarded(strategy.name, strategy.exists(request, kuid))

    @action("getMyCredentials")
    async def get_my_credentials(self, request: Request) -> dict[str, Any]:
        """Return what may be shown of the caller's credentials."""
        strategy, kuid = self._begin(request)
        return await guarded(strategy.name, strategy.get_info(request, kuid))

    @action("validateMyCredentials")
    async def validate_my_credentials(self, request: Request) -> bool:
        """Refuse credentials that could not be stored; true otherwise."""
        strategy, kuid = self._begin(request)
        await guarded(strategy.name, strategy.validate(request, request.body, kuid, is_update=False))
        return True
