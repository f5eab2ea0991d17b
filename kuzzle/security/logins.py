"""How a login finds out who asks."""

from __future__ import annotations

import math

from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.login_limits import LoginLimits, attempt_of
from kuzzle.security.strategies.base import Accepted, Redirected, Refused
from kuzzle.security.strategies.registry import Strategies, guarded
from kuzzle.security.users import User, Users


class Logins:
    """The logins of one server.

    Attributes:
        strategies: Those that are registered.
    """

    def __init__(self, strategies: Strategies, users: Users, limits: LoginLimits, *, proxies: int) -> None:
        """`proxies` is how many of the operator's own stand in front of the server."""
        self.strategies = strategies
        self._users = users
        self._limits = limits
        self._proxies = proxies

    async def verify(self, request: Request, strategy_name: str) -> User | Redirected:
        """Return the user whom a strategy finds out, or where it sends the client for its next step.

        Raises:
            KuzzleError: `security.credentials.unknown_strategy`, `plugin.strategy.missing_user` (refused),
                `services.storage.not_found` (a user who is deleted), or what the strategy raises. 429 without
                id: too many logins have failed; the answer has the header Retry-After (seconds).
                `services.cache.*`: failures cannot be counted.
        """
        strategy = self.strategies.get(strategy_name)
        address = request.connection.client_address(self._proxies)
        attempt = attempt_of(strategy_name, strategy.login_name(request), address)
        _refuse_early(request, await self._limits.wait_s(attempt))
        # Strategies are the code of others: what comes out of one is looked at, whatever its type says.
        verdict: object = await guarded(strategy_name, strategy.verify(request))
        # Others may have failed meanwhile: then this result is not told either.
        _refuse_early(request, await self._limits.wait_s(attempt))
        if isinstance(verdict, Redirected):
            return verdict
        if isinstance(verdict, Refused):
            _refuse_early(request, await self._limits.failed(attempt))
            text = verdict.message or f'Unable to log in using the strategy "{strategy_name}"'
            raise KuzzleError("plugin.strategy.missing_user", text)
        if not isinstance(verdict, Accepted):
            raise KuzzleError("plugin.strategy.invalid_verify_resolve", f"[{strategy_name}]")
        if not isinstance(verdict.kuid, str):
            raise KuzzleError("plugin.strategy.invalid_kuid", f"[{strategy_name}]", type(verdict.kuid).__name__)
        await self._limits.succeeded(attempt)
        return await self._users.get(verdict.kuid)


def _refuse_early(request: Request, wait_s: float) -> None:
    """Refuse who has to wait.

    Raises:
        KuzzleError: 429 without id.
    """
    if wait_s > 0:
        whole_s = math.ceil(wait_s)
        request.set_header("Retry-After", str(whole_s))
        raise KuzzleError.without_id(429, f"Too many failed logins: try again in {whole_s} s")
